/** What every store promises of servers that are looked for by their states (`find`), held against each of them. */
import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import type { Store } from 'genservers'
import t from 'tap'
import type { Condition, Search } from '../../src/adapters.js'
import { stores } from './each-store.js'
import { server } from './kept-servers.js'

/** Names that mean something to SQL, to its paths into JSON, or to JavaScript. */
const properties = ['n', 'a.b', '$', '"', "'", "n' OR 1=1 --", '\\', '\\"', '__proto__', '', '[0]', '\0', 'ü', '\ud800']

interface State {
  readonly first: unknown
  readonly second: number
}

const oddities = [
  '',
  '1',
  '-0',
  '01',
  'true',
  'null',
  '"',
  "' OR 1=1 --",
  '\0',
  'a\0b',
  '\ud800',
  '😀',
  '1e3',
  '\u2028',
]
const value = fc.oneof(
  fc.constantFrom(...oddities),
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
)
const states = fc.array(fc.record({ first: value, second: fc.nat(1) }), { minLength: 1, maxLength: 20 })
const ended = { reason: '"normal"', at: 1, incarnation: 1, revision: 1 }

for (const [name, open] of Object.entries(stores)) {
  t.test(`${name}: servers are found by what is in their states, in pages, in the order of their ids`, async (t) => {
    const store = await open(t)
    const order = (id: string, status: unknown, total: unknown, implementation = 'order') =>
      server(id, { implementation, state: JSON.stringify({ pad: 'x', status, total }) })
    await store.commit([order('b', 'paid', 1), order('old', 'paid', 1)])
    await store.index(new Map([['order', ['status', 'total']]]))
    await store.commit([
      order('a', 'paid', 2),
      order('c', 'new', 1),
      order('d', 'paid', 1),
      order('e', 'paid', 1, 'cart'),
    ])
    const find = (where: Record<string, unknown>, more: { after?: string; limit?: number } = {}) => {
      const [first, ...others] = Object.entries(where).map(([property, value]) => ({
        property,
        value: JSON.stringify(value),
      })) as [Condition, ...Condition[]]
      return store.find({ implementation: 'order', where: [first, ...others], limit: 10, ...more })
    }
    t.same(await find({ status: 'paid' }), { ids: ['a', 'b', 'd', 'old'] })
    t.same(await find({ status: 'paid' }, { limit: 2 }), { ids: ['a', 'b'], next: 'b' })
    t.same(await find({ status: 'paid' }, { limit: 2, after: 'b' }), { ids: ['d', 'old'] }, 'the last page says so')
    t.same(await find({ status: 'paid', total: 1 }), { ids: ['b', 'd', 'old'] })
    t.same(await find({ total: 1, status: 'paid' }, { limit: 1, after: 'b' }), { ids: ['d'], next: 'd' })
    t.same(await find({ status: 'new', total: 2 }), { ids: [] })
    t.same(await find({ status: 'gone' }), { ids: [] })
    await store.commit([
      { kind: 'state', id: 'b', revision: 2, state: JSON.stringify({ status: 'sent', total: 1 }) },
      {
        kind: 'end',
        exit: { ...{ id: 'old', implementation: 'order', reason: '""' }, at: 1, incarnation: 1, revision: 1 },
      },
    ])
    t.same(await find({ status: 'paid' }), { ids: ['a', 'd'] }, 'as they are now')
    t.same(await find({ status: 'sent' }), { ids: ['b'] })
  })

  t.test(`${name}: values of different types are different`, async (t) => {
    const store = await open(t)
    await store.index(new Map([['counter', ['n', '0']]]))
    const values = ['1', 1, true, 'true', null, 'null', '', 0, false, 1.5, '[1]']
    const texts = [...values.map((n) => ({ n })), {}, { N: 1 }, { n: [1] }, { n: { n: 1 } }, [1], { m: { n: 1 } }]
    await store.commit(texts.map((state, at) => server(`s${at}`, { state: JSON.stringify(state) })))
    for (const [at, value] of values.entries()) {
      const where = [{ property: 'n', value: JSON.stringify(value) }] as const
      t.same((await store.find({ implementation: 'counter', where, limit: 10 })).ids, [`s${at}`], JSON.stringify(value))
    }
    const inArray = [{ property: '0', value: '1' }] as const
    t.same(
      await store.find({ implementation: 'counter', where: inArray, limit: 10 }),
      { ids: [] },
      'places are no properties',
    )
  })

  t.test(`${name}: what is declared last is what servers are found by`, async (t) => {
    const store = await open(t)
    const state = '{"n":1,"m":2,"N":3}'
    await store.commit([server('a', { state })])
    const find = (property: string, value: number, implementation = 'counter') =>
      store.find({ implementation, where: [{ property, value: String(value) }], limit: 10 })
    await t.rejects(find('n', 1), { message: 'servers of counter are not indexed by n' })
    await store.index(new Map([['counter', ['n', 'N']]]))
    t.same(await find('n', 1), { ids: ['a'] })
    t.same(await find('N', 3), { ids: ['a'] })
    await store.index(
      new Map([
        ['counter', ['m', 'n']],
        ['other', ['N']],
      ]),
    )
    t.same(await find('m', 2), { ids: ['a'] })
    await store.commit([server('b', { state })])
    t.same(await find('n', 1), { ids: ['a', 'b'] })
    await t.rejects(find('N', 3), { message: 'servers of counter are not indexed by N' })
    await t.rejects(find('m', 3, 'other'), { message: 'servers of other are not indexed by m' })
    await store.index(new Map())
    await t.rejects(find('n', 1), { message: 'servers of counter are not indexed by n' })
    await store.commit([server('c', { state: '[]' })])
  })

  t.test(`${name}: what is found is what a look at all states would find, whatever is in them`, async (t) => {
    const store = await open(t)
    await store.index(new Map(properties.map((property, at) => [`the ${at}'s`, [property, 'second']])))
    await fc.assert(
      fc.asyncProperty(
        fc.nat(properties.length - 1),
        states,
        fc.integer({ min: 1, max: 5 }),
        async (at, all, limit) => {
          const implementation = `the ${at}'s`
          const property = properties[at] as string
          const ids = all.map((_, index) => `s${index + 10}`)
          const textOf = ({ first, second }: State) => JSON.stringify({ [property]: first, second })
          await store.commit(ids.map((id, index) => server(id, { implementation, state: textOf(all[index] as State) })))
          for (const { first, second } of all) {
            const where = [
              { property, value: JSON.stringify(first) },
              { property: 'second', value: JSON.stringify(second) },
            ] as const
            const found = await findAll(store, { implementation, where, limit })
            const expected = ids.filter((_, index) => textOf(all[index] as State) === textOf({ first, second }))
            deepStrictEqual(found, expected)
          }
          await store.commit(ids.map((id) => ({ kind: 'end', exit: { id, implementation, ...ended } })))
        },
      ),
      { numRuns: 100 },
    )
    t.same((await store.exits(0, 1)).length, 1)
  })
}

async function findAll(store: Store, search: Search): Promise<string[]> {
  const { ids, next } = await store.find(search)
  return next === undefined ? [...ids] : [...ids, ...(await findAll(store, { ...search, after: next }))]
}
