/**
 * Finds deadlocks before they happen. A server that calls another waits for it; if the other one waits, directly or
 * through others, for the first, no answer can ever come (OTP finds only the call to oneself: `calling_self`).
 */
import type { Busy } from './call.js'

/** The ids from `caller` round to `caller` again that a call to `to` would close, or `undefined` if it closes none. */
export function findCallCycle(caller: Busy, to: Busy): string[] | undefined {
  const path = pathTo(caller, to, new Set())
  return path && [caller.id, ...path]
}

function pathTo(goal: Busy, from: Busy, seen: Set<Busy>): string[] | undefined {
  if (from === goal) return [from.id]
  if (from.waits === undefined || seen.has(from)) return undefined
  seen.add(from)
  for (const wait of from.waits) {
    const path = pathTo(goal, wait.aside ?? wait.to, seen)
    if (path) return [from.id, ...path]
  }
  return undefined
}
