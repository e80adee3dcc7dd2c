/** Two gateways and one data directory. Real processes. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runProgram, startGateway } from './gateway-process.js'

const implementations = fileURLToPath(new URL('../threads/durable', import.meta.url))

t.test('T34 a second gateway on one data directory is refused at once, and the first goes on', async (t) => {
  const data = join(t.testdir(), 'data')
  const args = ['--data', data, '--implementations', implementations]
  const { url, child, ended } = await startGateway(t, args)
  await fetch(`${url}/servers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ implementation: 'ledger', id: 'a' }),
  })
  t.match(await runProgram(t, ['--port', '0', ...args]).ended, {
    code: 3,
    stdout: '',
    stderr: `genservers: the data directory ${data}: it is in use by another process\n`,
  })
  t.equal((await fetch(`${url}/servers/a`)).status, 200)
  child.kill('SIGTERM')
  t.match(await ended, { code: 0 })
})
