/** Implementations at which a thread gets stuck while it loads them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createGateway } from '../../src/gateway.js'
import { LoadError } from '../../src/loading/load-error.js'
import { createThreadHost } from '../../src/threads/host/create-thread-host.js'
import { type Logged, logInto } from '../core/running.js'
import { bounds, eventually, limits } from './hosts.js'

const LOOPS = 'for (;;);'
const WELL = `
  import { defineServer, Type } from 'genservers'
  export default defineServer({
    calls: { ask: { reply: Type.String() }, leave: {} },
    init: () => ({}),
    handleCall: { ask: () => 'well', leave: () => process.exit(3) },
  })`

async function open(t: Test, text: string, options: { readonly loadLimit?: number }) {
  const directory = t.testdir({ 'shaky.ts': text })
  const logged: Parameters<typeof logInto>[0] = []
  const host = await createThreadHost({
    ...{ threads: 1, directories: [directory], logger: logInto(logged), bounds, ...limits, ...options },
  })
  t.teardown(() => host.close({ timeout: 100 }))
  return { host, logged, save: (text: string) => writeFile(join(directory, 'shaky.ts'), text) }
}

t.test('a module that loops is a start that fails', async (t) => {
  // As long as a busy machine may take to come to the module.
  await t.rejects(open(t, LOOPS, { loadLimit: 8000 }), { name: LoadError.name, message: /^shaky: its module loops/ })
})

for (const [what, text, told] of [
  ['loops', LOOPS, { code: 'code_change_failed', message: /its file was not loaded after 8000 ms/ }],
  ['ends its thread', 'process.exit(3)', { name: LoadError.name, message: /its module ends the thread/ }],
  [
    'speaks in the name of its thread',
    "import { parentPort } from 'node:worker_threads'; for (const said of [null, {}]) parentPort.postMessage(said); process.exit(3)",
    { name: LoadError.name, message: /its module ends the thread/ },
  ],
  [
    'waits for ever',
    'await new Promise(() => {})',
    { name: LoadError.name, message: /its module waits at its top for something that never comes/ },
  ],
  ['throws nothing', 'setImmediate(() => { throw null }); await new Promise(() => {})', { name: LoadError.name }],
  [
    'throws later',
    "setImmediate(() => { throw new Error('late') }); await new Promise(() => {})",
    { name: LoadError.name, message: /late/ },
  ],
] as const) {
  t.test(`a module that ${what} when it is loaded again costs no thread`, async (t) => {
    const { host, logged, save } = await open(t, WELL, {})
    await host.start('shaky', {}, { id: 's' })
    await save(text)
    await t.rejects(host.reload('shaky', { timeout: 8000 }), told)
    t.equal(await host.sendRequest('s', 'ask').response, 'well')
    t.match(await host.info('s'), { incarnation: 1 })
    t.match(await host.nodes(), [{ restarts: 0 }])
    t.same(logged, [])
  })
}

t.test('a node whose next thread gets stuck in a module comes back when that is mended', async (t) => {
  const { host, logged, save } = await open(t, WELL, { loadLimit: 8000 })
  const gateway = await createGateway(host, { docs: false })
  t.teardown(() => gateway.close())
  const isReady = () => gateway.inject('/health/ready')
  await host.start('shaky', {}, { id: 's' })
  await save(LOOPS)
  const leave = () => host.sendRequest('s', 'leave', undefined, { timeout: 3000 }).response
  await t.rejects(leave(), { code: 'server_crashed' })
  // A thread that stood by had loaded the file before.
  await t.rejects(leave())
  const answer = host.sendRequest('s', 'ask', undefined, { timeout: 60_000 }).response
  const isReplaced = ({ message }: Logged) => message === 'the thread 1 does not get ready: it is replaced'
  t.match(await eventually(() => logged.find(isReplaced)), { fields: { implementation: 'shaky' } }, 'the log says why')
  t.match(await host.nodes(), [{ ready: false }])
  t.match((await isReady()).json(), { code: 'restarting', effect: 'none' }, 'nobody sends work here meanwhile')
  await save(WELL)
  t.equal(await answer, 'well', 'what waits is brought to the thread that has come')
  t.match(await host.nodes(), [{ ready: true }])
  t.match(await isReady(), { statusCode: 200 })
  t.match(await host.info('s'), { lastExit: { reason: 'killed' } })
})
