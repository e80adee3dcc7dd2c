/** How durable servers come out of the store: all of them when the runtime begins, and those of which something was lost. */
import type { GroupCommit } from '../kernel/group-commit.js'
import type { Kept } from '../kernel/kept.js'
import type { Node } from '../kernel/node.js'
import { type Store, StoreFull } from '../kernel/store.js'
import type { Directory } from './directory.js'
import { DurableServer } from './durable-server.js'
import type { Keeper } from './keeper.js'
import { pagesOf } from './kept-pages.js'
import { restoredTerms } from './kept-text.js'
import type { Neighbours } from './neighbours.js'
import { NotRestored } from './not-restored.js'
import type { Peers } from './peers.js'
import type { Protocol } from './protocol.js'
import { storageFailed } from './storage-failed.js'

/** Exits that are remembered beyond the process. */
const MOST_EXITS = 10_000

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
  constructor(
    private readonly store: Store,
    private readonly home: Home,
  ) {}

  /** @throws {NotRestored} if one of them cannot be brought back. */
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
    const kept = await Promise.all(ids.map((id) => this.store.load(id)))
    for (const each of kept) if (each !== undefined) this.#wake(each)
  }

  /** `server`, which had its id on a node that is no more, comes out of the store `delay` milliseconds from now. */
  bringBack(server: DurableServer, delay: number): void {
    server.comeOut(() => this.store.load(server.id), delay)
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
      const server = this.home.directory.find(id)
      if (!(server instanceof DurableServer)) continue
      const failure = storageFailed(id, error)
      if (error instanceof StoreFull) server.fallBack(failure, () => this.store.load(id))
      else server.unload(failure)
    }
  }

  #wake(kept: Kept): void {
    const { id, implementation, version, args, terms } = kept.server
    const { directory, root, peers, node, neighbours } = this.home
    const protocol = this.home.findProtocol(implementation)
    if (protocol?.definition.durable !== true) {
      throw new NotRestored(`${id} is kept, and there is no durable implementation ${implementation}`)
    }
    if (protocol.version !== version) {
      const versions = `${version} of ${implementation}, and its code is version ${protocol.version}`
      throw new NotRestored(`${id} is kept by version ${versions}`)
    }
    const commits = node.commits as GroupCommit
    const { registry, labels } = directory
    const server = new DurableServer(id, protocol, JSON.parse(args), restoredTerms(terms), root, peers, node, commits)
    registry.register(id, server, implementation)
    labels.add(id, server.terms.labels)
    neighbours.registered(server)
    server.restore(kept)
  }
}
