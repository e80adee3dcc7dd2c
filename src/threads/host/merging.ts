/** What several nodes say, each of its own servers, as one answer. */
import { pageSize } from '../../adapters.js'
import type { GroupReplies, GroupSent, ServerCount, ServerPage } from '../../index.js'
import { type CarriedReplies, type CarriedSent, uncarryFailures } from '../wire/carried-groups.js'

type Identified = { readonly id: string }
const byId = (a: Identified, b: Identified) => (a.id < b.id ? -1 : 1)

export function mergeSent(parts: readonly CarriedSent[]): GroupSent {
  return {
    sent: parts.reduce((sum, { sent }) => sum + sent, 0),
    failures: parts.flatMap(uncarryFailures).sort(byId),
  }
}

export function mergeReplies(parts: readonly CarriedReplies[]): GroupReplies {
  return {
    replies: parts.flatMap(({ replies }) => replies).sort(byId),
    failures: parts.flatMap(uncarryFailures).sort(byId),
  }
}

/** As far as all of them have looked. */
export function mergePages(pages: readonly ServerPage[], wanted: number | undefined): ServerPage {
  const limit = pageSize(wanted)
  const ends = pages.flatMap(({ next }) => next ?? [])
  const end = ends.length === 0 ? undefined : ends.reduce((least, each) => (each < least ? each : least))
  const all = pages.flatMap(({ servers }) => servers).sort(byId)
  const known = end === undefined ? all : all.filter(({ id }) => id <= end)
  const servers = known.slice(0, limit)
  const next = known.length > limit ? servers.at(-1)?.id : end
  return next === undefined ? { servers } : { servers, next }
}

export function mergeCounts(parts: readonly (readonly ServerCount[])[]): ServerCount[] {
  const sums = new Map<string, ServerCount>()
  for (const each of parts.flat()) {
    const key = `${each.implementation} ${each.status}`
    sums.set(key, { ...each, count: each.count + (sums.get(key)?.count ?? 0) })
  }
  return [...sums.values()]
}
