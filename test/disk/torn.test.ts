/** Files of a killed store that are cut off, or in which a bit has flipped (reliability T5): what was kept is there, or it is told. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openStore } from '../../src/stores/open-store.js'
import { SqliteStore } from '../../src/stores/sqlite-store.js'
import { server } from '../stores/kept-servers.js'
import { randomOf } from '../torture/sender.js'
import { commitEnds, flipped, killedStore, opener } from './killed-store.js'
import { commitOf, found, knownCommits } from './known-commits.js'

/** One in so many of the places is tried: DISK_EVERY=1 tries every 64th byte. */
const EVERY = Number(process.env['DISK_EVERY'] ?? 40)
const FLIPS = Number(process.env['DISK_FLIPS'] ?? 150)
const COMMITS = 40

const seed = Number(process.env['TORTURE_SEED'] ?? Date.now() % 1_000_000)
t.comment(`seed ${seed}`)
const random = randomOf(seed)
const base = t.testdir({})
const files = await killedStore(join(base, 'killed'), COMMITS)
const { database, log, told } = files
const ends = commitEnds(log)
const known = await knownCommits(ends.length)
const { open } = opener(t)
const all = known.after(await found(open(files))) as number
/** Commits that came before the known ones: the tables. */
const before = ends.length - all

t.test('after the kill all that was told is there', async (t) => {
  t.ok(told >= COMMITS)
  t.ok(all === told || all === told + 1, `${all} of ${told}`)
  t.equal(before, 1)
})

t.test('a log that is cut off anywhere has just the commits that are whole in it, and goes on', async (t) => {
  const places = new Set(ends.flatMap((end) => [end - 1, end, end + 1]))
  for (let at = 0; at <= log.length; at += 64) if (at < 4096 || (at / 64) % EVERY === 0) places.add(at)
  for (const at of [...places].sort((a, b) => a - b)) {
    const whole = ends.filter((end) => end <= at).length
    const store = open({ database, log: log.subarray(0, at) })
    const after = known.after(await found(store))
    if (after !== Math.max(0, whole - before)) t.fail(`cut off at ${at}: ${after} commits, and not ${whole - before}`)
    store.commit([{ kind: 'answer', answer: { scope: 's', key: 'k', fingerprint: '', expires: 1, outcome: '{}' } }])
    store.close()
  }
  t.pass(`${places.size} places of ${log.length} bytes`)
})

t.test('a bit that flips in the log is found, or is in the last two commits, or changes nothing', async (t) => {
  const fates = { refused: 0, harmless: 0, last: 0 }
  for (let n = 0; n < FLIPS + 256; n++) {
    // Each of the header.
    const bit = n < 256 ? n : Math.floor(random() * log.length * 8)
    const flip = { database, log: flipped(log, bit) }
    try {
      const store = open(flip)
      const after = known.after(await found(store))
      store.close()
      if (after === all) fates.harmless++
      else if (after !== undefined && after >= all - 2) fates.last++
      else t.fail(`bit ${bit}: ${after} commits of ${all}, and nobody was told`)
    } catch (error) {
      fates.refused++
      if (!/its log is damaged, at least \d+ commits/.test((error as Error).message)) t.fail(`bit ${bit}: ${error}`)
    }
  }
  t.comment(JSON.stringify(fates))
  t.ok(fates.refused > (FLIPS + 256) / 2)
})

t.test('a damaged log is put aside, and nothing is opened as long as it lies there', async (t) => {
  const directory = join(base, 'damaged')
  mkdirSync(directory)
  const store = join(directory, 'genservers.db')
  const aside = `${store}-wal.damaged`
  writeFileSync(store, database)
  writeFileSync(`${store}-wal`, flipped(log, (ends[10] as number) * 8 + 4000))
  const wayOut = `restore a backup, or remove ${aside} to go on without what is lost`
  const refused = (what: RegExp) =>
    t.rejects(openStore(directory, { execArgv: [] }), { name: 'StoreNotOpened', message: what })
  await refused(/: its log is damaged, at least \d+ commits in it cannot be read: /)
  t.ok(existsSync(aside))
  await refused(new RegExp(`: its log was damaged: ${wayOut}$`))
  rmSync(aside)
  const { client, close } = await openStore(directory, { execArgv: [] })
  t.equal(known.after(await found(client)), 11 - before, 'what comes before the damage')
  await close()
})

t.test('a bit that flips in the database is found, or told, or changes nothing, more often than not', async (t) => {
  // In a process of its own thread, which closes it: all is in the database then.
  const directory = join(base, 'whole')
  const { client, close } = await openStore(directory, { execArgv: [] })
  for (let n = 1; n <= COMMITS; n++) await client.commit(commitOf(n))
  await close()
  const bytes = readFileSync(join(directory, 'genservers.db'))
  const empty = Buffer.alloc(0)
  t.equal(known.after(await found(open({ database: bytes, log: empty }))), COMMITS)
  const fates = { refused: 0, harmless: 0, told: 0, silent: 0 }
  for (let n = 0; n < FLIPS * 2; n++) {
    const bit = Math.floor(random() * bytes.length * 8)
    let store: SqliteStore
    try {
      store = open({ database: flipped(bytes, bit), log: empty })
    } catch {
      fates.refused++
      continue
    }
    try {
      const differences = known.differences(await found(store), COMMITS)
      fates[differences.length === 0 ? 'harmless' : 'silent']++
    } catch {
      fates.told++
    }
    store.close()
  }
  t.comment(JSON.stringify(fates))
  // SQLite has no checksums of what is in the database: a digit that becomes another one is not seen, as the docs say.
  t.ok(fates.refused + fates.told > 0)
  t.ok(fates.silent < FLIPS, 'few of them change anything')
})

t.test('a log that was begun anew, over an older and longer one, is whole', async (t) => {
  const file = join(base, 'long.db')
  const store = new SqliteStore(file)
  t.teardown(() => store.close())
  const text = 'x'.repeat(40_000)
  const write = (revision: number) => store.commit([server('a', { revision, state: JSON.stringify({ text }) })])
  const firstBytes = () => readFileSync(`${file}-wal`).subarray(0, 32)
  write(1)
  const begun = firstBytes()
  let revision = 1
  while (firstBytes().equals(begun)) write(++revision)
  write(++revision)
  const copy = open({ database: readFileSync(file), log: readFileSync(`${file}-wal`) })
  t.equal(copy.load('a')?.server.revision, revision)
  copy.close()
})
