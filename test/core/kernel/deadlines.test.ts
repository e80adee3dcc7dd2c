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
    readonly timeout: number,
    readonly expire: () => void = () => {},
  ) {}
}

/** As a call that is not over in the round in which it was made. */
function enter(deadlines: Deadlines, item: Item, now: number): void {
  deadlines.add(item, now)
  deadlines.enterLanes()
}

function setUp() {
  const clock = createSimulatedClock()
  const deadlines = new Deadlines(clock)
  const expired: string[] = []
  const add = (name: string, timeout: number) => {
    const item = new Item(timeout, () => expired.push(name))
    enter(deadlines, item, clock.monotonic())
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
    const item: Item = new Item(100, () => {
      item.lane?.remove(item)
      expired.push(name)
    })
    enter(deadlines, item, 0)
  }
  await clock.advance(100)
  t.same(expired, ['a', 'b'])
  t.equal(clock.pending, 0)
})

t.test('what is added while another expires gets its own full time, and one timer', async (t) => {
  const { clock, deadlines, expired, add } = setUp()
  const again = new Item(100, () => add('again', 100))
  enter(deadlines, again, 0)
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
  const item: Item = new Item(10, () => {
    item.lane?.remove(item)
    add('successor', 10)
  })
  enter(deadlines, item, 0)
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
  const [first, second, third] = [new Item(100), new Item(100), new Item(100)]
  enter(deadlines, first, 0)
  t.same(said, [])
  first.lane?.remove(first)
  t.same(said, ['unref'])
  enter(deadlines, second, 0)
  t.same(said, ['unref', 'ref'])
  enter(deadlines, third, 0)
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
  const over = new Item(100, () => expired.push('over'))
  const goesOn = new Item(100, () => expired.push('goes on'))
  const endless = new Item(Number.POSITIVE_INFINITY, () => expired.push('never'))
  for (const item of [over, goesOn, endless]) deadlines.add(item, clock.monotonic())
  t.equal(clock.pending, 0, 'not yet')
  t.equal(over.deadline, 100, 'but its time runs')
  over.settled = true
  await clock.advance(40)
  deadlines.enterLanes()
  t.equal(clock.pending, 1)
  await clock.advance(59)
  t.same(expired, [])
  await clock.advance(1)
  t.same(expired, ['goes on'], 'on time, although its lane was entered late')
  deadlines.enterLanes()
  t.equal(clock.pending, 0)
})

t.test('what is added while another expires does not delay those who are due before it', async (t) => {
  const { clock, deadlines, expired, add } = setUp()
  enter(deadlines, new Item(200, () => add('again', 200)), clock.monotonic())
  await clock.advance(60)
  add('beside', 200)
  await clock.advance(199)
  t.same(expired, [])
  await clock.advance(1)
  t.same(expired, ['beside'])
  await clock.advance(140)
  t.same(expired, ['beside', 'again'])
  t.equal(clock.pending, 0)
})

t.test('one that fails when it expires does not keep the others from expiring', async (t) => {
  const { clock, deadlines, expired, add } = setUp()
  const broken = new Item(100, () => {
    throw new Error('oops')
  })
  enter(deadlines, broken, clock.monotonic())
  add('beside', 100)
  await t.rejects(clock.advance(100), { message: 'oops' })
  await clock.advance(1)
  t.same(expired, ['beside'])
  add('after', 100)
  await clock.advance(100)
  t.same(expired, ['beside', 'after'])
})
