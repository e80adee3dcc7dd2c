/**
 * A thread that has loaded the implementations and is no node yet, so that one that is lost can be replaced at once: loading takes
 * a core a good part of a second, and those that are well would have to share theirs with it.
 */
import type { Clock, ClockTimer } from '../../index.js'
import { Generation, type GenerationTerms } from './generation.js'

/** After a thread was taken the next one waits so many milliseconds: the one that has begun has the cores to itself first. */
const LATER = 1000

export class StandBy {
  #next: Generation | undefined = undefined
  #timer: ClockTimer | undefined = undefined
  #isClosed = false

  constructor(
    private readonly terms: GenerationTerms,
    private readonly clock: Clock,
  ) {}

  /** The one that stands by, or one that has yet to begin. */
  take(): Generation {
    const taken = this.#next ?? new Generation(this.terms)
    this.#next = undefined
    this.#timer?.cancel()
    if (!this.#isClosed) {
      this.#timer = this.clock.setTimer(LATER, () => this.prepare())
      this.#timer.unref()
    }
    return taken
  }

  /** One may be needed soon. */
  prepare(): void {
    if (this.#isClosed || this.#next !== undefined) return
    this.#next = new Generation(this.terms)
    this.#next.begin()
  }

  /** The implementations have changed. */
  renew(): void {
    if (this.#next === undefined) return
    void this.#next.giveUp()
    this.#next = undefined
    this.prepare()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    void this.#next?.giveUp()
    this.#next = undefined
  }
}
