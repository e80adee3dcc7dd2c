/** What a runtime takes as the implementation of a name. */

import type { AnyDefinition } from '../definition/definition.js'
import { compileProtocol, type Protocol } from '../definition/protocol.js'
import { SUPERVISOR } from '../supervisor/supervisor.js'

/** @throws {Error} if the name is taken, or the definition contradicts itself or asks for what the runtime has not. */
export function admit(name: string, definition: AnyDefinition, keeps: boolean): Protocol {
  if (name === SUPERVISOR) throw new Error(`${name}: the name is taken by what is built in`)
  if (definition.durable && !keeps) {
    throw new Error(`${name}: it is durable, but this runtime has no store`)
  }
  return compileProtocol(name, definition)
}
