/** Every store, empty, for tests of what all of them promise. */
import { join } from 'node:path'
import type { Store } from 'genservers'
import type { Test } from 'tap'
import { MemoryStore } from '../../src/stores/memory-store.js'
import { openStore } from '../../src/stores/open-store.js'

export const stores: Record<string, (t: Test) => Promise<Store>> = {
  memory: async () => new MemoryStore(),
  SQLite: async (t) => {
    const { client, close } = await openStore(join(t.testdir(), 'data'), { execArgv: [] })
    t.teardown(close)
    return client
  },
}
