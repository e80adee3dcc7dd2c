/**
 * A host whose servers run in threads of their own: user code runs beside the gateway, and not in it. Each thread is a node with
 * a runtime; this one knows where each server is, passes on what is asked, and outlives every one of them.
 */

import { copyGivenState, decideTimeout, shuttingDown, timedOut } from '../../adapters.js'
import type {
  Clock,
  CodeChanged,
  CodeChangeOptions,
  CrashRecord,
  DeadLetterOptions,
  DeadLetterPage,
  DefinitionData,
  FeedEvent,
  FindOptions,
  Host,
  ListOptions,
  NodeInfo,
  ReplaceOptions,
  ServerCount,
  ServerInfo,
  ServerPage,
  StateView,
  StopOptions,
  TimerInfo,
  TraceListener,
  Watch,
  WatchOptions,
  Where,
} from '../../index.js'
import type { OpenedStore } from '../../stores/open-store.js'
import { sizeOf } from '../wire/size.js'
import type { Activity } from './activity.js'
import { mergeCounts, mergePages } from './merging.js'
import type { Place } from './place.js'
import { silentCounts, silentInfo, silentPage } from './silent-node.js'
import { ThreadGroups } from './thread-groups.js'
import type { ThreadNode } from './thread-node.js'

/** How long a thread may take to say what is to be known of it, while it shows signs of life. Milliseconds. */
const SILENT = 100

export class ThreadHost extends ThreadGroups implements Host {
  #closed: Promise<void> | undefined = undefined

  get clock(): Clock {
    return this.machinery.clock
  }

  get implementations(): ReadonlyMap<string, DefinitionData> {
    return this.machinery.implementations
  }

  /** Of its durable servers, if there can be any. */
  get store(): OpenedStore | undefined {
    return this.machinery.kept.store
  }

  /** Asks all nodes; for one that does not come back the gateway says what it knows itself. */
  #askAll<T>(known: (node: ThreadNode) => T, ...question: Parameters<ThreadNode['ask']>): Promise<T[]> {
    return Promise.all(
      this.machinery.nodes.all.map((node) => (this.#isSilent(node) ? known(node) : node.ask<T>(...question))),
    )
  }

  /** What is sent in one turn of the event loop travels together anyway. */
  cork(): void {}
  uncork(): void {}

  async stop(id: string, options: StopOptions = {}): Promise<void> {
    const timeout = decideTimeout(options.timeout)
    return this.within(timeout, this.nodeOf(id).ask<void>('stop', id, options), () => {
      throw timedOut(
        `${id} did not stop within ${timeout} ms: its node does not come back; the order stands`,
        'unknown',
      )
    })
  }

  /** Also where its thread does not come back: then that is given up, with all that is on it. */
  async kill(id: string, options: { readonly ifMatch?: number | undefined } = {}): Promise<void> {
    const { places, watchdog } = this.machinery
    const place = places.get(id)
    const { node } = place
    const killed = node.ask<void>('kill', id, options)
    // Which revision it has, only itself can tell.
    if (options.ifMatch !== undefined) return killed
    if (watchdog.silenceOf(node) < SILENT || this.#seenAt(node)?.server !== id) return killed
    place.isDoomed = true
    this.machinery.replace(node)
    return killed
  }

  async info(id: string): Promise<ServerInfo> {
    const place = this.machinery.places.get(id)
    return this.#isSilent(place.node) ? this.#silentInfo(place) : this.shown(await place.node.ask('info', id))
  }

  readonly #silentInfo = (place: Place): ServerInfo => {
    const version = this.implementations.get(place.implementation)?.version ?? 1
    return silentInfo(place, version, this.#seenAt(place.node), this.clock.now())
  }

  /** The message at which the node is, if it does not come back from it. */
  #seenAt(node: ThreadNode): Activity | undefined {
    const activity = this.#isSilent(node) ? node.activity : undefined
    return activity?.phase === 'done' ? undefined : activity
  }

  #isSilent(node: ThreadNode): boolean {
    return !node.isReady || this.machinery.watchdog.silenceOf(node) >= SILENT
  }

  async list(options: ListOptions = {}): Promise<ServerPage> {
    const known = (node: ThreadNode) => silentPage(this.machinery.places.on(node), options, this.#silentInfo)
    const page = mergePages(await this.#askAll<ServerPage>(known, 'list', options), options.limit)
    for (const info of page.servers) this.shown(info)
    return page
  }

  find(implementation: string, where: Where, options: FindOptions = {}): Promise<ServerPage> {
    return this.machinery.kept.finder.find(implementation, where, options, this.#infosOf)
  }

  readonly #infosOf = async (ids: readonly string[]): Promise<ServerInfo[]> => {
    const parts = new Map<ThreadNode, Place[]>()
    for (const place of ids.flatMap((id) => this.machinery.places.find(id) ?? [])) {
      parts.set(place.node, [...(parts.get(place.node) ?? []), place])
    }
    const asked = [...parts].map(([node, places]) =>
      this.#isSilent(node)
        ? places.map(this.#silentInfo)
        : node.ask<ServerInfo[]>(
            'infos',
            places.map(({ id }) => id),
          ),
    )
    return (await Promise.all(asked)).flat()
  }

  nodes(): NodeInfo[] {
    const now = this.clock.now()
    return this.machinery.nodes.all.map((node) => {
      const { name, isReady, board, startedAt, restarts, servers } = node
      const taken = this.#seenAt(node)
      return {
        node: name,
        ready: isReady,
        startedAt: new Date(startedAt).toISOString(),
        restarts,
        servers,
        queued: board.queued,
        queuedBytes: board.queuedBytes,
        current: taken?.server
          ? { server: taken.server, message: taken.message, runningFor: Math.max(0, now - taken.since) }
          : null,
      }
    })
  }

  async countServers(): Promise<ServerCount[]> {
    const known = (node: ThreadNode) => silentCounts(this.machinery.places.on(node))
    return mergeCounts(await this.#askAll<ServerCount[]>(known, 'countServers'))
  }

  async state(id: string): Promise<StateView> {
    const view = await this.nodeOf(id).ask<StateView>('state', id)
    this.shown({ id, ...view })
    return view
  }

  async timers(id: string): Promise<TimerInfo[]> {
    return this.nodeOf(id).ask('timers', id)
  }

  async cancelTimer(id: string, ref: string): Promise<number | false> {
    return this.nodeOf(id).ask('cancelTimer', id, ref)
  }

  async deadLetters(id: string, options: DeadLetterOptions = {}): Promise<DeadLetterPage> {
    return this.machinery.kept.deadLetters.list(id, options)
  }

  async replayDeadLetter(id: string, ref: string): Promise<void> {
    this.mustBeUp()
    return this.nodeOf(id).ask('replayDeadLetter', id, ref)
  }

  async discardDeadLetter(id: string, ref: string): Promise<void> {
    return this.machinery.kept.deadLetters.discard(id, ref)
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
    this.mustBeUp()
    return this.nodeOf(id).ask('suspend', id)
  }

  async resume(id: string): Promise<void> {
    return this.nodeOf(id).ask('resume', id)
  }

  async replaceState(id: string, state: object, options: ReplaceOptions = {}): Promise<number> {
    this.mustBeUp()
    const copy = copyGivenState(state)
    const revision = await this.nodeOf(id).askWith<number>(sizeOf(copy), 'replaceState', id, copy, options)
    this.shown({ id, revision })
    return revision
  }

  async crashes(id: string): Promise<CrashRecord[]> {
    const { places, crashes } = this.machinery
    if (places.exits.get(id) === undefined) places.get(id)
    return [...crashes.get(id)].reverse()
  }

  /**
   * As `Operations.changeCode`, where each node knows itself where the code is. The file is tried first.
   * @throws {LoadError} beside what `changeCode` throws
   */
  async reload(implementation: string, options: CodeChangeOptions): Promise<CodeChanged> {
    this.mustBeUp()
    const { tryFile, reloads } = this.machinery
    const timeout = decideTimeout(options.timeout)
    const began = this.clock.monotonic()
    await tryFile(implementation, timeout)
    const left = Math.max(0, timeout - (this.clock.monotonic() - began))
    return reloads.reload(implementation, { ...options, timeout: left })
  }

  drain(): void {
    this.draining = true
    this.machinery.reloads.giveUp(shuttingDown())
  }

  close({ timeout = 10_000 }: { readonly timeout?: number } = {}): Promise<void> {
    this.drain()
    this.#closed ??= this.machinery.end(timeout)
    return this.#closed
  }
}
