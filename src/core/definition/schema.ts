/**
 * Schemas, prepared once: what an implementation says of a message becomes one compiled check.
 *
 * 1. Objects of args are closed: a key that the schema does not name is refused, not dropped.
 * 2. Nothing is coerced. Properties that are left out get the schema's `default`.
 */
import { type TSchema, TypeGuard } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { Value } from '@sinclair/typebox/value'
import type { InputError } from '../kernel/errors.js'
import { copyJson, type Json } from '../kernel/json.js'
import { teachFormat } from './formats.js'
import { teachUnsafe } from './unsafe.js'

/** At most this many places are named where an input is at fault. */
const MOST_ERRORS = 10

/** Where a schema holds others by name: these names are the author's, not words of JSON Schema. */
const NAMED: ReadonlySet<string> = new Set(['properties', 'patternProperties', '$defs'])

export interface CompiledSchema {
  /** Fills in defaults; may change `value`. */
  complete(value: Json): Json
  accepts(value: unknown): boolean
  errors(value: unknown): InputError[]
}

/** @throws {Error} if the schema names a format that is not known, or cannot be compiled. */
export function compileSchema(schema: TSchema): CompiledSchema {
  if (!TypeGuard.IsSchema(schema)) throw new Error('that is no schema: use Type.Object({ ... }) and the like')
  walk(schema, (part): undefined => {
    if (typeof part.format === 'string' && !teachFormat(part.format)) {
      throw new Error(`the format ${part.format} is not known`)
    }
  })
  teachUnsafe()
  const compiled = TypeCompiler.Compile(schema)
  return {
    complete: completion(schema),
    accepts: (value) => compiled.Check(value),
    errors: (value) => {
      const found: InputError[] = []
      for (const { path, message, schema: part } of compiled.Errors(value)) {
        if (!found.some((other) => other.path === path)) found.push({ path, message: expectedOf(part) ?? message })
        if (found.length === MOST_ERRORS) break
      }
      return found
    },
  }
}

/** What a choice between words expects, which TypeBox does not tell. */
function expectedOf(part: TSchema): string | undefined {
  if (!TypeGuard.IsUnion(part) || !part.anyOf.every((each) => TypeGuard.IsLiteral(each))) return undefined
  return `Expected ${part.anyOf.map((each) => JSON.stringify(each['const'])).join(' or ')}`
}

/**
 * Fills in what was left out. Most schemas have no default, or have them on the properties of one object: these are
 * served without a walk through the schema.
 */
function completion(schema: TSchema): CompiledSchema['complete'] {
  const hasDefault = (part: unknown) => walk(part, (inner) => inner.default !== undefined)
  if (!hasDefault(schema)) return (value) => value
  const properties: [string, TSchema][] = TypeGuard.IsObject(schema) ? Object.entries(schema.properties) : []
  const isFlat =
    properties.length > 0 &&
    schema.default === undefined &&
    properties.every(([, part]) => !hasDefault({ ...part, default: undefined }))
  if (!isFlat) return (value) => Value.Default(schema, value) as Json
  const defaults = properties.filter(([, part]) => part.default !== undefined)
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    for (const [key, part] of defaults) if (!Object.hasOwn(value, key)) value[key] = copyJson(part.default)
    return value
  }
}

/** The same schema, in which no object takes keys that are not named. */
export function closeSchema(schema: TSchema): TSchema {
  return close(schema, true)
}

/** `isWhole`: nobody else names keys of the same object, as the other parts of an intersection would. */
function close(schema: TSchema, isWhole: boolean): TSchema {
  const closed: Record<string | symbol, unknown> = { ...schema }
  if (isWhole && TypeGuard.IsIntersect(schema)) closed.unevaluatedProperties ??= false
  if (isWhole && (TypeGuard.IsObject(schema) || TypeGuard.IsRecord(schema))) closed.additionalProperties ??= false
  for (const [key, part] of Object.entries(schema)) {
    if (NAMED.has(key)) closed[key] = mapValues(part, closeSchema)
    else if (key === 'allOf') closed[key] = part.map((inner: TSchema) => close(inner, false))
    else if (key === 'anyOf') closed[key] = part.map((inner: TSchema) => close(inner, isWhole))
    else if (key === 'items' && Array.isArray(part)) closed[key] = part.map((inner) => closeSchema(inner))
    else if (isSchema(part) && (key === 'items' || key === 'additionalProperties')) closed[key] = closeSchema(part)
  }
  return closed as unknown as TSchema
}

/** Calls `visit` with every part of the schema; `true` as soon as one answers `true`. */
function walk(part: unknown, visit: (part: Record<string, unknown>) => boolean | undefined): boolean {
  if (Array.isArray(part)) return part.some((item) => walk(item, visit))
  if (typeof part !== 'object' || part === null) return false
  if (visit(part as Record<string, unknown>) === true) return true
  return Object.entries(part).some(([key, item]) => {
    if (key === 'default' || key === 'examples') return false
    return walk(NAMED.has(key) && isSchema(item) ? Object.values(item) : item, visit)
  })
}

function isSchema(part: unknown): part is TSchema {
  return typeof part === 'object' && part !== null && !Array.isArray(part)
}

function mapValues(parts: Record<string, TSchema>, change: (part: TSchema) => TSchema): Record<string, TSchema> {
  return Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, change(part)]))
}
