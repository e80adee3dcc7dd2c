/**
 * Holds a state that an operator gives to the schema of its implementation: it is copied as JSON, nothing in it is filled
 * in or coerced, and a key that the schema does not name is refused. (What `init` and handlers make is their author's.)
 */
import { type TSchema, Type } from '@sinclair/typebox'
import { GenServerError, type InputError } from '../kernel/errors.js'
import { copyJson, type Json, NotJson } from '../kernel/json.js'
import { closeSchema, compileSchema } from './schema.js'

/** States may hold what many messages brought, so they may be deeper than one message. */
export const STATE_DEPTH = 256

/** Where the state is in what the operator sent. */
const PLACE = '/state'

/** A copy of a state that somebody gives. @throws {GenServerError} `invalid_request` */
export function copyGivenState(value: unknown): Json {
  return copyState(value, refusedState)
}

/** The check throws `invalid_request`. @throws {Error} if the schema cannot be compiled. */
export function stateCheck(schema: TSchema = Type.Unknown()): (value: unknown) => object {
  const compiled = compileSchema(closeSchema(schema))
  return (value) => {
    const copy = copyGivenState(value)
    if (!compiled.accepts(copy)) throw refusedState(compiled.errors(copy))
    if (typeof copy === 'object' && copy !== null) return copy
    throw refusedState([{ path: '', message: 'Expected an object or an array' }])
  }
}

/** @throws {GenServerError} `invalid_request`, if `state` has parts for which JSON has no form: they would be lost. */
export function mustBeJson(id: string, state: object): void {
  copyState(state, ([fault]) => {
    const problem = `the state of ${id} cannot be replaced by JSON: ${PLACE}${fault.path} ${fault.message}`
    return new GenServerError('invalid_request', problem, { errors: placed([fault]) })
  })
}

export function isJson(state: object): boolean {
  try {
    copyJson(state, STATE_DEPTH)
    return true
  } catch {
    return false
  }
}

export function refusedState(faults: readonly InputError[]): GenServerError {
  const message = 'the state is not what its implementation says that it is'
  return new GenServerError('invalid_request', message, { errors: placed(faults) })
}

function copyState(value: unknown, refuse: (faults: [InputError]) => Error): Json {
  try {
    return copyJson(value, STATE_DEPTH)
  } catch (error) {
    throw error instanceof NotJson ? refuse([{ path: error.path, message: error.problem }]) : error
  }
}

function placed(faults: readonly InputError[]): InputError[] {
  return faults.map(({ path, message }) => ({ path: PLACE + path, message }))
}
