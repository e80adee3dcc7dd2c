/**
 * Keeps the durable children of a supervisor that is no more: each stands alone, as others that the root keeps, until a supervisor
 * with the same id begins and takes it in.
 */
import type { Reason } from '../kernel/reason.js'
import type { Cause, Comeback, Keeper, Mortal } from '../server/keeper.js'

export class Orphans implements Keeper {
  readonly supervisor = undefined
  readonly #ids = new Set<string>()

  constructor(private readonly root: Keeper) {}

  comeback(mortal: Mortal, reason: Reason, cause: Cause): Comeback | undefined {
    return this.root.comeback(mortal, reason, cause)
  }

  get ids(): Iterable<string> {
    return this.#ids
  }

  add(id: string): void {
    this.#ids.add(id)
  }

  remove(id: string): void {
    this.#ids.delete(id)
  }
}
