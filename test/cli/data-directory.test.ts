/** Two gateways and one data directory. Real processes. */
import { statSync } from 'node:fs'
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

for (const threads of ['0', '1']) {
  t.test(
    `what is kept is not passed over where no implementation is durable any more (${threads} threads)`,
    async (t) => {
      const data = join(t.testdir(), 'data')
      const flags = ['--data', data, '--threads', threads]
      const { url, child, ended } = await startGateway(t, [...flags, '--implementations', implementations])
      t.equal(statSync(data).mode & 0o077, 0, 'the states are for their owner only')
      await fetch(`${url}/servers`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ implementation: 'ledger', id: 'a' }),
      })
      child.kill('SIGTERM')
      t.match(await ended, { code: 0 })
      t.match(await runProgram(t, ['--port', '0', ...flags]).ended, {
        code: 1,
        stderr: /a is kept, and there is no durable implementation ledger/,
      })
    },
  )
}
