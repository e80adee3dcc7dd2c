/** Commits one revision after the other, and tells of each when it is kept, until it is killed. */
import { openStore } from '../../../src/stores/open-store.js'
import { server } from '../kept-servers.js'

const [directory, round] = process.argv.slice(2) as [string, string]
const { client } = await openStore(directory)
await client.commit([server(`round-${round}`, { revision: 0 })])
for (let revision = 1; ; revision++) {
  await client.commit([{ kind: 'state', id: `round-${round}`, revision, state: JSON.stringify({ revision }) }])
  process.send?.(revision)
}
