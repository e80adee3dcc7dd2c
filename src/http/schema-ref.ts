/**
 * How routes name schemas. Every body and answer is a component of the OpenAPI document, so that generated SDKs have a
 * type with a name for it; a route refers to it by `Ref`, which keeps the TypeScript type.
 */
import { type Static, type TSchema, type TUnsafe, Type } from '@sinclair/typebox'

/** What may stand beside the reference: how the answer is described and which headers it has. */
interface Beside {
  readonly description?: string
  readonly headers?: Readonly<Record<string, object>>
}

/** A reference to a component. */
export function Ref<T extends TSchema>(schema: T, beside: Beside = {}): TUnsafe<Static<T>> {
  return Type.Unsafe<Static<T>>({ ...beside, $ref: `${schema.$id}#` })
}

/** One of some words. A union of literals would be an `anyOf` of one-word enums to generators. */
export function Words<const W extends readonly string[]>(
  words: W,
  options: Readonly<Record<string, unknown>> = {},
): TUnsafe<W[number]> {
  return Type.Unsafe<W[number]>({ ...options, type: 'string', enum: words })
}

/** An answer without a body. */
export function Empty(description: string, headers?: Readonly<Record<string, object>>) {
  return Type.Unsafe<undefined>({ type: 'null', description, ...(headers && { headers }) })
}
