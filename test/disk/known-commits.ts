/** Commits that are known beforehand, so that of whatever is found in a store can be told after which of them it was so. */
import type { Change, Kept } from '../../src/adapters.js'
import { MemoryStore } from '../../src/stores/memory-store.js'
import { server } from '../stores/kept-servers.js'

const SERVERS = ['s1', 's2', 's3', 's4']

/** The commit with the number, from 1. */
export function commitOf(n: number): Change[] {
  const id = SERVERS[n % SERVERS.length] as string
  if (n <= SERVERS.length) return [server(id, { state: '{"n":0}' })]
  // Some are of many pages.
  const state = JSON.stringify({ n, text: n % 5 === 0 ? 'text '.repeat(2500) : '' })
  const changes: Change[] = [{ kind: 'state', id, revision: n, state }]
  const cast = { message: 'add', args: `{"n":${n}}`, origin: null, ifMatch: null, answerTo: null, attempts: 0 }
  if (n % 3 === 0) changes.push({ kind: 'cast', id: 's1', cast })
  return changes
}

/** It takes a while to write so many pages. */
export const largeState = JSON.stringify('x'.repeat(2_500_000))

/** A server that is none of those that are `found`. */
export const large = (id: string): Change => server(id, { state: largeState })

/** What can be asked of each kind of store. */
interface Readable {
  load(id: string): Kept | undefined | Promise<Kept | undefined>
}

export type Found = Readonly<Record<string, Kept | undefined>>

export async function found(store: Readable): Promise<Found> {
  const all: Record<string, Kept | undefined> = {}
  for (const id of SERVERS) all[id] = await store.load(id)
  return all
}

export interface KnownCommits {
  /** After how many of the commits everything was just so; `undefined`: it never was. */
  after(found: Found): number | undefined
  /** In which of the servers it differs from what was after `n` commits, or in how many casts there have been (`upTo`). */
  differences(found: Found, n: number): string[]
}

export async function knownCommits(most: number): Promise<KnownCommits> {
  const model = new MemoryStore()
  const texts = [JSON.stringify(await found(model))]
  for (let n = 1; n <= most; n++) {
    await model.commit(commitOf(n))
    texts.push(JSON.stringify(await found(model)))
  }
  return {
    after(all) {
      const n = texts.lastIndexOf(JSON.stringify(all))
      return n < 0 ? undefined : n
    },
    differences(all, n) {
      const known = JSON.parse(texts[n] as string) as Found
      const differ = (part: (of: Found) => unknown) => JSON.stringify(part(all)) !== JSON.stringify(part(known))
      const upTo = (of: Found) => SERVERS.map((id) => of[id]?.upTo)
      return [...SERVERS.filter((id) => differ((of) => ({ ...of[id], upTo: 0 }))), ...(differ(upTo) ? ['upTo'] : [])]
    },
  }
}
