/** Kills in the midst of what a store does seldom (reliability T2): checkpoints, migrations, backups. Real processes, real kills. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import t, { type Test } from 'tap'
import { openStore } from '../../src/stores/open-store.js'
import { SqliteStore } from '../../src/stores/sqlite-store.js'
import type { StoreClient } from '../../src/stores/store-client.js'
import { STORE_FILE } from '../../src/stores/store-file.js'
import { toFirstVersion } from '../stores/first-version.js'
import { supervisor } from '../stores/kept-servers.js'
import { randomOf } from '../torture/sender.js'
import { COPY, cutOff, type Point } from './crash-points.js'
import { copyFiles, killedStore } from './killed-store.js'
import { found, knownCommits, large, largeState } from './known-commits.js'

/** Of a checkpoint, of a migration and of a backup; half of them each, where there are two ways to it. */
const HITS = Number(process.env['DISK_HITS'] ?? 20)

const seed = Number(process.env['TORTURE_SEED'] ?? Date.now() % 1_000_000)
t.comment(`seed ${seed}`)

const base = t.testdir({})
const { told } = await killedStore(join(base, 'killed'), 20)
const known = await knownCommits(told + 1)

/** A store of which all is in its log: known commits, of a process that was killed, and a large one. Nobody has it open. */
const whole = join(base, 'whole.db')
const writer = new SqliteStore(join(base, 'killed', 'a.db'))
writer.commit([large('large')])
const all = known.after(await found(writer))
copyFiles(writer.file, whole)
writer.close()
t.ok(all === told || all === told + 1, `${all} of ${told}`)

interface Terms {
  /** The file of the store to which it is done. */
  readonly of?: string
  readonly ways?: number
  /** How far it is to come, by a random number from 0 to 1. */
  readonly part?: (random: number) => number
  /** Is given the data directory that is left. */
  readonly audit: (data: string) => Promise<void>
}

/** Kills it until it was in time often enough. */
async function hit(
  t: Test,
  point: Point,
  { of = whole, ways = 1, part = (random) => random, audit }: Terms,
): Promise<void> {
  const random = randomOf(seed)
  const wanted = HITS / ways
  let [hits, tries] = [0, 0]
  while (hits < wanted && tries < 10 * wanted) {
    const place = join(base, `${point} ${++tries}`)
    const data = join(place, 'data')
    mkdirSync(data, { recursive: true })
    copyFiles(of, join(data, STORE_FILE))
    if (await cutOff(point, data, part(random()))) {
      hits++
      await audit(data)
    }
    rmSync(place, { recursive: true })
  }
  t.comment(`${hits} hits of ${tries}`)
  t.ok(hits >= wanted, 'often enough')
}

/** The next process has all that was kept, and goes on. */
async function goesOn(t: Test, store: SqliteStore | StoreClient, larges: readonly string[]): Promise<void> {
  t.equal(known.after(await found(store)), all)
  for (const id of larges) t.ok((await store.load(id))?.server.state === largeState, `${id} is whole`)
  await store.commit([supervisor('top')])
  t.match(await store.family('top'), { supervisor: { id: 'top' } })
  await store.close()
}

const opened = (data: string) => new SqliteStore(join(data, STORE_FILE))

t.test('a checkpoint of a store that closes: all that was kept is there', async (t) => {
  await hit(t, 'closing', { ways: 2, audit: (data) => goesOn(t, opened(data), ['large']) })
})

t.test('a checkpoint of a log that is full: so is what has filled it, of which nobody had heard', async (t) => {
  const audit = (data: string) => goesOn(t, opened(data), ['large', 'larger'])
  await hit(t, 'full log', { ways: 2, audit })
})

/** The version of a store, and all its tables and indexes. */
function schemaOf(database: Database.Database): string {
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  const rows = database.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all() as { name: string }[]
  return JSON.stringify([version, ...rows.map(({ name }) => name)])
}

t.test('a migration: the store is of the old version or of the new one, as a whole', async (t) => {
  const later = join(base, 'later.db')
  copyFiles(whole, later)
  const database = new Database(later)
  const second = schemaOf(database)
  toFirstVersion(database)
  const first = schemaOf(database)
  const old = join(base, 'first.db')
  copyFiles(later, old)
  database.close()
  const schemas: string[] = []
  const audit = async (data: string) => {
    // A copy: whoever looks at it opens it.
    const look = join(data, '..', 'look.db')
    copyFiles(join(data, STORE_FILE), look)
    schemas.push(schemaOf(new Database(look)))
    await goesOn(t, opened(data), ['large'])
  }
  // Before it is committed nothing shows; half of the kills come as early as can be.
  await hit(t, 'migration', { of: old, part: (random) => random * 2 - 1, audit })
  t.comment(`${schemas.filter((each) => each === first).length} of the old version`)
  t.same(
    schemas.filter((each) => each !== first && each !== second),
    [],
  )
})

t.test('a backup: what there is of it is gone when the store is opened again', async (t) => {
  // To open it as a gateway does takes long, and what is removed has the same names each time.
  const seen = new Set<string>()
  const audit = async (data: string) => {
    const left = readdirSync(data).join(' ')
    if (seen.has(left)) return goesOn(t, opened(data), ['large'])
    seen.add(left)
    const { client, close } = await openStore(data, { execArgv: [] })
    t.same(readdirSync(data).sort(), [STORE_FILE, `${STORE_FILE}-wal`], `${left}: nothing else is there`)
    await goesOn(t, client, ['large'])
    await close()
  }
  await hit(t, 'backup', { ways: 2, audit })
  t.comment([...seen].join(', '))
})

t.test('the command backup: its file has its name when it is whole', async (t) => {
  let halves = 0
  const audit = async (data: string) => {
    const copy = join(data, '..', COPY)
    if (existsSync(`${copy}.partial`)) halves++
    if (existsSync(copy)) {
      const restored = join(data, '..', 'restored')
      mkdirSync(restored)
      renameSync(copy, join(restored, STORE_FILE))
      await goesOn(t, opened(restored), ['large'])
    }
    await goesOn(t, opened(data), ['large'])
  }
  await hit(t, 'backup command', { ways: 2, audit })
  t.ok(halves > 0, `${halves} of them had another one`)
})
