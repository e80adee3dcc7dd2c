/**
 * The tables of the embedded store, as steps from each version to the next. A file has the number of the last step that it was
 * taken through (`user_version`); steps are only ever added.
 */
import type { Database } from 'libsql'

/** By which a file is known as one of this program's: `gens` (SQLite: `application_id`). */
const OWNER = 0x67_65_6e_73

const steps: readonly string[] = [
  `
  CREATE TABLE servers (
    id TEXT PRIMARY KEY, implementation TEXT NOT NULL, version INTEGER NOT NULL, args TEXT NOT NULL, terms TEXT NOT NULL,
    supervisor TEXT, startedAt INTEGER NOT NULL, incarnation INTEGER NOT NULL, restarts INTEGER NOT NULL,
    revision INTEGER NOT NULL, state TEXT NOT NULL
  );
  CREATE TABLE casts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, message TEXT NOT NULL, args TEXT NOT NULL, origin TEXT,
    ifMatch INTEGER, answerTo TEXT, attempts INTEGER NOT NULL
  );
  CREATE INDEX castsOfServer ON casts (id, seq);
  CREATE TABLE letters (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, message TEXT NOT NULL, args TEXT NOT NULL, origin TEXT, ifMatch INTEGER,
    answerTo TEXT, attempts INTEGER NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL
  );
  CREATE INDEX lettersOfServer ON letters (id, seq);
  CREATE TABLE timers (
    id TEXT NOT NULL, ref TEXT NOT NULL, kind TEXT NOT NULL, due INTEGER NOT NULL, message TEXT NOT NULL, args TEXT NOT NULL,
    origin TEXT, ifMatch INTEGER, PRIMARY KEY (id, ref)
  ) WITHOUT ROWID;
  CREATE TABLE exits (
    id TEXT PRIMARY KEY, implementation TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL,
    incarnation INTEGER NOT NULL, revision INTEGER NOT NULL
  );
  CREATE INDEX exitsByTime ON exits (at);
  CREATE TABLE answers (
    scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, expires INTEGER NOT NULL, outcome TEXT NOT NULL,
    PRIMARY KEY (scope, key)
  ) WITHOUT ROWID;
  CREATE INDEX answersByTime ON answers (expires);
  `,
  `
  CREATE TABLE supervisors (
    id TEXT PRIMARY KEY, args TEXT NOT NULL, flags TEXT NOT NULL, terms TEXT NOT NULL, supervisor TEXT,
    startedAt INTEGER NOT NULL, incarnation INTEGER NOT NULL
  );
  CREATE TABLE children (
    supervisor TEXT NOT NULL, id TEXT NOT NULL, place INTEGER NOT NULL, spec TEXT NOT NULL, terms TEXT NOT NULL,
    isDynamic INTEGER NOT NULL, isStopped INTEGER NOT NULL, PRIMARY KEY (supervisor, id)
  ) WITHOUT ROWID;
  CREATE INDEX childrenById ON children (id);
  `,
]

const versionOf = (database: Database) =>
  (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version

/** Whether it is a new file. */
export function isEmpty(database: Database): boolean {
  const [{ tables }] = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').all() as [{ tables: number }]
  return tables === 0
}

/** A new file is one too. @throws {Error} if the file is another program's, or of a version that this one does not know. */
export function mustBeStore(database: Database): void {
  const { application_id: owner } = database.prepare('PRAGMA application_id').get() as { application_id: number }
  if (owner !== OWNER && !isEmpty(database)) throw new Error('it is no store of this program')
  const version = versionOf(database)
  if (version > steps.length) {
    throw new Error(`it is of version ${version}, and this program knows versions up to ${steps.length}`)
  }
}

/** Brings a store to the latest version, or leaves it as it was. */
export function migrate(database: Database): void {
  const version = versionOf(database)
  if (version === steps.length) return
  database.exec('BEGIN IMMEDIATE')
  try {
    for (const step of steps.slice(version)) database.exec(step)
    database.exec(`PRAGMA application_id = ${OWNER}; PRAGMA user_version = ${steps.length}`)
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}
