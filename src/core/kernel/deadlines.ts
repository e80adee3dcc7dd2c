/**
 * The deadlines of all calls that are under way. Calls with the same timeout are due in the order in which they were
 * made, so each timeout has a lane, a linked list, and a lane needs one timer for its first entry: adding and removing
 * cost the same however many calls there are (Node keeps its own timers in this way).
 */
import type { Clock, ClockTimer } from './clock.js'

/** Something that expires. It carries its place in its lane. */
export interface Expiring {
  /** The clock's monotonic milliseconds. */
  deadline: number
  /** In how many milliseconds it expires, counted from when it was made. */
  readonly timeout: number
  /** It is over, and expires no more. */
  readonly settled: boolean
  lane: Lane | undefined
  earlier: Expiring | undefined
  later: Expiring | undefined
  expire(): void
}

/** Empty lanes beyond this many are not kept, so that odd timeouts leave nothing behind. */
const SPARE_LANES = 32

export class Deadlines {
  readonly #lanes = new Map<number, Lane>()
  readonly #fresh: Expiring[] = []

  constructor(private readonly clock: Clock) {}

  /**
   * `item` expires its timeout from `now`; never, if that is `Infinity`. It gets its timer with `enterLanes`: most calls
   * are over by then, and need none.
   */
  add(item: Expiring, now: number): void {
    if (item.timeout === Number.POSITIVE_INFINITY) return
    item.deadline = now + item.timeout
    this.#fresh.push(item)
  }

  /** Whatever is fresh and not over gets its timer. */
  enterLanes(): void {
    const fresh = this.#fresh
    if (fresh.length === 0) return
    for (const item of fresh) if (!item.settled) this.#laneOf(item).append(item)
    // An array whose length is set to 0 gives its memory back, and the next call would need new.
    while (fresh.length > 0) fresh.pop()
  }

  #laneOf({ timeout }: Expiring): Lane {
    let lane = this.#lanes.get(timeout)
    if (lane === undefined) {
      lane = new Lane(this.clock, timeout, this.#lanes)
      this.#lanes.set(timeout, lane)
    }
    return lane
  }

  /** Stops all timers. */
  close(): void {
    for (const lane of this.#lanes.values()) lane.close()
    this.#lanes.clear()
    this.#fresh.length = 0
  }
}

export class Lane {
  #first: Expiring | undefined = undefined
  #last: Expiring | undefined = undefined
  #timer: ClockTimer | undefined = undefined
  #firing = false

  constructor(
    private readonly clock: Clock,
    private readonly timeout: number,
    private readonly lanes: Map<number, Lane>,
  ) {}

  append(item: Expiring): void {
    item.lane = this
    item.earlier = this.#last
    if (this.#last === undefined) this.#first = item
    else this.#last.later = item
    this.#last = item
    // What fires arms the timer again when it is done, for whoever is first then.
    if (this.#firing) return
    // Some of its time may have passed already.
    if (this.#timer === undefined) this.#arm(Math.max(0, item.deadline - this.clock.monotonic()))
    else if (this.#first === item) this.#timer.ref()
  }

  remove(item: Expiring): void {
    if (item.earlier === undefined) this.#first = item.later
    else item.earlier.later = item.later
    if (item.later === undefined) this.#last = item.earlier
    else item.later.earlier = item.earlier
    item.lane = item.earlier = item.later = undefined
    if (this.#first === undefined) this.#rest()
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Nothing is due: an armed timer may stay for the next call, but must not keep the program running. */
  #rest(): void {
    if (this.lanes.size > SPARE_LANES) this.#drop()
    else this.#timer?.unref()
  }

  #drop(): void {
    this.close()
    if (this.lanes.get(this.timeout) === this) this.lanes.delete(this.timeout)
  }

  #arm(ms: number): void {
    this.#timer = this.clock.setTimer(ms, () => this.#fire())
  }

  #fire(): void {
    this.#timer = undefined
    this.#firing = true
    try {
      this.#expireUntil(this.clock.monotonic())
    } finally {
      // Also when somebody who was told has failed: the others must still expire.
      this.#firing = false
      if (this.#first === undefined) this.#drop()
      else this.#arm(Math.max(0, this.#first.deadline - this.clock.monotonic()))
    }
  }

  #expireUntil(now: number): void {
    while (this.#first !== undefined && this.#first.deadline <= now) {
      const due = this.#first
      this.remove(due)
      due.expire()
    }
  }
}
