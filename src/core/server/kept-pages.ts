/** Who is in a store, some at a time. */
import type { Store } from '../kernel/store.js'

const PAGE = 500

export async function* pagesOf(store: Store) {
  for (let after: string | undefined, isOver = false; !isOver; ) {
    const page = await store.servers({ after, limit: PAGE })
    if (page.length > 0) yield page
    after = page.at(-1)?.id
    isOver = page.length < PAGE
  }
}
