/**
 * What can go wrong between a caller and a server, one code each: the one table of the whole core. Codes are stable:
 * clients branch on them. Whoever carries them elsewhere, as HTTP does, says there what they mean.
 */
import type { Reason } from './reason.js'

/**
 * Whether the message may have changed anything. `none`: it did not, and may be sent again. `unknown`: it may have run,
 * or may yet run.
 */
export type Effect = 'none' | 'unknown'

/** Each code with what it does to the message, unless the failure itself says otherwise. */
export const failures = {
  invalid_request: 'none',
  invalid_args: 'none',
  unknown_implementation: 'none',
  unknown_message: 'none',
  unknown_server: 'none',
  unknown_timer: 'none',
  unknown_dead_letter: 'none',
  server_exited: 'none',
  already_started: 'none',
  revision_mismatch: 'none',
  init_refused: 'none',
  mailbox_full: 'none',
  group_too_large: 'none',
  code_change_failed: 'none',
  init_crashed: 'none',
  server_crashed: 'none',
  bad_reply: 'none',
  restarting: 'none',
  overloaded: 'none',
  draining: 'none',
  storage_failed: 'unknown',
  call_timeout: 'unknown',
  init_timeout: 'none',
  call_cycle: 'none',
} as const satisfies Record<string, Effect>

export type FailureCode = keyof typeof failures

/** One place where an input is at fault; `path` is a JSON pointer (RFC 6901). */
export interface InputError {
  readonly path: string
  readonly message: string
}

export interface FailureDetails {
  readonly effect?: Effect
  /** Why the server ended, where it did. */
  readonly reason?: Reason
  /** When the server ended: milliseconds since the Unix epoch. */
  readonly exitedAt?: number
  /** Where the input is at fault. */
  readonly errors?: readonly InputError[]
  /** The servers of a call cycle, from the caller round to itself. */
  readonly chain?: readonly string[]
  /** After how many seconds another try may do better. */
  readonly retryAfter?: number
  /** The servers that kept all from it, some of them if they are many, and why. */
  readonly failed?: readonly { readonly id: string; readonly message: string }[]
  /** The server that holds the id. */
  readonly server?: object
}

const GEN_SERVER_ERROR = Symbol.for('genservers.GenServerError')

/**
 * A request to a server failed; `code` says how. Thrown by the runtime and by `ctx`, and turned into a problem document
 * by the gateway. A package that an implementation imports may have a copy of this module of its own: an error of one is an error of
 * all (`instanceof`).
 */
export class GenServerError extends Error {
  static {
    Object.defineProperty(GenServerError.prototype, GEN_SERVER_ERROR, { value: true })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && GEN_SERVER_ERROR in value
  }

  override readonly name = 'GenServerError'
  readonly effect: Effect

  constructor(
    readonly code: FailureCode,
    /** A sentence for people: what happened to which server and message. */
    message: string,
    readonly details: FailureDetails = {},
  ) {
    super(message)
    this.effect = details.effect ?? failures[code]
  }
}

/** Nobody has the id, or nobody of the implementation that was asked for. */
export function unknownServer(id: string, implementation = 'server'): GenServerError {
  return new GenServerError('unknown_server', `no ${implementation} has the id ${id}`)
}

export function unknownImplementation(name: string): GenServerError {
  return new GenServerError('unknown_implementation', `there is no implementation ${name}`)
}
