/** What an implementation says of the values by which its servers are found. */
import type { TSchema } from '@sinclair/typebox'
import { type AnyDefinition, type IndexedType, indexesOf, Type } from 'genservers'
import t from 'tap'
import { isOfType } from '../../../src/core/definition/indexes.js'
import { definitionData } from '../../../src/threads/wire/definition-data.js'

const Color = Type.Enum({ red: 'red', blue: 'blue' })
const some: readonly (readonly [schema: TSchema, type: string])[] = [
  [Type.String({ maxLength: 3 }), 'string'],
  [Type.Number(), 'number'],
  [Type.Integer({ default: 1 }), 'integer'],
  [Type.Boolean(), 'boolean'],
  [Type.Optional(Type.String()), 'string'],
  [Type.Literal('paid'), 'string'],
  [Type.Literal(7), 'number'],
  [Type.Union([Type.Literal('new'), Type.Literal('paid')]), 'string'],
  [Type.Union([Type.Integer(), Type.Number()]), 'number'],
  [Type.Union([Type.Boolean(), Type.Null()]), 'boolean or null'],
  [Type.Union([Type.Null(), Type.Union([Type.Literal('a'), Type.String()])]), 'string or null'],
  [Type.TemplateLiteral([Type.Literal('a'), Type.String()]), 'string'],
  [Color, 'string'],
  [Type.Unsafe({ type: ['integer', 'null'] }), 'integer or null'],
  [Type.Unsafe({ enum: ['a', null] }), 'string or null'],
  [Type.Unsafe({ const: true }), 'boolean'],
]
const others: readonly TSchema[] = [
  Type.Unknown(),
  Type.Any(),
  Type.Null(),
  Type.Array(Type.String()),
  Type.Object({}),
  Type.Union([Type.String(), Type.Integer()]),
  Type.Union([Type.String(), Type.Unknown()]),
  Type.Union([]),
  Type.Date(),
  Type.Unsafe({ enum: ['a', 1] }),
  Type.Unsafe({ type: ['string', 'object'] }),
  Type.Unsafe({ const: {} }),
]

const definition = (schema: TSchema): AnyDefinition => ({
  durable: true,
  indexes: ['of'],
  state: Type.Object({ of: schema }),
  init: () => ({}),
})
const described = (type: IndexedType | undefined) => type && `${type.type}${type.nullable ? ' or null' : ''}`

t.test('schemas of one type of value can be indexed, also where the definition is only data', async (t) => {
  for (const [schema, type] of some) {
    t.equal(described(indexesOf(definition(schema)).get('of')), type)
    t.equal(described(indexesOf(definitionData(definition(schema))).get('of')), type, 'as data')
  }
  for (const schema of others) t.equal(indexesOf(definition(schema)).get('of'), undefined, JSON.stringify(schema))
})

t.test('what travels of a state is what its servers are found by', async (t) => {
  const state = Type.Object({ of: Type.String(), secret: Type.Literal('s') })
  t.same(definitionData({ ...definition(state), state }).state, { properties: { of: { type: 'string' } } })
  t.equal(definitionData({ state, init: () => ({}) }).state, undefined)
})

t.test('a value is of its type and no other', async (t) => {
  const values = ['x', 1.5, 2, true, null, Number.NaN, Number.POSITIVE_INFINITY, {}, undefined]
  const of = (type: IndexedType['type'], nullable = false) =>
    values.filter((each) => isOfType({ type, nullable }, each))
  t.same(of('string'), ['x'])
  t.same(of('number'), [1.5, 2])
  t.same(of('integer'), [2])
  t.same(of('boolean', true), [true, null])
})
