/** What only the store on disk can show: what outlives it, who may have it, and how it fails. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import t, { type Test } from 'tap'
import { StoreFailed, StoreFull } from '../../src/adapters.js'
import { openStore } from '../../src/stores/open-store.js'
import { SqliteStore } from '../../src/stores/sqlite-store.js'
import { StoreClient } from '../../src/stores/store-client.js'
import { forkBare } from '../bare-program.js'
import { toFirstVersion } from './first-version.js'
import { server, supervisor } from './kept-servers.js'

const directoryOf = (t: Test) => join(t.testdir(), 'data')
const open = (directory: string) => openStore(directory, { execArgv: [] })

t.test('what is kept outlives the store', async (t) => {
  const directory = directoryOf(t)
  const first = await open(directory)
  await first.client.commit([server('a', { revision: 5 })])
  await first.close()
  await t.rejects(first.client.commit([]), StoreFailed, 'it is gone')
  const second = await open(directory)
  t.match(await second.client.load('a'), { server: { revision: 5 } })
  await second.close()
})

t.test('a directory has one owner', async (t) => {
  const directory = directoryOf(t)
  const first = await open(directory)
  await t.rejects(open(directory), {
    name: 'StoreNotOpened',
    message: `the data directory ${directory}: it is in use by another process`,
  })
  await first.client.commit([server('a')])
  await first.close()
})

t.test(
  'a file of a later version, one that is no store, and a directory that cannot be made are refused',
  async (t) => {
    const later = directoryOf(t)
    await (await open(later)).close()
    const database = new Database(join(later, 'genservers.db'))
    database.exec('PRAGMA user_version = 99')
    database.close()
    await t.rejects(open(later), { message: /it is of version 99, and this program knows versions up to 2/ })
    const other = t.testdir({
      'genservers.db': 'no store, but long enough to be taken for one at first sight'.repeat(99),
    })
    await t.rejects(open(other), { message: /it is no store of this program/ })
    writeFileSync(join(other, 'file'), '')
    await t.rejects(open(join(other, 'file', 'below')), { name: 'StoreNotOpened' })
  },
)

t.test('a file of the first version is taken on with all that is in it', async (t) => {
  const directory = directoryOf(t)
  await (await open(directory)).close()
  const database = new Database(join(directory, 'genservers.db'))
  toFirstVersion(database)
  database.exec("INSERT INTO servers VALUES ('a', 'counter', 1, '{}', '{}', NULL, 7, 1, 0, 5, '{}')")
  database.close()
  const { client, close } = await open(directory)
  t.match(await client.load('a'), { server: { revision: 5 } })
  t.same(await client.supervisors({ limit: 10 }), [])
  await client.commit([supervisor('top')])
  t.match(await client.family('top'), { supervisor: { id: 'top' }, children: [] })
  await close()
})

t.test('after a kill in the middle of its work all that was acknowledged is there', async (t) => {
  const directory = directoryOf(t)
  for (let round = 1; round <= 3; round++) {
    const child = forkBare(new URL('./programs/committer.js', import.meta.url), [directory, String(round)])
    let acknowledged = 0
    child.on('message', (n: number) => {
      acknowledged = n
      if (n >= 50) child.kill('SIGKILL')
    })
    await once(child, 'exit')
    const { client, close } = await open(directory)
    const { server: last } = (await client.load(`round-${round}`)) ?? { server: { revision: 0 } }
    t.ok(last.revision >= acknowledged, `${last.revision} of ${acknowledged}`)
    await close()
  }
})

t.test('what a connection says that is fenced off is not committed, and who comes after sees what was', async (t) => {
  const { client, connect, close } = await open(directoryOf(t))
  const old = connect()
  const before = new StoreClient(old.port)
  await before.commit([server('a', { revision: 1 })])
  const late = before.commit([{ kind: 'state', id: 'a', revision: 2, state: '{}' }])
  late.catch(() => {})
  const fence = old.fence()
  const next = connect()
  const after = new StoreClient(next.port)
  const seen = await after.load('a')
  await fence
  const never = before.commit([{ kind: 'state', id: 'a', revision: 3, state: '{}' }])
  await t.rejects(never, StoreFailed)
  t.equal((await client.load('a'))?.server.revision, seen?.server.revision)
  t.ok((seen?.server.revision ?? 0) < 3)
  await close()
})

t.test('commits of several at once are one transaction, and each hears its own numbers', async (t) => {
  const { client, connect, close } = await open(directoryOf(t))
  const others = [connect(), connect()].map(({ port }) => new StoreClient(port))
  const add = (store: StoreClient, id: string, casts: number) =>
    store.commit(
      Array.from({ length: casts }, () => ({
        kind: 'cast' as const,
        id,
        cast: { message: 'x', args: '{}', origin: null, ifMatch: null, answerTo: null, attempts: 0 },
      })),
    )
  await client.commit(['a', 'b', 'c'].map((id) => server(id)))
  const all = await Promise.all([add(client, 'a', 2), add(others[0] as StoreClient, 'b', 1), add(client, 'c', 3)])
  t.same(
    all.map(({ length }) => length),
    [2, 1, 3],
  )
  t.equal(new Set(all.flat()).size, 6)
  await close()
})

t.test('where there is no room nothing of a commit is kept, and later there may be', async (t) => {
  const file = join(t.testdir(), 'a.db')
  const store = new SqliteStore(file)
  store.commit([server('a')])
  store.limitPages(20)
  const large = server('large', { state: JSON.stringify('x'.repeat(200_000)) })
  t.throws(() => store.commit([server('b'), large]), StoreFull)
  t.equal(store.load('b'), undefined)
  t.same(store.commit([server('c')]), [], 'what is small enough')
  store.limitPages(10_000)
  store.commit([server('b'), large])
  t.ok(store.load('large'))
  store.close()
})

t.test('what is no JSON any more is told of, and nothing of what it says', async (t) => {
  const file = join(t.testdir(), 'a.db')
  const store = new SqliteStore(file)
  const odd = (id: string, more: object) => store.commit([server(id, more)])
  odd('state', { state: '{"secret":1' })
  odd('args', { args: '' })
  odd('terms', { terms: 'secret' })
  odd('whole', {})
  for (const id of ['state', 'args', 'terms']) t.throws(() => store.load(id), { message: 'a text is no JSON' })
  t.ok(store.load('whole'))
  t.throws(() => store.briefs(['whole', 'terms']), { message: 'what is kept of terms is damaged' })
  t.same(
    store.briefs(['whole', 'state']).map(({ id }) => id),
    ['state', 'whole'],
  )
  const cast = { message: 'x', args: '{}', origin: null, ifMatch: null, answerTo: null, attempts: 0 }
  store.commit([{ kind: 'cast', id: 'whole', cast: { ...cast, answerTo: '{' } }])
  t.throws(() => store.load('whole'), { message: 'a text is no JSON' })
  store.close()
})

t.test('after an error of the disk nothing is committed any more', async (t) => {
  const store = new SqliteStore(join(t.testdir(), 'a.db'))
  store.commit([server('a')])
  t.throws(() => store.commit([{ kind: 'server', server: {} as never }]), StoreFailed)
  t.throws(() => store.commit([server('b')]), StoreFailed, 'also what would be well')
  t.ok(store.load('a'))
  t.equal(store.load('b'), undefined)
  store.close()
})
