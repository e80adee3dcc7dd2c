/**
 * What operators are shown of states and of messages, as text: JSON, cut to a length.
 *
 * 1. A state goes through `redact`, and where that fails nothing of it is shown (see `state-view.ts`).
 * 2. An implementation with a `redact` keeps secrets, and does not say which messages hold them: of its messages only
 *    the shape is shown.
 */

import type { AnyDefinition } from '../definition/definition.js'
import type { Json } from '../kernel/json.js'
import { printable } from '../kernel/reason.js'
import { viewState } from './state-view.js'

/** How much of a state is shown, and of what a message brings, in characters. */
const MOST_STATE = 4096
const MOST_VALUE = 1024
/** How much of a shape is told: levels, and keys of an object. */
const MOST_DEPTH = 3
const MOST_KEYS = 20

/** Whose state or message it is. */
interface Owner {
  readonly definition: AnyDefinition
}

export interface ShownState {
  /** `null` when `redactFailed`. */
  readonly state: string | null
  readonly redactFailed?: true
}

export function showState(owner: Owner, state: object): ShownState {
  const view = viewState(owner, state)
  if (view.redactFailed) return { state: null, redactFailed: true }
  return { state: printable(view.state, MOST_STATE) }
}

/** What a message brings, or a reply. */
export function showValue({ definition }: Owner, value: Json): string {
  return printable(definition.redact ? shapeOf(value, MOST_DEPTH) : value, MOST_VALUE)
}

/** What kind of value it is, and of an object which keys it has. */
function shapeOf(value: Json, depth: number): Json {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `array of ${value.length}`
  if (typeof value !== 'object' || depth === 0) return typeof value
  const keys = Object.keys(value).slice(0, MOST_KEYS)
  return Object.fromEntries(keys.map((key) => [key, shapeOf(value[key] as Json, depth - 1)]))
}
