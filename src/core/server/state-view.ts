/**
 * What operators may see of a state (OTP: `format_status/1`). It fails closed: if `redact` throws, or the state itself
 * cannot be shown, nothing is.
 */
import type { AnyDefinition } from '../definition/definition.js'
import type { StateView } from '../definition/info.js'
import type { MessageLog } from '../kernel/message-log.js'

/** What a server has for a state before `init` has given one, and after the end. Nobody is shown it. */
export const NO_STATE: object = Object.freeze({})

/** A server whose state is looked at. */
export interface Viewed {
  readonly id: string
  readonly node: { readonly taken: Pick<MessageLog, 'during'> }
  readonly protocol: { readonly definition: AnyDefinition }
  readonly committed: object
  readonly committedRevision: number
  readonly incarnation: number
  /** Changes when the state is given up. */
  readonly lineage: number
}

export function stateView(server: Omit<Viewed, 'lineage'>): StateView {
  const { id, node, protocol, committed, committedRevision: revision, incarnation } = server
  // It may be long at it, or never come back.
  return { ...node.taken.during(id, 'redact', () => viewState(protocol, committed)), revision, incarnation }
}

export function viewState(
  { definition }: { readonly definition: AnyDefinition },
  state: object,
): { state: unknown; redactFailed?: true } {
  if (state === NO_STATE) return { state: null }
  try {
    return { state: plain(definition.redact ? definition.redact(state) : state) }
  } catch {
    return { state: null, redactFailed: true }
  }
}

/** Maps and Sets in a form that JSON can show: a Map with string keys as an object, others as a list. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  // Left out by JSON as well, but one named `toJSON` would be run by it.
  if (typeof value === 'function') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Set) return [...value].map(plain)
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]): [unknown, unknown] => [plain(key), plain(item)])
    return entries.every(([key]) => typeof key === 'string') ? Object.fromEntries(entries) : entries
  }
  if (value instanceof Date) return value.toJSON()
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}
