/** The servers of a runtime: found by id, listed in pages, remembered for a while after their end. */

import type { SeenStatus, ServerCount, ServerInfo, ServerPage } from '../definition/info.js'
import { Sleeper } from '../durable/sleeper.js'
import { GenServerError, unknownServer } from '../kernel/errors.js'
import type { Exits } from '../kernel/exits.js'
import { LabelIndex } from '../kernel/label-index.js'
import type { Registry } from '../kernel/registry.js'
import { exitFailure } from '../server/crash.js'
import type { Server } from '../server/server.js'
import type { ListOptions } from './runtime.js'

const PAGE = 100
const LARGEST_PAGE = 1000
/** Of those that are not in memory, so many are given at once. */
const ASLEEP = 100
/** So many servers are looked at for one page at most: a page of what is rare must not hold the thread. */
const MOST_LOOKED_AT = 5000

/** How many servers a page has. */
export function pageSize(limit = PAGE): number {
  return limit >= 1 ? Math.min(Math.trunc(limit), LARGEST_PAGE) : 1
}

export class Directory {
  readonly labels = new LabelIndex()

  /** Brings one into memory that is not, and gives it. */
  wake: ((sleeper: Sleeper) => Server) | undefined = undefined

  constructor(
    readonly registry: Registry<Server | Sleeper>,
    readonly exits: Exits,
  ) {}

  /** The server that has the id, which is in memory from now on. */
  find(id: string): Server | undefined {
    const found = this.registry.whereis(id)
    return found instanceof Sleeper ? this.wake?.(found) : found
  }

  /** Whoever has the id, as it is. */
  look(id: string): Server | Sleeper | undefined {
    return this.registry.whereis(id)
  }

  /** As `look`. @throws {GenServerError} as `get` */
  see(id: string): Server | Sleeper {
    const found = this.registry.whereis(id)
    if (found === undefined) throw this.#missing(id)
    return found
  }

  /** It takes the place of its server. */
  sleeps(sleeper: Sleeper): void {
    this.registry.replace(sleeper.id, sleeper)
    sleeper.setAlarm(() => this.find(sleeper.id))
  }

  /** It is not known here any more. */
  forget(sleeper: Sleeper): void {
    sleeper.cancelAlarm()
    this.registry.unregister(sleeper.id, sleeper.protocol.name)
    this.labels.remove(sleeper.id, sleeper.terms.labels)
  }

  /** Those that are in memory. */
  *awake(implementation?: string): Generator<Server, void, undefined> {
    for (const each of this.registry.after(undefined, implementation)) if (!(each instanceof Sleeper)) yield each
  }

  /** Those that are not, some at a time. Others may go on meanwhile. */
  async *asleep(implementation?: string): AsyncGenerator<Sleeper[], void, undefined> {
    for (let after: string | undefined, isOver = false; !isOver; ) {
      const page: Sleeper[] = []
      let looked = 0
      isOver = true
      for (const each of this.registry.after(after, implementation)) {
        if (each instanceof Sleeper) page.push(each)
        after = each.id
        isOver = ++looked < MOST_LOOKED_AT && page.length < ASLEEP
        if (!isOver) break
      }
      if (page.length > 0) yield page
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /**
   * The server that has the id, of `implementation` if that is given.
   * @throws {GenServerError} `unknown_server`, or `server_exited` while its end is remembered.
   */
  get(id: string, implementation?: string): Server {
    const server = this.find(id)
    if (server === undefined) throw this.#missing(id)
    if (implementation === undefined || implementation === server.protocol.name) return server
    throw unknownServer(id, implementation)
  }

  #missing(id: string): GenServerError {
    const exit = this.exits.get(id)
    if (exit !== undefined) return exitFailure(id, exit.reason, exit.at)
    return unknownServer(id)
  }

  /** The servers that have `label`, in the order of their ids; those after `id`, if that is given. */
  *labelled(label: string, id?: string): Generator<Server, void, undefined> {
    for (const next of this.labels.after(label, id)) yield this.find(next) as Server
  }

  *#labelled(label: string, id: string | undefined): Generator<Server | Sleeper, void, undefined> {
    for (const next of this.labels.after(label, id)) yield this.registry.whereis(next) as Server
  }

  /** Ordered by id. There is a `next` page unless this is the last one; a page of what is rare may be short, or empty. */
  page({ implementation, label, status, limit, after }: ListOptions): ServerPage {
    const most = pageSize(limit)
    const servers: ServerInfo[] = []
    let looked = 0
    let last: string | undefined
    const some = label === undefined ? this.registry.after(after, implementation) : this.#labelled(label, after)
    for (const server of some) {
      const isOfThem = implementation === undefined || server.protocol.name === implementation
      const fits = isOfThem && (status === undefined || server.seenStatus === status)
      if ((fits && servers.length === most) || looked === MOST_LOOKED_AT) return { servers, next: last as string }
      if (fits) servers.push(server.info)
      last = server.id
      looked++
    }
    return { servers }
  }

  /** The servers of these implementations by their status. Others may go on while it counts, so it is no picture of one moment. */
  async count(implementations: Iterable<string>): Promise<ServerCount[]> {
    const counts: ServerCount[] = []
    let looked = 0
    for (const implementation of implementations) {
      const statuses = new Map<SeenStatus, number>()
      let rest = this.registry.after(undefined, implementation)[Symbol.iterator]()
      for (let next = rest.next(); next.done !== true; next = rest.next()) {
        const { id, seenStatus } = next.value
        statuses.set(seenStatus, (statuses.get(seenStatus) ?? 0) + 1)
        if (++looked % MOST_LOOKED_AT !== 0) continue
        await new Promise<void>((resolve) => setImmediate(resolve))
        // What has begun and ended meanwhile has moved the others.
        rest = this.registry.after(id, implementation)[Symbol.iterator]()
      }
      for (const [status, count] of statuses) counts.push({ implementation, status, count })
    }
    return counts
  }
}

/** What whoever asks for the id of `holder` hears. */
export function alreadyStarted(holder: Server | Sleeper): GenServerError {
  return new GenServerError('already_started', `${holder.id} is taken by a ${holder.protocol.name}`, {
    server: holder.info,
  })
}
