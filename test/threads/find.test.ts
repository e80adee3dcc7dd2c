/** Durable servers that are found by what is in their states, wherever they are: in this thread, in one other, or in several. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Host } from 'genservers'
import t, { type Test } from 'tap'
import { createRuntimeOf, loadImplementations } from '../../src/loading/load-implementations.js'
import { openStore } from '../../src/stores/open-store.js'
import { createThreadHost } from '../../src/threads/host/create-thread-host.js'
import { logInto } from '../core/running.js'
import { bounds, eventually, limits } from './hosts.js'

const directories = [fileURLToPath(new URL('./durable', import.meta.url))]
const logger = logInto([])

async function openHost(t: Test, threads: number, data: string, handlerLimit = 10_000) {
  const { host, closeStore } = threads === 0 ? await openHere(data) : await openThreads(threads, data, handlerLimit)
  const close = async () => {
    await host.close({ timeout: 1000 })
    await closeStore()
  }
  t.teardown(close)
  const find = async (...[where, options]: [Parameters<Host['find']>[1], Parameters<Host['find']>[2]?]) => {
    const { servers, next } = await host.find('order', where, options)
    return [servers.map(({ id }) => id).join(' '), ...(next === undefined ? [] : [next])]
  }
  const start = (id: string, owner: string, labels: readonly string[] = []) =>
    host.start('order', { owner }, { id, labels })
  const call = (id: string, message: string, args?: object) =>
    host.sendRequest(id, message, args, { timeout: 30_000 }).response
  return { host, close, find, start, call }
}

async function openHere(data: string) {
  const store = await openStore(data, limits)
  const host = createRuntimeOf(await loadImplementations(directories), { logger, ...bounds, store: store.client })
  await host.restore()
  return { host: host as Host, closeStore: () => store.close() }
}

async function openThreads(threads: number, data: string, handlerLimit: number) {
  const host = await createThreadHost({ ...{ threads, directories, logger, bounds, ...limits, handlerLimit, data } })
  return { host: host as Host, closeStore: async () => {} }
}

for (const threads of [0, 1, 3]) {
  t.test(`${threads} threads: servers are found by what is in their states, also by the next host`, async (t) => {
    const data = join(t.testdir(), 'data')
    const first = await openHost(t, threads, data)
    for (const id of ['d', 'b', 'a', 'c']) await first.start(id, id === 'd' ? 'bob' : 'ada', id === 'c' ? ['eu'] : [])
    t.same(await first.find({ owner: 'ada' }), ['a b c'])
    for (const id of ['a', 'c', 'd']) {
      await first.call(id, 'set', { status: 'paid' })
      t.ok((await first.find({ status: 'paid' }))[0]?.includes(id), 'what was acknowledged just before is seen')
    }
    await first.close()

    const { host, find } = await openHost(t, threads, data)
    t.same(await find({ status: 'paid' }), ['a c d'])
    t.same(await find({ status: 'paid' }, { limit: 2 }), ['a c', 'c'])
    t.same(await find({ status: 'paid' }, { limit: 2, after: 'c' }), ['d'])
    t.same(await find({ status: 'paid', owner: 'ada' }), ['a c'])
    t.same(await find({ status: 'paid' }, { label: 'eu', status: 'running' }), ['c'])
    t.match(await host.find('order', { owner: 'bob' }), {
      servers: [{ id: 'd', status: 'running', handled: 0, revision: 2 }],
    })
    const errors = [{ path: '/where/status', message: 'Expected string' }]
    await t.rejects(host.find('order', { status: 7 }), { code: 'invalid_request', details: { errors } })
    await t.rejects(host.find('ledger', { sum: 1 }), { code: 'invalid_request' })
    await host.stop('c')
    t.same(await find({ status: 'paid' }), ['a d'])
  })
}

t.test('servers of a thread that does not come back are found all the same', async (t) => {
  const { host, find, start, call } = await openHost(t, 2, join(t.testdir(), 'data'), 60_000)
  for (const id of ['a', 'b', 'c']) await start(id, 'ada')
  const { node } = await host.info('a')
  const fatal = t.rejects(call('a', 'loop'), { code: 'server_crashed' })
  await eventually(async () => (await host.nodes()).find((each) => each.node === node)?.current)
  t.same(await find({ owner: 'ada' }), ['a b c'])
  t.match((await host.find('order', { owner: 'ada' })).servers[0], { id: 'a', current: { message: 'loop' } })
  await host.kill('a')
  await fatal
  await eventually(async () => (await find({ owner: 'ada' }))[0] === 'b c')
})
