/**
 * The SQL of the embedded store. Each statement is prepared once.
 *
 * 1. Texts are read as bytes: where one is no UTF-8 any more, libsql would end the process over it.
 */
import { isUtf8 } from 'node:buffer'
import type { Database } from 'libsql'
import { Damaged } from './damaged.js'

const CAST = 'message, args, origin, ifMatch'

/** To be read. A clause that is to find such a column, and not what is read, names its table. */
const texts = (...columns: readonly string[]) => columns.map((name) => `CAST(${name} AS BLOB) AS ${name}`).join(', ') // 1
const SUPERVISOR = `${texts('id', 'args', 'flags', 'terms', 'supervisor')}, startedAt, incarnation`
const READ_CAST = `${texts('message', 'args', 'origin')}, ifMatch`

/** Rows that are forgotten at once: others wait for the store meanwhile. */
const SWEPT = 10_000

const sql = {
  server: `INSERT INTO servers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
    implementation = excluded.implementation, version = excluded.version, args = excluded.args, terms = excluded.terms,
    supervisor = excluded.supervisor, startedAt = excluded.startedAt, incarnation = excluded.incarnation,
    restarts = excluded.restarts, revision = excluded.revision, state = excluded.state`,
  state: 'UPDATE servers SET revision = ?, state = ? WHERE id = ?',
  version: 'UPDATE servers SET version = ? WHERE id = ?',
  migrated: 'UPDATE servers SET version = ?, revision = ?, state = ? WHERE id = ? AND version = ? AND revision = ?',
  life: 'UPDATE servers SET incarnation = ?, restarts = ? WHERE id = ?',
  serverDone: 'DELETE FROM servers WHERE id = ?',
  serverOf: `SELECT ${texts('id', 'implementation')}, version, ${texts('args', 'terms', 'supervisor')}, startedAt, incarnation, restarts,
    revision, ${texts('state')} FROM servers WHERE id = ?`,
  briefs: `SELECT ${texts('id', 'implementation')}, version, ${texts('terms')}, startedAt, incarnation, restarts, revision,
    (SELECT min(due) FROM timers WHERE timers.id = servers.id) AS due,
    EXISTS (SELECT 1 FROM casts WHERE casts.id = servers.id) AS hasCasts
    FROM servers WHERE id IN (SELECT value FROM json_each(?))`,
  sizes: `SELECT ${texts('id')}, octet_length(state) AS bytes FROM servers
    WHERE id IN (SELECT value FROM json_each(?)) ORDER BY servers.id`,
  states: `SELECT ${texts('id')}, version, revision, ${texts('state')} FROM servers
    WHERE id IN (SELECT value FROM json_each(?)) ORDER BY servers.id`,
  servers: `SELECT ${texts('id', 'implementation', 'terms')} FROM servers WHERE id > ? ORDER BY servers.id LIMIT ?`,

  cast: `INSERT INTO casts (id, ${CAST}, answerTo, attempts) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
    WHERE EXISTS (SELECT 1 FROM servers WHERE id = ?1)`,
  castDone: 'DELETE FROM casts WHERE seq = ?',
  castTaken: 'UPDATE casts SET attempts = ? WHERE seq = ?',
  castsDone: 'DELETE FROM casts WHERE id = ?',
  castsOf: `SELECT seq, ${READ_CAST}, ${texts('answerTo')}, attempts FROM casts WHERE id = ? ORDER BY seq`,
  lastCast: "SELECT seq FROM sqlite_sequence WHERE name = 'casts'",

  letter: `INSERT INTO letters SELECT seq, id, ${CAST}, answerTo, attempts, ?, ? FROM casts WHERE seq = ?`,
  letterDone: 'DELETE FROM letters WHERE seq = ?',
  lettersDone: 'DELETE FROM letters WHERE id = ?',
  lettersOf: `SELECT seq, ${READ_CAST}, ${texts('answerTo')}, attempts, at, ${texts('reason')} FROM letters WHERE id = ? AND seq > ?
    ORDER BY seq LIMIT ?`,
  replay: `INSERT INTO casts (id, ${CAST}, answerTo, attempts) SELECT id, ${CAST}, answerTo, 0 FROM letters WHERE seq = ?`,

  timer: `INSERT OR REPLACE INTO timers SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
    WHERE EXISTS (SELECT 1 FROM servers WHERE id = ?1)`,
  timerDone: 'DELETE FROM timers WHERE id = ? AND ref = ?',
  timersDone: 'DELETE FROM timers WHERE id = ?',
  timersOf: `SELECT ${texts('ref', 'kind')}, due, ${READ_CAST} FROM timers WHERE id = ? ORDER BY due`,

  exit: 'INSERT OR REPLACE INTO exits VALUES (?, ?, ?, ?, ?, ?)',
  exits: `SELECT ${texts('id', 'implementation', 'reason')}, at, incarnation, revision FROM exits WHERE at >= ?
    ORDER BY at DESC LIMIT ?`,
  sweepExits: `DELETE FROM exits WHERE id IN (SELECT id FROM exits WHERE at < ? ORDER BY at LIMIT ${SWEPT})`,

  supervisor: 'INSERT OR REPLACE INTO supervisors VALUES (?, ?, ?, ?, ?, ?, ?)',
  supervisorDone: 'DELETE FROM supervisors WHERE id = ?',
  supervisorOf: `SELECT ${SUPERVISOR} FROM supervisors WHERE id = ?`,
  supervisors: `SELECT ${SUPERVISOR} FROM supervisors WHERE id > ? ORDER BY supervisors.id LIMIT ?`,
  child: 'INSERT OR REPLACE INTO children VALUES (?, ?, ?, ?, ?, ?, ?)',
  childStopped: 'UPDATE children SET isStopped = 1 WHERE id = ?',
  childDone: 'DELETE FROM children WHERE supervisor = ? AND id = ?',
  childrenDone: 'DELETE FROM children WHERE supervisor = ?',
  childrenOf: `SELECT ${texts('id')}, place, ${texts('spec', 'terms')}, isDynamic, isStopped FROM children
    WHERE supervisor = ? ORDER BY place`,

  answer: 'INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)',
  answerOf: `SELECT ${texts('scope', 'key', 'fingerprint')}, expires, ${texts('outcome')} FROM answers
    WHERE scope = ? AND key = ? AND expires > ?`,
  sweepAnswers: `DELETE FROM answers WHERE (scope, key) IN
    (SELECT scope, key FROM answers WHERE expires <= ? ORDER BY expires LIMIT ${SWEPT})`,
} as const

type Name = keyof typeof sql
type Value = string | number | null

export interface Statements {
  run(name: Name, ...values: readonly Value[]): undefined
  /** Gives the number of the row; 0 if there is none. */
  add(name: Name, ...values: readonly Value[]): number
  /** @throws {Damaged} */
  all<Row>(name: Name, ...values: readonly Value[]): Row[]
}

export function prepareStatements(database: Database): Statements {
  const prepared = new Map(Object.entries(sql).map(([name, text]) => [name, database.prepare(text)]))
  const of = (name: Name) => prepared.get(name) as NonNullable<ReturnType<typeof prepared.get>>
  return {
    run(name, ...values) {
      of(name).run(...values)
      return undefined
    },
    add(name, ...values) {
      const { changes, lastInsertRowid } = of(name).run(...values)
      return changes === 0 ? 0 : Number(lastInsertRowid)
    },
    all: <Row>(name: Name, ...values: readonly Value[]) =>
      of(name)
        .all(...values)
        .map(withTexts) as Row[],
  }
}

function withTexts(row: unknown): object {
  const read = row as Record<string, unknown>
  for (const name in read) {
    const value = read[name]
    if (value instanceof ArrayBuffer) read[name] = textOf(value)
  }
  return read
}

function textOf(bytes: ArrayBuffer): string {
  if (!isUtf8(bytes)) throw new Damaged('a text is no UTF-8')
  return Buffer.from(bytes).toString()
}
