/**
 * Port: time. Everything that makes time pass goes through it, so that tests move time by hand and never sleep.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump when the machine's clock is set. */
  now(): number
  /** Milliseconds that only grow; for durations and deadlines. */
  monotonic(): number
  /** Calls `fire` once, `ms` milliseconds from now or a little later; never, if that is `Infinity`. */
  setTimer(ms: number, fire: () => void): ClockTimer
}

export interface ClockTimer {
  cancel(): void
  /** A timer that is unreffed does not keep the program running. */
  unref(): void
  ref(): void
}

/** Node's timers fire at once beyond this many milliseconds (about 24.8 days). */
const LONGEST_TIMER = 2 ** 31 - 1

/** It never fires, and keeps nothing running. */
export const never: ClockTimer = { cancel() {}, unref() {}, ref() {} }

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(ms, fire) {
    if (ms === Number.POSITIVE_INFINITY) return never
    let timer: NodeJS.Timeout
    const wait = (left: number) => {
      timer = setTimeout(
        () => (left > LONGEST_TIMER ? goOn(left - LONGEST_TIMER) : fire()),
        Math.min(left, LONGEST_TIMER),
      )
    }
    const goOn = (left: number) => {
      const isUnreffed = !timer.hasRef()
      wait(left)
      if (isUnreffed) timer.unref()
    }
    wait(ms)
    return {
      cancel: () => clearTimeout(timer),
      unref: () => void timer.unref(),
      ref: () => void timer.ref(),
    }
  },
}
