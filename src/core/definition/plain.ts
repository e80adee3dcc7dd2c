/** Values on their way from a handler or a caller into a message: copied, with drafts taken for what they stand for. */
import { current, isDraft } from 'mutative'
import { GenServerError } from '../kernel/errors.js'
import { copyJson, type Json, NotJson } from '../kernel/json.js'
import { NoReply, Stop } from './answer.js'

/** @throws {GenServerError} `invalid_args` for what JSON cannot carry. */
export function checkPlain(args: unknown): Json {
  try {
    return copyPlain(args)
  } catch (error) {
    if (!(error instanceof NotJson)) throw error
    throw new GenServerError('invalid_args', `the args are not JSON that can be taken: ${error.message}`, {
      errors: [{ path: error.path, message: error.problem }],
    })
  }
}

/** @throws {NotJson} */
export function copyPlain(value: unknown, depth?: number): Json {
  return copyJson(value, depth, undraft)
}

function undraft(value: object): object {
  if (isDraft(value)) return current(value) as object
  if (value instanceof NoReply || value instanceof Stop) throw new NotJson('', 'is not a plain value')
  return value
}
