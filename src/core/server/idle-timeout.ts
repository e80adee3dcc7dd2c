/**
 * The idle timeout of one server (OTP: the timeout in a callback's return). Any message ends it, so the message that it
 * brings is taken back if another one is handled first.
 */
import type { Clock, ClockTimer } from '../kernel/clock.js'
import { Info } from '../kernel/envelope.js'
import type { Mailbox } from '../kernel/mailbox.js'

export class IdleTimeout {
  #ms: number | undefined = undefined
  #timer: ClockTimer | undefined = undefined
  #waiting: Info | undefined = undefined

  constructor(
    private readonly clock: Clock,
    private readonly mailbox: Mailbox,
    private readonly put: (info: Info) => void,
  ) {}

  get isArmed(): boolean {
    return this.#ms !== undefined
  }

  arm(ms: number): void {
    this.disarm()
    this.#ms = ms
    this.#timer = this.clock.setTimer(ms, () => {
      this.#timer = undefined
      this.#waiting = new Info('timeout', {}, false)
      this.put(this.#waiting)
    })
  }

  /** A message is being handled, maybe the timeout itself. Gives the milliseconds it was armed with. */
  disarm(handled?: unknown): number | undefined {
    const ms = this.#ms
    if (this.#waiting !== undefined && this.#waiting !== handled) this.mailbox.remove(this.#waiting)
    this.#timer?.cancel()
    this.#ms = this.#timer = this.#waiting = undefined
    return ms
  }
}
