/**
 * Messages are copied, as on the BEAM: what a sender does to a value after it sent it changes nothing at the receiver
 * (OTP: message passing copies terms). A message is JSON, so that it can travel over HTTP, between threads and into a
 * store; `copyJson` makes the copy and refuses what JSON cannot carry.
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** How deep a message may be nested. Deeper values overflow the stack of what copies or serialises them later. */
export const MAX_DEPTH = 64

/** The value cannot travel as JSON; `path` is a JSON pointer (RFC 6901) to the place. */
export class NotJson extends Error {
  constructor(
    readonly path: string,
    readonly problem: string,
  ) {
    super(`${path === '' ? 'the value' : path} ${problem}`)
  }
}

/**
 * A copy of `value` that shares nothing with it. As in JSON, properties that are `undefined` are left out and
 * `undefined` alone is `null`. `unwrap` is given every object first, for values that stand for others.
 *
 * @throws {NotJson} for functions, symbols, bigints, numbers that are not finite, instances of classes, and values
 * nested deeper than `depth` (cycles among them).
 */
export function copyJson(value: unknown, depth = MAX_DEPTH, unwrap = asItIs): Json {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null || value === undefined) {
    return value ?? null
  }
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value
    throw new NotJson('', `is ${value}, which JSON has no number for`)
  }
  if (typeof value !== 'object') throw new NotJson('', `is a ${typeof value}, not JSON`)
  if (depth === 0) throw new NotJson('', 'is nested too deep')
  return copyObject(unwrap(value), depth, unwrap)
}

type Unwrap = (value: object) => object

const asItIs: Unwrap = (value) => value

function copyObject(value: object, depth: number, unwrap: Unwrap): Json {
  if (Array.isArray(value)) {
    const copy = new Array<Json>(value.length)
    for (let i = 0; i < copy.length; i++) copy[i] = copyMember(value[i], i, depth, unwrap)
    return copy
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw new NotJson('', `is a ${value.constructor?.name ?? 'class instance'}, not a plain object`)
  }
  const copy: { [key: string]: Json } = {}
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key]
    if (member === undefined) continue
    if (key === '__proto__') throw new NotJson('', 'has a key that is not allowed')
    copy[key] = copyMember(member, key, depth, unwrap)
  }
  return copy
}

function copyMember(member: unknown, key: string | number, depth: number, unwrap: Unwrap): Json {
  if (typeof member === 'string') return member
  try {
    return copyJson(member, depth - 1, unwrap)
  } catch (error) {
    if (!(error instanceof NotJson)) throw error
    throw new NotJson(`/${escapePointer(String(key))}${error.path}`, error.problem)
  }
}

/** One step of a JSON pointer (RFC 6901). */
export function escapePointer(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1')
}
