/** What whoever waits hears when a store has failed. */
import { GenServerError } from '../kernel/errors.js'
import { StoreFull } from '../kernel/store.js'

/** Where there was no room nothing is kept; after a failure nobody knows. */
export function storageFailed(id: string, error: Error): GenServerError {
  const effect = error instanceof StoreFull ? 'none' : 'unknown'
  return new GenServerError('storage_failed', `what ${id} did could not be kept: ${error.message}`, {
    effect,
    retryAfter: 1,
  })
}
