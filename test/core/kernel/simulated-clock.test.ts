/** Time that is moved by hand. */
import t from 'tap'
import { createSimulatedClock } from '../../../src/core/kernel/simulated-clock.js'

t.test('time stands still until it is moved', async (t) => {
  const clock = createSimulatedClock(1_000_000)
  t.equal(clock.now(), 1_000_000)
  t.equal(clock.monotonic(), 0)
  await clock.advance(250)
  t.equal(clock.now(), 1_000_250)
  t.equal(clock.monotonic(), 250)
  t.equal(createSimulatedClock().now(), Date.UTC(2026, 0, 1))
})

t.test('timers fire in the order in which they are due, each at its own time', async (t) => {
  const clock = createSimulatedClock()
  const fired: [string, number][] = []
  for (const [name, ms] of [
    ['c', 300],
    ['a', 100],
    ['b', 100],
    ['d', 301],
  ] as const) {
    clock.setTimer(ms, () => fired.push([name, clock.monotonic()]))
  }
  await clock.advance(99)
  t.same(fired, [])
  await clock.advance(201)
  t.same(fired, [
    ['a', 100],
    ['b', 100],
    ['c', 300],
  ])
  t.equal(clock.pending, 1)
})

t.test('what a timer sets in motion runs before the next one fires', async (t) => {
  const clock = createSimulatedClock()
  const log: string[] = []
  clock.setTimer(1, async () => {
    log.push('a')
    for (let i = 0; i < 100; i++) await undefined
    log.push('a goes on')
    setImmediate(() => log.push('a ends'))
  })
  clock.setTimer(1, () => log.push('b'))
  await clock.advance(1)
  t.same(log, ['a', 'a goes on', 'a ends', 'b'])
})

t.test('a timer that is set by another fires in the same move if it is due', async (t) => {
  const clock = createSimulatedClock()
  const fired: number[] = []
  const again = () => {
    fired.push(clock.monotonic())
    clock.setTimer(10, again)
  }
  clock.setTimer(10, again)
  await clock.advance(35)
  t.same(fired, [10, 20, 30])
  t.equal(clock.monotonic(), 35)
})

t.test('a move by nothing lets everything run that can run now', async (t) => {
  const clock = createSimulatedClock()
  const log: string[] = []
  Promise.resolve().then(() => log.push('promise'))
  setImmediate(() => log.push('immediate'))
  clock.setTimer(0, () => log.push('timer'))
  await clock.advance(0)
  t.same(log, ['promise', 'immediate', 'timer'])
})

t.test('a timer whose time lies in the past fires now, and time does not run back', async (t) => {
  const clock = createSimulatedClock()
  await clock.advance(100)
  let at = -1
  clock.setTimer(-50, () => {
    at = clock.monotonic()
  })
  await clock.advance(0)
  t.equal(at, 100)
})

t.test('a cancelled timer does not fire and is not pending', async (t) => {
  const clock = createSimulatedClock()
  const timer = clock.setTimer(10, () => t.fail('it was cancelled'))
  timer.unref()
  timer.ref()
  t.equal(clock.pending, 1)
  timer.cancel()
  t.equal(clock.pending, 0)
  await clock.advance(10)
})
