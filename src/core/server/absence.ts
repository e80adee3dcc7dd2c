/**
 * A server is away: its last life is over, the next one comes later. How long servers wait for that in all is known, since
 * it is no time in which they stayed alive.
 */

import type { Clock, ClockTimer } from '../kernel/clock.js'
import type { Pending } from '../kernel/process.js'
import type { Comeback } from './keeper.js'

export class Absence {
  /** Milliseconds in all, without what it waits right now. */
  #waited = 0
  #since: number | undefined = undefined
  #live: (() => Pending) | undefined = undefined
  #timer: ClockTimer | undefined = undefined
  /** When the timer fires, on the clock's monotonic milliseconds. */
  #until = 0

  constructor(private readonly clock: Clock) {}

  get isAway(): boolean {
    return this.#live !== undefined
  }

  get waited(): number {
    return this.#waited + (this.#since === undefined ? 0 : this.clock.monotonic() - this.#since)
  }

  /** Milliseconds until the next life begins; 0 where nobody knows. */
  get left(): number {
    return this.#timer === undefined ? 0 : this.#until - this.clock.monotonic()
  }

  begin(comeback: Comeback, live: () => Pending): void {
    this.#since = this.clock.monotonic()
    this.#live = live
    if (comeback === 'held') return
    if (comeback === 0) {
      Promise.resolve().then(() => (this.#live === live ? this.liveNow() : undefined))
      return
    }
    this.#until = this.#since + comeback
    this.#timer = this.clock.setTimer(comeback, () => void this.liveNow())
  }

  /** The next life begins. */
  liveNow(): Pending {
    const live = this.#live
    this.cancel()
    return live?.()
  }

  /** There is no next life. */
  cancel(): void {
    this.#waited = this.waited
    this.#timer?.cancel()
    this.#timer = this.#live = this.#since = undefined
  }
}
