/** What the gateway needs to give a backup of what is kept, and how that is shown. */
import type { Readable } from 'node:stream'

export const SQLITE = 'application/vnd.sqlite3'

export interface Backup {
  /** In bytes. */
  readonly size: number
  /** To be read, or destroyed. */
  readonly content: Readable
}

/**
 * Copies what is kept at one moment.
 * @throws {HttpProblem} `unknown_route`: nothing is kept · `overloaded` · {GenServerError} `storage_failed`
 */
export type MakeBackup = () => Promise<Backup>
