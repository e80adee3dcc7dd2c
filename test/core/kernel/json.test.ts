/** Messages are copies, and only what JSON can carry. */
import fc from 'fast-check'
import t from 'tap'
import { copyJson, MAX_DEPTH, NotJson } from '../../../src/core/kernel/json.js'
import { thrownBy } from '../thrown-by.js'

/** `{ a: { a: ... } }`, `depth` objects deep. */
function nested(depth: number): object {
  let value: object = {}
  for (let i = 1; i < depth; i++) value = { a: value }
  return value
}

t.test('a copy says what JSON would say of the value', async () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value)
      fc.pre(!text.includes('__proto__'))
      return JSON.stringify(copyJson(value)) === text
    }),
  )
})

t.test('a copy shares nothing with its original', async (t) => {
  const original = { list: [{ n: 1 }], inner: { text: 'a' } }
  const copy = copyJson(original) as typeof original
  original.list[0] = { n: 2 }
  original.list.push({ n: 3 })
  original.inner.text = 'b'
  t.same(copy, { list: [{ n: 1 }], inner: { text: 'a' } })
})

t.test('what is undefined is left out of an object, and is null everywhere else', async (t) => {
  t.equal(copyJson(undefined), null)
  t.strictSame(copyJson([undefined, 1]), [null, 1])
  t.strictSame(copyJson(new Array(2)), [null, null])
  t.strictSame(Object.keys(copyJson({ a: undefined, b: 1 }) as object), ['b'])
})

t.test('an object without a prototype is as plain as any', async (t) => {
  const bare = Object.assign(Object.create(null), { a: 1 })
  const copy = copyJson(bare) as object
  t.strictSame(copy, { a: 1 })
  t.equal(Object.getPrototypeOf(copy), Object.prototype)
})

t.test('what JSON cannot carry is refused, with a pointer to the place', async (t) => {
  class Point {}
  const nameless = Object.create({ constructor: undefined })
  const cases: [value: unknown, path: string, problem: string][] = [
    [() => 1, '', 'is a function, not JSON'],
    [Symbol('s'), '', 'is a symbol, not JSON'],
    [1n, '', 'is a bigint, not JSON'],
    [Number.NaN, '', 'is NaN, which JSON has no number for'],
    [{ a: [Number.POSITIVE_INFINITY] }, '/a/0', 'is Infinity, which JSON has no number for'],
    [new Date(0), '', 'is a Date, not a plain object'],
    [{ m: new Map() }, '/m', 'is a Map, not a plain object'],
    [[new Point()], '/0', 'is a Point, not a plain object'],
    [nameless, '', 'is a class instance, not a plain object'],
    [{ 'a/b': { 'c~d': () => 1 } }, '/a~1b/c~0d', 'is a function, not JSON'],
    [JSON.parse('{"__proto__":{"admin":true}}'), '', 'has a key that is not allowed'],
    [{ a: JSON.parse('{"__proto__":1}') }, '/a', 'has a key that is not allowed'],
  ]
  for (const [value, path, problem] of cases) {
    t.match(
      thrownBy(() => copyJson(value)),
      { constructor: NotJson, path, problem },
      problem,
    )
  }
  t.throws(() => copyJson(1n), { message: 'the value is a bigint, not JSON' })
  t.throws(() => copyJson([1n]), { message: '/0 is a bigint, not JSON' })
})

t.test('a value may be nested as deep as the bound, and no deeper', async (t) => {
  t.same(copyJson(nested(MAX_DEPTH)), nested(MAX_DEPTH))
  t.match(
    thrownBy(() => copyJson(nested(MAX_DEPTH + 1))),
    { problem: 'is nested too deep' },
  )
  t.same(copyJson([[1]], 2), [[1]])
  t.match(
    thrownBy(() => copyJson([[[]]], 2)),
    { path: '/0/0', problem: 'is nested too deep' },
  )
})

t.test('a cycle is refused, not followed', async (t) => {
  const circle: { self?: object } = {}
  circle.self = circle
  t.match(
    thrownBy(() => copyJson(circle)),
    { constructor: NotJson, problem: 'is nested too deep' },
  )
})

t.test('whoever copies may let an object stand for another, at any depth', async (t) => {
  const stand = new Map<object, object>()
  const secret = {}
  stand.set(secret, { told: [1] })
  const unwrap = (value: object) => stand.get(value) ?? value
  t.same(copyJson([secret, { in: secret }], MAX_DEPTH, unwrap), [{ told: [1] }, { in: { told: [1] } }])
})

t.test('an error of whoever unwraps is passed on as it is', async (t) => {
  const unwrap = (value: object) => {
    if (Array.isArray(value)) return value
    throw new RangeError('gone')
  }
  t.throws(() => copyJson([{}], MAX_DEPTH, unwrap), { constructor: RangeError, message: 'gone' })
})
