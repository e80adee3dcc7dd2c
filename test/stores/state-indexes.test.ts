/** How the store on disk finds servers by their states: by its indexes, in the file, and so many entries at a time. */
import { randomUUID } from 'node:crypto'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import t, { type Test } from 'tap'
import { type Search, StoreFull } from '../../src/adapters.js'
import { openStore } from '../../src/stores/open-store.js'
import { SqliteStore } from '../../src/stores/sqlite-store.js'
import { stateIndexSql } from '../../src/stores/state-indexes.js'
import { server } from './kept-servers.js'

const state = (more: object) => ({ state: JSON.stringify(more) })
const search = (where: Record<string, unknown>, more: Partial<Search> = {}) =>
  ({
    implementation: 'counter',
    where: Object.entries(where).map(([property, value]) => ({ property, value: JSON.stringify(value) })),
    limit: 10,
    ...more,
  }) as unknown as Search

const directoryOf = (t: Test) => join(t.testdir(), 'data')
const open = (directory: string) => openStore(directory, { execArgv: [] })

/** What a copy of the file says, which no store has at the moment. */
function inFile<T>(directory: string, look: (database: Database.Database) => T): T {
  const copy = join(directory, `copy-${randomUUID()}.db`)
  copyFileSync(join(directory, 'genservers.db'), copy)
  const database = new Database(copy)
  try {
    return look(database)
  } finally {
    database.close()
  }
}

function indexesOf(database: Database.Database): string[] {
  const rows = database.prepare("SELECT sql FROM sqlite_schema WHERE name GLOB 'state_*' ORDER BY sql").all()
  return (rows as { readonly sql: string }[]).map(({ sql }) => sql)
}

t.test('every search goes by an index, and nothing is sorted', async (t) => {
  const directory = directoryOf(t)
  const { client, close } = await open(directory)
  await client.index(new Map([['counter', ['n', `it's "odd"`]]]))
  await close()
  inFile(directory, (database) => {
    for (const property of ['n', `it's "odd"`]) {
      const { after, among, count } = stateIndexSql('counter', property)
      const searches = [
        [after, '1', 'a', 10],
        [among, '1', '["a"]'],
        [count, '1', 'a', 10],
      ] as const
      for (const [sql, ...values] of searches) {
        const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) as { readonly detail: string }[]
        const plan = rows.map(({ detail }) => detail).join('; ')
        t.match(plan, /SEARCH servers USING INDEX state_\w+ \(<expr>=\? AND id[>=]\?\)/)
        t.notMatch(plan, /SCAN servers|TEMP B-TREE/)
      }
    }
  })
})

t.test('the indexes are those that were declared last, also where a file has others', async (t) => {
  const directory = directoryOf(t)
  const first = await open(directory)
  await first.client.commit([server('a', state({ n: 1, N: 2 }))])
  await first.client.index(
    new Map([
      ['counter', ['n', 'N']],
      ['Counter', ['n']],
    ]),
  )
  await first.close()
  const of = (implementation: string, property: string) => stateIndexSql(implementation, property).make
  t.same(inFile(directory, indexesOf), [of('Counter', 'n'), of('counter', 'N'), of('counter', 'n')].sort())
  const second = await open(directory)
  await t.rejects(second.client.find(search({ n: 1 })), 'it has to be told first')
  await second.client.index(new Map([['counter', ['n', 'm']]]))
  t.same(await second.client.find(search({ n: 1 })), { ids: ['a'] })
  await second.close()
  t.same(inFile(directory, indexesOf), [of('counter', 'm'), of('counter', 'n')].sort())
})

t.test('where there is no room for an index servers are found as before, and later by it', async (t) => {
  const store = new SqliteStore(join(t.testdir(), 'a.db'))
  const long = 'x'.repeat(2000)
  store.commit(Array.from({ length: 50 }, (_, at) => server(`s${at}`, state({ n: at, long: `${long}${at}` }))))
  store.index(new Map([['counter', ['n']]]))
  store.limitPages(1)
  t.throws(() => store.index(new Map([['counter', ['long']]])), StoreFull)
  t.same(store.find(search({ n: 7 })), { ids: ['s7'] })
  store.limitPages(10_000)
  store.index(new Map([['counter', ['long']]]))
  t.same(store.find(search({ long: `${long}7` })), { ids: ['s7'] })
  t.throws(() => store.find(search({ n: 7 })))
  store.close()
})

t.test('of what is common one page looks at a part, and says where to go on', async (t) => {
  const store = new SqliteStore(join(t.testdir(), 'a.db'))
  const id = (at: number) => `s${String(at).padStart(5, '0')}`
  const states = Array.from({ length: 11_000 }, (_, at) => ({
    even: at % 2 === 0,
    odd: at % 2 === 1,
    rare: at === 9999,
  }))
  store.commit(states.map((each, at) => server(id(at), state(each))))
  store.index(new Map([['counter', ['even', 'odd', 'rare']]]))
  const none = store.find(search({ even: true, odd: true }))
  t.same(none, { ids: [], next: id(9998) }, '5000 of them')
  t.same(store.find(search({ even: true, odd: true }, { after: none.next })), { ids: [] })
  t.same(store.find(search({ odd: true, rare: true })), { ids: [id(9999)] }, 'what is rare leads')
  t.same(store.find(search({ rare: true, odd: true })), { ids: [id(9999)] }, 'wherever it is said')
  t.same(store.find(search({ odd: true, rare: false }, { limit: 2, after: id(9997) })), {
    ids: [id(10_001), id(10_003)],
    next: id(10_003),
  })
  t.equal(store.find(search({ odd: true }, { limit: 5500 })).ids.length, 5500)
  store.close()
})
