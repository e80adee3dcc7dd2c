/**
 * Schemas of implementations as components of the OpenAPI document. The runtime checks with the author's schema; this
 * copy says the same in the words that generators understand best:
 *
 * 1. A schema with an `$id`, and a definition under `$defs`, becomes a component; references point to it.
 * 2. One-word constants are enums, and unions of them are one enum.
 * 3. A record is an object with `additionalProperties`.
 * 4. Tuples are written with `prefixItems` (JSON Schema 2020-12).
 * 5. In args a property with a default need not be sent, since the runtime fills it in.
 */
import type { TSchema } from '@sinclair/typebox'

export type SchemaObject = { [key: string]: unknown }

export interface Components {
  /** Puts `schema` under a name of its own that begins with `name`, and gives a reference to it. */
  add(name: string, schema: SchemaObject): SchemaObject
  /** Writes `schema` for the document; what needs a name gets one that begins with `prefix`. */
  write(schema: TSchema, prefix: string, use: 'args' | 'reply'): SchemaObject
}

const TARGET = '#/components/schemas/'

/** Keywords that hold one schema, a list of schemas, and schemas by name. */
const single = [
  'items',
  'additionalProperties',
  'unevaluatedProperties',
  'not',
  'contains',
  'propertyNames',
  'if',
  'then',
  'else',
]
const lists = ['anyOf', 'oneOf', 'allOf', 'prefixItems']
const named = ['properties', 'patternProperties', 'dependentSchemas']

/** Collects components into `schemas`. */
export function collectComponents(schemas: Record<string, unknown>): Components {
  const components: Components = {
    add(name, schema) {
      let free = name
      for (let n = 2; Object.hasOwn(schemas, free); n++) free = `${name}${n}`
      schemas[free] = schema
      return { $ref: TARGET + free }
    },
    write(schema, prefix, use) {
      // Symbols, which TypeBox keeps for itself, and undefined are not JSON.
      const plain = JSON.parse(JSON.stringify(schema)) as SchemaObject
      return new Writer(components, schemas, prefix, use === 'args').write(plain)
    },
  }
  return components
}

/** Writes one schema of an author; references are resolved within it. */
class Writer {
  /** From what a reference may say to what it becomes. */
  readonly #targets = new Map<string, string>()

  constructor(
    private readonly components: Components,
    private readonly schemas: Record<string, unknown>,
    private readonly prefix: string,
    private readonly input: boolean,
  ) {}

  write(schema: SchemaObject): SchemaObject {
    const { $id, $defs, ...rest } = schema
    if (isObject($defs)) {
      for (const [name, definition] of Object.entries($defs)) {
        if (isObject(definition)) this.#reserve(name, [`#/$defs/${name}`, name, String(definition['$id'] ?? name)])
      }
      for (const [name, definition] of Object.entries($defs)) {
        if (!isObject(definition)) continue
        const { $id: _, ...body } = definition
        this.#fill(this.#targets.get(`#/$defs/${name}`) as string, this.write(body))
      }
    }
    if (typeof $id !== 'string') return this.#inside(rest)
    const target = this.#reserve(/^T\d+$/.test($id) ? 'Node' : $id, [$id])
    this.#fill(target, this.#inside(rest))
    return { $ref: target }
  }

  #reserve(name: string, references: readonly string[]): string {
    const { $ref } = this.components.add(this.prefix + pascalCase(name), {})
    for (const reference of references) this.#targets.set(reference, $ref as string)
    return $ref as string
  }

  #fill(target: string, schema: SchemaObject): void {
    this.schemas[target.slice(TARGET.length)] = schema
  }

  #inside(schema: SchemaObject): SchemaObject {
    const out: SchemaObject = { ...schema }
    if (typeof out['$ref'] === 'string') out['$ref'] = this.#targets.get(out['$ref']) ?? out['$ref']
    if (Array.isArray(out['items'])) {
      out['prefixItems'] = out['items']
      out['items'] = out['additionalItems'] ?? {}
      delete out['additionalItems']
    }
    for (const key of single) if (isObject(out[key])) out[key] = this.write(out[key])
    for (const key of lists) {
      if (Array.isArray(out[key])) out[key] = out[key].map((one) => (isObject(one) ? this.write(one) : one))
    }
    for (const key of named) {
      const members = out[key]
      if (!isObject(members)) continue
      out[key] = Object.fromEntries(Object.entries(members).map(([k, v]) => [k, isObject(v) ? this.write(v) : v]))
    }
    return wordsAsEnum(recordAsObject(this.input ? asInput(out) : out))
  }
}

function asInput(schema: SchemaObject): SchemaObject {
  const { properties, required } = schema
  if (!isObject(properties)) return schema
  const needed = Array.isArray(required)
    ? required.filter((key: string) => !(isObject(properties[key]) && 'default' in properties[key]))
    : []
  const { required: _, ...rest } = schema
  return { ...rest, ...(needed.length > 0 && { required: needed }) }
}

function recordAsObject(schema: SchemaObject): SchemaObject {
  const { patternProperties, ...rest } = schema
  if (!isObject(patternProperties)) return schema
  const any = patternProperties['^(.*)$'] ?? patternProperties['^.*$']
  if (any === undefined || Object.keys(patternProperties).length > 1) return schema
  return { ...rest, additionalProperties: any }
}

function wordsAsEnum(schema: SchemaObject): SchemaObject {
  if ('const' in schema) {
    const { const: word, ...rest } = schema
    return { ...rest, enum: [word] }
  }
  const { anyOf, ...rest } = schema
  if (!Array.isArray(anyOf)) return schema
  const words = anyOf.map((one) => (isObject(one) && one['type'] === 'string' ? one['enum'] : undefined))
  return words.every(Array.isArray) ? { ...rest, type: 'string', enum: words.flat() } : schema
}

function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `rate-limiter` as `RateLimiter`. */
export function pascalCase(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  const joined = words.map((word) => (word[0] as string).toUpperCase() + word.slice(1)).join('')
  return /^[A-Za-z]/.test(joined) ? joined : `X${joined}`
}

/** `rate-limiter` as `rateLimiter`. */
export function camelCase(name: string): string {
  const pascal = pascalCase(name)
  return (pascal[0] as string).toLowerCase() + pascal.slice(1)
}
