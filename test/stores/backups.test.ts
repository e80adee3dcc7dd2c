/** Backups of a store that is in use: what is in them, that they leave nothing behind, and how they fail. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { StoreFailed } from '../../src/adapters.js'
import { type Backup, BackupUnderWay } from '../../src/stores/backups.js'
import { checkCopy, copyStore, hasStore } from '../../src/stores/copy-store.js'
import { openStore } from '../../src/stores/open-store.js'
import { SqliteStore } from '../../src/stores/sqlite-store.js'
import { server } from './kept-servers.js'

async function opened(t: Test) {
  const directory = join(t.testdir(), 'data')
  const store = await openStore(directory, { execArgv: [] })
  t.teardown(store.close)
  return { ...store, directory, files: () => readdirSync(directory).sort() }
}

/** The ids of the servers in a backup. */
async function idsIn(t: Test, { size, content }: Backup): Promise<string[]> {
  const file = join(t.testdirName, `copy-${randomUUID()}.db`)
  const bytes = await buffer(content)
  t.equal(bytes.length, size)
  writeFileSync(file, bytes)
  checkCopy(file)
  const copy = new SqliteStore(file)
  const ids = copy.servers({ limit: 10 }).map(({ id }) => id)
  copy.close()
  return ids
}

t.test('a backup is what was kept at one moment after it was asked for', async (t) => {
  const { client, backups, files } = await opened(t)
  await client.commit([server('a'), server('b')])
  const before = client.commit([server('c')])
  const making = backups.make()
  const after = client.commit([server('d')])
  await Promise.all([before, after])
  const backup = await making
  t.same(files(), ['genservers.db', 'genservers.db-wal'], 'its file has no name any more')
  t.same((await idsIn(t, backup)).slice(0, 3), ['a', 'b', 'c'], 'what was said before it is in it')
})

t.test('there is one at a time, until it has been read or given up', async (t) => {
  const { client, backups } = await opened(t)
  await client.commit([server('a')])
  const first = backups.make()
  await t.rejects(backups.make(), BackupUnderWay)
  const { content } = await first
  await t.rejects(backups.make(), BackupUnderWay, 'it has not been read')
  content.destroy()
  await once(content, 'close')
  t.same(await idsIn(t, await backups.make()), ['a'])
  t.same(await idsIn(t, await backups.make()), ['a'])
})

t.test('one that cannot be made leaves nothing behind, and the store goes on', async (t) => {
  const { client, backups, directory } = await opened(t)
  const taken = join(directory, 'genservers.db.backup')
  mkdirSync(join(taken, 'x'), { recursive: true })
  await t.rejects(backups.make())
  t.notOk(statSync(taken).isFile())
  await client.commit([server('a')])
  await t.rejects(backups.make(), 'there is none under way')
})

t.test('one that a killed process has left half made is removed by the next', async (t) => {
  const directory = t.testdir({ 'genservers.db.backup': 'half a copy', 'genservers.db.backup-journal': 'of it' })
  const { backups, close } = await openStore(directory, { execArgv: [] })
  t.same(readdirSync(directory).sort(), ['genservers.db', 'genservers.db-wal'])
  const { content } = await backups.make()
  content.destroy()
  await close()
  await t.rejects(backups.make(), StoreFailed, 'the store is closed')
})

t.test('a backup that was asked for before the store closes is made', async (t) => {
  const { client, backups, close, files } = await opened(t)
  await client.commit([server('a')])
  const making = backups.make()
  const closing = close()
  t.same(await idsIn(t, await making), ['a'])
  await closing
  t.same(files(), ['genservers.db'])
})

t.test('a directory that cannot be cleared of an old backup is refused', async (t) => {
  const directory = t.testdir({ 'genservers.db.backup': { x: '' } })
  await t.rejects(openStore(directory, { execArgv: [] }), { name: 'StoreNotOpened' })
})

t.test('the store of a directory that nobody has is copied as it is', async (t) => {
  const { client, directory, close } = await opened(t)
  await client.commit([server('a')])
  const to = join(directory, 'copy')
  t.throws(() => copyStore(directory, to), { name: 'StoreNotOpened', message: /in use by another process/ })
  await close()
  t.ok(hasStore(directory))
  t.notOk(hasStore(join(directory, 'below')))
  copyStore(directory, to)
  checkCopy(to)
  t.throws(() => copyStore(directory, to), 'what is there is not written over')
})

t.test('what is no whole store is told from a copy', async (t) => {
  const { client, directory, close } = await opened(t)
  await client.commit([server('a', { state: JSON.stringify('x'.repeat(50_000)) })])
  await close()
  const file = (name: string, content: Buffer | string) => {
    writeFileSync(join(directory, name), content)
    return join(directory, name)
  }
  t.throws(() => checkCopy(file('text', 'no store, but long enough to be taken for one'.repeat(99))))
  t.throws(() => checkCopy(file('empty', '')), /it is empty/)
  const whole = join(directory, 'whole')
  copyStore(directory, whole)
  const bytes = readFileSync(whole)
  t.throws(() => checkCopy(file('cut', bytes.subarray(0, bytes.length - 8192))))
  bytes.fill(0, 4096, 8192)
  t.throws(() => checkCopy(file('hole', bytes)), /damaged|malformed/)
})
