/** What is settled before a server can begin: which id, which protocol, on what terms. */
import { GenServerError } from '../kernel/errors.js'
import { ID_PATTERN, isId, makeId } from '../kernel/id.js'
import type { Reason } from '../kernel/reason.js'
import type { ServerOptions, Terms } from './options.js'
import { takeReason } from './ordered-reason.js'
import type { Protocol } from './protocol.js'
import type { RestartBudget } from './restart-budget.js'

export const DEFAULT_TIMEOUT = 5000
const SHUTDOWN = 5000
const MAILBOX = 1000

/** The id that was asked for, or a new one. @throws {GenServerError} `invalid_request` */
export function settleId(id: string | undefined): string {
  if (id === undefined) return makeId()
  if (isId(id)) return id
  throw invalid('/id', `Expected string to match '${ID_PATTERN}'`)
}

/** What was asked for this server, else what its definition says, else the defaults. */
export function settleTerms({ definition }: Protocol, options: ServerOptions, budget: RestartBudget): Terms {
  const mailbox = options.mailbox ?? definition.mailbox ?? MAILBOX
  if (!Number.isInteger(mailbox) || mailbox < 1) throw invalid('/mailbox', 'Expected a positive integer')
  const shutdown = options.shutdown ?? definition.shutdown ?? SHUTDOWN
  if (!(shutdown >= 0)) throw invalid('/shutdown', 'Expected milliseconds')
  return {
    restart: options.restart ?? definition.restart ?? 'transient',
    restartFrom: options.restartFrom ?? definition.restartFrom ?? 'state',
    shutdown,
    mailbox,
    budget,
  }
}

/** Milliseconds to wait, 5000 if nothing is said. @throws {GenServerError} `invalid_request`, before anything is sent (S:C1) */
export function settleTimeout(timeout: number | undefined): number {
  if (timeout === undefined) return DEFAULT_TIMEOUT
  if (typeof timeout === 'number' && timeout >= 0) return timeout
  throw invalid('/timeout', 'Expected milliseconds, 0 or more, or Infinity')
}

export function settleDelay(delay: number): number {
  if (Number.isFinite(delay) && delay >= 0) return delay
  throw invalid('/delay', 'Expected milliseconds, 0 or more')
}

/** Why a server is ordered to stop. @throws {GenServerError} `invalid_request` */
export function settleReason(reason: unknown = 'normal'): Reason {
  try {
    return takeReason(reason)
  } catch {
    throw invalid('/reason', 'Expected a string, { shutdown } or { error }')
  }
}

function invalid(path: string, message: string): GenServerError {
  return new GenServerError('invalid_request', `${path.slice(1)} is not what it must be`, {
    errors: [{ path, message }],
  })
}
