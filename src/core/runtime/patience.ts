/**
 * How long somebody waits for work that has several steps: until their time is over, or it is given up before that, because they have
 * gone or the runtime ends.
 */
import type { Clock, ClockTimer } from '../kernel/clock.js'

const OVER = Symbol('over')

export class Patience {
  #givenUp: Error | undefined = undefined
  #end: (over: typeof OVER) => void = () => {}
  readonly #over = new Promise<typeof OVER>((resolve) => {
    this.#end = resolve
  })
  readonly #timer: ClockTimer

  constructor(
    clock: Clock,
    /** Milliseconds, or `Infinity`. */
    readonly timeout: number,
  ) {
    this.#timer = clock.setTimer(timeout, () => this.#end(OVER))
  }

  /**
   * What comes of the next step, `work`. Where that is not done in time it goes on, and nobody waits for it any more.
   * @throws what `work` rejects with, `late()` when the time is over, and the reason for which it was given up.
   */
  async wait<T>(work: Promise<T>, late: () => Error): Promise<T> {
    const outcome = await Promise.race([work, this.#over])
    this.check()
    if (outcome !== OVER) return outcome
    throw late()
  }

  /** @throws the reason for which it was given up. */
  check(): void {
    if (this.#givenUp !== undefined) throw this.#givenUp
  }

  giveUp(reason: Error): void {
    this.#givenUp ??= reason
    this.close()
  }

  /** Nothing is waited for any more. */
  close(): void {
    this.#timer.cancel()
    this.#end(OVER)
  }
}
