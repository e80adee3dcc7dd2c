/** Lets others go on where work of many steps would hold the thread for long. */
import type { Clock } from './clock.js'

/** After so many milliseconds, or steps, it is the turn of others. */
const LONGEST = 5
const MOST_STEPS = 500

export class Breath {
  #steps = 0
  #until: number

  constructor(private readonly clock: Clock) {
    this.#until = clock.monotonic() + LONGEST
  }

  /** To be called after each step. `undefined`: the next may follow at once. */
  get due(): Promise<void> | undefined {
    if (++this.#steps < MOST_STEPS && this.clock.monotonic() < this.#until) return undefined
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#steps = 0
        this.#until = this.clock.monotonic() + LONGEST
        resolve()
      }),
    )
  }
}
