/**
 * Opens the file of a store, which is its owner's alone until it is closed.
 *
 * 1. Nobody else can open the file meanwhile (`locking_mode=EXCLUSIVE`).
 * 2. What is committed is on disk (WAL, `synchronous=FULL`).
 */
import Database from 'libsql'
import { mustBeStore } from './schema.js'

/** @throws {Error} in one sentence, if the file is no store of this program, is of a later version, or is in use. */
export function openDatabase(file: string): Database.Database {
  const database = connect(file)
  try {
    database.pragma('locking_mode = EXCLUSIVE') // 1
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL') // 2
    // The lock is taken by the first who writes.
    database.exec('BEGIN IMMEDIATE; COMMIT')
    mustBeStore(database)
    return database
  } catch (error) {
    database.close()
    const { code, message } = error as Error & { readonly code?: string }
    if (code === 'SQLITE_BUSY' || message.includes('locked')) throw new Error('it is in use by another process')
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
