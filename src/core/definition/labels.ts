/**
 * Labels: words that whoever starts a server puts on it. Servers that have the same one are a group, found by
 * `list({ label })` and reached by `callGroup` and `castGroup`. A label is spelt like an id, since it stands in paths too.
 *
 * 1. They are said once, when the server is started, and hold until it ends: a restart keeps them.
 * 2. They are a set. One that is named twice is refused, as nothing that was asked for is dropped unsaid.
 */
import type { InputError } from '../kernel/errors.js'
import { ID_PATTERN, isId } from '../kernel/id.js'

export const MOST_LABELS = 16

const NO_LABELS: readonly string[] = Object.freeze([])

/** What is wrong with labels that are given. */
export function faultsOfLabels(labels: unknown): InputError[] {
  if (labels === undefined) return []
  if (!Array.isArray(labels) || labels.length > MOST_LABELS) {
    return [{ path: '/labels', message: `Expected an array of at most ${MOST_LABELS} strings` }]
  }
  return labels.flatMap((label, at): InputError[] => {
    const path = `/labels/${at}`
    if (typeof label !== 'string' || !isId(label)) {
      return [{ path, message: `Expected string to match '${ID_PATTERN}'` }]
    }
    return labels.indexOf(label) < at ? [{ path, message: 'Expected each label once' }] : []
  })
}

/** A copy that stays as it is. */
export function keepLabels(labels: readonly string[] | undefined): readonly string[] {
  return labels === undefined || labels.length === 0 ? NO_LABELS : Object.freeze([...labels])
}
