/**
 * What a supervisor can do with servers that nobody else can: start them as its own, take them down and let them live again
 * under their ids. The runtime gives it one.
 */

import type { Restart } from '../definition/options.js'
import type { GenServerError } from '../kernel/errors.js'
import type { Reason } from '../kernel/reason.js'
import type { ChildSpec, Flags } from './child-spec.js'

export type Shutdown = NonNullable<ChildSpec['shutdown']>

/** What holds for a child: what its spec says, or else its implementation. */
export interface ChildTerms {
  readonly restart: Restart
  readonly shutdown: Shutdown
}

/** Which life of the child runs now; `ignored`: its `init` chose not to start. */
export type Started =
  | { readonly incarnation: number; readonly terms: ChildTerms }
  | { readonly ignored: true; readonly terms: ChildTerms }
  | { readonly failure: GenServerError }

/**
 * The child lives again, or has ended (its `EXIT` tells), perhaps since its `init` chose not to start; its `init` has failed and it
 * waits on; it is not there.
 */
export type Revived =
  | { readonly incarnation: number; readonly isIgnored: boolean }
  | { readonly reason: Reason }
  | 'absent'

/** What is kept of a child beyond the process. */
export interface Entry {
  readonly spec: ChildSpec
  readonly terms: ChildTerms
  /** Children are in the order of their places. */
  readonly place: number
  /** Started by `startChild`, not by the args of the supervisor. */
  readonly isDynamic: boolean
  /** Its spec stays, and nobody runs. */
  readonly isStopped: boolean
}

/** What an earlier process has kept of the same supervisor. */
export interface Recalled {
  readonly flags: Flags
  readonly children: readonly Entry[]
}

/** Keeps beyond the process what must be known of a supervisor to start it again. That a child has ended is kept without it. */
export interface Chronicle {
  /** From now on `now` tells all that is to be kept. What was kept before is of use still where it was recalled. */
  begin(now: () => Recalled, isRecalled: boolean): void
  flags(): void
  child(child: Entry): void
  gone(id: string): void
  /** When all of it is kept; or why it is not. */
  kept(): Promise<GenServerError | undefined>
}

export interface Family {
  /**
   * A life of the supervisor with this id begins: from now on it hears of the ends of its children, and does not die of them.
   * What a life before has left is killed.
   */
  found(supervisor: string): Household
}

/** The children of one life of a supervisor. What that life still does when it is over throws, and reaches nobody. */
export interface Household {
  /** The clock's monotonic milliseconds. */
  readonly now: number
  /** Whether this life of a child still goes on. */
  lives(id: string, incarnation: number): boolean
  /** Starts a child; one that an earlier life has left is taken in as it is. */
  start(spec: ChildSpec): Promise<Started>
  /** Where something outlives the process. */
  readonly chronicle: Chronicle | undefined
  /** What it was before the process ended, or the thread. */
  recall(): Promise<Recalled | undefined>
  /** The supervisor ends, or this life of it: what its children do now is not to be kept. */
  over(): void
  /** The durable children that earlier lives have left, in the order in which they were started. */
  readonly left: readonly ChildSpec[]
  /** Lets a durable child be, which stands alone from now on. `false`: it is none. */
  leave(id: string): boolean
  /** Takes a child down that is to live again: its id and what waits in its mailbox stay. */
  hold(id: string, shutdown: Shutdown): Promise<void>
  /** Lets a child live again that died or is held. `timeout`: the milliseconds that its `init` may take. */
  revive(id: string, timeout: number): Promise<Revived>
  /** Ends a child. It runs no more when this resolves; with a failure, it does, since its end could not be kept. */
  terminate(id: string, shutdown: Shutdown): Promise<GenServerError | undefined>
}
