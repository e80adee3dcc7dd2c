/**
 * Remembers, for a bounded time and a bounded number, which servers ended and why, so that a late caller hears what
 * happened, and an id that comes back goes on counting where it stopped.
 */
import type { Clock } from './clock.js'
import type { Reason } from './reason.js'

export interface Exit {
  readonly id: string
  readonly reason: Reason
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly incarnation: number
  readonly revision: number
}

const MOST = 100_000

export class Exits {
  /** In the order of their time, which is the order in which they are forgotten. */
  readonly #exits = new Map<string, Exit>()

  constructor(
    private readonly clock: Clock,
    private readonly remember: number,
    private readonly most = MOST,
  ) {}

  add(exit: Exit): void {
    this.#exits.delete(exit.id)
    this.#exits.set(exit.id, exit)
    for (const oldest of this.#exits.values()) {
      if (this.#exits.size <= this.most && !this.#isOver(oldest)) break
      this.#exits.delete(oldest.id)
    }
  }

  /** Whoever ended before is forgotten. */
  get since(): number {
    return this.clock.now() - this.remember
  }

  get(id: string): Exit | undefined {
    const exit = this.#exits.get(id)
    if (exit === undefined || !this.#isOver(exit)) return exit
    this.#exits.delete(id)
    return undefined
  }

  /** All, in the order of their time. */
  get all(): Exit[] {
    return [...this.#exits.values()].filter((exit) => !this.#isOver(exit))
  }

  #isOver(exit: Exit): boolean {
    return this.clock.now() - exit.at >= this.remember
  }
}
