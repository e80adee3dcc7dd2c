/** Who had ended before the process did, as far as the store remembers: a late caller hears so, and an id goes on counting. */
import type { Exits } from '../kernel/exits.js'
import type { Store } from '../kernel/store.js'

const MOST = 10_000

/** Before any server goes on: what ends after that is later. */
export async function restoreExits(store: Pick<Store, 'exits'>, exits: Exits): Promise<void> {
  const kept = await store.exits(exits.since, MOST)
  // The store gives the latest first.
  for (const { id, reason, at, incarnation, revision } of kept.toReversed()) {
    exits.add({ id, reason: JSON.parse(reason), at, incarnation, revision })
  }
}
