/** A crash or an end, as it is told: to callers as a failure, to operators as a report and a record. */

import { BadReply } from '../definition/protocol.js'
import type { Call } from '../kernel/call.js'
import { GenServerError } from '../kernel/errors.js'
import { logError } from '../kernel/logger.js'
import { crashReason, describeReason, isQuiet, type Reason } from '../kernel/reason.js'
import { type Crash, type Crashed, crashRecord } from './crash-record.js'
import { type ShownState, showState } from './shown.js'

/** What the caller of a message hears that crashed its server. Stacks and state stay here. */
export function crashFailure(id: string, message: string, thrown: unknown): GenServerError {
  // A deadlock is nobody's crash but the chain's: each caller in it hears of the cycle (OTP: `calling_self`).
  if (thrown instanceof GenServerError && thrown.code === 'call_cycle') return thrown
  const reason = crashReason(thrown)
  const code = thrown instanceof BadReply ? 'bad_reply' : 'server_crashed'
  return new GenServerError(code, `${id} crashed while it handled ${message}: ${reason.error}`, { reason })
}

/** What the caller of `message` hears, which an earlier turn has taken, if its server crashes before it replies. */
export function deferredFailure(id: string, { message, keyed }: Call, thrown: unknown): GenServerError {
  const reason = crashReason(thrown)
  // What it did itself stands; whoever can ask for it again under its key must not have it done twice.
  const effect = keyed === undefined ? 'none' : 'unknown'
  return new GenServerError('server_crashed', `${id} crashed before it replied to ${message}: ${reason.error}`, {
    reason,
    effect,
  })
}

/** What those hear whose server an exit signal has ended while they waited. */
export function signalFailure(id: string, reason: Reason): GenServerError {
  return new GenServerError('server_crashed', `${id} was ended by an exit signal: ${describeReason(reason)}`, {
    reason,
  })
}

/** What those hear who come too late, or were still waiting when the server ended. */
export function exitFailure(
  id: string,
  reason: Reason,
  at: number,
  effect: 'none' | 'unknown' = 'none',
): GenServerError {
  return new GenServerError('server_exited', `${id} has ended: ${describeReason(reason)}`, {
    reason,
    exitedAt: at,
    effect,
  })
}

/** The server whose end or crash is reported. */
type Reported = Pick<Crashed, 'id' | 'incarnation' | 'protocol' | 'committed' | 'node'>

/** One report and one record for one crash (OTP: error report). */
export function reportCrash(server: Crashed, crash: Crash): void {
  const { reason, thrown, message, origin } = crash
  const what = `${server.id} crashed while it handled ${message}: ${describeReason(reason)}`
  const shown = showState(server.protocol, server.committed)
  report(server, shown, { reason, message, ...(thrown instanceof Error && { err: thrown }), ...origin }, what)
  server.node.crashes.add(server.id, crashRecord(server, crash, shown))
  server.crashed(message, reason)
}

/** An end that was chosen: reported unless it is a quiet one. */
export function reportEnd(server: Reported, reason: Reason, message: 'init' | 'stop' | 'signal'): void {
  if (isQuiet(reason)) return
  const shown = showState(server.protocol, server.committed)
  report(server, shown, { reason, message }, `${server.id} has ended: ${describeReason(reason)}`)
}

/** The state is shown as operators may see it. */
function report({ id, incarnation, protocol, node }: Reported, shown: ShownState, fields: object, what: string): void {
  logError(node.logger, { server: id, implementation: protocol.name, incarnation, ...fields, ...shown }, what)
}
