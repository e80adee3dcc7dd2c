/**
 * A host: where servers are, as the gateway needs it. A `Runtime` is one, whose servers run in its own thread. Where they run in
 * others most of what is asked has to be fetched, so a host may give a promise of it.
 */

import type { Awaitable, DefinitionData } from '../definition/definition.js'
import type {
  FeedEvent,
  NodeInfo,
  ServerCount,
  ServerInfo,
  ServerPage,
  StateView,
  TimerInfo,
} from '../definition/info.js'
import type { StartOptions } from '../definition/options.js'
import type { Clock } from '../kernel/clock.js'
import type { CrashRecord } from '../kernel/crash-records.js'
import type { Watch, WatchOptions } from '../server/feed.js'
import type { TraceListener } from '../server/tracer.js'
import type { GroupCallOptions, GroupOptions, GroupReplies, GroupSent } from './group.js'
import type { Keeping } from './keeping.js'
import type { ReplaceOptions } from './operations.js'
import type { CastOptions, ListOptions, Request, RequestOptions, StopOptions } from './runtime.js'

/** Each member does, gives and throws (or rejects with) what the one of `Runtime` does. */
export interface Host extends Keeping {
  readonly implementations: ReadonlyMap<string, DefinitionData>
  readonly clock: Clock
  readonly draining: boolean

  start(implementation: string, args?: unknown, options?: StartOptions): Promise<ServerInfo>
  getOrStart(
    implementation: string,
    args: unknown,
    options: StartOptions & { id: string },
  ): Promise<{ readonly started: boolean; readonly info: ServerInfo }>
  stop(id: string, options?: StopOptions): Promise<void>
  kill(id: string, options?: { readonly ifMatch?: number | undefined }): Awaitable<void>

  sendRequest(id: string, message: string, args?: unknown, options?: RequestOptions): Request
  cast(id: string, message: string, args?: unknown, options?: CastOptions): Awaitable<string | undefined>
  castGroup(label: string, message: string, args?: unknown, options?: GroupOptions): Awaitable<GroupSent>
  callGroup(label: string, message: string, args?: unknown, options?: GroupCallOptions): Promise<GroupReplies>
  cork(): void
  uncork(): void

  info(id: string): Awaitable<ServerInfo>
  list(options?: ListOptions): Awaitable<ServerPage>
  nodes(): Awaitable<NodeInfo[]>
  countServers(): Promise<ServerCount[]>
  state(id: string): Awaitable<StateView>
  timers(id: string): Awaitable<TimerInfo[]>
  cancelTimer(id: string, ref: string): Awaitable<number | false>
  watch(id: string, listener: (event: FeedEvent) => void, options?: WatchOptions): Awaitable<Watch>
  watchAll(listener: (event: FeedEvent) => void, options?: Pick<WatchOptions, 'after'>): Awaitable<Watch>

  suspend(id: string): Awaitable<void>
  resume(id: string): Awaitable<void>
  replaceState(id: string, state: object, options?: ReplaceOptions): Promise<number>
  trace(id: string, listener: TraceListener, name?: unknown): Awaitable<() => void>
  crashes(id: string): Awaitable<CrashRecord[]>

  drain(): void
  close(options?: { readonly timeout?: number }): Promise<void>
}
