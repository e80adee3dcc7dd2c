/**
 * Finds servers by their states, in SQLite. Each property that is declared has an index over the states of its implementation, which
 * SQLite keeps with the states themselves: nothing more is written when one is committed.
 *
 * 1. A value is compared as the JSON text that it is in the state (`->`), so that `1`, `"1"` and `true` are three, and NUL is a text.
 * 2. Only indexes are searched (`INDEXED BY`: a statement that cannot use its own is refused when it is prepared), and so many entries
 *    of them at a time that the thread is not held.
 * 3. What is declared is in the SQL, quoted: SQLite uses an index over some of the rows only where it sees which. What is looked for is
 *    bound.
 */
import type { Database, Statement } from 'libsql'
import type { Condition, Found, Search } from '../adapters.js'
import { notIndexed } from './not-indexed.js'

/** Of one search, before it gives what it has. */
const MOST_LOOKED_AT = 5000
/** At once. */
const SOME = 500

export class StateIndexes {
  #indexes: ReadonlyMap<string, StateIndex> = new Map()

  constructor(private readonly database: Database) {}

  /** The file has these indexes, and no others, when this returns. */
  declare(properties: ReadonlyMap<string, readonly string[]>, transact: (work: () => void) => void): void {
    const wanted = new Map<string, StateIndexSql>()
    for (const [implementation, names] of properties) {
      for (const property of names) wanted.set(keyOf(implementation, property), stateIndexSql(implementation, property))
    }
    const made = new Set([...wanted.values()].map(({ make }) => make))
    const there = this.#there()
    const old = [...there].filter(([make]) => !made.has(make)).map(([, name]) => `DROP INDEX "${name}"`)
    const changes = [...old, ...[...made].filter((make) => !there.has(make))]
    // A transaction costs a write.
    if (changes.length > 0) transact(() => changes.forEach((change) => void this.database.exec(change)))
    this.#indexes = new Map([...wanted].map(([key, sql]) => [key, new StateIndex(this.database, sql)]))
  }

  /** The name of each index by the SQL that has made it. */
  #there(): Map<string, string> {
    const rows = this.database
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND name GLOB ?")
      .all(`${NAME}*`) as { readonly name: string; readonly sql: string }[]
    return new Map(rows.map(({ name, sql }) => [sql, name]))
  }

  find({ implementation, where, after = '', limit }: Search): Found {
    const [rarest, ...others] = this.#rarestFirst(implementation, where, after) as [Wanted, ...Wanted[]]
    const atOnce = others.length === 0 ? limit + 1 : SOME
    const ids: string[] = []
    let last = after
    for (let looked = 0; looked < MOST_LOOKED_AT; looked += atOnce) {
      const some = rarest.index.after(rarest.value, last, atOnce)
      ids.push(...others.reduce((left, { index, value }) => index.among(value, left), some))
      if (ids.length > limit) return { ids: ids.slice(0, limit), next: ids[limit - 1] as string }
      if (some.length < atOnce) return { ids }
      last = some.at(-1) as string
    }
    return { ids, next: last } // 2
  }

  #rarestFirst(implementation: string, where: readonly Condition[], after: string): Wanted[] {
    const wanted = where.map(({ property, value }) => {
      const index = this.#indexes.get(keyOf(implementation, property))
      if (index === undefined) throw notIndexed(implementation, property)
      return { index, value, count: where.length === 1 ? 0 : index.count(value, after, MOST_LOOKED_AT) }
    })
    return wanted.sort((a, b) => a.count - b.count)
  }
}

interface Wanted {
  readonly index: StateIndex
  readonly value: string
}

class StateIndex {
  readonly #after: Statement
  readonly #among: Statement
  readonly #count: Statement

  constructor(database: Database, { after, among, count }: StateIndexSql) {
    this.#after = database.prepare(after)
    this.#among = database.prepare(among)
    this.#count = database.prepare(count)
  }

  /** The next of those that have the value. */
  after(value: string, id: string, limit: number): string[] {
    return idsOf(this.#after.all(value, id, limit))
  }

  /** Those of them that have the value. */
  among(value: string, ids: readonly string[]): string[] {
    return ids.length === 0 ? [] : idsOf(this.#among.all(value, JSON.stringify(ids)))
  }

  /** How many are still to come that have the value, up to `most`. */
  count(value: string, id: string, most: number): number {
    const [{ count }] = this.#count.all(value, id, most) as [{ readonly count: number }]
    return count
  }
}

function idsOf(rows: unknown[]): string[] {
  return (rows as { readonly id: string }[]).map(({ id }) => id)
}

const NAME = 'state_'

export interface StateIndexSql {
  readonly make: string
  readonly after: string
  readonly among: string
  readonly count: string
}

/** Names differ in more than case, which is all the same to SQLite. */
export function stateIndexSql(implementation: string, property: string): StateIndexSql {
  const name = NAME + Buffer.from(keyOf(implementation, property)).toString('hex')
  const value = `state -> ${quoted(pathTo(property))}`
  const isOfThem = `implementation = ${quoted(implementation)}`
  const those = `FROM servers INDEXED BY ${name} WHERE ${isOfThem} AND ${value} = ?`
  return {
    make: `CREATE INDEX ${name} ON servers (${value}, id) WHERE ${isOfThem}`,
    after: `SELECT id ${those} AND id > ? ORDER BY id LIMIT ?`,
    among: `SELECT id ${those} AND id IN (SELECT value FROM json_each(?)) ORDER BY id`,
    count: `SELECT count(*) AS count FROM (SELECT 1 ${those} AND id > ? LIMIT ?)`,
  }
}

function keyOf(implementation: string, property: string): string {
  return JSON.stringify([implementation, property])
}

/** To a property of the outermost object. A path takes the escapes of JSON, but for that of a quote, at which it ends. */
function pathTo(property: string): string {
  const parts = property.split('"').map((part) => JSON.stringify(part).slice(1, -1))
  return `$."${parts.join('\\u0022')}"`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
