/**
 * The patch (RFC 6902) from one JSON value to another. Made to be fast before it is short, since it is made beside the
 * servers: in time that grows with the size of the values, where the library's own way with arrays grows with its square
 * (ten seconds for an element more in a thousand).
 */
import { isDeepStrictEqual } from 'node:util'
import { createPatch, type Operation, type Pointer } from 'rfc6902'

export type JsonPatch = readonly Operation[]

/** As short as the value itself at most: `toText` is `to`, spelt out. Gives the patch spelt out. */
export function patchText(from: unknown, to: unknown, toText: string): string {
  const whole = `[{"op":"replace","path":"","value":${toText}}]`
  try {
    const text = JSON.stringify(createPatch(from, to, diffArrays))
    return text.length < whole.length ? text : whole
  } catch {
    // Nested deeper, or changed in more places, than the stack bears.
    return whole
  }
}

/** What is the same at both ends stays; what is between is compared place by place. */
function diffArrays(from: unknown, to: unknown, pointer: Pointer): Operation[] | undefined {
  if (!Array.isArray(from) || !Array.isArray(to)) return undefined
  const at = pointer.toString()
  const most = Math.min(from.length, to.length)
  let head = 0
  while (head < most && isDeepStrictEqual(from[head], to[head])) head++
  let tail = 0
  while (tail < most - head && isDeepStrictEqual(from.at(-1 - tail), to.at(-1 - tail))) tail++
  const fromEnd = from.length - tail
  const toEnd = to.length - tail
  const operations: Operation[] = []
  for (let i = head; i < Math.min(fromEnd, toEnd); i++) {
    for (const operation of createPatch(from[i], to[i], diffArrays)) {
      operations.push({ ...operation, path: `${at}/${i}${operation.path}` })
    }
  }
  for (let i = fromEnd - 1; i >= toEnd; i--) operations.push({ op: 'remove', path: `${at}/${i}` })
  for (let i = fromEnd; i < toEnd; i++) operations.push({ op: 'add', path: `${at}/${i}`, value: to[i] })
  return operations
}
