/** The machine's clock. Node's timers are replaced by ones that fire when they are told to. */
import t from 'tap'
import { systemClock } from '../../../src/core/kernel/clock.js'
import { createSimulatedClock } from '../../../src/core/kernel/simulated-clock.js'

const LONGEST = 2 ** 31 - 1

class FakeTimeout {
  isCancelled = false
  isReffed = true
  constructor(
    readonly fire: () => void,
    readonly ms: number,
  ) {}
  ref() {
    this.isReffed = true
  }
  unref() {
    this.isReffed = false
  }
  hasRef() {
    return this.isReffed
  }
}

/** The timers that `run` sets, while Node's are out of the way. */
function withFakeTimers(run: (set: FakeTimeout[]) => void): void {
  const { setTimeout, clearTimeout } = globalThis
  const set: FakeTimeout[] = []
  Object.assign(globalThis, {
    setTimeout: (fire: () => void, ms: number) => {
      const timeout = new FakeTimeout(fire, ms)
      set.push(timeout)
      return timeout
    },
    clearTimeout: (timeout: FakeTimeout) => {
      timeout.isCancelled = true
    },
  })
  try {
    run(set)
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout })
  }
}

t.test('it tells the time of the machine, and one that only grows', async (t) => {
  const before = Date.now()
  const now = systemClock.now()
  t.ok(before <= now && now <= Date.now())
  const first = systemClock.monotonic()
  t.ok(systemClock.monotonic() >= first)
})

t.test('a timer fires once, after its time', async (t) => {
  withFakeTimers((set) => {
    let fired = 0
    systemClock.setTimer(500, () => fired++)
    t.same(
      set.map(({ ms }) => ms),
      [500],
    )
    t.equal(fired, 0)
    set[0]?.fire()
    t.equal(fired, 1)
    t.equal(set.length, 1)
  })
})

t.test("a timer beyond Node's longest is waited for in pieces, and does not fire at once", async (t) => {
  withFakeTimers((set) => {
    let fired = 0
    systemClock.setTimer(2 * LONGEST + 5, () => fired++)
    for (let i = 0; i < 2; i++) {
      set.at(-1)?.fire()
      t.equal(fired, 0)
    }
    t.same(
      set.map(({ ms }) => ms),
      [LONGEST, LONGEST, 5],
    )
    set[2]?.fire()
    t.equal(fired, 1)
  })
})

t.test("Node's longest itself needs one piece", async (t) => {
  withFakeTimers((set) => {
    let fired = 0
    systemClock.setTimer(LONGEST, () => fired++)
    set[0]?.fire()
    t.equal(fired, 1)
    t.equal(set.length, 1)
  })
})

t.test('cancelling takes the piece that is waited for', async (t) => {
  withFakeTimers((set) => {
    const timer = systemClock.setTimer(LONGEST + 5, () => t.fail('it was cancelled'))
    set[0]?.fire()
    timer.cancel()
    t.same(
      set.map(({ isCancelled }) => isCancelled),
      [false, true],
    )
  })
})

t.test('a timer that is unreffed does not keep the program running, in none of its pieces', async (t) => {
  withFakeTimers((set) => {
    const timer = systemClock.setTimer(2 * LONGEST + 5, () => {})
    t.equal(set[0]?.isReffed, true)
    timer.unref()
    t.equal(set[0]?.isReffed, false)
    set[0]?.fire()
    t.equal(set[1]?.isReffed, false)
    timer.ref()
    t.equal(set[1]?.isReffed, true)
    set[1]?.fire()
    t.equal(set[2]?.isReffed, true)
  })
})

t.test('a timer of forever is none', async (t) => {
  const simulated = createSimulatedClock()
  withFakeTimers((set) => {
    const timers = [systemClock, simulated].map((clock) =>
      clock.setTimer(Number.POSITIVE_INFINITY, () => t.fail('forever is over')),
    )
    t.equal(set.length, 0)
    t.equal(simulated.pending, 0)
    for (const timer of timers) {
      timer.unref()
      timer.ref()
      timer.cancel()
    }
  })
})
