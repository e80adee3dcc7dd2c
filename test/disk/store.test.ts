/** What the store does on a disk that fails (reliability T4): real faults, one file at a time. `break-file.ts` tells how. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { StoreFailed, StoreFull } from '../../src/adapters.js'
import { CommitChain } from '../../src/core/kernel/store.js'
import { openStore } from '../../src/stores/open-store.js'
import { kept, server } from '../stores/kept-servers.js'
import { breakFile, type Fault, skipped } from './break-file.js'

/** A store with the server `a`, all of it in its database, and nothing in the log. */
async function opened(t: Test) {
  const directory = join(t.testdir(), 'data')
  const first = await openStore(directory, { execArgv: [] })
  await first.client.commit([server('a', { state: JSON.stringify('x'.repeat(50_000)) })])
  await first.close()
  const store = await openStore(directory, { execArgv: [] })
  t.teardown(store.close)
  const file = join(directory, 'genservers.db')
  const again = async () => {
    await store.close()
    const next = await openStore(directory, { execArgv: [] })
    t.teardown(next.close)
    return next
  }
  return { ...store, directory, database: file, log: `${file}-wal`, again }
}

const state = (revision: number) => ({ kind: 'state', id: 'a', revision, state: '{}' }) as const

for (const fault of ['full', 'unwritable'] as const satisfies Fault[]) {
  t.test(`a log that is ${fault} takes nothing; later it may`, skipped, async (t) => {
    const { client, log, again } = await opened(t)
    breakFile(log, fault)
    for (let n = 0; n < 3; n++) await t.rejects(client.commit([state(2), server('b')]), StoreFull)
    t.match(await client.load('a'), { server: { revision: 1 } }, 'what is kept can be read')
    t.equal(await client.load('b'), undefined)
    breakFile(log, undefined)
    await client.commit([state(3)])
    const next = await again()
    t.match(await next.client.load('a'), { server: { revision: 3 } })
    t.equal(await next.client.load('b'), undefined)
  })
}

t.test('what builds on a commit for which there was no room is not kept when there is', skipped, async (t) => {
  const { client, log } = await opened(t)
  const chain = new CommitChain()
  await client.commit([state(2)], chain)
  breakFile(log, 'full')
  await t.rejects(client.commit([state(3)], chain), StoreFull)
  breakFile(log, undefined)
  await t.rejects(client.commit([state(4)], chain), { name: 'StoreFull', message: /what it builds on was not kept/ })
  t.match(await client.load('a'), { server: { revision: 2 } })
  await client.commit([state(3)], new CommitChain())
  t.match(await client.load('a'), { server: { revision: 3 } })
})

t.test('a log that cannot be flushed ends all keeping; what was kept before is there', skipped, async (t) => {
  const { client, log, again } = await opened(t)
  await client.commit([state(2)])
  breakFile(log, 'unflushed')
  const late = [client.commit([state(3)]), client.commit([server('b')])]
  for (const commit of late) await t.rejects(commit, StoreFailed)
  breakFile(log, undefined)
  await t.rejects(client.commit([state(4)]), StoreFailed, 'also where the disk would be well again')
  const next = await again()
  t.match(await next.client.load('a'), { server: { revision: 2 } })
  t.equal(await next.client.load('b'), undefined)
})

for (const fault of ['full', 'unwritable', 'unflushed'] as const satisfies Fault[]) {
  t.test(`where the log cannot go into a database that is ${fault}, all goes on in the log`, skipped, async (t) => {
    const { client, database, log, again } = await opened(t)
    const large = (n: number) => server(`s${n}`, { state: JSON.stringify('x'.repeat(100_000)) })
    // Nothing of the database is asked for any more.
    await client.commit([state(2)])
    breakFile(database, fault)
    // Several times what the log has before it goes into the database.
    for (let n = 0; n < 80; n++) await client.commit([large(n)])
    breakFile(database, undefined)
    await client.commit([state(3)])
    t.ok(readdirSync(join(log, '..')).includes('genservers.db-wal'))
    const next = await again()
    t.match(await next.client.load('a'), { server: { revision: 3 } })
    for (let n = 0; n < 80; n++) t.match(await next.client.load(`s${n}`), { server: { id: `s${n}`, revision: 1 } })
  })
}

t.test('what cannot be read ends all keeping: nobody knows what else was not', skipped, async (t) => {
  const { client, database, again } = await opened(t)
  breakFile(database, 'unreadable')
  await t.rejects(client.load('a'), StoreFailed)
  breakFile(database, undefined)
  await t.rejects(client.commit([state(2)]), StoreFailed)
  const next = await again()
  t.match(await next.client.load('a'), { server: { ...kept('a'), state: /^"x+"$/ } })
})

t.test('each commit is flushed', skipped, async (t) => {
  const { client, log } = await opened(t)
  for (let revision = 2; revision < 50; revision++) await client.commit([state(revision)])
  // A commit that only writes would succeed.
  breakFile(log, 'unflushed')
  await t.rejects(client.commit([state(50)]), { name: 'StoreFailed', message: /SQLITE_IOERR_FSYNC/ })
  breakFile(log, undefined)
})
