/** Durable children in threads: they are where their supervisor is, and a lost thread costs them nothing. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { createThreadHost } from '../../src/threads/host/create-thread-host.js'
import { logInto } from '../core/running.js'
import { bounds, eventually, limits } from './hosts.js'

t.setTimeout(120_000)

const directories = [fileURLToPath(new URL('./durable', import.meta.url))]

async function open(t: Test, data: string, threads: number, { handlerLimit = 400, declared = [] as string[] } = {}) {
  const logger = logInto([])
  const host = await createThreadHost({
    ...{
      threads,
      directories,
      logger,
      bounds: { ...bounds, maxRestarts: 10 },
      ...limits,
      handlerLimit,
      data,
      declared,
    },
  })
  const close = () => host.close({ timeout: 1000 })
  t.teardown(close)
  const call = (id: string, message: string, args?: object) =>
    host.sendRequest(id, message, args, { timeout: 30_000 }).response
  const children = async (id: string) => {
    const { children } = (await call(id, 'whichChildren')) as { children: { id: string; status: string }[] }
    return children.reverse().map((child) => `${child.id} ${child.status}`)
  }
  const nodesOf = async (...ids: string[]) => {
    const infos = await Promise.all(ids.map((id) => host.info(id)))
    return new Set(infos.map(({ node }) => node)).size
  }
  return { host, call, children, nodesOf, close }
}

const ledgers = (ids: string) => ids.split(' ').map((id) => ({ id, implementation: 'ledger' }))
const branch = { id: 'branch', implementation: 'supervisor', args: { children: ledgers('b1 b2') } }
const tree = { maxRestarts: 5, children: [...ledgers('a1'), branch] }

for (const threads of [1, 3]) {
  t.test(`${threads} threads: a tree is on one node, and so are those whom it takes in after a restart`, async (t) => {
    const data = join(t.testdir(), 'data')
    const first = await open(t, data, threads)
    for (let n = 0; n < 3; n++) await first.host.start('ledger', {}, { id: `alone-${n}` })
    await first.host.start('supervisor', tree, { id: 'top' })
    await first.call('top', 'startChild', { id: 'late', implementation: 'ledger' })
    await first.call('branch', 'startChild', { id: 'empty', implementation: 'supervisor' })
    for (const [n, id] of ['a1', 'b1', 'b2', 'late'].entries()) await first.call(id, 'add', { amount: n + 1 })
    t.equal(await first.nodesOf('top', 'branch', 'a1', 'b1', 'b2', 'late'), 1)
    await first.close()

    const again = await open(t, data, threads)
    t.equal(await again.nodesOf('top', 'branch', 'a1', 'b1', 'b2', 'late', 'empty'), 1)
    t.same(await again.children('top'), ['a1 running', 'branch running', 'late running'])
    t.same(await again.children('branch'), ['b1 running', 'b2 running', 'empty running'])
    t.match(await again.host.info('top'), { incarnation: 2 })
    await again.close()

    const later = await open(t, data, threads, { declared: ['top'] })
    t.match(await later.host.info('a1'), { supervisor: null, status: 'running', incarnation: 1 })
    await later.host.start('supervisor', tree, { id: 'top' })
    t.equal(await later.nodesOf('top', 'branch', 'a1', 'b1', 'b2', 'late'), 1)
    t.same(await later.children('top'), ['a1 running', 'branch running', 'late running'])
    t.same(await later.children('branch'), ['b1 running', 'b2 running'])
    t.same(await Promise.all(['a1', 'b1', 'b2', 'late'].map((id) => later.call(id, 'look'))), [1, 2, 3, 4])
    t.match(await later.host.info('b1'), { supervisor: 'branch', incarnation: 1 })
    await later.host.stop('top')
    t.match(await later.host.info('b1'), { supervisor: null, status: 'running' })
    await later.host.start('supervisor', {}, { id: 'branch' })
    t.same(await later.children('branch'), ['b1 running', 'b2 running'], 'also where it is not in its tree any more')
    t.equal(await later.nodesOf('branch', 'b1', 'b2'), 1)
  })

  t.test(
    `${threads} threads: a thread that is lost costs durable children nothing that was acknowledged`,
    async (t) => {
      const data = join(t.testdir(), 'data')
      const { host, call, children, close } = await open(t, data, threads)
      await host.start('supervisor', tree, { id: 'top' })
      await call('top', 'startChild', { id: 'late', implementation: 'ledger', restart: 'temporary' })
      await call('branch', 'startChild', { id: 'empty', implementation: 'supervisor' })
      for (const [n, id] of ['a1', 'b1', 'b2', 'late'].entries()) await call(id, 'add', { amount: n + 1 })
      await host.cast('b2', 'credit', { amount: 10 })
      for (let lost = 1; lost <= 2; lost++) {
        await t.rejects(call('b1', 'loop'), { code: 'server_crashed', effect: 'unknown' })
        await eventually(async () => (await host.info('late').catch(() => undefined))?.supervisor === 'top')
        t.same(await children('top'), ['a1 running', 'branch running', 'late running'])
        t.same(await children('branch'), ['b1 running', 'b2 running', 'empty running'])
        t.same(await Promise.all(['a1', 'b1', 'b2', 'late'].map((id) => call(id, 'look'))), [1, 2, 13, 4])
        t.match(await host.info('b1'), { supervisor: 'branch', incarnation: lost + 1, lastExit: { reason: 'killed' } })
      }
      await close()
      const later = await open(t, data, threads)
      t.same(await Promise.all(['a1', 'b1', 'b2', 'late'].map((id) => later.call(id, 'look'))), [1, 2, 13, 4])
    },
  )
}

t.test(
  'a child that is killed while it holds its thread up has ended for good, and its siblings have not',
  async (t) => {
    const data = join(t.testdir(), 'data')
    const { host, call, children, close } = await open(t, data, 1, { handlerLimit: 60_000 })
    await host.start('supervisor', { children: ledgers('a b') }, { id: 'top', restart: 'permanent' })
    await call('b', 'add', { amount: 5 })
    const fatal = t.rejects(call('a', 'loop'), { code: 'server_crashed' })
    await eventually(async () => (await host.nodes())[0]?.current)
    await host.kill('a')
    await fatal
    await eventually(async () => (await host.info('b').catch(() => undefined))?.supervisor === 'top')
    t.same(await children('top'), ['a stopped', 'b running'])
    t.equal(await call('b', 'look'), 5)
    await close()
  },
)

t.test('a supervisor that has ended with its thread is forgotten', async (t) => {
  const data = join(t.testdir(), 'data')
  const { host, call, close } = await open(t, data, 1)
  await host.start('supervisor', { children: ledgers('a') }, { id: 'gone', restart: 'temporary' })
  await host.start('supervisor', { children: ledgers('b') }, { id: 'stays' })
  await call('a', 'add', { amount: 5 })
  await t.rejects(call('a', 'loop'), { code: 'server_crashed' })
  await t.rejects(call('gone', 'whichChildren'), { code: 'server_exited' })
  t.equal(await call('a', 'look'), 5)
  await close()
  const later = await open(t, data, 1)
  t.same(await later.children('stays'), ['b running'])
  await t.rejects(later.call('gone', 'whichChildren'), { code: 'unknown_server' })
  t.match(await later.host.info('a'), { supervisor: null })
})

t.test('so is a child that keeps nothing and is killed while it holds its thread up', async (t) => {
  const { host, call, children } = await open(t, join(t.testdir(), 'data'), 1, { handlerLimit: 60_000 })
  await host.start('supervisor', { children: [{ id: 'p', implementation: 'plain' }, ...ledgers('b')] }, { id: 'top' })
  const fatal = t.rejects(call('p', 'loop'), { code: 'server_crashed' })
  await eventually(async () => (await host.nodes())[0]?.current)
  await host.kill('p')
  await fatal
  await eventually(async () => (await host.info('b').catch(() => undefined))?.supervisor === 'top')
  t.same(await children('top'), ['p stopped', 'b running'])
})
