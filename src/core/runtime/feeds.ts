/**
 * The feeds of a runtime: one for each server that is watched, and one of the lives of all. A feed is made when somebody
 * first watches, and stays as long as its server: who has a position of it has watched it, and nobody else can miss
 * anything. So servers that nobody watches cost nothing, whatever they publish.
 *
 * 1. The feed of a server ends with `exit`. It can be read for as long as the exit is remembered, so that who was away
 *    hears of it; the number of such feeds is bounded, and the oldest go first.
 * 2. An epoch is given once in a runtime, and has a random part that another runtime does not have.
 */
import { randomBytes } from 'node:crypto'
import type { FeedEvent, Status } from '../definition/info.js'
import type { Clock } from '../kernel/clock.js'
import type { Json } from '../kernel/json.js'
import type { Logger } from '../kernel/logger.js'
import type { Reason } from '../kernel/reason.js'
import { Feed, type FeedLimits, type Watch, type WatchOptions } from '../server/feed.js'
import type { Viewed } from '../server/state-view.js'

/** A server, as its feed knows it. */
export interface Watched extends Viewed {
  readonly id: string
  readonly protocol: Viewed['protocol'] & { readonly name: string }
  readonly status: Status
  readonly restarts: number
  readonly lastExit: { readonly reason: Reason } | undefined
  feed: Feed | undefined
}

/** Where servers are found. */
export interface Whereabouts {
  find(id: string): Watched | undefined
  /** @throws {GenServerError} if it is not there. */
  get(id: string): Watched
  readonly exits: { get(id: string): unknown }
}

export interface FeedsLimits extends FeedLimits {
  /** How many feeds of servers that have ended are kept. */
  readonly ended: number
}

const USUAL: FeedsLimits = { events: 100, bytes: 64 * 1024, ended: 1000 }

/** The lives of all servers are many; that of one is not. */
const LIVES: FeedLimits = { events: 1000, bytes: 256 * 1024 }

export class Feeds {
  readonly #epoch = randomBytes(6).toString('hex') // 2
  #count = 0
  readonly #limits: FeedsLimits
  #lives: Feed | undefined = undefined
  /** In the order of their end. */
  readonly #ended = new Map<string, Feed>()

  constructor(
    private readonly servers: Whereabouts,
    private readonly clock: Clock,
    private readonly logger: Logger,
    limits: Partial<FeedsLimits>,
  ) {
    this.#limits = { ...USUAL, ...limits }
  }

  watch(id: string, listener: (event: FeedEvent) => void, options: WatchOptions): Watch {
    const { after } = options
    const ended = this.servers.find(id) === undefined && this.servers.exits.get(id) ? this.#ended.get(id) : undefined
    if (ended !== undefined && after !== undefined && !ended.endsAt(after)) return ended.watch(listener, options)
    const server = this.servers.get(id)
    server.feed ??= this.#make(this.#limits)
    return server.feed.watch(listener, options, server)
  }

  watchAll(listener: (event: FeedEvent) => void, { after }: Pick<WatchOptions, 'after'>): Watch {
    this.#lives ??= this.#make(LIVES)
    return this.#lives.watch(listener, { after })
  }

  /** A life of the server has begun. */
  began(server: Watched): void {
    const { id, protocol, incarnation, restarts, lastExit, feed } = server
    if (feed === undefined && this.#lives === undefined) return
    const at = this.#now()
    const who = { id, implementation: protocol.name }
    if (restarts === 0) {
      this.#lives?.add('start', { ...who, incarnation, at })
      return
    }
    const what = { incarnation, reason: (lastExit?.reason ?? null) as Json, at }
    feed?.add('restart', what)
    this.#lives?.add('restart', { ...who, ...what })
  }

  /** The server is no more. `isKnown`: its exit is remembered; one that never began leaves no trace. */
  ended({ id, protocol, status, feed }: Watched, reason: Reason, isKnown: boolean): void {
    if (isKnown) this.#remember(id, feed)
    if (feed === undefined && this.#lives === undefined) return
    const what = { reason: reason as Json, at: this.#now() }
    feed?.end('exit', what)
    // One whose first `init` was cut off has not started, as far as anybody was told.
    if (status !== 'starting') this.#lives?.add('exit', { id, implementation: protocol.name, ...what })
  }

  #make(limits: FeedLimits): Feed {
    this.#count++
    return new Feed(`${this.#epoch}-${this.#count}`, limits, this.logger)
  }

  #remember(id: string, feed: Feed | undefined): void {
    this.#ended.delete(id)
    if (feed === undefined) return
    this.#ended.set(id, feed)
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= this.#limits.ended && this.servers.exits.get(oldest) !== undefined) break
      this.#ended.delete(oldest)
    }
  }

  #now(): string {
    return new Date(this.clock.now()).toISOString()
  }
}
