/** Which servers ended, for a while. */
import t from 'tap'
import { Exits } from '../../../src/core/kernel/exits.js'
import { createSimulatedClock } from '../../../src/core/kernel/simulated-clock.js'

function setUp(remember: number, most?: number) {
  const clock = createSimulatedClock()
  const exits = new Exits(clock, remember, most)
  const end = (id: string, incarnation = 1) =>
    exits.add({ id, reason: 'normal', at: clock.now(), incarnation, revision: 3 })
  return { clock, exits, end }
}

t.test('an end is remembered for its time, and not longer', async (t) => {
  const { clock, exits, end } = setUp(1000)
  end('a')
  await clock.advance(999)
  t.match(exits.get('a'), { id: 'a', reason: 'normal', incarnation: 1, revision: 3 })
  await clock.advance(1)
  t.equal(exits.get('a'), undefined)
  t.equal(exits.get('b'), undefined)
})

t.test('the last end of an id is the one that is remembered, and its time starts over', async (t) => {
  const { clock, exits, end } = setUp(1000, 2)
  end('a')
  await clock.advance(600)
  end('b')
  end('a', 2)
  t.equal(exits.get('a')?.incarnation, 2)
  end('c')
  t.equal(exits.get('b'), undefined, 'b is the oldest now')
  await clock.advance(999)
  t.equal(exits.get('a')?.incarnation, 2)
})

t.test('beyond the bound the oldest is forgotten', async (t) => {
  const { exits, end } = setUp(1000, 3)
  for (const id of ['a', 'b', 'c', 'd', 'e']) end(id)
  t.same(
    ['a', 'b', 'c', 'd', 'e'].map((id) => exits.get(id)?.id),
    [undefined, undefined, 'c', 'd', 'e'],
  )
})

t.test('ends whose time is over are dropped when others come, so that none of them stays for ever', async (t) => {
  const { clock, exits, end } = setUp(1000)
  const old = Array.from({ length: 10 }, (_, i) => `old-${i}`)
  for (const id of old) end(id)
  await clock.advance(1000)
  end('new')
  // Seen from a clock that stands where it stood, the old ones would still count if they were there.
  const now = clock.now()
  clock.now = () => now - 500
  t.same(
    old.map((id) => exits.get(id)),
    old.map(() => undefined),
  )
  t.equal(exits.get('new')?.id, 'new')
})

t.test('who remembers nothing forgets at once', async (t) => {
  const { exits, end } = setUp(0)
  end('a')
  t.equal(exits.get('a'), undefined)
})

t.test('all that are remembered are told in the order of their time, and none that is over', async (t) => {
  const { clock, exits, end } = setUp(1000)
  end('old')
  await clock.advance(600)
  for (const id of ['a', 'b', 'a']) end(id)
  await clock.advance(600)
  t.same(
    exits.all.map(({ id }) => id),
    ['b', 'a'],
  )
})
