/** Does to a store what a kill is to interrupt, and tells when it begins (`now`), and when it is `done`. */
import { dirname, join } from 'node:path'
import { setImmediate as nextMoment } from 'node:timers/promises'
import { STORE_FILE } from '../../src/stores/store-file.js'
import { collect } from './collect.js'
import { COPY, type Point } from './crash-points.js'

const [point, directory] = process.argv.slice(2) as [Point, string]
const file = join(directory, STORE_FILE)

/** What comes before, and then what is interrupted. Each loads what it needs and no more: that is what takes long. */
const work: Record<Point, () => Promise<() => unknown>> = {
  async closing() {
    const { openDatabase } = await import('../../src/stores/open-database.js')
    const database = openDatabase(file)
    return () => {
      database.close()
      collect()
      return nextMoment()
    }
  },
  async 'full log'() {
    const { SqliteStore } = await import('../../src/stores/sqlite-store.js')
    const { large } = await import('./known-commits.js')
    const store = new SqliteStore(file)
    return () => store.commit([large('larger')])
  },
  async migration() {
    const { openDatabase } = await import('../../src/stores/open-database.js')
    const { migrate } = await import('../../src/stores/schema.js')
    const database = openDatabase(file)
    return () => migrate(database)
  },
  async backup() {
    const { openDatabase } = await import('../../src/stores/open-database.js')
    const { copyInto } = await import('../../src/stores/copy-store.js')
    const database = openDatabase(file)
    return () => copyInto(database, `${file}.backup`)
  },
  // As the command does it.
  async 'backup command'() {
    const { writeNewFile } = await import('../../src/cli/new-file.js')
    const { checkCopy, copyStore } = await import('../../src/stores/copy-store.js')
    const copy = async (_handle: unknown, partial: string) => {
      copyStore(directory, partial)
      checkCopy(partial)
    }
    return () => writeNewFile(join(dirname(directory), COPY), copy)
  },
}

const interrupted = await work[point]()
process.send?.('now')
await interrupted()
process.send?.('done')
