/**
 * A store that forgets with its process, for tests, and for what needs one and starts nothing (`genservers openapi`). It keeps all
 * promises but to outlive anything.
 */
import {
  builtOnLost,
  type Change,
  type CommitChain,
  type Condition,
  type DeadLetter,
  type Found,
  type Kept,
  type KeptAnswer,
  type KeptBrief,
  type KeptCast,
  type KeptChild,
  type KeptExit,
  type KeptFamily,
  type KeptName,
  type KeptServer,
  type KeptState,
  type KeptSupervisor,
  type KeptTimer,
  type PageOptions,
  type Search,
  StoreFull,
} from '../adapters.js'
import type { Store } from '../index.js'
import { notIndexed } from './not-indexed.js'

type Owned<T> = T & { readonly id: string }

/** Called with the changes of each commit, before they are kept: it may take its time, or fail. */
export type BeforeCommit = (changes: readonly Change[]) => Promise<void> | undefined

export class MemoryStore implements Store {
  readonly #servers = new Map<string, KeptServer>()
  readonly #casts = new Map<number, Owned<KeptCast>>()
  readonly #letters = new Map<number, Owned<DeadLetter>>()
  readonly #timers = new Map<string, Owned<KeptTimer>>()
  readonly #exits = new Map<string, KeptExit>()
  readonly #answers = new Map<string, KeptAnswer>()
  #indexes: ReadonlyMap<string, readonly string[]> = new Map()
  readonly #supervisors = new Map<string, KeptSupervisor>()
  /** By their supervisors, and their ids. */
  readonly #children = new Map<string, Map<string, KeptChild>>()
  #upTo = 0
  #last: Promise<unknown> = Promise.resolve()
  readonly #broken = new WeakSet<CommitChain>()

  constructor(private readonly beforeCommit: BeforeCommit = () => undefined) {}

  commit(changes: readonly Change[], chain?: CommitChain): Promise<readonly number[]> {
    const kept = this.#last.then(() => this.#keep(changes, chain))
    this.#last = kept.catch((error) => {
      if (chain !== undefined && error instanceof StoreFull) this.#broken.add(chain)
    })
    return kept
  }

  async #keep(changes: readonly Change[], chain: CommitChain | undefined): Promise<readonly number[]> {
    if (chain !== undefined && this.#broken.has(chain)) throw builtOnLost()
    await this.beforeCommit(changes)
    return changes.flatMap((change) => this.#apply(change) ?? [])
  }

  /** Gives the number of a cast. */
  #apply(change: Change): number | undefined {
    switch (change.kind) {
      case 'server':
        this.#servers.set(change.server.id, change.server)
        return undefined
      case 'state':
      case 'version':
      case 'life':
        this.#update(change)
        return undefined
      case 'migrated': {
        const { of, to } = change
        const server = this.#servers.get(of.id)
        const isIt = server?.version === of.version && server.revision === of.revision
        if (isIt) this.#servers.set(of.id, { ...server, ...to })
        return undefined
      }
      case 'end':
        this.#end(change.exit)
        return undefined
      case 'cast':
        return this.#add(change.id, change.cast)
      case 'castDone':
        this.#casts.delete(change.seq)
        return undefined
      case 'castTaken': {
        const cast = this.#casts.get(change.seq)
        if (cast !== undefined) this.#casts.set(change.seq, { ...cast, attempts: change.attempts })
        return undefined
      }
      case 'castDead': {
        const cast = this.#casts.get(change.seq)
        if (cast !== undefined) this.#letters.set(change.seq, { ...cast, at: change.at, reason: change.reason })
        this.#casts.delete(change.seq)
        return undefined
      }
      case 'letterReplayed': {
        const letter = this.#letters.get(change.seq)
        this.#letters.delete(change.seq)
        if (letter === undefined) return 0
        const { id, message, args, origin, ifMatch, answerTo } = letter
        return this.#add(id, { message, args, origin, ifMatch, answerTo, attempts: 0 })
      }
      case 'letterDiscarded':
        this.#letters.delete(change.seq)
        return undefined
      case 'timer':
        if (!this.#servers.has(change.id)) return undefined
        this.#timers.set(`${change.id} ${change.timer.ref}`, { id: change.id, ...change.timer })
        return undefined
      case 'timerDone':
        this.#timers.delete(`${change.id} ${change.ref}`)
        return undefined
      case 'timersDone':
        deleteOwned(this.#timers, change.id)
        return undefined
      case 'answer':
        this.#answers.set(`${change.answer.scope} ${change.answer.key}`, change.answer)
        return undefined
      case 'supervisor':
        this.#supervisors.set(change.supervisor.id, change.supervisor)
        return undefined
      case 'supervisorGone':
        this.#supervisors.delete(change.id)
        this.#children.delete(change.id)
        return undefined
      case 'child': {
        const siblings = this.#children.get(change.supervisor) ?? new Map()
        this.#children.set(change.supervisor, siblings.set(change.child.id, change.child))
        return undefined
      }
      case 'childStopped':
        this.#childStopped(change.id)
        return undefined
      case 'childGone':
        this.#children.get(change.supervisor)?.delete(change.id)
        return undefined
    }
  }

  #update({ kind: _, id, ...news }: Extract<Change, { kind: 'state' | 'version' | 'life' }>): void {
    const server = this.#servers.get(id)
    if (server !== undefined) this.#servers.set(id, { ...server, ...news })
  }

  #add(id: string, cast: Omit<KeptCast, 'seq'>): number {
    if (!this.#servers.has(id)) return 0
    const seq = ++this.#upTo
    this.#casts.set(seq, { id, seq, ...cast })
    return seq
  }

  #childStopped(id: string): void {
    for (const siblings of this.#children.values()) {
      const child = siblings.get(id)
      if (child !== undefined) siblings.set(id, { ...child, isStopped: true })
    }
  }

  #end(exit: KeptExit): void {
    this.#childStopped(exit.id)
    this.#servers.delete(exit.id)
    for (const owned of [this.#casts, this.#letters, this.#timers]) deleteOwned<unknown>(owned, exit.id)
    this.#exits.delete(exit.id)
    this.#exits.set(exit.id, exit)
  }

  async load(id: string): Promise<Kept | undefined> {
    const server = this.#servers.get(id)
    if (server === undefined) return undefined
    const timers = ownedBy(this.#timers, id).sort((a, b) => a.due - b.due)
    return { server, casts: ownedBy(this.#casts, id), timers, upTo: this.#upTo }
  }

  async briefs(ids: readonly string[]): Promise<KeptBrief[]> {
    return ids.flatMap((id) => {
      const server = this.#servers.get(id)
      if (server === undefined) return []
      const { implementation, version, terms, startedAt, incarnation, restarts, revision } = server
      const due = ownedBy(this.#timers, id).map((timer) => timer.due)
      return {
        ...{ id, implementation, version, terms, startedAt, incarnation, restarts, revision },
        ...{ due: due.length === 0 ? null : Math.min(...due), hasCasts: ownedBy(this.#casts, id).length > 0 },
      }
    })
  }

  async states(ids: readonly string[], most: number): Promise<KeptState[]> {
    const states: KeptState[] = []
    let bytes = 0
    for (const id of [...ids].sort()) {
      const server = this.#servers.get(id)
      if (server === undefined) continue
      bytes += Buffer.byteLength(server.state)
      if (states.length > 0 && bytes > most) break
      const { version, revision, state } = server
      states.push({ id, version, revision, state })
    }
    return states
  }

  async servers({ after = '', limit }: PageOptions): Promise<KeptName[]> {
    const ids = [...this.#servers.keys()].filter((id) => id > after).sort()
    return ids.slice(0, limit).map((id) => {
      const { implementation, terms } = this.#servers.get(id) as KeptServer
      return { id, implementation, terms }
    })
  }

  async index(properties: ReadonlyMap<string, readonly string[]>): Promise<void> {
    this.#indexes = properties
  }

  async find({ implementation, where, after = '', limit }: Search): Promise<Found> {
    for (const { property } of where) {
      if (!this.#indexes.get(implementation)?.includes(property)) throw notIndexed(implementation, property)
    }
    const fitting = [...this.#servers.values()].filter(
      (server) => server.implementation === implementation && where.every((condition) => holds(server, condition)),
    )
    const ids = fitting.map(({ id }) => id).filter((id) => id > after)
    const page = ids.sort().slice(0, limit)
    return ids.length > limit ? { ids: page, next: page.at(-1) as string } : { ids: page }
  }

  async supervisors({ after = '', limit }: PageOptions): Promise<KeptSupervisor[]> {
    const all = [...this.#supervisors.values()].filter(({ id }) => id > after)
    return all.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit)
  }

  async family(id: string): Promise<KeptFamily | undefined> {
    const supervisor = this.#supervisors.get(id)
    const children = [...(this.#children.get(id)?.values() ?? [])].sort((a, b) => a.place - b.place)
    return supervisor && { supervisor, children }
  }

  async exits(since: number, limit: number): Promise<KeptExit[]> {
    return [...this.#exits.values()].filter(({ at }) => at >= since).slice(-limit)
  }

  async deadLetters(id: string, { after = '0', limit }: PageOptions): Promise<DeadLetter[]> {
    return ownedBy(this.#letters, id)
      .filter(({ seq }) => seq > Number(after))
      .slice(0, limit)
  }

  async answer(scope: string, key: string, now: number): Promise<KeptAnswer | undefined> {
    const answer = this.#answers.get(`${scope} ${key}`)
    return answer !== undefined && answer.expires > now ? answer : undefined
  }

  async sweep(exitsBefore: number, now: number): Promise<void> {
    for (const [id, { at }] of this.#exits) if (at < exitsBefore) this.#exits.delete(id)
    for (const [key, { expires }] of this.#answers) if (expires <= now) this.#answers.delete(key)
  }

  async close(): Promise<void> {
    await this.#last
  }
}

function ownedBy<T>(all: ReadonlyMap<unknown, Owned<T>>, id: string): T[] {
  return [...all.values()].filter((each) => each.id === id).map(({ id: _, ...own }) => own as T)
}

function deleteOwned<T>(all: Map<T, { readonly id: string }>, id: string): void {
  for (const [key, each] of all) if (each.id === id) all.delete(key)
}

function holds({ state }: KeptServer, { property, value }: Condition): boolean {
  const kept = JSON.parse(state)
  return !Array.isArray(kept) && Object.hasOwn(kept, property) && JSON.stringify(kept[property]) === value
}
