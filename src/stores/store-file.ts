/** Where a store is in its data directory. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The file of a store in its data directory. A backup of it has this name where it is to be one again. */
export const STORE_FILE = 'genservers.db'

/** Whether something has been kept there: then what is kept must be known, also where no implementation is durable any more. */
export function hasStore(directory: string): boolean {
  return existsSync(join(directory, STORE_FILE))
}
