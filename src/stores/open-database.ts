/**
 * Opens the file of a store, which is its owner's alone until it is closed.
 *
 * 1. Nobody else can open the file meanwhile (`locking_mode=EXCLUSIVE`).
 * 2. What is committed is on disk (WAL, `synchronous=FULL`).
 * 3. It is whole, as far as that shows. A log that has lost commits is put aside before SQLite closes it, which would remove it with all
 *    traces of them; as long as it lies there the store is not opened.
 */
import { existsSync, renameSync } from 'node:fs'
import Database from 'libsql'
import { commitsLostIn } from './log-check.js'
import { mustBeStore } from './schema.js'
import { StoreInUse } from './store-not-opened.js'

/** @throws {Error} in one sentence, if the file is no store of this program, or is of a later version · {StoreInUse} */
export function openDatabase(file: string): Database.Database {
  const aside = `${file}-wal.damaged`
  if (existsSync(aside)) throw new Error(`its log was damaged: ${wayOut(aside)}`)
  const database = connect(file)
  try {
    database.pragma('locking_mode = EXCLUSIVE') // 1
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL') // 2
    // The lock is taken by the first who writes.
    database.exec('BEGIN IMMEDIATE; COMMIT')
    mustBeStore(database)
    mustHaveItsLog(database, `${file}-wal`, aside) // 3
    mustBeSound(database)
    return database
  } catch (error) {
    database.close()
    const { code, message } = error as Error & { readonly code?: string }
    if (code === 'SQLITE_BUSY' || message.includes('locked')) throw new StoreInUse()
    if (code === 'SQLITE_NOTADB') throw new Error('it is no store of this program')
    throw error
  }
}

function connect(file: string): Database.Database {
  try {
    return new Database(file)
  } catch (error) {
    throw new Error(`${file} cannot be opened: ${(error as Error).message}`)
  }
}

function mustHaveItsLog(database: Database.Database, log: string, aside: string): void {
  const [{ page_size: pageSize }] = database.pragma('page_size') as [{ page_size: number }]
  const lost = commitsLostIn(log, pageSize)
  if (lost === 0) return
  renameSync(log, aside)
  throw new Error(`its log is damaged, at least ${lost} commits in it cannot be read: ${wayOut(aside)}`)
}

const wayOut = (aside: string) => `restore a backup, or remove ${aside} to go on without what is lost`

/** @throws {Error} if its form is broken; what is in it is not looked at. */
export function mustBeSound(database: Database.Database): void {
  // Not `quick_check`, which does not see that an index leads nowhere: a server would be missing.
  const [{ integrity_check: found }] = database.pragma('integrity_check(1)') as [{ integrity_check: string }]
  if (found !== 'ok') throw new Error(`it is damaged: ${found}`)
}
