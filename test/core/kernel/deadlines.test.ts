/** The deadlines of many calls. */
import t from 'tap'
import type { Clock } from '../../../src/core/kernel/clock.js'
import { Deadlines, type Expiring, type Lane } from '../../../src/core/kernel/deadlines.js'
import { createSimulatedClock } from '../../../src/core/kernel/simulated-clock.js'

class Item implements Expiring {
  deadline = Number.POSITIVE_INFINITY
  lane: Lane | undefined = undefined
  earlier: Expiring | undefined = undefined
  later: Expiring | undefined = undefined
  settled = false
  constructor(
    readonly expire: () => void = () => {},
    readonly timeout = 0,
  ) {}
}

function setUp() {
  const clock = createSimulatedClock()
  const deadlines = new Deadlines(clock)
  const expired: string[] = []
  const add = (name: string, timeout: number) => {
    const item = new Item(() => expired.push(name))
    deadlines.add(item, timeout, clock.monotonic())
    return item
  }
  return { clock, deadlines, expired, add }
}

t.test('each expires at its time, and not before', async (t) => {
  const { clock, expired, add } = setUp()
  add('slow', 300)
  add('quick', 100)
  await clock.advance(50)
  add('later', 100)
  await clock.advance(49)
  t.same(expired, [])
  await clock.advance(1)
  t.same(expired, ['quick'])
  await clock.advance(49)
  t.same(expired, ['quick'])
  await clock.advance(1)
  t.same(expired, ['quick', 'later'])
  await clock.advance(150)
  t.same(expired, ['quick', 'later', 'slow'])
  t.equal(clock.pending, 0)
})

t.test('all that share a timeout share a timer', async (t) => {
  const { clock, expired, add } = setUp()
  for (let i = 0; i < 1000; i++) add(`${i}`, 5000)
  t.equal(clock.pending, 1)
  await clock.advance(5000)
  t.equal(expired.length, 1000)
  t.equal(clock.pending, 0)
})

t.test('what is removed does not expire, wherever in the lane it was', async (t) => {
  for (const out of [0, 1, 2]) {
    const { clock, expired, add } = setUp()
    const items = ['a', 'b', 'c'].map((name) => add(name, 100))
    const item = items[out] as Item
    item.lane?.remove(item)
    t.equal(item.lane, undefined)
    add('d', 100)
    await clock.advance(100)
    t.same(expired, [...['a', 'b', 'c'].filter((_, i) => i !== out), 'd'])
  }
})

t.test('an infinite timeout never expires and needs no timer', async (t) => {
  const { clock, add } = setUp()
  const item = add('never', Number.POSITIVE_INFINITY)
  t.equal(clock.pending, 0)
  t.equal(item.deadline, Number.POSITIVE_INFINITY)
})

t.test('what leaves its lane by itself when it expires takes nobody along', async (t) => {
  const clock = createSimulatedClock()
  const deadlines = new Deadlines(clock)
  const expired: string[] = []
  for (const name of ['a', 'b']) {
    const item: Item = new Item(() => {
      item.lane?.remove(item)
      expired.push(name)
    })
    deadlines.add(item, 100, 0)
  }
  await clock.advance(100)
  t.same(expired, ['a', 'b'])
  t.equal(clock.pending, 0)
})

t.test('what is added while another expires gets its own full time, and one timer', async (t) => {
  const { clock, deadlines, expired, add } = setUp()
  const again = new Item(() => add('again', 100))
  deadlines.add(again, 100, 0)
  add('beside', 100)
  await clock.advance(100)
  t.same(expired, ['beside'])
  t.equal(clock.pending, 1)
  await clock.advance(99)
  t.same(expired, ['beside'])
  await clock.advance(1)
  t.same(expired, ['beside', 'again'])
  t.equal(clock.pending, 0)
})

t.test('empty lanes beyond the spare ones leave no timer', async (t) => {
  const { clock, add } = setUp()
  const items = Array.from({ length: 40 }, (_, i) => add(`${i}`, 1000 + i))
  t.equal(clock.pending, 40)
  for (const item of items) item.lane?.remove(item)
  t.equal(clock.pending, 32)
  await clock.advance(2000)
  t.equal(clock.pending, 0)
})

t.test('a lane that is dropped while it fires does not take its successor along', async (t) => {
  const { clock, deadlines, add } = setUp()
  for (let i = 0; i < 40; i++) add(`${i}`, 1000 + i)
  const item: Item = new Item(() => {
    item.lane?.remove(item)
    add('successor', 10)
  })
  deadlines.add(item, 10, 0)
  await clock.advance(10)
  t.equal(clock.pending, 41)
  deadlines.close()
  t.equal(clock.pending, 0, 'close knows the successor')
})

t.test('a timer that nobody waits for does not keep the program running, until somebody does', async (t) => {
  const said: string[] = []
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    setTimer: () => ({
      cancel: () => said.push('cancel'),
      ref: () => said.push('ref'),
      unref: () => said.push('unref'),
    }),
  }
  const deadlines = new Deadlines(clock)
  const [first, second, third] = [new Item(), new Item(), new Item()]
  deadlines.add(first, 100, 0)
  t.same(said, [])
  first.lane?.remove(first)
  t.same(said, ['unref'])
  deadlines.add(second, 100, 0)
  t.same(said, ['unref', 'ref'])
  deadlines.add(third, 100, 0)
  t.same(said, ['unref', 'ref'], 'once is enough')
})

t.test('after close nothing expires', async (t) => {
  const { clock, deadlines, expired, add } = setUp()
  const item = add('a', 100)
  add('b', 200)
  deadlines.close()
  t.equal(clock.pending, 0)
  await clock.advance(1000)
  t.same(expired, [])
  t.doesNotThrow(() => item.lane?.remove(item), 'what was in a lane may still leave it')
})

t.test('what is over before the lanes are entered never gets a timer', async (t) => {
  const { clock, deadlines, expired } = setUp()
  const over = new Item(() => expired.push('over'), 100)
  const goesOn = new Item(() => expired.push('goes on'), 100)
  for (const item of [over, goesOn]) deadlines.addFresh(item, 100, clock.monotonic())
  deadlines.addFresh(new Item(() => expired.push('never'), Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY, 0)
  t.equal(clock.pending, 0, 'not yet')
  t.equal(over.deadline, 100, 'but its time runs')
  over.settled = true
  await clock.advance(40)
  deadlines.enterLanes()
  t.equal(clock.pending, 1)
  await clock.advance(59)
  t.same(expired, [])
  await clock.advance(100)
  t.same(expired, ['goes on'])
  deadlines.enterLanes()
  t.equal(clock.pending, 0)
})
