/** Ids that grow. */
import t from 'tap'
import { isId } from '../../../src/core/kernel/id.js'
import { IdMaker } from '../../../src/core/kernel/id-maker.js'
import { createSimulatedClock } from '../../../src/core/kernel/simulated-clock.js'

const timeOf = (id: string) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)

t.test('they are UUIDs of version 7, and say when they were made', async (t) => {
  const clock = createSimulatedClock()
  await clock.advance(1234)
  const id = new IdMaker(clock).next()
  t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  t.ok(isId(id))
  t.equal(timeOf(id), Math.trunc(clock.now()))
})

t.test('each is greater than the one before, more in a millisecond than there are counts', async (t) => {
  const maker = new IdMaker(createSimulatedClock())
  let last = ''
  for (let n = 0; n < 10_000; n++) {
    const id = maker.next()
    if (id <= last) t.fail(`${id} came after ${last}`)
    last = id
  }
  t.match(last, /^[0-9a-f]{8}-[0-9a-f]{4}-7/)
})

t.test('also when the clock goes back', async (t) => {
  let now = 2000
  const clock = Object.assign(createSimulatedClock(), { now: () => now })
  const maker = new IdMaker(clock)
  const before = maker.next()
  now = 1000
  t.ok(maker.next() > before)
})

t.test('two makers at one time make other ids', async (t) => {
  const clock = createSimulatedClock()
  const [a, b] = [new IdMaker(clock), new IdMaker(clock)]
  t.equal(new Set(Array.from({ length: 100 }, () => [a.next(), b.next()]).flat()).size, 200)
})
