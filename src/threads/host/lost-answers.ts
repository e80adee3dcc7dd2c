/** What those are told who have asked something of a thread that is lost. */
import { GenServerError } from '../../index.js'
import { carry } from '../wire/carried-failure.js'
import type { CallMessage } from '../wire/messages.js'
import type { Place } from './place.js'
import { silentGroup } from './silent-node.js'
import type { OpenQuestion, ThreadNode } from './thread-node.js'

/** The reason of an end that came with the thread. */
export const KILLED = 'killed'

export function fail({ asker, said, isAccepted }: OpenQuestion, error: Error): void {
  if (isAccepted) return
  asker.answered({ kind: 'failed', n: 'n' in said ? said.n : 0, failure: carry(error) })
}

export function done({ asker, said }: OpenQuestion, value?: unknown): void {
  asker.answered({ kind: 'told', n: 'n' in said ? said.n : 0, value })
}

/** Who had the label may have had the message. */
export function lostGroup(there: readonly Place[], label: string, message: string): object {
  const members = there.filter(({ terms }) => terms?.labels.includes(label))
  return silentGroup(members, (to) => killed({ to, message }, 'unknown'))
}

export function killed(
  { to, message }: Pick<CallMessage, 'to' | 'message'>,
  effect: 'none' | 'unknown',
): GenServerError {
  return new GenServerError('server_crashed', `${to} was killed, with its thread, while it handled ${message}`, {
    reason: KILLED,
    effect,
  })
}

export function killedInit(implementation: string): GenServerError {
  return new GenServerError('init_crashed', `init of ${implementation} was ended: its thread was given up`, {
    reason: KILLED,
  })
}

export function lostNode({ name }: ThreadNode, effect: 'none' | 'unknown'): GenServerError {
  return new GenServerError('restarting', `the node ${name} was given up, and begins again`, { retryAfter: 1, effect })
}
