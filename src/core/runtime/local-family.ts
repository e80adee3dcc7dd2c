/**
 * The supervisors of one node, and the households that they have (see `supervisor/family.ts`).
 *
 * 1. A durable child does not end with its supervisor, nor with a life of that, however it ends: it is left, as it is.
 */

import type { ServerTerms } from '../definition/options.js'
import { DurableChild } from '../durable/durable-child.js'
import { Sleeper } from '../durable/sleeper.js'
import type { KeptFamily } from '../kernel/kept.js'
import type { Store } from '../kernel/store.js'
import type { Keeper } from '../server/keeper.js'
import type { Server } from '../server/server.js'
import type { Family } from '../supervisor/family.js'
import type { Directory } from './directory.js'
import { FamilyRecord } from './family-record.js'
import { LocalHousehold, type Make } from './local-household.js'
import type { Neighbours } from './neighbours.js'
import { Orphans } from './orphans.js'
import { SupervisorKeeper } from './supervisor-keeper.js'

export class LocalFamily implements Family {
  readonly #keepers = new Map<Server, SupervisorKeeper>()
  /** By the ids of the supervisors that have left them. */
  readonly #orphans = new Map<string, Orphans>()
  /** Those that are to begin as they were. */
  readonly #recalled = new Set<string>()
  #isClosed = false

  constructor(
    readonly directory: Directory,
    readonly make: Make,
    readonly neighbours: Neighbours,
    private readonly root: Keeper,
    private readonly store: Store | undefined,
  ) {}

  found(supervisor: string): LocalHousehold {
    const parent = this.directory.get(supervisor)
    this.#clear(parent)
    // At once, and not when its `init` has succeeded: children may die before.
    parent.ties.trapsExits = true
    const { commits } = parent.node
    const above = parent.keeper
    if (this.#keepers.get(parent)?.record?.hasBegun) this.#recalled.delete(supervisor)
    const recalls = this.#recalled.has(supervisor) || (above instanceof SupervisorKeeper && above.isRecalling)
    const keeper = new SupervisorKeeper(parent, commits && new FamilyRecord(commits, parent), recalls)
    this.#keepers.set(parent, keeper)
    return new LocalHousehold(this, keeper, () => this.#keepers.get(parent) === keeper)
  }

  /**
   * The supervisor with this id, which stands alone, is to begin with the children that it had when its process or its thread ended.
   * Holds until it has begun, or has ended.
   */
  recallNext(supervisor: string): void {
    this.#recalled.add(supervisor)
  }

  /** @throws {Error} as the store does */
  async kept(supervisor: string): Promise<KeptFamily | undefined> {
    return this.store?.family(supervisor)
  }

  /** The runtime ends, and no supervisor does for that: what is kept of them stays. */
  close(): void {
    this.#isClosed = true
    for (const { record } of this.#keepers.values()) record?.over()
  }

  /** What a life before, which a signal has ended, has left: its ids must be free for the children of this one. */
  #clear(parent: Server): void {
    this.lifeOver(parent)
    for (const id of this.#keepers.get(parent)?.children ?? []) {
      const child = this.directory.find(id) as Server
      this.#clear(child)
      child.kill()
    }
  }

  /** A life of the server is over, which may have been a supervisor. */
  lifeOver(server: Server): void {
    const keeper = this.#keepers.get(server)
    keeper?.record?.over()
    for (const id of keeper?.children ?? []) this.leave(id, keeper as SupervisorKeeper)
  }

  /** Lets a durable child be, which stands alone from now on. `false`: it is none, or is about to end. */
  leave(id: string, keeper: SupervisorKeeper): boolean {
    const child = this.directory.look(id)
    const isSleeper = child instanceof Sleeper
    if (child?.keeper !== keeper || !(isSleeper || (child instanceof DurableChild && child.isThere))) return false
    keeper.remove(id)
    const orphans = this.orphansOf(keeper.supervisor)
    orphans.add(id)
    child.keeper = orphans
    if (!isSleeper) {
      keeper.parent.ties.unlink(id)
      child.left()
    }
    this.neighbours.registered(child)
    return true
  }

  /** Keeps those whom the supervisor with this id has left. */
  orphansOf(supervisor: string): Orphans {
    let orphans = this.#orphans.get(supervisor)
    if (orphans === undefined) {
      orphans = new Orphans(this.root)
      this.#orphans.set(supervisor, orphans)
    }
    return orphans
  }

  /** Who keeps a durable server that comes out of the store, until a supervisor takes it in. */
  keeperOf(id: string, { bond }: Pick<ServerTerms, 'bond'>): Keeper {
    if (bond === undefined) return this.root
    const orphans = this.orphansOf(bond.supervisor)
    orphans.add(id)
    return orphans
  }

  /** A durable server has left, and has its id again: it is in the same hands as before. */
  stays(id: string, keeper: Keeper): void {
    if (keeper instanceof SupervisorKeeper || keeper instanceof Orphans) keeper.add(id)
  }

  /** The server has ended: as a supervisor, as a child, or as neither. It may never have begun. */
  ended(server: Server, hasLived: boolean): void {
    const { keeper } = server
    if (keeper instanceof SupervisorKeeper || keeper instanceof Orphans) keeper.remove(server.id)
    if (keeper instanceof SupervisorKeeper && !(server instanceof DurableChild)) keeper.record?.stopped(server.id)
    this.lifeOver(server)
    const own = this.#keepers.get(server)
    this.#keepers.delete(server)
    this.#recalled.delete(server.id)
    // What begins as it was, and cannot, is to be what it was when that is tried again.
    if (hasLived && !this.#isClosed && own?.isRecalled === false) own.record?.ended()
    // Its children have heard so by their links, but for those who have no life to be linked.
    for (const id of own?.children ?? []) this.directory.find(id)?.endIfAway('killed')
  }
}
