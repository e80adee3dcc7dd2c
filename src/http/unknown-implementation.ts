/** The failure of the routes that look an implementation up themselves, in the words of the runtime. */
import { GenServerError } from '../index.js'

export function unknownImplementation(name: string): GenServerError {
  return new GenServerError('unknown_implementation', `there is no implementation ${name}`)
}
