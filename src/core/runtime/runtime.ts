/**
 * A runtime: a set of implementations and the servers that run of them. It is a value: create it, use it, close it; two
 * of them in one process know nothing of each other. The gateway puts one behind HTTP; a program may use one alone.
 * (`createRuntime` is in `create-runtime.ts`.)
 */

import type { AnyDefinition, Awaitable } from '../definition/definition.js'
import type {
  FeedEvent,
  NodeInfo,
  PublishedEvent,
  ServerCount,
  ServerInfo,
  ServerPage,
  StateView,
  TimerInfo,
} from '../definition/info.js'
import type {
  CallName,
  CallRequest,
  CastRequest,
  PlainId,
  Reply,
  ServerId,
  StartArgs,
} from '../definition/interface.js'
import type { StartOptions } from '../definition/options.js'
import type { Clock } from '../kernel/clock.js'
import type { CrashRecords } from '../kernel/crash-records.js'
import type { GenServerError } from '../kernel/errors.js'
import type { Exits } from '../kernel/exits.js'
import type { Json } from '../kernel/json.js'
import type { AnswerKey } from '../kernel/kept.js'
import type { Logger } from '../kernel/logger.js'
import type { Origin } from '../kernel/queued.js'
import type { Reason } from '../kernel/reason.js'
import type { Registry } from '../kernel/registry.js'
import type { Store } from '../kernel/store.js'
import type { Transport } from '../kernel/transport.js'
import type { WorkLog } from '../kernel/work-log.js'
import type { Watch, WatchOptions } from '../server/feed.js'
import type { FeedsLimits } from './feeds.js'
import type { GroupCallOptions, GroupOptions, GroupReplies, GroupSent } from './group.js'
import type { FindOptions, Keeping } from './keeping.js'
import type { Neighbours } from './neighbours.js'
import type { Operations } from './operations.js'

export interface RuntimeOptions {
  /** What can be started, by name. */
  readonly implementations?: Readonly<Record<string, AnyDefinition>>
  readonly clock?: Clock
  readonly logger?: Logger
  /** Keeps servers of durable implementations; without it there can be none. */
  readonly store?: Store
  /** Told once, when the store has failed and nothing is kept any more: such a runtime had better be closed. */
  readonly storeFailed?: (error: Error) => void
  /** Bytes of a state, as JSON, that is kept; a turn that makes a larger one fails. Default 256 KiB. */
  readonly maxStateBytes?: number
  /** After how many milliseconds without a message a durable server leaves memory; or `Infinity`. Default 300000. */
  readonly idle?: number
  /** How often a cast that crashes its durable server is tried before it is set aside. Default 5. */
  readonly maxAttempts?: number
  readonly transport?: Transport
  /** What this node is called, where there are several. Default `main`. */
  readonly node?: string
  readonly neighbours?: Neighbours
  readonly exits?: Exits
  /** Hears of each message that is taken. */
  readonly workLog?: WorkLog
  /** Keeps what is told of crashes. */
  readonly crashes?: CrashRecords
  /** What it keeps under the ids is the runtime's own affair. */
  readonly registry?: Registry<unknown>
  /** A server may restart `maxRestarts` times within `maxSeconds`; one crash more and it ends. Default 10 in 5. */
  readonly maxRestarts?: number
  readonly maxSeconds?: number
  /** How many messages may wait in all mailboxes together; further ones are refused with `overloaded`. Default 100000. */
  readonly maxQueued?: number
  /** How many bytes these may have, as far as that was told when they were sent (`bytes`). Default 256 MiB. */
  readonly maxQueuedBytes?: number
  /** For how many milliseconds an ended server's id answers `server_exited` and not `unknown_server`. Default 10 min. */
  readonly rememberExits?: number
  /**
   * How much of its past is kept of a server that is watched: events (default 100) and bytes of their data (64 KiB); and
   * of how many such servers that have ended (1000).
   */
  readonly feeds?: Partial<FeedsLimits>
}

export interface RequestOptions {
  /** Milliseconds, or `Infinity`. Default 5000. */
  readonly timeout?: number | undefined
  /**
   * Start this first if no server has the id. A server that has it is taken as it is, whatever its implementation (say
   * `implementation` too if that matters).
   */
  readonly start?: { readonly implementation: string; readonly args?: unknown } | undefined
  /** Run it only if the state has this revision when the message is taken. */
  readonly ifMatch?: number | undefined
  /** The server, and what `start` names, must be of this implementation; otherwise it is `unknown_server`. */
  readonly implementation?: string | undefined
  readonly origin?: Origin | undefined
  /** How large the message is, where that is known: it counts for what may wait. */
  readonly bytes?: number | undefined
  /** A number by which whoever hears of messages that are taken knows it. */
  readonly ticket?: number | undefined
  /** The servers that wait for the answer, the first of them first: a call back to one of them would be a cycle. */
  readonly chain?: readonly string[] | undefined
  /** Aborting it gives the call up: if it still waits it never runs. */
  readonly signal?: AbortSignal | undefined
  /** Its answer is kept under this, with what it did where the server is durable. It is not given up once it has been taken. */
  readonly key?: AnswerKey | undefined
  /** Its number in the store, where it was kept before it is sent (`keepCall`). */
  readonly seq?: number | undefined
}

export interface CastOptions {
  /** Milliseconds to wait before it is put into the mailbox. */
  readonly delay?: number | undefined
  readonly start?: RequestOptions['start']
  readonly ifMatch?: number | undefined
  readonly implementation?: string | undefined
  readonly origin?: Origin | undefined
  /** As for a call. */
  readonly bytes?: number | undefined
  readonly ticket?: number | undefined
  readonly key?: AnswerKey | undefined
  /** Its number in the store, where a durable server of another node has sent it. */
  readonly seq?: number | undefined
}

export interface StopOptions {
  /** Default `normal`. */
  readonly reason?: Reason | undefined
  /** Milliseconds to wait for the end, or `Infinity`. Default 5000. The order stands when the wait is over. */
  readonly timeout?: number | undefined
  readonly ifMatch?: number | undefined
}

export interface RestoreOptions {
  /** Supervisors that stand alone and are started anew later, with what is said of them then. */
  readonly except?: Iterable<string> | undefined
}

export interface ListOptions extends FindOptions {
  readonly implementation?: string | undefined
}

/** A call that has been sent and whose answer is waited for (OTP: `gen_server:send_request/2`). */
export interface Request {
  /** The reply, or a `GenServerError`. */
  readonly response: Promise<Json>
  /** Whether there is a response, good or bad. */
  readonly settled: boolean
  /** As `response`, told without a promise, for code that serves very many. Once for each request; must not throw. */
  whenSettled(tell: (error: Error | undefined) => void): void
  /** Of a call with a `key`: told when it goes on and its caller's time is over, or its caller is gone. */
  whenOverdue(tell: (failure: GenServerError) => void): void
  /** The reply as JSON, once it is there. @throws {RangeError} if it is longer than a string can be. */
  readonly replyText: string
  /** The state's revision after the message had run; `undefined` until then. */
  readonly revision: number | undefined
  /** The caller is gone: if the call still waits in the mailbox it never runs. */
  abandon(): void
}

export interface Runtime extends Operations, Keeping {
  /** What can be started. */
  readonly implementations: ReadonlyMap<string, AnyDefinition>
  /** Its time. */
  readonly clock: Clock

  /**
   * Starts a server; resolves when its `init` has succeeded (OTP: `gen_server:start/4`).
   *
   * @throws {GenServerError} `unknown_implementation`, `invalid_args`, `already_started`, `init_refused`, `init_crashed`,
   * `init_timeout` · {StartIgnored} if `init` chose to be ignored
   */
  start(implementation: string, args?: unknown, options?: StartOptions): Promise<ServerInfo>
  start<D>(
    implementation: string,
    args: StartArgs<D>,
    options?: StartOptions,
  ): Promise<ServerInfo & { id: ServerId<D> }>
  /** The server that has the id, or a new one. A taken id of another implementation is `already_started`. */
  getOrStart(
    implementation: string,
    args: unknown,
    options: StartOptions & { id: string },
  ): Promise<{ readonly started: boolean; readonly info: ServerInfo }>

  call<D, M extends CallName<D>>(
    id: ServerId<D>,
    message: M,
    ...rest: CallRequest<D, M> extends [unknown, ...infer Rest] ? [...Rest, options?: RequestOptions] : never
  ): Promise<Reply<D, M>>
  call(id: PlainId, message: string, args?: unknown, options?: RequestOptions): Promise<unknown>
  call<D>(id: string, ...request: [...CallRequest<D>, options?: RequestOptions]): Promise<Reply<D, CallName<D>>>
  /** A call in two halves: send now, take the response later, or give it up. */
  sendRequest(id: string, message: string, args?: unknown, options?: RequestOptions): Request

  /**
   * Returns the timer's ref when there is a `delay`; of a durable server a promise of it, which resolves when the cast is kept. A cast
   * is for nobody to wait for: if its `ifMatch` fails when it is taken, or the server that `start` names refuses to start, it is
   * dropped and a warning logged.
   */
  cast<D>(id: ServerId<D>, ...request: [...CastRequest<D>, options?: CastOptions]): Awaitable<string | undefined>
  cast(id: PlainId, message: string, args?: unknown, options?: CastOptions): Awaitable<string | undefined>
  cast<D>(id: string, ...request: [...CastRequest<D>, options?: CastOptions]): Awaitable<string | undefined>
  send(id: string, message: string, args?: unknown): void

  /**
   * A cast to every server that has the label now (OTP: `abcast`, `pg`). What one of them refuses keeps it from nobody
   * else. Nobody has the label: it is an empty group, and nothing is wrong.
   *
   * @throws {GenServerError} where nothing was sent: `invalid_request`, `invalid_args` (the args are not JSON),
   * `group_too_large`
   */
  castGroup(label: string, message: string, args?: unknown, options?: GroupOptions): Awaitable<GroupSent>
  /**
   * A call to every server that has the label now; resolves when all have answered, or `timeout` has passed, which is
   * one for all (OTP: `gen_server:multi_call/4`). A call that was not taken by then never runs.
   *
   * @throws {GenServerError} as `castGroup`
   */
  callGroup(label: string, message: string, args?: unknown, options?: GroupCallOptions): Promise<GroupReplies>

  /**
   * What is sent from now on is handled in `uncork` at the latest, which must follow at once, and not a moment after the
   * code that sends has finished (Node: `writable.cork()`). It saves code that serves very many a wait; it is not for
   * handlers.
   */
  cork(): void
  uncork(): void

  /** An ordered stop: it waits its turn in the mailbox, `terminate` runs, and then this resolves. */
  stop(id: string, options?: StopOptions): Promise<void>
  /** Ends the server at once, whatever it is doing; nothing of it runs any more (OTP: `exit(Pid, kill)`). */
  kill(id: string, options?: { readonly ifMatch?: number | undefined }): Awaitable<void>

  whereis(id: string): string | undefined
  info(id: string): ServerInfo
  list(options?: ListOptions): ServerPage
  /** Of the nodes that its servers are on, which is one. */
  nodes(): NodeInfo[]
  /** How many messages wait in all mailboxes together; timers and orders, which are always taken, do not count. */
  readonly queued: number
  /** How many bytes they have, as far as known. */
  readonly queuedBytes: number
  /** How many servers there are, by implementation and status; pairs that nobody has are left out. */
  countServers(): Promise<ServerCount[]>
  /** Of a durable server that is not in memory, a promise; it is not woken for that. */
  state(id: string): Awaitable<StateView>
  /** Of a durable server that is not in memory, a promise. */
  timers(id: string): Awaitable<TimerInfo[]>
  /** The milliseconds that were left, or `false` if the timer is not known. */
  cancelTimer(id: string, ref: string): Awaitable<number | false>
  /** Hears what the server publishes; returns how to stop that. */
  subscribe(id: string, listener: (event: PublishedEvent) => void): () => void
  /**
   * Hears all that happens to the server: what it publishes, `restart` (`{incarnation, reason, at}`) and, last of all,
   * `exit` (`{reason, at}`), from now on or from after a position. What was missed is told before this returns; `gap`
   * (`{missed}`, `null` where nobody knows) stands for what is not kept any more, or when the position is none of this
   * server's, as that of one which had the id before. A server that has ended can be watched from a position of its own
   * until its exit is forgotten or has been told.
   *
   * @example const { position } = runtime.watch('door-1', ({ event, data }) => console.log(event, data))
   * @throws {GenServerError} `unknown_server`, `server_exited`
   */
  watch(id: string, listener: (event: FeedEvent) => void, options?: WatchOptions): Watch
  /** Hears the lives of all servers: `start`, `restart` and `exit`, each with `id` and `implementation`. */
  watchAll(listener: (event: FeedEvent) => void, options?: Pick<WatchOptions, 'after'>): Watch

  /**
   * Brings the durable servers back that the store has, as they were when they were last kept, and then the supervisors, each with its
   * children; one that cannot be started is told of in the log. To be called once, before anything else is started; gives how many
   * durable servers there are.
   * @throws {NotRestored} if one of them cannot be brought back: its implementation is not there, not durable, or of another version.
   */
  restore(options?: RestoreOptions): Promise<number>

  /** From now on new work from outside is refused with `draining`; what is queued goes on. */
  drain(): void
  readonly draining: boolean
  /**
   * Drains, waits up to `timeout` milliseconds (default 10000) for queued work, kills what is still at work, and orders
   * all other servers to stop with reason `shutdown`, in the reverse order of their start. Their `terminate`s overlap, so
   * that many servers take no longer than one. Each has its own `shutdown` time for that, and not more than `timeout`;
   * then it is killed.
   */
  close(options?: { readonly timeout?: number }): Promise<void>
}
