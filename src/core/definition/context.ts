/**
 * `ctx`, the third argument of every callback: all that a handler can say beside its plain reply.
 *
 * 1. Casts, sends, events, timers and replies are effects: they leave together, in the order in which they were made,
 *    after the handler has succeeded. A handler that throws has none.
 * 2. `call` and `start` act at once, since the handler waits for them.
 * 3. A context serves one turn. Used after that turn it throws.
 */
import type { Static, TSchema } from '@sinclair/typebox'
import type { Logger } from '../kernel/logger.js'
import type { Reason } from '../kernel/reason.js'
import type { Ignore, NoReply, Refuse, Stop } from './answer.js'
import type { CallName, CallRequest, CastRequest, PlainId, Reply, ServerId, StartArgs } from './interface.js'
import type { StartOptions } from './options.js'

/** The address of a caller that waits for a reply. Plain data: keep it in the state, reply when the time comes. */
export type From = string

export interface Context<Events extends Readonly<Record<string, TSchema>> = Record<string, TSchema>> {
  /** My own id: the name under which I am registered. */
  readonly id: string
  /** Which life of this id this is: 1 at first, one more with each restart. */
  readonly incarnation: number
  readonly log: Logger
  /** The runtime's clock: milliseconds since the Unix epoch. */
  now(): number
  /** Aborted when this server is killed, or when the caller gave up or its deadline passed. */
  readonly signal: AbortSignal
  /**
   * In a call: the caller's reply address, for `reply` (OTP: `From`). Everywhere else there is no caller, and reading
   * it throws.
   */
  readonly from: From

  /**
   * Calls another server and waits for its answer (OTP: `gen_server:call/3`). The timeout is in milliseconds, 5000 if
   * not given, and never longer than the caller of this handler waits.
   *
   * @example const stock = await ctx.call<typeof counter>('stock-1', 'get')
   * @throws {GenServerError} as `Runtime.call` does; `call_cycle` at once if the answer would have to wait for itself.
   */
  call<D, M extends CallName<D>>(
    id: ServerId<D>,
    message: M,
    ...rest: CallRequest<D, M> extends [unknown, ...infer Rest] ? [...Rest, options?: CallOptions] : never
  ): Promise<Reply<D, M>>
  call(id: PlainId, message: string, args?: unknown, options?: CallOptions): Promise<unknown>
  call<D>(id: string, ...request: [...CallRequest<D>, options?: CallOptions]): Promise<Reply<D, CallName<D>>>

  /**
   * Sends a cast when the handler has succeeded. To an id that nobody has it goes nowhere (OTP: `gen_server:cast/2`).
   *
   * @throws {GenServerError} at once, for a server that is there: `unknown_message`, `invalid_args`, `mailbox_full`.
   */
  cast<D>(id: ServerId<D>, ...request: CastRequest<D>): void
  cast(id: PlainId, message: string, args?: unknown): void
  cast<D>(id: string, ...request: CastRequest<D>): void
  /** Sends a plain message, which the other server's `handleInfo` gets (OTP: `erlang:send/2`). */
  send(id: string, message: string, args?: unknown): void

  /** Return it from a call: the caller waits on, until some handler gives it a `reply` (OTP: `{noreply, State}`). */
  noReply(): NoReply
  /**
   * Answers a caller that waits (OTP: `gen_server:reply/2`). Says whether it still waits: a caller that timed out or
   * hung up is gone, and the reply goes nowhere.
   */
  reply(from: From, value: unknown): boolean

  /** Return it: answer (if a reply is given), run `terminate`, end (OTP: `{stop, Reason, Reply, State}`). */
  stop(reason?: Reason): Stop<never>
  stop<R>(reason: Reason, reply: R): Stop<R>
  /** In `init`, return it: do not start, and call that a success (OTP: `ignore`). */
  ignore(): Ignore
  /** In `init`, return it: do not start, because of `reason` (OTP: `{error, Reason}`). */
  refuse(reason: string): Refuse

  /** Runs `handleContinue[name]` after this handler and before any message that waits (OTP: `{continue, Continue}`). */
  continue(name: string, args?: unknown): void
  /**
   * A plain message to myself in `ms` milliseconds (OTP: `erlang:send_after/3`). Timers belong to the state: they are
   * kept when the server restarts from it, and gone with a fresh `init`, a stop or a kill.
   */
  sendAfter(ms: number, message: string, args?: unknown): TimerRef
  /**
   * Cancels a timer; gives the milliseconds that were left, or `false` if it has fired or is not known (OTP:
   * `erlang:cancel_timer/1`). `false` does not say that its message has been handled: it may wait in the mailbox.
   */
  cancelTimer(ref: TimerRef): number | false
  /**
   * If no message comes for `ms` milliseconds after this one, `handleInfo.timeout` runs (OTP: timeout in a callback's
   * return). Once: any message ends it, so a handler that wants it again asks again. Looking at the server from outside
   * does not count as a message; a `readOnly` call starts the time over.
   */
  idleTimeout(ms: number): void
  /** Tells the subscribers of this server. */
  publish<E extends keyof Events & string>(event: E, data: Static<Events[E]>): void

  /** Starts a server and waits for its `init`. `undefined`: `init` chose to be ignored. */
  start(implementation: string, args?: unknown, options?: StartFromHandler): Promise<string | undefined>
  start<D>(implementation: string, args: StartArgs<D>, options?: StartFromHandler): Promise<ServerId<D> | undefined>
  /** `id` if a server has it now. A hint: it may be gone when it is used (OTP: `whereis/1`). */
  whereis(id: string): string | undefined

  /**
   * Ties this server to another, for better or worse (OTP: `link/1`): when one dies, for another reason than `normal`, the
   * other dies too, unless it traps exits; then `handleInfo.EXIT` gets a `Death`. Nobody there: reason `noproc`.
   */
  link(id: string): void
  /** Unties them (OTP: `unlink/1`). An `EXIT` that waits in the mailbox already still comes. */
  unlink(id: string): void
  /**
   * Asks to be told, once, when this life of the other server ends: `handleInfo.DOWN` gets a `Death` with the `ref` (OTP:
   * `monitor/2`). Nobody there: at once, reason `noproc`.
   */
  monitor(id: string): MonitorRef
  /** Asks no more; also a `DOWN` that waits in the mailbox does not come (OTP: `demonitor(Ref, [flush])`). */
  demonitor(ref: MonitorRef): void
  /** Exit signals become `EXIT` messages, from now on (OTP: `process_flag(trap_exit, true)`). A fresh `init` starts without. */
  trapExit(on?: boolean): void
  /**
   * Sends an exit signal (OTP: `exit/2`). `normal` does nothing to who does not trap exits; `kill` cannot be trapped. Who
   * dies of one comes back if its restart type says so.
   */
  exit(id: string, reason: Reason): void

  /**
   * Lets slow work run beside the mailbox: when `promise` settles, `handleInfo[message]` gets `{ value }` or
   * `{ error }`.
   */
  pipe(promise: Promise<unknown>, message: string): void
}

export interface StartFromHandler extends StartOptions {
  /** Link the new server to this one, which is its parent then (OTP: `start_link`). */
  readonly link?: boolean | undefined
}

/** `timeout`: milliseconds, default 5000, or `Infinity`. */
export interface CallOptions {
  readonly timeout?: number
}

/** The reference of a monitor. Plain data: it may be kept in the state. */
export type MonitorRef = string

/** The reference of a timer. Plain data: it may be kept in the state. */
export type TimerRef = string
