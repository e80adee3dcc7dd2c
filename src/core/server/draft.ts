/**
 * Drafts of a state: a handler changes one as if the state were its alone, and the state itself stays what it was.
 *
 * 1. Who changes nothing gets the same state back, so that a change can be told by comparing two references.
 * 2. Changing a draft after its turn changes no state: it throws, or is not seen.
 *
 * Mutative makes them, with proxies that copy what is changed. A small flat object, as the state of a counter is, is
 * copied outright, which costs a tenth of that, and what became of it is written back.
 */
import { create } from 'mutative'

export interface Draft {
  /** What the handler changes. */
  readonly draft: object
  /** Makes it the next state. */
  finalize(): object
}

/** An object with more keys than this is left to mutative. */
const MOST_KEYS = 8

export function draftOf(state: object): Draft {
  const keys = flatKeys(state)
  if (keys !== NOT_FLAT) return new Copy(state as Record<string, unknown>, keys)
  const [draft, finalize] = create(state)
  return { draft, finalize }
}

const NOT_FLAT = -1

/** How many keys it has, if it is a plain object of a few primitives. */
function flatKeys(state: object): number {
  if (Object.getPrototypeOf(state) !== Object.prototype) return NOT_FLAT
  let keys = 0
  for (const key in state) if (isPart((state as Record<string, unknown>)[key]) || ++keys > MOST_KEYS) return NOT_FLAT
  return keys
}

function isFlat(state: object): state is Record<string, unknown> {
  return flatKeys(state) !== NOT_FLAT
}

/** It can be changed where it is. */
function isPart(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

class Copy implements Draft {
  readonly draft: Record<string, unknown>

  constructor(
    private readonly state: Record<string, unknown>,
    private readonly stateKeys: number,
  ) {
    this.draft = { ...state }
  }

  finalize(): object {
    const { draft, state } = this
    let keys = 0
    let isSame = true
    for (const key in draft) {
      const value = draft[key]
      // What is flat is adopted or sealed; what is not flat any more would go on as it is, in the handler's hands.
      if (isPart(value) || ++keys > MOST_KEYS) return { ...draft }
      isSame &&= Object.is(value, state[key]) && (value !== undefined || Object.hasOwn(state, key))
    }
    return isSame && keys === this.stateKeys ? state : draft
  }
}

/** `next` for somebody who keeps it: the handler may still have it in its hands, and must not change it any more. */
export function seal(next: object): object {
  // What is nested by now is not frozen, and who freezes the state later must not take it to be.
  return isFlat(next) ? Object.freeze(next) : next
}

/**
 * `next` as an object that no handler has: `own`, filled anew, where that is such an object already. A state that lives on
 * in one object is nothing that the garbage collector has to carry along.
 */
export function adopt(next: object, own: object | undefined): object {
  if (!isFlat(next)) return next
  if (own === undefined) return { ...next }
  const filled = own as Record<string, unknown>
  let keys = 0
  for (const key in next) {
    filled[key] = next[key]
    keys++
  }
  for (const _ in filled) keys--
  return keys === 0 ? filled : { ...next }
}

/**
 * The state as a `readOnly` handler gets it: whoever changes it is told so by an exception. What cannot be frozen, since
 * it refers to itself or has a getter that throws, is taken as it is: to look at a state must not fail.
 */
export function freeze(state: object): object {
  try {
    return create(state, () => {}, { enableAutoFreeze: true })
  } catch {
    return state
  }
}
