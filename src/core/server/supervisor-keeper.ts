/**
 * Keeps the children of one supervisor: who is to come back is held until the supervisor says so.
 */

import type { Reason } from '../kernel/reason.js'
import { type Cause, comesBack, type Keeper, type Mortal } from './keeper.js'
import type { Server } from './server.js'

export class SupervisorKeeper implements Keeper {
  readonly #children = new Set<Server>()

  constructor(private readonly parent: Server) {}

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

  get children(): Server[] {
    return [...this.#children]
  }

  add(child: Server): void {
    this.#children.add(child)
  }

  remove(child: Server): void {
    this.#children.delete(child)
  }

  /** The supervisor is no more. Its children have heard so by their links, but for those who have no life to be linked. */
  parentEnded(): void {
    for (const child of this.children) child.endIfAway('killed')
  }
}
