/**
 * What operators may see of a state (OTP: `format_status/1`). It fails closed: if `redact` throws, or the state itself
 * cannot be shown, nothing is.
 */
import type { AnyDefinition } from '../definition/definition.js'
import type { StateView } from '../definition/info.js'
import type { WorkLog } from '../kernel/work-log.js'

/** What a server has for a state before `init` has given one, and after the end. Nobody is shown it. */
export const NO_STATE: object = Object.freeze({})

/** A server whose state is looked at. */
export interface Viewed {
  readonly id: string
  readonly node: { readonly workLog: Pick<WorkLog, 'during'> }
  readonly protocol: { readonly definition: AnyDefinition }
  readonly committed: object
  readonly committedRevision: number
  readonly incarnation: number
  /** Changes when the state is given up. */
  readonly lineage: number
  /** Its state is in the store only. */
  readonly isStored: boolean
}

export function stateView(server: Omit<Viewed, 'lineage' | 'isStored'>): StateView {
  const { id, node, protocol, committed, committedRevision: revision, incarnation } = server
  // It may be long at it, or never come back.
  return { ...node.workLog.during(id, 'redact', () => viewState(protocol, committed)), revision, incarnation }
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

/** Levels. What is deeper can be shown here, but not be carried to another thread. */
const MOST_DEPTH = 512

/** Maps and Sets in a form that JSON can show: a Map with string keys as an object, others as a list. */
function plain(value: unknown, depth = 0): unknown {
  if (typeof value === 'bigint') return value.toString()
  // Left out by JSON as well, but one named `toJSON` would be run by it.
  if (typeof value === 'function') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (depth === MOST_DEPTH) throw new RangeError('the state is too deep to be shown')
  const part = (item: unknown) => plain(item, depth + 1)
  if (Array.isArray(value)) return value.map(part)
  if (value instanceof Set) return [...value].map(part)
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]): [unknown, unknown] => [part(key), part(item)])
    return entries.every(([key]) => typeof key === 'string') ? Object.fromEntries(entries) : entries
  }
  if (value instanceof Date) return value.toJSON()
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, part(item)]))
}
