/**
 * Finds deadlocks before they happen. A server that calls another waits for it; if the other one waits, directly or
 * through others, for the first, no answer can ever come (OTP finds only the call to oneself: `calling_self`).
 */
import type { Busy } from './call.js'
import { GenServerError } from './errors.js'

/** @throws {GenServerError} `call_cycle` if a call of `caller` to `to` would wait for itself. */
export function refuseCallCycle(caller: Busy, to: Busy): void {
  const chain = findCallCycle(caller, to)
  if (chain === undefined) return
  const why = chain.length === 2 ? 'a server cannot call itself (calling_self)' : 'the call would wait for itself'
  throw new GenServerError('call_cycle', `${why}: ${chain.join(' → ')}`, { chain })
}

/**
 * As `refuseCallCycle`, for what the servers of `chain` wait for, of whom only the ids are known here.
 * @throws {GenServerError} `call_cycle` if `to` is one of them, or waits for one.
 */
export function refuseChain(chain: readonly string[], to: Busy): void {
  const path = pathTo(({ id }) => chain.includes(id), to, new Set())
  if (path === undefined) return
  const round = [...chain.slice(chain.indexOf(path.at(-1) as string)), ...path]
  throw new GenServerError('call_cycle', `the call would wait for itself: ${round.join(' → ')}`, { chain: round })
}

/** The ids from `caller` round to `caller` again that a call to `to` would close, or `undefined` if it closes none. */
export function findCallCycle(caller: Busy, to: Busy): string[] | undefined {
  const path = pathTo((each) => each === caller, to, new Set())
  return path && [caller.id, ...path]
}

function pathTo(isGoal: (busy: Busy) => boolean, from: Busy, seen: Set<Busy>): string[] | undefined {
  if (isGoal(from)) return [from.id]
  if (from.waits === undefined || seen.has(from)) return undefined
  seen.add(from)
  for (const wait of from.waits) {
    const path = pathTo(isGoal, wait.beside ?? wait.to, seen)
    if (path) return [from.id, ...path]
  }
  return undefined
}
