/** The runtime of one node: every server is here (see `runtime.ts` for what each member promises). */

import { decideDelay, decideReason, decideTimeout } from '../definition/decide.js'
import type { Awaitable } from '../definition/definition.js'
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
import type { Protocol } from '../definition/protocol.js'
import { Sleeper } from '../durable/sleeper.js'
import type { Call } from '../kernel/call.js'
import { refuseChain } from '../kernel/call-cycle.js'
import type { Clock } from '../kernel/clock.js'
import { type Cast, type Envelope, StopOrder } from '../kernel/envelope.js'
import { GenServerError } from '../kernel/errors.js'
import type { Node } from '../kernel/node.js'
import type { Store } from '../kernel/store.js'
import type { Watch, WatchOptions } from '../server/feed.js'
import type { Keeper } from '../server/keeper.js'
import { callOf, callOperation, castOf, castOperation, makeCall, makeCast, makeInfo } from '../server/sending.js'
import type { Server } from '../server/server.js'
import { stateView } from '../server/state-view.js'
import { castLater } from './delayed-cast.js'
import type { Directory } from './directory.js'
import { Feeds, type FeedsLimits } from './feeds.js'
import type { GroupCallOptions, GroupOptions, GroupSent } from './group.js'
import { callGroup, castGroup } from './group-message.js'
import { KeptRuntime } from './kept-runtime.js'
import type { LocalFamily } from './local-family.js'
import { LocalPeers } from './local-peers.js'
import type { Neighbours } from './neighbours.js'
import { RefusedRequest } from './refused-request.js'
import type { CastOptions, ListOptions, Request, RequestOptions, StopOptions } from './runtime.js'
import { shutDown } from './shut-down.js'
import { shuttingDown } from './shutting-down.js'
import type { Start } from './starter.js'

export class LocalRuntime extends KeptRuntime {
  readonly #feeds: Feeds
  readonly peers: LocalPeers
  #closed: Promise<void> | undefined = undefined

  constructor(
    node: Node,
    protocols: Map<string, Protocol>,
    directory: Directory,
    root: Keeper,
    family: LocalFamily,
    feeds: Partial<FeedsLimits>,
    neighbours: Neighbours,
    store: Store | undefined,
  ) {
    super(node, protocols, directory, root, family, neighbours, store)
    this.#feeds = new Feeds(directory, node.clock, node.logger, feeds)
    this.peers = new LocalPeers(this, family, this.#feeds, neighbours)
  }

  call(id: string, message: string, args?: unknown, options: RequestOptions = {}): Promise<unknown> {
    return this.sendRequest(id, message, args, options).response
  }

  sendRequest(id: string, message: string, args?: unknown, options?: RequestOptions): Request {
    try {
      return this.#request(id, message, args, options)
    } catch (error) {
      return new RefusedRequest(error)
    }
  }

  #request(id: string, message: string, args: unknown, options: RequestOptions = {}): Call {
    this.mustBeUp()
    const timeout = decideTimeout(options.timeout)
    const start = this.toStart(id, options)
    const to =
      start === undefined
        ? this.directory.get(id, options.implementation)
        : this.#startForCall(id, start, message, args)
    if (options.chain !== undefined) refuseChain(options.chain, to)
    if (options.seq)
      return this.#sendKept(to, callOf(to, message, args, Number.POSITIVE_INFINITY, options), options.seq)
    const call = makeCall(to, message, args, timeout, options)
    if (options.signal !== undefined) abandonOnAbort(options.signal, call)
    this.peers.sendCall(to, call)
    return call
  }

  #sendKept<T extends Cast | Call>(to: Server, message: T, seq: number): T {
    this.node.tick()
    to.acceptKept(message, seq)
    return message
  }

  #startForCall(id: string, start: Start, message: string, args: unknown): Server {
    return this.startFor(id, start, (protocol) => callOperation(protocol, message).check(args))
  }

  cast(id: string, message: string, args?: unknown, options: CastOptions = {}): Awaitable<string | undefined> {
    this.mustBeUp()
    const delay = options.delay === undefined ? undefined : decideDelay(options.delay)
    const start = this.toStart(id, options)
    const to =
      start === undefined
        ? this.directory.get(id, options.implementation)
        : this.#startForCast(id, start, message, args, options)
    if (delay !== undefined) return castLater(this.node, to, { message, args, ...options }, delay)
    if (options.seq) {
      this.#sendKept(to, castOf(to, message, args, options), options.seq)
      return undefined
    }
    const cast = makeCast(to, message, args, options)
    this.node.tick()
    return to.accept(cast, options.key)?.then(() => undefined)
  }

  #startForCast(id: string, start: Start, message: string, args: unknown, { origin }: CastOptions): Server {
    const check = (protocol: Protocol) => castOperation(protocol, message).check(args)
    return this.startFor(id, start, check, (error) =>
      this.node.logger.warn({ server: id, cast: message, ...origin }, `dropped: ${error.message}`),
    )
  }

  send(id: string, message: string, args?: unknown): void {
    this.mustBeUp()
    const to = this.directory.get(id)
    this.#deliver(to, makeInfo(to, message, args))
  }

  #deliver(to: Server, envelope: Envelope): void {
    this.node.tick()
    this.node.transport.deliver(to, envelope)
  }

  castGroup(label: string, message: string, args?: unknown, options: GroupOptions = {}): Awaitable<GroupSent> {
    this.mustBeUp()
    return castGroup(this, { label, message, args }, options)
  }

  async callGroup(label: string, message: string, args?: unknown, options: GroupCallOptions = {}) {
    this.mustBeUp()
    return await callGroup(this, { label, message, args }, options)
  }

  cork(): void {
    this.node.scheduler.cork()
  }

  uncork(): void {
    this.node.scheduler.uncork()
  }

  stop(id: string, options: StopOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const timeout = decideTimeout(options.timeout)
      const reason = decideReason(options.reason)
      const server = this.directory.get(id)
      const tooLate = () =>
        reject(new GenServerError('call_timeout', `${id} did not stop within ${timeout} ms; the order stands`))
      const timer = this.node.clock.setTimer(timeout, tooLate)
      const order = new StopOrder(reason, options.ifMatch, (refused) => {
        timer.cancel()
        if (refused === undefined) resolve(this.whenEndKept(server))
        else reject(refused)
      })
      this.#deliver(server, order)
      server.obeyWhileAway()
    })
  }

  kill(id: string, { ifMatch }: { readonly ifMatch?: number | undefined } = {}): Awaitable<void> {
    const server = this.directory.get(id)
    const mismatch = server.mismatch(ifMatch)
    if (mismatch !== undefined) throw mismatch
    // Those who are tied to it get messages of its end.
    this.node.tick()
    server.kill()
    return this.whenEndKept(server)
  }

  whereis(id: string): string | undefined {
    return this.directory.look(id)?.id
  }

  info(id: string): ServerInfo {
    return this.directory.see(id).info
  }

  list(options: ListOptions = {}): ServerPage {
    return this.directory.page(options)
  }

  nodes(): NodeInfo[] {
    const { name, startedAt } = this.node
    return [
      {
        node: name,
        ready: true,
        startedAt: new Date(startedAt).toISOString(),
        restarts: 0,
        servers: this.directory.registry.size,
        queued: this.queued,
        queuedBytes: this.queuedBytes,
        // Whoever asks does so from this thread, so that nothing else holds it up.
        current: null,
      },
    ]
  }

  get queued(): number {
    return this.node.backlog.length
  }

  get queuedBytes(): number {
    return this.node.backlog.bytes
  }

  countServers(): Promise<ServerCount[]> {
    return this.directory.count(this.implementations.keys())
  }

  state(id: string): Awaitable<StateView> {
    const seen = this.directory.see(id)
    return seen instanceof Sleeper || seen.isStored ? this.storedState(seen) : stateView(seen)
  }

  timers(id: string): Awaitable<TimerInfo[]> {
    const server = this.directory.get(id)
    return server.whenHere(() => server.anyTimers?.list() ?? [])
  }

  cancelTimer(id: string, ref: string): Awaitable<number | false> {
    const server = this.directory.get(id)
    return server.whenHere((): Awaitable<number | false> => {
      const left = server.anyTimers?.cancel(ref) ?? false
      return left === false ? false : (server.kept()?.then(() => left) ?? left)
    })
  }

  subscribe(id: string, listener: (event: PublishedEvent) => void): () => void {
    return this.directory.get(id).subscribe(listener)
  }

  watch(id: string, listener: (event: FeedEvent) => void, options: WatchOptions = {}): Watch {
    return this.#feeds.watch(id, listener, options)
  }

  watchAll(listener: (event: FeedEvent) => void, options: Pick<WatchOptions, 'after'> = {}): Watch {
    return this.#feeds.watchAll(listener, options)
  }

  get clock(): Clock {
    return this.node.clock
  }

  drain(): void {
    this.draining = true
    this.giveUpCodeChanges(shuttingDown())
  }

  close({ timeout = 10_000 }: { readonly timeout?: number } = {}): Promise<void> {
    this.drain()
    this.endSweeping()
    this.#closed ??= shutDown(this.directory, this.node, this.family, timeout)
    return this.#closed
  }
}

/** Gives the call up when `signal` is aborted. */
function abandonOnAbort(signal: AbortSignal, call: Call): void {
  const abandon = () => call.abandon()
  call.onSettled = () => signal.removeEventListener('abort', abandon)
  if (signal.aborted) abandon()
  else signal.addEventListener('abort', abandon)
}
