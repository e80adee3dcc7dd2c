/**
 * How durable servers come out of the store. When the runtime begins they are only known (`Sleeper`); each comes into memory when it
 * has something to do, and so does one of which something was lost.
 */
import type { GroupCommit } from '../kernel/group-commit.js'
import type { KeptBrief } from '../kernel/kept.js'
import type { Node } from '../kernel/node.js'
import { type Store, StoreFull } from '../kernel/store.js'
import type { Directory } from './directory.js'
import { DurableChild } from './durable-child.js'
import { DurableServer } from './durable-server.js'
import type { StateView } from './info.js'
import type { Keeper } from './keeper.js'
import { pagesOf } from './kept-pages.js'
import { restoredTerms } from './kept-text.js'
import type { LocalFamily } from './local-family.js'
import type { Neighbours } from './neighbours.js'
import { NotRestored } from './not-restored.js'
import type { ServerTerms } from './options.js'
import type { Peers } from './peers.js'
import type { Protocol } from './protocol.js'
import { Sleeper } from './sleeper.js'
import { viewState } from './state-view.js'
import { storageFailed } from './storage-failed.js'
import { SupervisorKeeper } from './supervisor-keeper.js'

/** Exits that are remembered beyond the process. */
const MOST_EXITS = 10_000

/** What is known of a server that was on a node that is no more. */
export interface Known extends Pick<KeptBrief, 'id' | 'implementation' | 'incarnation' | 'restarts' | 'revision'> {
  readonly terms: ServerTerms
}

/** Where they come to. */
interface Home {
  readonly node: Node
  readonly directory: Directory
  readonly root: Keeper
  readonly family: Pick<LocalFamily, 'orphansOf'>
  readonly peers: Peers
  readonly neighbours: Neighbours
  findProtocol(implementation: string): Protocol | undefined
}

export class Restoration {
  /** Most servers have the same terms, and share them. */
  readonly #terms = new Map<string, ServerTerms>()

  constructor(
    private readonly store: Store,
    private readonly home: Home,
  ) {
    home.directory.wake = (sleeper) => this.#wake(sleeper)
  }

  /** @throws {NotRestored} if one of them could not be brought back. */
  async restore(): Promise<number> {
    let restored = 0
    for await (const page of pagesOf(this.store)) {
      await this.restoreServers(page.map(({ id }) => id))
      restored += page.length
    }
    await this.#restoreExits()
    return restored
  }

  async restoreServers(ids: readonly string[]): Promise<void> {
    for (const brief of await this.store.briefs(ids)) this.#register(brief)
  }

  #register(brief: KeptBrief): void {
    const { id, implementation, version } = brief
    const protocol = this.home.findProtocol(implementation)
    if (protocol?.definition.durable !== true) {
      throw new NotRestored(`${id} is kept, and there is no durable implementation ${implementation}`)
    }
    if (protocol.version !== version) {
      const versions = `${version} of ${implementation}, and its code is version ${protocol.version}`
      throw new NotRestored(`${id} is kept by version ${versions}`)
    }
    this.#sleeps(brief, protocol, this.#termsOf(brief.terms))
  }

  #termsOf(text: string): ServerTerms {
    const known = this.#terms.get(text)
    if (known !== undefined) return known
    const terms = restoredTerms(text)
    if (terms.bond === undefined) this.#terms.set(text, terms)
    return terms
  }

  /** Who keeps a server that comes out of the store, until a supervisor takes it in. */
  #keeperOf(id: string, { bond }: ServerTerms): Keeper {
    if (bond === undefined) return this.home.root
    const orphans = this.home.family.orphansOf(bond.supervisor)
    orphans.add(id)
    return orphans
  }

  #sleeps(brief: KeptBrief, protocol: Protocol, terms: ServerTerms): void {
    const { directory, neighbours, node } = this.home
    const { id, incarnation } = brief
    const sleeper = new Sleeper(brief, protocol, terms, this.#keeperOf(id, terms), node)
    directory.registry.register(id, sleeper, protocol.name)
    directory.labels.add(id, terms.labels)
    neighbours.registered(sleeper)
    neighbours.began(id, incarnation, undefined)
    neighbours.slept(id, true)
    sleeper.setAlarm(() => directory.find(id))
  }

  /** Servers that were known to a node that is no more, and not in memory there, are known here; what is missing is asked of the store. */
  know(servers: readonly Known[]): void {
    const startedAt = this.home.node.clock.now()
    for (const { id, implementation, terms, incarnation, restarts, revision } of servers) {
      const protocol = this.home.findProtocol(implementation) as Protocol
      const { version } = protocol
      const numbers = { startedAt, incarnation, restarts, revision, due: null, hasCasts: false }
      const brief = { id, implementation, version, terms: '', ...numbers }
      this.#sleeps(brief, protocol, terms)
    }
    void this.#learn(servers.map(({ id }) => id))
  }

  async #learn(ids: readonly string[]): Promise<void> {
    const { directory, node } = this.home
    try {
      for (const brief of await this.store.briefs(ids)) {
        const sleeper = directory.look(brief.id)
        if (!(sleeper instanceof Sleeper)) continue
        sleeper.brief = brief
        sleeper.setAlarm(() => directory.find(brief.id))
      }
    } catch (error) {
      node.logger.error({ err: error }, 'what is kept could not be read')
    }
  }

  #wake(sleeper: Sleeper): DurableServer {
    const { brief, protocol, terms, keeper } = sleeper
    sleeper.cancelAlarm()
    const server = this.#make(brief.id, protocol, terms, keeper)
    if (keeper instanceof SupervisorKeeper) keeper.tie(server)
    this.home.directory.registry.replace(brief.id, server)
    this.home.neighbours.slept(brief.id, false)
    server.comeAwake(brief, sleeper.remembered, () => this.store.load(brief.id))
    return server
  }

  #make(id: string, protocol: Protocol, terms: ServerTerms, keeper: Keeper): DurableServer {
    const { peers, node } = this.home
    const Durable = terms.bond === undefined ? DurableServer : DurableChild
    return new Durable(id, protocol, null, terms, keeper, peers, node, node.commits as GroupCommit)
  }

  /** A server that had its id on a node that is no more comes out of the store `delay` milliseconds from now. */
  bringBack({ id, implementation, terms }: Known, delay: number): void {
    const { directory, neighbours } = this.home
    const protocol = this.home.findProtocol(implementation) as Protocol
    const server = this.#make(id, protocol, terms, this.#keeperOf(id, terms))
    directory.registry.register(id, server, implementation)
    directory.labels.add(id, terms.labels)
    neighbours.registered(server)
    server.comeOut(() => this.store.load(id), delay)
  }

  /** The state of one that is not in memory. */
  async stateOf({ id, protocol }: Sleeper): Promise<StateView | undefined> {
    const kept = await this.store.load(id).catch((error) => {
      throw storageFailed(id, error)
    })
    if (kept === undefined) return undefined
    const { state, revision, incarnation } = kept.server
    return { ...viewState(protocol, JSON.parse(state)), revision, incarnation }
  }

  async #restoreExits(): Promise<void> {
    const { exits } = this.home.directory
    for (const { id, reason, at, incarnation, revision } of await this.store.exits(exits.since, MOST_EXITS)) {
      exits.add({ id, reason: JSON.parse(reason), at, incarnation, revision })
    }
  }

  /** What these servers did could not be kept: they go back to what is. */
  lost(ids: ReadonlySet<string>, error: Error): void {
    for (const id of ids) {
      const server = this.home.directory.look(id)
      if (!(server instanceof DurableServer)) continue
      const failure = storageFailed(id, error)
      if (error instanceof StoreFull) server.fallBack(failure, () => this.store.load(id))
      else server.unload(failure)
    }
  }
}
