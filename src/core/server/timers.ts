/**
 * The timers of one server (OTP: `erlang:send_after/3`). They belong to its state: they are kept when it restarts from
 * the state, and gone with a fresh `init`, a stop or a kill.
 */

import type { TimerInfo } from '../definition/info.js'
import type { Clock, ClockTimer } from '../kernel/clock.js'
import { Cast, Info } from '../kernel/envelope.js'
import type { Json } from '../kernel/json.js'
import type { Origin } from '../kernel/queued.js'
import type { Receipt } from '../kernel/receipt.js'

/** The last moment that a `Date` can name (ECMAScript: time range). */
const LAST_DATE = 8.64e15

/** Whoever keeps the timers of a server beyond its memory. */
export interface TimerLog {
  set(ref: string, due: number, envelope: Cast | Info): void
  /** One has been cancelled. */
  gone(ref: string): void
  /** All have. */
  cleared(): void
  /** What is known of one that fires. */
  receipt(ref: string): Receipt
}

interface Timer {
  /** What it brings. */
  readonly envelope: Cast | Info
  /** The clock's monotonic milliseconds. */
  readonly due: number
  readonly armed: ClockTimer
}

/** A cast from outside that comes later. */
export interface DelayedCast {
  readonly message: string
  readonly args: Json
  readonly origin: Origin | undefined
  readonly ifMatch: number | undefined
}

export class Timers {
  readonly #timers = new Map<string, Timer>()

  constructor(
    private readonly clock: Clock,
    /** Takes what a timer brings. A timer always gets through, so what it brings is not bounded. */
    private readonly put: (envelope: Cast | Info) => void,
    private readonly log?: TimerLog,
  ) {}

  get size(): number {
    return this.#timers.size
  }

  /** When the next one fires: milliseconds since the Unix epoch. */
  get nextDue(): number | null {
    if (this.#timers.size === 0) return null
    let next = Number.POSITIVE_INFINITY
    for (const { due } of this.#timers.values()) next = Math.min(next, due)
    return this.clock.now() + Math.max(0, Math.ceil(next - this.clock.monotonic()))
  }

  /** A plain message in `ms` milliseconds. */
  send(ref: string, ms: number, message: string, args: Json): void {
    this.#set(ref, ms, new Info(message, args, false))
  }

  /** A cast in `ms` milliseconds. */
  cast(ref: string, ms: number, { message, args, origin, ifMatch }: DelayedCast): void {
    this.#set(ref, ms, new Cast(message, args, origin, ifMatch, false))
  }

  /** The milliseconds that are left, or `false` if the timer has fired or is not known. */
  left(ref: string): number | false {
    const timer = this.#timers.get(ref)
    return timer === undefined ? false : this.#left(timer)
  }

  cancel(ref: string): number | false {
    const left = this.left(ref)
    this.#timers.get(ref)?.armed.cancel()
    if (this.#timers.delete(ref)) this.log?.gone(ref)
    return left
  }

  clear(): void {
    if (this.#timers.size > 0) this.log?.cleared()
    this.forget()
  }

  /** They are no more here, and nowhere else either but where they are kept. */
  forget(): void {
    for (const timer of this.#timers.values()) timer.armed.cancel()
    this.#timers.clear()
  }

  /** One that is kept goes on. What is late fires at once. */
  restore(ref: string, due: number, envelope: Cast | Info): void {
    this.#arm(ref, Math.max(0, due - this.clock.now()), envelope)
  }

  /** What they will bring, by their refs. One that is at hand may be cancelled meanwhile. */
  *waiting(): Generator<[ref: string, envelope: Cast | Info], void, undefined> {
    for (const [ref, { envelope }] of this.#timers) yield [ref, envelope]
  }

  /** The next to fire comes first. */
  list(): TimerInfo[] {
    const now = this.clock.now()
    return [...this.#timers]
      .sort(([, a], [, b]) => a.due - b.due)
      .map(([ref, timer]) => {
        const dueIn = this.#left(timer)
        const { kind, message } = timer.envelope
        return { ref, kind, message, dueAt: new Date(Math.min(now + dueIn, LAST_DATE)).toISOString(), dueIn }
      })
  }

  #left(timer: Timer): number {
    return Math.max(0, Math.ceil(timer.due - this.clock.monotonic()))
  }

  #set(ref: string, ms: number, envelope: Cast | Info): void {
    this.#arm(ref, ms, envelope)
    this.log?.set(ref, this.clock.now() + ms, envelope)
  }

  #arm(ref: string, ms: number, envelope: Cast | Info): void {
    const armed = this.clock.setTimer(ms, () => {
      this.#timers.delete(ref)
      envelope.receipt = this.log?.receipt(ref)
      this.put(envelope)
    })
    this.#timers.set(ref, { envelope, due: this.clock.monotonic() + ms, armed })
  }
}
