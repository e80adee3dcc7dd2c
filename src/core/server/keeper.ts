/**
 * A keeper decides whether a server that has died comes back, and when (OTP: its supervisor). Supervisors keep their
 * children; all others are kept by the root, which has a budget for each of them alone, so that one that crashes again
 * and again ends nobody else (OTP has one budget for all children of a supervisor).
 *
 * 1. The first restarts come at once, the next after a growing delay, and one beyond the budget does not come.
 * 2. Time that a server waits for its restart does not count: a loop with long delays is a loop still.
 */

import type { Restart } from '../definition/options.js'
import { isQuiet, type Reason } from '../kernel/reason.js'
import { type RestartBudget, spend } from './restart-budget.js'

/** Milliseconds until the restart, or `held`: somebody else says when. */
export type Comeback = number | 'held'

/** What a keeper knows of a server that has died. */
export interface Mortal {
  readonly restart: Restart
  /** When it was restarted before, on a clock that stands still while it waits. */
  restartTimes: readonly number[]
  /** That clock's milliseconds. */
  readonly uptime: number
}

/** `crashed`, or died of a signal; `stopped` by itself; `notRestarted`: its `init` gave no state. */
export type Cause = 'crashed' | 'stopped' | 'notRestarted'

export interface Keeper {
  /** The id of the supervisor; `undefined` for the root. */
  readonly supervisor: string | undefined
  /** `undefined`: it does not come back. */
  comeback(mortal: Mortal, reason: Reason, cause: Cause): Comeback | undefined
}

/** So many restarts in a row come at once. A bug in one handler costs its messages; an `init` that fails will fail again. */
const AT_ONCE: Readonly<Record<Cause, number>> = { crashed: 5, stopped: 5, notRestarted: 0 }
const FIRST_DELAY = 100
export const LONGEST_DELAY = 30_000

/**
 * Milliseconds before the restart that is the `count`th in a row: exponential backoff, of which between a half and the
 * whole is waited, so that servers which died together do not come back together. `random`: 0 to 1.
 */
export function backoff(cause: Cause, count: number, random: number): number {
  const atOnce = AT_ONCE[cause]
  if (count <= atOnce) return 0
  const delay = Math.min(FIRST_DELAY * 2 ** (count - atOnce - 1), LONGEST_DELAY)
  return Math.round((delay * (1 + random)) / 2)
}

/** Whether a server of this restart type comes back after this end (OTP: `restart` of a child spec). */
export function comesBack(restart: Restart, reason: Reason): boolean {
  return restart === 'permanent' || (restart === 'transient' && !isQuiet(reason))
}

export class RootKeeper implements Keeper {
  readonly supervisor = undefined

  constructor(
    private readonly budget: RestartBudget,
    private readonly random: () => number = Math.random,
  ) {}

  comeback(mortal: Mortal, reason: Reason, cause: Cause): number | undefined {
    // Who stops by itself knows why, and is obeyed.
    if (cause === 'stopped' && mortal.restart !== 'permanent') return undefined
    if (cause === 'crashed' && !comesBack(mortal.restart, reason)) return undefined
    const times = spend(this.budget, mortal.restartTimes, mortal.uptime)
    if (times === undefined) return undefined
    mortal.restartTimes = times
    return backoff(cause, times.length, this.random())
  }
}
