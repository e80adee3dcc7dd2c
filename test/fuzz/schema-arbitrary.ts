/**
 * From a schema of the OpenAPI document to values that fit it. `spoiled` then puts something hostile into one place of
 * such a value: what is wrong in one place only gets further than what is wrong everywhere.
 */
import fc from 'fast-check'
import { texts, values } from './corpus.js'

export type Schema = { readonly [keyword: string]: unknown }

/** What a property of that name should mostly hold, so that requests get further than their first check. */
export type Hints = Readonly<Record<string, fc.Arbitrary<unknown>>>

export const anything = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 2, arbitrary: fc.constantFrom(...values) },
  { weight: 1, arbitrary: fc.constantFrom(...texts) },
)

export function arbitraryOf(schema: Schema, components: Readonly<Record<string, Schema>>, hints: Hints) {
  const of = (schema: Schema): fc.Arbitrary<unknown> => {
    const { $ref, type, properties, items } = schema
    if (typeof $ref === 'string') return of(components[$ref.split('/').at(-1) as string] as Schema)
    if (Array.isArray(schema['enum'])) return fc.constantFrom(...schema['enum'])
    const union = (schema['anyOf'] ?? schema['oneOf']) as Schema[] | undefined
    if (union) return fc.oneof(...union.map(of))
    if (type === 'object') {
      const members = Object.entries((properties ?? {}) as Record<string, Schema>)
      const required = (schema['required'] ?? []) as string[]
      const open = schema['additionalProperties']
      if (members.length === 0 && typeof open === 'object') {
        return fc.dictionary(fc.string({ maxLength: 8 }), of(open as Schema), { maxKeys: 4 })
      }
      const model = Object.fromEntries(members.map(([key, member]) => [key, hinted(key, of(member))]))
      return fc.record(model, { requiredKeys: required })
    }
    if (type === 'array') return fc.array(items ? of(items as Schema) : anything, { maxLength: 4 })
    if (type === 'integer' || type === 'number') {
      const min = (schema['minimum'] ?? -(2 ** 53) + 1) as number
      const max = (schema['maximum'] ?? 2 ** 53 - 1) as number
      return fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max))
    }
    if (type === 'boolean') return fc.boolean()
    if (type === 'null') return fc.constant(null)
    if (type === 'string') {
      return fc.string({ minLength: (schema['minLength'] ?? 0) as number, maxLength: 12, unit: 'grapheme' })
    }
    return anything
  }
  const hinted = (key: string, otherwise: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => {
    const hint = Object.hasOwn(hints, key) ? hints[key] : undefined
    return hint ? fc.oneof({ weight: 9, arbitrary: hint }, { weight: 1, arbitrary: otherwise }) : otherwise
  }
  return of(schema)
}

/** A value of `good` with one place of it replaced, one member too many, or one too few. */
export function spoiled(good: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const key = fc.oneof(fc.constantFrom('extra', '__proto__', 'constructor', 'toString', ''), fc.constantFrom(...texts))
  const change = fc.record({ how: fc.constantFrom('replace', 'add', 'drop'), at: fc.nat(31), value: anything, key })
  return fc.tuple(good, change).map(([value, { how, at, value: strange, key }]) => {
    if (typeof value !== 'object' || value === null) return strange
    const places = placesOf(value)
    const [holder, name] = places[at % places.length] ?? [undefined, '']
    if (holder === undefined) return how === 'add' ? withMember({}, key, strange) : strange
    return rebuilt(value, holder, (copy) => {
      if (how === 'replace') return withMember(copy, name, strange)
      if (how === 'add') return withMember(copy, key, strange)
      return Object.fromEntries(Object.entries(copy).filter(([member]) => member !== name))
    })
  })
}

/** Each place in a value: the object that holds it, and its name there. */
function placesOf(value: object): [object, string][] {
  return Object.entries(value).flatMap(([name, member]) => [
    [value, name] as [object, string],
    ...(isRecord(member) ? placesOf(member) : []),
  ])
}

function rebuilt(value: unknown, holder: object, change: (copy: object) => object): unknown {
  if (!isRecord(value)) return value
  const copy = Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, rebuilt(member, holder, change)]),
  )
  return value === holder ? change(copy) : copy
}

const isRecord = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** Also for `__proto__`, which an assignment would not make a member. */
function withMember(of: object, name: string, value: unknown): object {
  return Object.fromEntries([...Object.entries(of).filter(([member]) => member !== name), [name, value]])
}
