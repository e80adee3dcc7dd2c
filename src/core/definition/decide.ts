/** What holds where a request may say something or nothing: ids, terms, times and reasons, judged before anything is done. */
import { GenServerError } from '../kernel/errors.js'
import { ID_PATTERN, isId } from '../kernel/id.js'
import type { Reason } from '../kernel/reason.js'
import { faultsOfLabels, keepLabels } from './labels.js'
import { faultsOfOptions, type RestartFrom, type ServerTerms, type StartOptions } from './options.js'
import { checkReason } from './ordered-reason.js'
import type { Protocol } from './protocol.js'

const DEFAULT_TIMEOUT = 5000
const SHUTDOWN = 5000
const MAILBOX = 1000

/** The id that was asked for. @throws {GenServerError} `invalid_request` */
export function decideId(id: string): string {
  if (isId(id)) return id
  throw invalid('/id', `Expected string to match '${ID_PATTERN}'`)
}

/** The name of a group. @throws {GenServerError} `invalid_request` */
export function decideLabel(label: string): string {
  if (isId(label)) return label
  throw invalid('/label', `Expected string to match '${ID_PATTERN}'`)
}

/** Everything is as the definition has it. */
export function asksNothing({ restart, restartFrom, shutdown, mailbox, idle, labels }: StartOptions): boolean {
  return (
    restart === undefined &&
    restartFrom === undefined &&
    shutdown === undefined &&
    mailbox === undefined &&
    idle === undefined &&
    labels === undefined
  )
}

/** @throws {GenServerError} `invalid_request`, for what was asked: the definition was judged when it was compiled. */
export function decideTerms(
  { definition }: Protocol,
  options: StartOptions,
  restartFrom: RestartFrom = 'state',
): ServerTerms {
  const [fault] = [...faultsOfOptions(options), ...faultsOfLabels(options.labels)]
  if (fault !== undefined) throw invalid(fault.path, fault.message)
  const idle = options.idle ?? definition.idle
  return {
    ...(idle !== undefined && { idle }),
    restart: options.restart ?? definition.restart ?? 'transient',
    restartFrom: options.restartFrom ?? definition.restartFrom ?? restartFrom,
    shutdown: options.shutdown ?? definition.shutdown ?? SHUTDOWN,
    mailbox: options.mailbox ?? definition.mailbox ?? MAILBOX,
    labels: keepLabels(options.labels),
  }
}

/** Milliseconds to wait, 5000 if nothing is said. @throws {GenServerError} `invalid_request`, before anything is sent */
export function decideTimeout(timeout: number | undefined): number {
  if (timeout === undefined) return DEFAULT_TIMEOUT
  if (typeof timeout === 'number' && timeout >= 0) return timeout
  throw invalid('/timeout', 'Expected milliseconds, 0 or more, or Infinity')
}

export function decideDelay(delay: number): number {
  if (Number.isFinite(delay) && delay >= 0) return delay
  throw invalid('/delay', 'Expected milliseconds, 0 or more')
}

/** Why a server is ordered to stop. @throws {GenServerError} `invalid_request` */
export function decideReason(reason: unknown = 'normal'): Reason {
  try {
    return checkReason(reason)
  } catch {
    throw invalid('/reason', 'Expected a string, { shutdown } or { error }')
  }
}

function invalid(path: string, message: string): GenServerError {
  return new GenServerError('invalid_request', `${path.slice(1)} is not what it must be`, {
    errors: [{ path, message }],
  })
}
