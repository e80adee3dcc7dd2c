/** A clock that is moved by hand, so that tests of timeouts take no time and never race. */
import { type Clock, never } from './clock.js'

export interface SimulatedClock extends Clock {
  /**
   * Moves time forward and fires what becomes due, in order, each at its own time; whatever that sets in motion runs
   * before the next one fires. `advance(0)` lets everything run that can run now.
   */
  advance(ms: number): Promise<void>
  /** How many timers are set. */
  readonly pending: number
}

interface Entry {
  readonly due: number
  readonly fire: () => void
}

/** @example const clock = createSimulatedClock(); await clock.advance(5000) */
export function createSimulatedClock(start = Date.UTC(2026, 0, 1)): SimulatedClock {
  let elapsed = 0
  const entries = new Set<Entry>()
  const nextDue = (until: number): Entry | undefined => {
    let next: Entry | undefined
    for (const entry of entries) if (entry.due <= until && (next === undefined || entry.due < next.due)) next = entry
    return next
  }
  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    setTimer(ms, fire) {
      if (ms === Number.POSITIVE_INFINITY) return never
      const entry = { due: elapsed + ms, fire }
      entries.add(entry)
      return { cancel: () => entries.delete(entry), ref() {}, unref() {} }
    },
    async advance(ms) {
      const until = elapsed + ms
      await settle()
      for (let next = nextDue(until); next !== undefined; next = nextDue(until)) {
        entries.delete(next)
        elapsed = Math.max(elapsed, next.due)
        next.fire()
        await settle()
      }
      elapsed = until
    },
    get pending() {
      return entries.size
    },
  }
}

/** Everything that is ready to run has run: microtasks, and the rounds that the scheduler leaves to the event loop. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}
