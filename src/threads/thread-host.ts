/**
 * A host whose servers run in threads of their own: user code runs beside the gateway, and not in it. Each thread is a node with
 * a runtime; this one knows where each server is, passes on what is asked, and outlives every one of them.
 */
import {
  Call,
  type Deadlines,
  decideId,
  decideTimeout,
  IdMaker,
  type LocalRuntime,
  RefusedRequest,
  shuttingDown,
} from '../adapters.js'
import {
  type CastOptions,
  type Clock,
  type CodeChanged,
  type CodeChangeOptions,
  type CrashRecord,
  type DefinitionData,
  type FeedEvent,
  GenServerError,
  type GroupCallOptions,
  type GroupOptions,
  type GroupReplies,
  type GroupSent,
  type Host,
  type ListOptions,
  type NodeInfo,
  type ReplaceOptions,
  type Request,
  type RequestOptions,
  type ServerCount,
  type ServerInfo,
  type ServerPage,
  type StartOptions,
  type StateView,
  type StopOptions,
  type TimerInfo,
  type TraceListener,
  type Watch,
  type WatchOptions,
} from '../index.js'
import type { LastTaken } from './board.js'
import { GRACE } from './grace.js'
import type { Lives } from './lives.js'
import { type CarriedReplies, type CarriedSent, mergeCounts, mergePages, mergeReplies, mergeSent } from './merging.js'
import type { Place } from './place.js'
import type { Places } from './places.js'
import type { Reloads } from './reloads.js'
import { stuckInfo } from './stuck-info.js'
import type { ThreadNode } from './thread-node.js'
import type { ThreadNodes } from './thread-nodes.js'
import type { Watchdog } from './watchdog.js'
import type { Watches } from './watches.js'

/** Everything of a host that goes on by itself. */
export interface Machinery {
  readonly clock: Clock
  readonly implementations: ReadonlyMap<string, DefinitionData>
  readonly places: Places
  readonly nodes: ThreadNodes
  readonly lives: Lives
  readonly watches: Watches
  readonly watchdog: Watchdog
  readonly deadlines: Deadlines
  readonly reloads: Reloads
  /** The thread is to be given up now. */
  replace(node: ThreadNode): void
  end(timeout: number): Promise<void>
}

/** How long a thread may take to say what is to be known of it, while it shows signs of life. Milliseconds. */
const SILENT = 100

export class ThreadHost implements Host {
  draining = false
  readonly #ids: IdMaker
  #closed: Promise<void> | undefined = undefined

  constructor(private readonly machinery: Machinery) {
    this.#ids = new IdMaker(machinery.clock)
  }

  get clock(): Clock {
    return this.machinery.clock
  }

  get implementations(): ReadonlyMap<string, DefinitionData> {
    return this.machinery.implementations
  }

  #mustBeUp(): void {
    if (this.draining) throw shuttingDown()
  }

  #nodeOf(id: string): ThreadNode {
    return this.machinery.places.get(id).node
  }

  /** A node for a new server, which has its id when this returns. */
  #take(id: string, implementation: string): Place {
    const { places, nodes, implementations } = this.machinery
    if (!implementations.has(implementation)) {
      throw new GenServerError('unknown_implementation', `there is no implementation ${implementation}`)
    }
    return places.take(decideId(id), implementation, nodes.choose(implementation))
  }

  /** It was not started, so that its id is free. */
  #giveBack(place: Place): void {
    if (place.terms === undefined) this.machinery.places.free(place)
  }

  async start(implementation: string, args?: unknown, options: StartOptions = {}): Promise<ServerInfo> {
    this.#mustBeUp()
    if (options.supervisor !== undefined)
      return this.#nodeOf(options.supervisor).ask('start', implementation, args, options)
    const id = options.id ?? this.#ids.next()
    const holder = this.machinery.places.find(id)
    if (holder !== undefined) {
      const server = await this.info(id)
      throw new GenServerError('already_started', `${id} is taken by a ${holder.implementation}`, { server })
    }
    const place = this.#take(id, implementation)
    try {
      return await place.node.ask('start', implementation, args, { ...options, id })
    } finally {
      this.#giveBack(place)
    }
  }

  async getOrStart(implementation: string, args: unknown, options: StartOptions & { id: string }) {
    const { id } = options
    const there = this.machinery.places.find(id)
    if (there === undefined) this.#mustBeUp()
    const place = there ?? this.#take(id, implementation)
    try {
      return await place.node.ask<Awaited<ReturnType<LocalRuntime['getOrStart']>>>(
        'getOrStart',
        implementation,
        args,
        options,
      )
    } finally {
      this.#giveBack(place)
    }
  }

  sendRequest(id: string, message: string, args?: unknown, options: RequestOptions = {}): Request {
    try {
      this.#mustBeUp()
      const timeout = decideTimeout(options.timeout)
      const place = this.#placeFor(id, options)
      const call = new Call(place, message, args as never, timeout + GRACE, options.origin, options.ifMatch)
      const isNew = place.terms === undefined
      this.attend(call)
      if (options.signal !== undefined) giveUpOn(options.signal, call)
      place.node.call(call, options)
      if (isNew) call.onSettled = () => this.#giveBack(place)
      return call
    } catch (error) {
      return new RefusedRequest(error)
    }
  }

  /** Its time runs from now. */
  attend(call: Call): void {
    this.machinery.deadlines.add(call, this.clock.monotonic())
  }

  /** Where the server is, or is to be started for a message. */
  #placeFor(id: string, { start, implementation }: Pick<RequestOptions, 'start' | 'implementation'>): Place {
    const { places } = this.machinery
    const isStarted = start !== undefined && places.find(id) === undefined
    const isWanted = implementation === undefined || implementation === start?.implementation
    const place = isStarted && isWanted ? this.#take(id, start.implementation) : places.get(id)
    if (implementation === undefined || implementation === place.implementation) return place
    throw new GenServerError('unknown_server', `no ${implementation} has the id ${id}`)
  }

  async cast(id: string, message: string, args?: unknown, options: CastOptions = {}): Promise<string | undefined> {
    this.#mustBeUp()
    const place = this.#placeFor(id, options)
    try {
      return await place.node.cast(id, message, args, options)
    } finally {
      this.#giveBack(place)
    }
  }

  async castGroup(label: string, message: string, args?: unknown, options: GroupOptions = {}): Promise<GroupSent> {
    this.#mustBeUp()
    return mergeSent(await this.#askAll<CarriedSent>('castGroup', label, message, args, options))
  }

  async callGroup(
    label: string,
    message: string,
    args?: unknown,
    options: GroupCallOptions = {},
  ): Promise<GroupReplies> {
    this.#mustBeUp()
    const { signal, ...rest } = options
    const asked = this.machinery.nodes.all.map((node) =>
      node.askUntil<CarriedReplies>(signal, (n) => ({
        kind: 'ask',
        n,
        what: 'callGroup',
        args: [label, message, args, rest],
      })),
    )
    return mergeReplies(await Promise.all(asked))
  }

  #askAll<T>(...question: Parameters<ThreadNode['ask']>): Promise<T[]> {
    return Promise.all(this.machinery.nodes.all.map((node) => node.ask<T>(...question)))
  }

  /** What is sent in one turn of the event loop travels together anyway. */
  cork(): void {}
  uncork(): void {}

  async stop(id: string, options: StopOptions = {}): Promise<void> {
    return this.#nodeOf(id).ask('stop', id, options)
  }

  /** Also where its thread does not come back: then that is given up, with all that is on it. */
  async kill(id: string, options: { readonly ifMatch?: number | undefined } = {}): Promise<void> {
    const { places, watchdog } = this.machinery
    const place = places.get(id)
    const { node } = place
    const killed = node.ask<void>('kill', id, options)
    if (watchdog.silenceOf(node) < SILENT || node.board.lastTaken?.server !== id) return killed
    place.isDoomed = true
    this.machinery.replace(node)
    return killed
  }

  async info(id: string): Promise<ServerInfo> {
    const place = this.machinery.places.get(id)
    const { node } = place
    const seen = this.#seenAt(node)
    return seen === undefined && node.isReady ? node.ask('info', id) : stuckInfo(place, seen, this.clock.now())
  }

  /** The message at which the node is, if it does not come back from it. */
  #seenAt(node: ThreadNode): LastTaken | undefined {
    return this.machinery.watchdog.silenceOf(node) >= SILENT ? node.board.lastTaken : undefined
  }

  async list(options: ListOptions = {}): Promise<ServerPage> {
    return mergePages(await this.#askAll<ServerPage>('list', options), options.limit)
  }

  nodes(): NodeInfo[] {
    const now = this.clock.now()
    return this.machinery.nodes.all.map((node) => {
      const { name, board, startedAt, restarts, servers } = node
      const taken = this.#seenAt(node)
      return {
        node: name,
        startedAt: new Date(startedAt).toISOString(),
        restarts,
        servers,
        queued: board.queued,
        queuedBytes: board.queuedBytes,
        current: taken
          ? { server: taken.server, message: taken.message, runningFor: Math.max(0, now - taken.since) }
          : null,
      }
    })
  }

  async countServers(): Promise<ServerCount[]> {
    return mergeCounts(await this.#askAll<ServerCount[]>('countServers'))
  }

  async state(id: string): Promise<StateView> {
    return this.#nodeOf(id).ask('state', id)
  }

  async timers(id: string): Promise<TimerInfo[]> {
    return this.#nodeOf(id).ask('timers', id)
  }

  async cancelTimer(id: string, ref: string): Promise<number | false> {
    return this.#nodeOf(id).ask('cancelTimer', id, ref)
  }

  watch(id: string, listener: (event: FeedEvent) => void, options: WatchOptions = {}): Promise<Watch> {
    return this.machinery.watches.watch(id, listener, options)
  }

  watchAll(listener: (event: FeedEvent) => void, options: Pick<WatchOptions, 'after'> = {}): Watch {
    return this.machinery.lives.watch(listener, options)
  }

  trace(id: string, listener: TraceListener): Promise<() => void> {
    return this.machinery.watches.trace(id, listener)
  }

  async suspend(id: string): Promise<void> {
    this.#mustBeUp()
    return this.#nodeOf(id).ask('suspend', id)
  }

  async resume(id: string): Promise<void> {
    return this.#nodeOf(id).ask('resume', id)
  }

  async replaceState(id: string, state: object, options: ReplaceOptions = {}): Promise<number> {
    this.#mustBeUp()
    return this.#nodeOf(id).ask('replaceState', id, state, options)
  }

  async crashes(id: string): Promise<CrashRecord[]> {
    return this.machinery.watches.anywhere(id, (node) => node.ask('crashes', id))
  }

  /** As `Operations.changeCode`, where each node knows itself where the code is. */
  reload(implementation: string, options: CodeChangeOptions): Promise<CodeChanged> {
    this.#mustBeUp()
    return this.machinery.reloads.reload(implementation, options)
  }

  drain(): void {
    this.draining = true
  }

  close({ timeout = 10_000 }: { readonly timeout?: number } = {}): Promise<void> {
    this.drain()
    this.#closed ??= this.machinery.end(timeout)
    return this.#closed
  }
}

/** Gives the call up when `signal` is aborted. */
function giveUpOn(signal: AbortSignal, call: Call): void {
  if (signal.aborted) call.abandon()
  else signal.addEventListener('abort', () => call.abandon(), { once: true })
}
