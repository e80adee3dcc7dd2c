/**
 * How the state of a server becomes one of other code (OTP: `code_change/3`). It makes the new state and leaves the server as
 * it is.
 *
 * 1. `codeChange` gets the state frozen: a migration that fails has changed nothing.
 * 2. Code of the same version takes the state as it is.
 * 3. The new state matches the schema of its implementation, in either case. Instances of classes, as a Map, are not looked at.
 * 4. What comes of it is data that nobody else has: nothing can fail any more when the server takes it.
 * 5. Nor can it fail to be kept, where that is to be, for what it is.
 */
import { Type } from '@sinclair/typebox'
import { isDraftable } from 'mutative'
import type { Protocol } from '../definition/protocol.js'
import { type CompiledSchema, compileSchema } from '../definition/schema.js'
import { STATE_DEPTH } from '../definition/state-check.js'
import { keptText } from '../durable/kept-text.js'
import { copyJson, NotJson } from '../kernel/json.js'
import type { KeptState } from '../kernel/kept.js'
import type { Node } from '../kernel/node.js'
import { printable } from '../kernel/reason.js'
import { freeze } from '../server/draft.js'
import { isThenable } from '../server/turn.js'

export class Migration {
  readonly #schema: CompiledSchema

  constructor(
    readonly to: Protocol,
    private readonly node: Pick<Node, 'maxStateBytes' | 'workLog'>,
  ) {
    this.#schema = compileSchema(to.definition.state ?? Type.Unknown())
  }

  /**
   * The state that the server `id` will have whose state is `committed`, by code of `version`.
   * @throws what `codeChange` throws, and Error
   */
  stateOf(id: string, committed: object, version: number): object {
    const next = this.#next(id, committed, version)
    if (next !== committed && this.to.definition.durable) keptText(next, this.node.maxStateBytes) // 5
    return next
  }

  /** What will be kept of one of which this is. Another state is another revision. @throws as `stateOf` */
  ofKept({ id, version, revision, state }: KeptState): Omit<KeptState, 'id'> {
    const old = freeze(JSON.parse(state))
    const next = this.#next(id, old, version)
    if (next === old) return { version: this.to.version, revision, state }
    return { version: this.to.version, revision: revision + 1, state: keptText(next, this.node.maxStateBytes) }
  }

  #next(id: string, committed: object, version: number): object {
    if (version === this.to.version) return this.#checked(committed)
    const next = this.node.workLog.during(id, 'codeChange', () => this.#change(committed, version))
    return this.#checked(next === committed ? next : ownCopy(next))
  }

  #checked(state: object): object {
    if (this.#schema.accepts(state)) return state
    const fault = this.#schema.errors(state).find(({ path }) => !isInInstance(state, path))
    if (fault === undefined) return state
    throw new Error(
      `bad state: the state is not what version ${this.to.version} promises: ${fault.path} ${fault.message}`,
    )
  }

  #change(committed: object, from: number): object {
    const { version, definition } = this.to
    if (definition.codeChange === undefined) {
      throw new Error(`there is no codeChange, which would make a state of version ${from} one of version ${version}`)
    }
    const next: unknown = definition.codeChange(committed, from)
    if (isThenable(next)) {
      Promise.resolve(next).catch(() => {})
      throw new Error('bad_return_value: codeChange gave a promise; it must give the state itself')
    }
    if (typeof next === 'object' && isDraftable(next)) return next as object
    throw new Error(`bad_return_value: ${printable(next)}`)
  }
}

/** Deep, unless JSON has no form for it. @throws what a getter throws */
function ownCopy(state: object): object {
  try {
    return copyJson(state, STATE_DEPTH) as object
  } catch (error) {
    if (!(error instanceof NotJson)) throw error
    return isPlain(state) ? { ...state } : state
  }
}

/** Whether `path`, a JSON pointer, leads to an instance of a class in `state`, or into one. */
function isInInstance(state: object, path: string): boolean {
  let part: unknown = state
  for (const step of path.split('/').slice(1)) {
    if (isInstance(part)) return true
    part = (part as Record<string, unknown> | null | undefined)?.[step.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return isInstance(part)
}

function isInstance(part: unknown): boolean {
  return typeof part === 'object' && part !== null && !Array.isArray(part) && !isPlain(part)
}

function isPlain(part: object): boolean {
  const prototype = Object.getPrototypeOf(part)
  return prototype === Object.prototype || prototype === null
}
