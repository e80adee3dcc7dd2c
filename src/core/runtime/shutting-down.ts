/** What whoever comes hears, or is still there, when a runtime closes. */
import { GenServerError } from '../kernel/errors.js'

export function shuttingDown(): GenServerError {
  return new GenServerError('draining', 'the gateway is shutting down', { retryAfter: 1 })
}
