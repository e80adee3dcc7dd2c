/**
 * How the state of a server becomes one of other code (OTP: `code_change/3`). It makes the new state and leaves the server as
 * it is.
 *
 * 1. `codeChange` gets the state frozen: a migration that fails has changed nothing.
 * 2. Code of the same version takes the state as it is.
 * 3. The new state matches the schema of its implementation, in either case. What JSON has no form for is not looked at.
 */
import { Type } from '@sinclair/typebox'
import { isDraftable } from 'mutative'
import { printable } from '../kernel/reason.js'
import type { Protocol } from './protocol.js'
import { type CompiledSchema, compileSchema } from './schema.js'
import { isJson } from './state-check.js'
import { isThenable } from './turn.js'

/** The server whose state it is. */
interface Migrated {
  readonly protocol: Protocol
  readonly committed: object
}

export class Migration {
  readonly #schema: CompiledSchema

  constructor(readonly to: Protocol) {
    this.#schema = compileSchema(to.definition.state ?? Type.Unknown())
  }

  /** The state that the server will have. @throws what `codeChange` throws, and Error */
  stateOf({ protocol, committed }: Migrated): object {
    const next = protocol.version === this.to.version ? committed : this.#change(committed, protocol.version)
    if (!isJson(next) || this.#schema.accepts(next)) return next
    const [fault] = this.#schema.errors(next)
    throw new Error(
      `bad state: the state is not what version ${this.to.version} promises: ${fault?.path} ${fault?.message}`,
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
