/** The timers of a durable server, as they are kept. */
import type { GroupCommit } from '../kernel/group-commit.js'
import { TimerReceipt } from '../kernel/receipt.js'
import type { TimerLog } from '../server/timers.js'
import { keptTimer } from './kept-text.js'

export function keptTimers(id: string, commits: GroupCommit): TimerLog {
  return {
    set: (ref, due, envelope) => commits.add(id, { kind: 'timer', id, timer: keptTimer(ref, due, envelope) }),
    gone: (ref) => commits.add(id, { kind: 'timerDone', id, ref }),
    cleared: () => commits.add(id, { kind: 'timersDone', id }),
    receipt: (ref) => new TimerReceipt(id, ref),
  }
}
