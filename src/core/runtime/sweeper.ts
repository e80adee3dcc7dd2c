/** Forgets in a store what has had its time: how servers ended, and answers that nobody asks for any more. */
import type { Clock, ClockTimer } from '../kernel/clock.js'
import type { Store } from '../kernel/store.js'

/** Milliseconds. The store does some of it each time. */
const EVERY = 10_000

export class Sweeper {
  #timer: ClockTimer | undefined = undefined
  #isOver = false

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    /** Exits from before this are forgotten. Milliseconds since the Unix epoch. */
    private readonly exitsBefore: () => number,
  ) {}

  begin(): void {
    if (this.#isOver) return
    this.#timer = this.clock.setTimer(EVERY, () => void this.#sweep())
    this.#timer.unref()
  }

  async #sweep(): Promise<void> {
    try {
      await this.store.sweep(this.exitsBefore(), this.clock.now())
    } catch {
      // Whoever commits next hears that the store has failed.
    }
    this.begin()
  }

  end(): void {
    this.#isOver = true
    this.#timer?.cancel()
  }
}
