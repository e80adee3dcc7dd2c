/** The supervisors of one node, and the households that they have (see `supervisor/family.ts`). */
import type { Family } from '../supervisor/family.js'
import type { Directory } from './directory.js'
import { LocalHousehold, type Make } from './local-household.js'
import type { Neighbours } from './neighbours.js'
import type { Server } from './server.js'
import { SupervisorKeeper } from './supervisor-keeper.js'

export class LocalFamily implements Family {
  readonly #keepers = new Map<Server, SupervisorKeeper>()

  constructor(
    private readonly directory: Directory,
    private readonly make: Make,
    private readonly neighbours: Neighbours,
  ) {}

  found(supervisor: string): LocalHousehold {
    const parent = this.directory.get(supervisor)
    this.#clear(parent)
    // At once, and not when its `init` has succeeded: children may die before.
    parent.ties.trapsExits = true
    const keeper = new SupervisorKeeper(parent)
    this.#keepers.set(parent, keeper)
    return new LocalHousehold(
      this.directory,
      this.make,
      parent,
      keeper,
      () => this.#keepers.get(parent) === keeper,
      this.neighbours,
    )
  }

  /** What a life before, which a signal has ended, has left: its ids must be free for the children of this one. */
  #clear(parent: Server): void {
    for (const child of this.#keepers.get(parent)?.children ?? []) {
      this.#clear(child)
      child.kill()
    }
  }

  /** The server has ended: as a supervisor, as a child, or as neither. */
  ended(server: Server): void {
    const { keeper } = server
    if (keeper instanceof SupervisorKeeper) keeper.remove(server)
    const own = this.#keepers.get(server)
    this.#keepers.delete(server)
    own?.parentEnded()
  }
}
