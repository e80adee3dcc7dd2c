/** What whoever waits hears when a store has failed. */
import { GenServerError } from '../kernel/errors.js'
import { StoreFull } from '../kernel/store.js'

/** It could not be brought into memory: nothing was done. */
export function notRead(id: string, error: Error): GenServerError {
  return new GenServerError('storage_failed', `what is kept of ${id} could not be read: ${error.message}`, {
    effect: 'none',
    retryAfter: 1,
  })
}

/** Where there was no room nothing is kept; after a failure nobody knows. */
export function storageFailed(id: string, error: Error): GenServerError {
  const effect = error instanceof StoreFull ? 'none' : 'unknown'
  return new GenServerError('storage_failed', `what ${id} did could not be kept: ${error.message}`, {
    effect,
    retryAfter: 1,
  })
}
