/** Makes known commits, and tells of each when it is kept, until it is killed. */
import { SqliteStore } from '../../src/stores/sqlite-store.js'
import { commitOf } from './known-commits.js'

const store = new SqliteStore(process.argv[2] as string)
for (let n = 1; ; n++) {
  store.commit(commitOf(n))
  await new Promise<void>((resolve) => process.send?.(n, () => resolve()))
}
