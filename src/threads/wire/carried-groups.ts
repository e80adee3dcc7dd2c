/** What became of a message to a group, on its way between threads: with its errors in a form that can be cloned. */
import type { GenServerError, GroupFailure, GroupReplies, GroupSent } from '../../index.js'
import { type CarriedFailure, carry, uncarry } from './carried-failure.js'

interface CarriedFailures {
  readonly failures: readonly (Omit<GroupFailure, 'error'> & { readonly error: CarriedFailure })[]
}

export type CarriedSent = Omit<GroupSent, 'failures'> & CarriedFailures
export type CarriedReplies = Omit<GroupReplies, 'failures'> & CarriedFailures

/** What is cloned loses its class. */
export function carryFailures(outcome: unknown): object {
  const { failures, ...rest } = outcome as GroupSent | GroupReplies
  return { ...rest, failures: failures.map((each) => ({ ...each, error: carry(each.error) })) }
}

export const uncarryFailures = ({ failures }: CarriedFailures): GroupFailure[] =>
  failures.map((each) => ({ ...each, error: uncarry(each.error) as GenServerError }))
