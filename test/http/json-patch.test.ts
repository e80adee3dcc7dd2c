import fc from 'fast-check'
import { applyPatch } from 'rfc6902'
import t from 'tap'
import { patchText } from '../../src/http/json-patch.js'

const make = (from: unknown, to: unknown) => JSON.parse(patchText(from, to, JSON.stringify(to)))

/** Documents that are like each other, so that there is something to keep. */
const json = fc.jsonValue({ maxDepth: 3, noUnicodeString: false } as object)
const alike = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, fc.integer({ min: 0, max: 2 }), tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 5 }),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'a/b', 'm~n', '', '0', '-'), tie('value'), { maxKeys: 4 }),
})).value

t.test('a patch turns the one into the other, and is never longer than the other', async () => {
  const check = (from: unknown, to: unknown) => {
    const text = JSON.stringify(to)
    const patch = patchText(from, to, text)
    const document = structuredClone({ root: from })
    const operations = JSON.parse(patch).map((each: { path: string }) => ({ ...each, path: `/root${each.path}` }))
    const failed = applyPatch(document, operations).filter((result) => result !== null)
    return (
      failed.length === 0 &&
      JSON.stringify(sorted(document.root)) === JSON.stringify(sorted(to)) &&
      patch.length <= `[{"op":"replace","path":"","value":${text}}]`.length
    )
  }
  fc.assert(fc.property(alike, alike, check), { numRuns: 2000 })
  fc.assert(
    fc.property(json, json, (from, to) => hasProto(from) || hasProto(to) || check(from, to)),
    { numRuns: 500 },
  )
})

t.test('a patch is as short as one expects', async (t) => {
  const long = Array.from({ length: 100 }, (_, i) => ({ i }))
  t.same(make({ list: long }, { list: [...long, { i: 100 }] }), [{ op: 'add', path: '/list/100', value: { i: 100 } }])
  t.same(make({ list: long }, { list: long.slice(1) }), [{ op: 'remove', path: '/list/0' }])
  t.same(make({ list: long }, { list: long.toSpliced(50, 1, { i: 7 }) }), [
    { op: 'replace', path: '/list/50/i', value: 7 },
  ])
  t.same(
    make(long, long.toSpliced(10, 3)),
    [12, 11, 10].map((at) => ({ op: 'remove', path: `/${at}` })),
  )
  t.same(make({ a: 1 }, { a: 1 }), [])
  t.same(make([1, 2], [3, 4]), [{ op: 'replace', path: '', value: [3, 4] }], 'the whole, where that is shorter')
  t.same(make({ a: 1, b: { c: [] } }, null), [{ op: 'replace', path: '', value: null }])
})

t.test('the time that it takes grows with the size of the values, and not with its square', async (t) => {
  const list = Array.from({ length: 20_000 }, (_, i) => ({ i }))
  const began = process.cpuUsage()
  make(list, [...list, { i: 20_000 }])
  make(list, list.slice(1))
  make(list, [...list.slice(1), { i: 20_000 }])
  const { user } = process.cpuUsage(began)
  // Some 50 ms; the way that is not taken needs more memory than there is.
  t.ok(user < 5_000_000, `${user / 1000} ms`)
})

t.test('what changed in more places than the stack bears is sent whole', async (t) => {
  const all = (n: number) => ({ all: Object.fromEntries(Array.from({ length: 300_000 }, (_, i) => [i, n])) })
  t.equal(patchText(all(1), all(2), 'X'), '[{"op":"replace","path":"","value":X}]')
})

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, member]) => [key, sorted(member)])
}

/** The library refuses to apply what touches a prototype. */
function hasProto(value: unknown): boolean {
  return JSON.stringify(value).includes('__proto__')
}
