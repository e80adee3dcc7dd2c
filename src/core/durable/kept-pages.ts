/** What is in a store, some at a time. */
import type { KeptState, KeptSupervisor } from '../kernel/kept.js'
import type { PageOptions, Store } from '../kernel/store.js'

const PAGE = 500

/** Of the states that are held in memory at once. */
const MOST_BYTES = 256 * 1024

/** Who is there. */
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

/** The states of those among `ids` that are there. */
export async function* statesOf(store: Store, ids: readonly string[]): AsyncGenerator<KeptState[], void, undefined> {
  for (let left = ids; left.length > 0; ) {
    const states = await store.states(left, MOST_BYTES)
    const last = states.at(-1)
    if (last === undefined) return
    yield states
    left = left.filter((id) => id > last.id)
  }
}
