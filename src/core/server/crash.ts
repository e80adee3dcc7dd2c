/** A crash or an end, as it is told: to callers as a failure, to operators as a report. */
import { GenServerError } from '../kernel/errors.js'
import { type Logger, logError } from '../kernel/logger.js'
import type { Origin } from '../kernel/queued.js'
import { crashReason, describeReason, isQuiet, printable, type Reason } from '../kernel/reason.js'
import { BadReply } from './protocol.js'
import { viewState } from './state-view.js'

/** How much of a state a report shows, in characters. */
const MOST_STATE = 4096

/** What the caller of a message hears that crashed its server. Stacks and state stay here. */
export function crashFailure(id: string, message: string, thrown: unknown): GenServerError {
  // A deadlock is nobody's crash but the chain's: each caller in it hears of the cycle (OTP: `calling_self`).
  if (thrown instanceof GenServerError && thrown.code === 'call_cycle') return thrown
  const reason = crashReason(thrown)
  const code = thrown instanceof BadReply ? 'bad_reply' : 'server_crashed'
  return new GenServerError(code, `${id} crashed while it handled ${message}: ${reason.error}`, { reason })
}

/** What the caller of `message` hears, which an earlier turn has taken, if its server crashes before it replies. */
export function deferredFailure(id: string, message: string, thrown: unknown): GenServerError {
  const reason = crashReason(thrown)
  return new GenServerError('server_crashed', `${id} crashed before it replied to ${message}: ${reason.error}`, {
    reason,
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
interface Reported {
  readonly id: string
  readonly incarnation: number
  readonly protocol: Parameters<typeof viewState>[0] & { readonly name: string }
  readonly committed: object
  readonly node: { readonly logger: Logger }
}

interface CrashReport {
  readonly reason: Reason
  /** What was thrown, with its stack. */
  readonly thrown: unknown
  /** The message that was being handled. */
  readonly message: string
  readonly origin?: Origin | undefined
}

/** One report for one crash (OTP: error report). */
export function reportCrash(server: Reported, { reason, thrown, message, origin }: CrashReport): void {
  const what = `${server.id} crashed while it handled ${message}: ${describeReason(reason)}`
  report(server, { reason, message, ...(thrown instanceof Error && { err: thrown }), ...origin }, what)
}

/** An end that was chosen: reported unless it is a quiet one. */
export function reportEnd(server: Reported, reason: Reason, message: 'init' | 'stop' | 'signal'): void {
  if (!isQuiet(reason)) report(server, { reason, message }, `${server.id} has ended: ${describeReason(reason)}`)
}

/** The state is shown as operators may see it. */
function report({ id, incarnation, protocol, committed, node }: Reported, fields: object, what: string): void {
  const state = printable(viewState(protocol, committed).state, MOST_STATE)
  logError(node.logger, { server: id, implementation: protocol.name, incarnation, ...fields, state }, what)
}
