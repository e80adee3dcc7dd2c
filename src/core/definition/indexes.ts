/**
 * By which properties of its state an implementation lets its servers be found (`indexes`), and what their values are. Schemas are
 * read as JSON Schema here, so that this can be told where a definition is only data.
 */
import type { DefinitionData } from './definition.js'

/** What can be looked for. */
export type IndexedValue = string | number | boolean | null

/** What the values of a property are, beside `null` if it is nullable. */
export interface IndexedType {
  readonly type: 'string' | 'number' | 'integer' | 'boolean'
  readonly nullable: boolean
}

type Declared = Pick<DefinitionData, 'indexes' | 'durable' | 'state'>

/** In the order in which they are declared. */
export function indexesOf({ indexes = [], state }: Declared): ReadonlyMap<string, IndexedType> {
  return new Map(
    indexes.flatMap((property) => {
      const type = typeOf(schemaOf(state, property))
      return type === undefined ? [] : [[property, type] as const]
    }),
  )
}

export function isOfType({ type, nullable }: IndexedType, value: unknown): boolean {
  if (value === null) return nullable
  if (type === 'integer') return Number.isInteger(value)
  return type === 'number' ? Number.isFinite(value) : typeof value === type
}

export function describeType({ type, nullable }: IndexedType): string {
  return nullable ? `${type} or null` : type
}

/** What is wrong with what is declared, as sentences. */
export function* faultsOfIndexes({ indexes, durable, state }: Declared): Generator<string> {
  if (indexes === undefined) return
  if (!isListOfNames(indexes)) return yield 'indexes is not a list of names'
  if (durable !== true) yield 'indexes are of states that are kept, and it is not durable'
  for (const [at, property] of indexes.entries()) {
    const schema = schemaOf(state, property)
    if (indexes.indexOf(property) < at) yield `indexes has ${property} twice`
    else if (schema === undefined) yield `indexes has ${property}, but state has no such property`
    else if (typeOf(schema) === undefined) {
      yield `indexes has ${property}, whose values are not all strings, all numbers or all booleans`
    }
  }
}

function isListOfNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function schemaOf(state: unknown, property: string): unknown {
  const { properties } = (state ?? {}) as { readonly properties?: Readonly<Record<string, unknown>> }
  return properties !== undefined && Object.hasOwn(properties, property) ? properties[property] : undefined
}

function typeOf(schema: unknown): IndexedType | undefined {
  const words = new Set(wordsOf(schema))
  const nullable = words.delete('null')
  if (words.has('number')) words.delete('integer')
  const [type] = words
  return words.size === 1 && isType(type) ? { type, nullable } : undefined
}

/** What JSON Schema calls the values; `any` among them where it does not say. */
function wordsOf(schema: unknown): readonly unknown[] {
  const { type, anyOf, ...rest } = (schema ?? {}) as Readonly<Record<string, unknown>>
  if (type !== undefined) return [type].flat()
  if (Array.isArray(anyOf)) return anyOf.flatMap(wordsOf)
  if (Array.isArray(rest['enum'])) return rest['enum'].map(wordOf)
  return ['const' in rest ? wordOf(rest['const']) : 'any']
}

function wordOf(value: unknown): string {
  return value === null ? 'null' : typeof value
}

function isType(word: unknown): word is IndexedType['type'] {
  return word === 'string' || word === 'number' || word === 'integer' || word === 'boolean'
}
