/**
 * Reasons that authors and operators give, held to what a reason may be before anything is done for them: what ends,
 * reports and remembers a server relies on it.
 */
import { copyJson } from '../kernel/json.js'
import { printable, type Reason } from '../kernel/reason.js'

/** @throws {Error} for what is no reason, or cannot travel as one. */
export function checkReason(reason: unknown): Reason {
  if (typeof reason === 'string') return reason
  if (typeof reason === 'object' && reason !== null && Object.keys(reason).length === 1) {
    if ('shutdown' in reason) return { shutdown: copyJson(reason.shutdown) }
    if ('error' in reason && typeof reason.error === 'string') return { error: reason.error }
  }
  throw new Error(`bad_return_value: ${printable(reason)} is no reason`)
}
