/**
 * `Type.Unsafe` lets an author write a schema that TypeBox cannot express, such as a string enumeration in one word.
 * TypeBox refuses to check such parts until it is told how; they are held to their `type`, `enum` and `const`.
 */
import { TypeRegistry } from '@sinclair/typebox'

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: (value) => Array.isArray(value),
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

/** Makes sure that TypeBox can check `Type.Unsafe`. */
export function teachUnsafe(): void {
  if (!TypeRegistry.Has('Unsafe')) TypeRegistry.Set('Unsafe', holds)
}

function holds(schema: { type?: string | string[]; enum?: unknown[]; const?: unknown }, value: unknown): boolean {
  if (schema.type !== undefined && ![schema.type].flat().some((type) => types[type]?.(value) ?? true)) return false
  if (schema.enum !== undefined && !schema.enum.includes(value)) return false
  return schema.const === undefined || schema.const === value
}
