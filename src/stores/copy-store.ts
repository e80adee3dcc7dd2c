/** Copies a store into another file: what is kept at one moment, without the room that it has and does not need. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { mustBeSound, openDatabase } from './open-database.js'
import { isEmpty, mustBeStore } from './schema.js'
import { STORE_FILE } from './store-file.js'
import { StoreNotOpened } from './store-not-opened.js'

/** The file must be empty, or not there. @throws {SqliteError} */
export function copyInto(database: Database.Database, file: string): void {
  database.prepare('VACUUM INTO ?').run(file)
}

export function hasStore(directory: string): boolean {
  return existsSync(join(directory, STORE_FILE))
}

/**
 * Copies the store of a directory that no gateway has. It stays of the version that it is of.
 * @throws {StoreNotOpened} · {SqliteError}
 */
export function copyStore(directory: string, to: string): void {
  const database = open(directory)
  try {
    copyInto(database, to)
  } finally {
    database.close()
  }
}

function open(directory: string): Database.Database {
  try {
    return openDatabase(join(directory, STORE_FILE))
  } catch (error) {
    throw new StoreNotOpened(directory, error as Error)
  }
}

/** @throws {Error} in one sentence, if the file is no whole store. It is only read. */
export function checkCopy(file: string): void {
  const database = new Database(file)
  try {
    mustBeStore(database)
    if (isEmpty(database)) throw new Error('it is empty')
    mustBeSound(database)
  } finally {
    database.close()
  }
}
