/**
 * How durable servers come out of the store. When the runtime begins they are only known (`Sleeper`); each comes into memory when it
 * has something to do, and so does one of which something was lost.
 */
import type { GroupCommit } from '../kernel/group-commit.js'
import type { KeptBrief } from '../kernel/kept.js'
import type { Node } from '../kernel/node.js'
import { type Store, StoreFull } from '../kernel/store.js'
import type { Directory } from './directory.js'
import { DurableServer } from './durable-server.js'
import type { StateView } from './info.js'
import type { Keeper } from './keeper.js'
import { pagesOf } from './kept-pages.js'
import { restoredTerms } from './kept-text.js'
import { makeKnown } from './make-known.js'
import type { Neighbours } from './neighbours.js'
import { NotRestored, notRestored } from './not-restored.js'
import type { ServerTerms } from './options.js'
import type { Peers } from './peers.js'
import type { Protocol } from './protocol.js'
import { Sleeper } from './sleeper.js'
import { viewState } from './state-view.js'
import { notRead, storageFailed } from './storage-failed.js'

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
    try {
      for await (const page of pagesOf(this.store)) {
        await this.restoreServers(page.map(({ id }) => id))
        restored += page.length
      }
      await this.#restoreExits()
    } catch (error) {
      throw notRestored(error)
    }
    return restored
  }

  /** @throws {NotRestored} */
  async restoreServers(ids: readonly string[]): Promise<void> {
    const briefs = await this.store.briefs(ids).catch((error) => {
      throw notRestored(error)
    })
    for (const brief of briefs) this.#register(brief)
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
    this.#makeKnown(new Sleeper(brief, protocol, this.#termsOf(brief.terms), this.home.node))
  }

  #termsOf(text: string): ServerTerms {
    const known = this.#terms.get(text)
    if (known !== undefined) return known
    const terms = restoredTerms(text)
    this.#terms.set(text, terms)
    return terms
  }

  #makeKnown(sleeper: Sleeper): void {
    makeKnown(sleeper, this.home.directory, this.home.neighbours)
  }

  /** Servers that were known to a node that is no more, and not in memory there, are known here; what is missing is asked of the store. */
  know(servers: readonly Known[]): void {
    const startedAt = this.home.node.clock.now()
    for (const { id, implementation, terms, incarnation, restarts, revision } of servers) {
      const protocol = this.home.findProtocol(implementation) as Protocol
      const { version } = protocol
      const numbers = { startedAt, incarnation, restarts, revision, due: null, hasCasts: false }
      const brief = { id, implementation, version, terms: '', ...numbers }
      this.#makeKnown(new Sleeper(brief, protocol, terms, this.home.node))
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
    const { brief, protocol, terms } = sleeper
    sleeper.cancelAlarm()
    const server = this.#make(brief.id, protocol, terms)
    this.home.directory.registry.replace(brief.id, server)
    this.home.neighbours.slept(brief.id, false)
    server.comeAwake(brief, sleeper.remembered, () => this.store.load(brief.id))
    return server
  }

  #make(id: string, protocol: Protocol, terms: ServerTerms): DurableServer {
    const { root, peers, node } = this.home
    return new DurableServer(id, protocol, null, terms, root, peers, node, node.commits as GroupCommit)
  }

  /** A server that had its id on a node that is no more comes out of the store `delay` milliseconds from now. */
  bringBack(known: Known, delay: number): void {
    const { id, implementation, terms } = known
    const { directory, neighbours } = this.home
    const protocol = this.home.findProtocol(implementation) as Protocol
    const server = this.#make(id, protocol, terms)
    directory.registry.register(id, server, implementation)
    directory.labels.add(id, terms.labels)
    neighbours.registered(server)
    server.comeOut(known, () => this.store.load(id), delay)
  }

  /** The state of one that is not in memory. */
  async stateOf({ id, protocol }: Sleeper): Promise<StateView | undefined> {
    const kept = await this.store.load(id).catch((error) => {
      throw notRead(id, error)
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
      else server.retire(failure)
    }
  }
}
