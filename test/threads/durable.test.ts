/** Durable servers in threads: what a lost thread costs them, and what is there when the next host opens. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { openStore } from '../../src/stores/open-store.js'
import { createThreadHost } from '../../src/threads/host/create-thread-host.js'
import { logInto } from '../core/running.js'
import { bounds, eventually, limits } from './hosts.js'

const directories = [fileURLToPath(new URL('./durable', import.meta.url))]

async function open(
  t: Test,
  data: string,
  { threads = 2, handlerLimit = 400, maxAttempts = 5, maxQueued = 100_000 } = {},
) {
  const host = await createThreadHost({
    ...{
      threads,
      directories,
      logger: logInto([]),
      bounds: { ...bounds, maxRestarts: 10, maxAttempts, maxQueued },
      ...limits,
      handlerLimit,
      data,
    },
  })
  const close = () => host.close({ timeout: 1000 })
  t.teardown(close)
  const call = (id: string, message: string, args?: object) =>
    host.sendRequest(id, message, args, { timeout: 30_000 }).response
  const start = (id: string, args: object = {}, options: object = {}) => host.start('ledger', args, { id, ...options })
  return { host, call, start, close }
}

t.test('a thread that is lost costs durable servers nothing that was acknowledged', async (t) => {
  const data = join(t.testdir(), 'data')
  const { host, call, start, close } = await open(t, data)
  for (const id of ['a', 'other', 'same']) await start(id)
  t.same([(await host.info('a')).node, (await host.info('same')).node], ['1', '1'])
  t.equal(await call('a', 'add', { amount: 5 }), 5)
  await host.cast('same', 'credit', { amount: 7 })
  const fatal = t.rejects(call('a', 'loop'), { code: 'server_crashed', effect: 'unknown' })
  const waiting = call('a', 'add', { amount: 1 })
  await fatal
  t.equal(await waiting, 6, 'what waited is run by the next life, which has what was kept')
  t.equal(await call('same', 'look'), 7)
  t.match(await host.info('a'), { incarnation: 2, restarts: 1, revision: 3, lastExit: { reason: 'killed' } })
  t.match(await host.info('other'), { incarnation: 1, restarts: 0 })
  await close()

  const later = await open(t, data, { threads: 1 })
  t.equal(await later.call('a', 'look'), 6)
  t.match(await later.host.info('a'), { incarnation: 2, revision: 3, node: '1' })
  t.same(
    (await later.host.list()).servers.map(({ id }) => id),
    ['a', 'other', 'same'],
  )
  await t.rejects(later.start('a'), { code: 'already_started' })
})

t.test('an ended id goes on counting in the next process', async (t) => {
  const data = join(t.testdir(), 'data')
  const { host, call, start, close } = await open(t, data)
  await start('a')
  await call('a', 'add', { amount: 5 })
  await host.stop('a')
  await close()
  const later = await open(t, data)
  await t.rejects(later.call('a', 'look'), { code: 'server_exited' })
  t.match(await later.start('a'), { incarnation: 2, revision: 3 })
})

t.test('a cast from one node to another that is lost arrives once', async (t) => {
  const data = join(t.testdir(), 'data')
  const { host, call, start, close } = await open(t, data)
  await start('from')
  await start('to')
  t.same([(await host.info('from')).node, (await host.info('to')).node], ['1', '2'])
  const fatal = t.rejects(call('to', 'loop'), { code: 'server_crashed' })
  await eventually(async () => (await host.nodes())[1]?.current)
  for (let n = 1; n <= 10; n++) t.equal(await call('from', 'pay', { to: 'to', amount: 1 }), -n)
  await fatal
  await eventually(async () => (await call('to', 'look')) === 10)
  // Whatever was on its way has come.
  t.equal(await call('from', 'pay', { to: 'to', amount: 1 }), -11)
  await eventually(async () => (await call('to', 'look')) === 11)
  await close()
  const later = await open(t, data)
  t.same([await later.call('from', 'look'), await later.call('to', 'look')], [-11, 11])
})

t.test('casts from one node to another count for what waits there until they are taken', async (t) => {
  const { call, start } = await open(t, join(t.testdir(), 'data'), { maxQueued: 8 })
  await start('from')
  await start('to')
  for (let n = 1; n <= 10; n++) {
    t.equal(await call('from', 'pay', { to: 'to', amount: 1 }), -n)
    await eventually(async () => (await call('to', 'look')) === n)
  }
})

t.test('a cast that costs its thread each time is set aside, and the server goes on', async (t) => {
  const data = join(t.testdir(), 'data')
  const { host, call, start, close } = await open(t, data, { threads: 1, handlerLimit: 200, maxAttempts: 3 })
  await start('a')
  await host.suspend('a')
  await host.cast('a', 'loopOnce')
  await host.cast('a', 'credit', { amount: 3 })
  // Nobody answers from a thread that is stuck.
  void Promise.resolve(host.resume('a')).catch(() => {})
  await eventually(async () => (await call('a', 'look').catch(() => 0)) === 3)
  await close()
  const { client, close: closeStore } = await openStore(data, limits)
  t.match(await client.deadLetters('a', { limit: 10 }), [{ message: 'loopOnce', attempts: 3 }])
  await closeStore()
})

t.test('a durable server that is killed while it holds its thread up has ended for good', async (t) => {
  const data = join(t.testdir(), 'data')
  const { host, call, start, close } = await open(t, data, { handlerLimit: 60_000 })
  await start('a')
  const fatal = t.rejects(call('a', 'loop'), { code: 'server_crashed' })
  await eventually(async () => (await host.nodes())[0]?.current)
  await host.kill('a')
  await fatal
  await close()
  const later = await open(t, data)
  await t.rejects(later.call('a', 'look'), { code: 'server_exited', details: { reason: 'killed' } })
})

t.test('a start that costs its thread leaves nothing behind', async (t) => {
  const data = join(t.testdir(), 'data')
  const { start, close } = await open(t, data, { threads: 1, handlerLimit: 200 })
  await t.rejects(start('a', { init: 'loop' }), { code: 'init_crashed' })
  await close()
  const later = await open(t, data)
  t.same((await later.host.list()).servers, [])
})

t.test('a directory that another host has is refused', async (t) => {
  const data = join(t.testdir(), 'data')
  await open(t, data, { threads: 1 })
  await t.rejects(open(t, data, { threads: 1 }), { name: 'StoreNotOpened', message: /in use by another process/ })
})

t.test('servers that are not in memory cost a lost thread nothing, and come when they are asked', async (t) => {
  const data = join(t.testdir(), 'data')
  const first = await open(t, data)
  for (const id of ['a', 'asleep', 'timed']) await first.start(id)
  await first.call('asleep', 'add', { amount: 4 })
  await first.host.cast('timed', 'credit', { amount: 1 }, { delay: 3000 })
  await first.close()
  const { host, call } = await open(t, data, { threads: 1, handlerLimit: 300 })
  t.match(await host.info('asleep'), { status: 'running', revision: 2, incarnation: 1, handled: 0 })
  t.match(await host.state('asleep'), { state: { sum: 4 } })
  await t.rejects(call('a', 'loop'), { code: 'server_crashed' })
  t.match(await host.info('asleep'), { incarnation: 1, restarts: 0, handled: 0 }, 'it is as it was')
  t.equal(await call('asleep', 'add', { amount: 1 }), 5)
  await eventually(async () => ((await host.state('timed')) as { state: { sum: number } }).state.sum === 1)
  t.match(await host.state('timed'), { state: { sum: 1 } }, 'once')
  t.match(await host.info('a'), { incarnation: 2 })
})
