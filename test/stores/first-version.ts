/** Stores as the first version of the program has left them. */
import type { Database } from 'libsql'

export function toFirstVersion(database: Database): void {
  database.exec('DROP TABLE supervisors; DROP TABLE children; PRAGMA user_version = 1')
}
