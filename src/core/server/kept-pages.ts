/** What is in a store, some at a time. */
import type { KeptState } from '../kernel/kept.js'
import type { Store } from '../kernel/store.js'

const PAGE = 500

/** Of the states that are held in memory at once. */
const MOST_BYTES = 256 * 1024

/** Who is there. */
export async function* pagesOf(store: Store) {
  for (let after: string | undefined, isOver = false; !isOver; ) {
    const page = await store.servers({ after, limit: PAGE })
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
