/** By what a call is known whose answer is asked for later. It tells whose answer it is, so that nobody needs to remember that. */
import { randomUUID } from 'node:crypto'
import type { AnswerKey } from '../index.js'

export type CallName = Pick<AnswerKey, 'scope' | 'key'>

/** Of requests to a server. */
export const scopeOf = (id: string) => `servers/${id}`

/** No client can give a key with a space. */
const keyOf = (uuid: string) => `call ${uuid}`

export function newCallRef(id: string): string {
  return `${randomUUID()}.${id}`
}

/** `undefined`: it is none. */
export function nameOfCall(ref: string): CallName | undefined {
  const [, uuid, id] = /^([0-9a-f-]{36})\.(.+)$/.exec(ref) ?? []
  return uuid === undefined || id === undefined ? undefined : { scope: scopeOf(id), key: keyOf(uuid) }
}
