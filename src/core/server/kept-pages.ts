/** Who is in a store, some at a time. */
import type { KeptSupervisor } from '../kernel/kept.js'
import type { PageOptions, Store } from '../kernel/store.js'

const PAGE = 500

export function pagesOf(store: Pick<Store, 'servers'>) {
  return pages((options) => store.servers(options))
}

/** The supervisors that stand alone, in the order in which they were started. */
export async function topsOf(store: Pick<Store, 'supervisors'>): Promise<KeptSupervisor[]> {
  const tops: KeptSupervisor[] = []
  for await (const page of pages((options) => store.supervisors(options))) {
    tops.push(...page.filter(({ supervisor }) => supervisor === null))
  }
  return tops.sort((a, b) => a.startedAt - b.startedAt)
}

async function* pages<T extends { readonly id: string }>(pageOf: (options: PageOptions) => Promise<T[]>) {
  for (let after: string | undefined, isOver = false; !isOver; ) {
    const page = await pageOf({ after, limit: PAGE })
    if (page.length > 0) yield page
    after = page.at(-1)?.id
    isOver = page.length < PAGE
  }
}
