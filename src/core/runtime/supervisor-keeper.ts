/**
 * Keeps the children of one supervisor: who is to come back is held until the supervisor says so.
 */

import type { Reason } from '../kernel/reason.js'
import { type Cause, comesBack, type Keeper, type Mortal } from '../server/keeper.js'
import type { Server } from '../server/server.js'
import type { FamilyRecord } from './family-record.js'

export class SupervisorKeeper implements Keeper {
  /** Their ids: durable ones may not be in memory. */
  readonly #children = new Set<string>()

  constructor(
    readonly parent: Server,
    /** `undefined`: nothing is kept. */
    readonly record: FamilyRecord | undefined,
    /** This life of it begins as an earlier one was. */
    private readonly recalls: boolean,
  ) {}

  /** It has yet to begin as it was: those of its children that are supervisors do so too. */
  get isRecalling(): boolean {
    return this.recalls && this.record?.hasBegun !== true
  }

  /** It, or one above it, has yet to begin as it was. */
  get isRecalled(): boolean {
    const { keeper } = this.parent
    return this.isRecalling || (keeper instanceof SupervisorKeeper && keeper.isRecalled)
  }

  get supervisor(): string {
    return this.parent.id
  }

  comeback(mortal: Mortal, reason: Reason, cause: Cause): 'held' | undefined {
    if (this.parent.ended) return undefined
    const isTriedAgain = cause === 'notRestarted'
    if (!isTriedAgain && !comesBack(mortal.restart, reason)) return undefined
    mortal.restartTimes = [...(isTriedAgain ? mortal.restartTimes : []), mortal.uptime]
    return 'held'
  }

  /** The supervisor at the top of the tree. */
  get tree(): string {
    const { keeper, id } = this.parent
    return keeper instanceof SupervisorKeeper ? keeper.tree : id
  }

  get children(): string[] {
    return [...this.#children]
  }

  add(id: string): void {
    this.#children.add(id)
  }

  remove(id: string): void {
    this.#children.delete(id)
  }

  /** The child is in memory, from now on or again. */
  tie(child: Server): void {
    child.ties.linkToParent(this.parent, true)
  }
}
