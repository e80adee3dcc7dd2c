/** What of that which was asked of a thread that is lost may be asked of the next one. */
import type { Askable } from '../wire/messages.js'
import type { OpenQuestion, Remains } from './thread-node.js'
import { isFirstWatch } from './watchers.js'

/** What of servers is to come back is said anew, of each. */
export const COMES_BACK: ReadonlySet<string> = new Set<Askable>(['adopt', 'adoptSupervisor', 'bringBack', 'know'])

/** Nothing is done by them. */
const LOOKS: ReadonlySet<string> = new Set<Askable>(['info', 'infos', 'list', 'countServers', 'state', 'timers'])

/** Of a durable server: the store may have what was done, and only the answer be lost. */
export const MAY_BE_KEPT: ReadonlySet<string> = new Set<Askable>([
  'keepCall',
  'replaceState',
  'replayDeadLetter',
  'cancelTimer',
])

/** What is done where there is nobody any more. */
export const ENDS: ReadonlySet<string> = new Set<Askable>(['stop', 'kill', 'close'])

/** Who only looks or watches waits for the next thread, unless it was that which the thread did not come back from. */
export function mayLookAgain({ said, isTaken }: OpenQuestion, { activity, hadBegun }: Remains): boolean {
  if (isTaken || !hadBegun) return false
  if (said.kind !== 'ask') return isFirstWatch(said)
  // What is kept of a server that is not in memory is shown later than it was asked for.
  const isShown = activity?.message === 'redact' && activity.server === said.args[0]
  return LOOKS.has(said.what) && !isShown
}
