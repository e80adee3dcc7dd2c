/** Deadlocks, found before they happen. */
import t from 'tap'
import type { Callee, Wait } from '../../../src/core/kernel/call.js'
import { findCallCycle } from '../../../src/core/kernel/call-cycle.js'

interface Waiting extends Callee {
  waits: Set<Wait> | undefined
}

const server = (id: string): Waiting => ({ id, waits: undefined }) as unknown as Waiting

function wait(from: Waiting, ...to: Waiting[]): void {
  from.waits = new Set(to.map((callee) => ({ to: callee })))
}

t.test('B20: a call to oneself is a cycle', async (t) => {
  const a = server('a')
  t.same(findCallCycle(a, a), ['a', 'a'])
})

t.test('a call to somebody who waits for nobody is none', async (t) => {
  t.equal(findCallCycle(server('a'), server('b')), undefined)
})

t.test('a call to somebody who waits for me, directly or through others, is one', async (t) => {
  const [a, b, c] = [server('a'), server('b'), server('c')]
  wait(b, a)
  t.same(findCallCycle(a, b), ['a', 'b', 'a'])
  wait(b, c)
  wait(c, a)
  t.same(findCallCycle(a, b), ['a', 'b', 'c', 'a'])
})

t.test('a call to somebody who waits for others is none', async (t) => {
  const [a, b, c] = [server('a'), server('b'), server('c')]
  wait(b, c)
  t.equal(findCallCycle(a, b), undefined)
})

t.test('each of several waits is followed', async (t) => {
  const [a, b, c, d] = [server('a'), server('b'), server('c'), server('d')]
  wait(b, c, d)
  wait(d, a)
  t.same(findCallCycle(a, b), ['a', 'b', 'd', 'a'])
})

t.test('a cycle of others does not keep the search going for ever', async (t) => {
  const [a, b, c] = [server('a'), server('b'), server('c')]
  wait(b, c)
  wait(c, b)
  t.equal(findCallCycle(a, b), undefined)
})

t.test(
  'a call that is worked on beside the turns of its server waits for others, and its server does not',
  async (t) => {
    const [a, b, c, looking] = [server('a'), server('b'), server('c'), server('b')]
    wait(b, a)
    c.waits = new Set([{ to: b, beside: looking }])
    t.equal(findCallCycle(a, c), undefined, 'what b itself waits for does not concern the call')
    wait(looking, a)
    t.same(findCallCycle(a, c), ['a', 'c', 'b', 'a'])
  },
)
