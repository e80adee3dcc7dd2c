/** The timers of one server. */
import t from 'tap'
import type { Cast, Info } from '../../../src/core/kernel/envelope.js'
import { createSimulatedClock } from '../../../src/core/kernel/simulated-clock.js'
import { Timers } from '../../../src/core/server/timers.js'

function setUp() {
  const clock = createSimulatedClock()
  const brought: (Cast | Info)[] = []
  const timers = new Timers(clock, (envelope) => brought.push(envelope))
  return { clock, brought, timers }
}

t.test('F70: a timer brings its message once, at its time and not before', async (t) => {
  const { clock, brought, timers } = setUp()
  timers.send('t1', 100, 'tick', { n: 1 })
  await clock.advance(99)
  t.same(brought, [])
  await clock.advance(1)
  t.match(brought, [{ kind: 'info', message: 'tick', args: { n: 1 }, bounded: false }])
  await clock.advance(1000)
  t.equal(brought.length, 1)
  t.equal(timers.size, 0)
  t.equal(clock.pending, 0)
})

t.test('a delayed cast brings all that was said with it, and always gets in', async (t) => {
  const { clock, brought, timers } = setUp()
  timers.cast('t1', 50, { message: 'push', args: { n: 1 }, origin: { requestId: 'r' }, ifMatch: 3 })
  await clock.advance(50)
  t.match(brought, [
    { kind: 'cast', message: 'push', args: { n: 1 }, origin: { requestId: 'r' }, ifMatch: 3, bounded: false },
  ])
})

t.test('F70: reading and cancelling give what is left, and false once it has fired or was cancelled', async (t) => {
  const { clock, brought, timers } = setUp()
  timers.send('fires', 100, 'a', {})
  timers.send('cancelled', 300, 'b', {})
  await clock.advance(40)
  t.equal(timers.left('fires'), 60)
  t.equal(timers.left('fires'), 60, 'reading changes nothing')
  t.equal(timers.cancel('cancelled'), 260)
  t.equal(timers.cancel('cancelled'), false)
  t.equal(timers.left('cancelled'), false)
  await clock.advance(60)
  t.equal(timers.cancel('fires'), false)
  t.equal(timers.left('fires'), false)
  t.equal(timers.left('unknown'), false)
  await clock.advance(1000)
  t.equal(brought.length, 1)
})

t.test('what is left is whole milliseconds, and never less than none', async (t) => {
  const { clock, timers } = setUp()
  timers.send('t1', 99.4, 'a', {})
  t.equal(timers.left('t1'), 100)
  // The machine was busy, and its timer is late.
  const { monotonic } = clock
  clock.monotonic = () => monotonic() + 500
  t.equal(timers.left('t1'), 0)
})

t.test('timers are listed with the next to fire first', async (t) => {
  const { clock, timers } = setUp()
  timers.send('late', 2000, 'a', {})
  timers.cast('soon', 1000, { message: 'b', args: {}, origin: undefined, ifMatch: undefined })
  await clock.advance(500)
  t.equal(timers.size, 2)
  t.strictSame(timers.list(), [
    { ref: 'soon', kind: 'cast', message: 'b', dueAt: '2026-01-01T00:00:01.000Z', dueIn: 500 },
    { ref: 'late', kind: 'info', message: 'a', dueAt: '2026-01-01T00:00:02.000Z', dueIn: 1500 },
  ])
})

t.test('a timer that is due after the last of all dates can be listed', async (t) => {
  const { timers } = setUp()
  timers.send('t1', 1e300, 'a', {})
  t.match(timers.list(), [{ dueAt: '+275760-09-13T00:00:00.000Z', dueIn: 1e300 }])
  timers.clear()
})

t.test('F71: timers that are cleared bring nothing and leave nothing', async (t) => {
  const { clock, brought, timers } = setUp()
  timers.send('t1', 100, 'a', {})
  timers.send('t2', 200, 'b', {})
  timers.clear()
  t.equal(timers.size, 0)
  t.equal(clock.pending, 0)
  await clock.advance(1000)
  t.same(brought, [])
})
