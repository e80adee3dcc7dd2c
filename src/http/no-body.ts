/** For routes that do something and need to be told nothing. */
import { HttpProblem } from './problem-document.js'

/** @throws {HttpProblem} where something was sent that has no meaning. */
export function mustBeEmpty(body: unknown): void {
  if (body === undefined || body === null) return
  if (typeof body === 'object' && Object.keys(body).length === 0) return
  throw new HttpProblem('invalid_request', 'this takes no body', {
    errors: [{ path: '', message: 'Expected no body' }],
  })
}
