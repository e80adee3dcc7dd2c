/** Values on their way into a message. */
import { create } from 'mutative'
import t from 'tap'
import { NO_REPLY, Stop } from '../../../src/core/definition/answer.js'
import { checkPlain, copyPlain } from '../../../src/core/definition/plain.js'
import { NotJson } from '../../../src/core/kernel/json.js'
import { thrownBy } from '../thrown-by.js'

t.test('a draft is taken for what it stands for now, and does not change with it', async (t) => {
  let taken: unknown
  create({ items: [1], other: { n: 1 } }, (draft) => {
    draft.items.push(2)
    taken = checkPlain({ items: draft.items, all: [draft] })
    draft.items.push(3)
    draft.other.n = 9
  })
  t.strictSame(taken, { items: [1, 2], all: [{ items: [1, 2], other: { n: 1 } }] })
})

t.test('what JSON cannot carry is a fault of the args, at its place', async (t) => {
  t.match(
    thrownBy(() => checkPlain({ a: [() => 1] })),
    {
      code: 'invalid_args',
      message: 'the args are not JSON that can be taken: /a/0 is a function, not JSON',
      details: { errors: [{ path: '/a/0', message: 'is a function, not JSON' }] },
    },
  )
})

t.test('an error that is not about JSON is passed on as it is', async (t) => {
  const trap = Object.defineProperty({}, 'a', {
    enumerable: true,
    get() {
      throw new RangeError('gone')
    },
  })
  t.throws(() => checkPlain(trap), { constructor: RangeError, message: 'gone' })
})

t.test('answers of ctx are no values: they mean something only when a handler returns them', async (t) => {
  for (const answer of [NO_REPLY, new Stop('normal')]) {
    t.match(
      thrownBy(() => copyPlain([answer])),
      { constructor: NotJson, path: '/0', problem: 'is not a plain value' },
    )
  }
})

t.test('how deep a value may be is up to who copies it', async (t) => {
  t.strictSame(copyPlain([[1]], 2), [[1]])
  t.throws(() => copyPlain([[[1]]], 2), { message: '/0/0 is nested too deep' })
})

t.test('a draft is taken at about the cost of what it stands for', async (t) => {
  const state = { items: Array.from({ length: 10_000 }, (_, i) => ({ i, inner: { i } })) }
  const cost = (items: object) => {
    const before = performance.now()
    checkPlain(items)
    return performance.now() - before
  }
  let [plain, draft] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let i = 0; i < 5; i++) {
    plain = Math.min(plain, cost(state.items))
    create(state, ({ items }) => {
      draft = Math.min(draft, cost(items))
    })
  }
  t.ok(draft < 10 * plain, `${draft} ms, ${plain} ms`)
})
