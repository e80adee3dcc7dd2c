/**
 * What operators can do with a server beside stopping it (OTP: the module `sys`). Part of `Runtime`; `sys.ts` does it.
 */

import type { AnyDefinition } from '../definition/definition.js'
import type { CrashRecord } from '../kernel/crash-records.js'
import type { Origin } from '../kernel/queued.js'
import { crashReason } from '../kernel/reason.js'
import type { TraceListener } from '../server/tracer.js'

export interface ReplaceOptions {
  /** Do it only if the state has this revision when it is its turn. */
  readonly ifMatch?: number | undefined
  /** Milliseconds to wait for the message that is being handled, or `Infinity`. Default 5000. */
  readonly timeout?: number | undefined
  readonly origin?: Origin | undefined
}

/** The definition contradicts itself, or asks for what the runtime has not. */
export class BadDefinition extends Error {
  override readonly name = 'BadDefinition'
}

export interface CodeChangeOptions {
  /** Only tells what would come of it. */
  readonly dryRun?: boolean | undefined
  /** Milliseconds until it must be done: for its turn, its definition and the messages that are being handled; or `Infinity`. Default 5000. */
  readonly timeout?: number | undefined
  /** Aborted when nobody wants it any more: what has not been done by then is not done. */
  readonly signal?: AbortSignal | undefined
  /**
   * Asked once, when every server could change over: they do when it resolves, and if it rejects they do not. So several nodes
   * change together. However long it takes is not counted, so that it must come to an end by itself.
   */
  readonly agreed?: (() => Promise<void>) | undefined
}

/** A function is asked for it when it is the turn of this change, and what it throws is thrown on. */
export type NewDefinition = AnyDefinition | (() => Promise<AnyDefinition>)

export interface CodeChanged {
  readonly implementation: string
  /** The versions of the code before and now. */
  readonly from: number
  readonly to: number
  /** How many servers run on the new code. */
  readonly servers: number
  /** How many of them have another state now. */
  readonly migrated: number
}

/** The function that was to give the next state threw (OTP: `callback_failed`); `cause` is what. */
export class CallbackFailed extends Error {
  override readonly name = 'CallbackFailed'
  constructor(thrown: unknown) {
    super(`callback_failed: ${crashReason(thrown).error}`, { cause: thrown })
  }
}

export interface Operations {
  /**
   * The server takes no message from now on (OTP: `sys:suspend/1`). What is being handled is finished; what comes waits,
   * stop orders and timers too. Calls whose time is over meanwhile do not run. Ends with `resume`, with this life of the
   * server (but not by a crash of the message that was still being handled), and when the runtime closes. Twice is as once.
   */
  suspend(id: string): void
  /** What waits is handled, in order (OTP: `sys:resume/1`). Twice is as once. */
  resume(id: string): void

  /**
   * Puts another state in the place of the one that is (OTP: `sys:replace_state/3`), between two messages: at once, or
   * when the one that is being handled is done, and before those that wait. Works while it is suspended. Resolves with the
   * new revision.
   *
   * What is given is JSON, a copy of which is held to the `state` of the definition. A function gets the state, frozen,
   * and gives the next; it may also deal with states that JSON has no form for, which are taken as it gives them.
   *
   * @throws {GenServerError} `invalid_request`, `revision_mismatch`, `call_timeout`, `restarting`, `unknown_server`,
   * `server_exited`, `draining` · {CallbackFailed} if the function threw. In each case the state is what it was.
   */
  replaceState<State extends object>(
    id: string,
    next: (state: Readonly<State>) => State,
    options?: ReplaceOptions,
  ): Promise<number>
  replaceState(id: string, state: object, options?: ReplaceOptions): Promise<number>

  /**
   * Puts another definition in the place of an implementation's (OTP: a code change as the release handler does it). All servers
   * of it are suspended, each when it has finished its message; their states become those of the new version by its
   * `codeChange(oldState, oldVersion)`, or are taken as they are where the version is the same; and they go on with what
   * waits, on the new code. All of them, or, if one cannot, none. Servers keep their terms, timers, links and deferred calls.
   * A message that waits and that the new interface does not take is refused as if it came now. Servers that are started
   * meanwhile begin when it is over.
   *
   * One change goes on at a time; others wait for it.
   *
   * @example await runtime.changeCode('counter', secondCounter)
   * @throws {GenServerError} `code_change_failed`, `unknown_implementation`, `draining` · {BadDefinition}
   */
  changeCode(implementation: string, definition: NewDefinition, options?: CodeChangeOptions): Promise<CodeChanged>

  /**
   * `listener` hears what the server does from now on, until it ends: what it takes, what it answers, how its state
   * changes (OTP: `sys:install/2`). It is installed once under a `name`, which is the listener itself unless given. One
   * that throws is removed. Returns how to stop it.
   */
  trace(id: string, listener: TraceListener, name?: unknown): () => void
  /** Nobody looks any more (OTP: `sys:no_debug/1`). */
  untrace(id: string): void

  /**
   * The last ten crashes, the newest first. Works while the server is stuck, and after its end as long as that is
   * remembered. Of servers that crashed, the 1000 that did so last are known.
   */
  crashes(id: string): CrashRecord[]
}
