/** New code under durable servers on threads, in memory or not: on all of them, or on none; while they run, and at a start. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Change } from '../../src/adapters.js'
import { openStore } from '../../src/stores/open-store.js'
import { createThreadHost } from '../../src/threads/host/create-thread-host.js'
import { type Logged, logInto } from '../core/running.js'
import { bounds, eventually, limits } from './hosts.js'

const visits = (version: number, codeChange: string) => `
  import { defineServer, Type } from 'genservers'
  export default defineServer({
    durable: true,
    version: ${version},
    state: Type.Object({ count: Type.Integer(), version: Type.Optional(Type.Integer()) }),
    calls: { visit: { reply: Type.String() } },
    casts: { bump: {} },
    init: () => ({ count: 0 }),
    handleCall: { visit: (state) => 'version ${version}: ' + ++state.count },
    handleCast: { bump: (state) => { state.count += 100 } },
    codeChange: ${codeChange},
  })`
const SECOND = visits(2, '(state) => ({ ...state, version: 2 })')
const NEVER = visits(2, '(state) => { if (state.count === 2) throw new Error("not this one"); return state }')

const ids = ['a', 'b', 'c', 'd', 'e', 'f']

function place(t: Test) {
  const directory = t.testdir({ 'visits.ts': visits(1, '(state) => state') })
  const data = join(directory, 'data')
  const save = (text: string) => writeFile(join(directory, 'visits.ts'), text)
  const open = async (threads: number) => {
    const logged: Logged[] = []
    const host = await createThreadHost({
      ...{ threads, directories: [directory], logger: logInto(logged), bounds, ...limits, data },
    })
    const close = () => host.close({ timeout: 100 })
    t.teardown(close)
    const visit = (id: string) => host.sendRequest(id, 'visit', undefined, { timeout: 30_000 }).response
    return { host, logged, close, visit }
  }
  /** What is in the store, which nobody else has open. */
  const kept = async (more: readonly Change[] = []) => {
    const { client, close } = await openStore(data, limits)
    await client.commit(more)
    const states = await client.states(ids, 1_000_000)
    await close()
    return states.map(({ version, state }) => [version, JSON.parse(state).count])
  }
  return { save, open, kept }
}

for (const threads of [1, 3]) {
  t.test(`${threads} threads: durable servers change over, in memory or not, or none does`, async (t) => {
    const { open, save, kept } = place(t)
    const first = await open(threads)
    for (const id of ids) await first.host.start('visits', {}, { id })
    for (const id of [...ids, 'f']) await first.visit(id)
    await first.close()
    const { host, visit, close } = await open(threads)
    t.equal(await visit('a'), 'version 1: 2')
    await save(NEVER)
    for (const dryRun of [true, false]) {
      await t.rejects(host.reload('visits', { dryRun }), {
        code: 'code_change_failed',
        details: { failed: [{ message: 'not this one' }] },
      })
    }
    t.equal(await visit('a'), 'version 1: 3')
    t.equal(await visit('f'), 'version 1: 3')
    await save(SECOND)
    const changed = { implementation: 'visits', from: 1, to: 2, servers: 6, migrated: 6 }
    t.same(await host.reload('visits', { dryRun: true }), changed)
    t.same(await host.reload('visits', {}), changed)
    t.match(await host.info('e'), { version: 2, handled: 0 })
    t.match(await host.state('e'), { state: { count: 1, version: 2 } })
    t.equal(await visit('a'), 'version 2: 4')
    t.equal(await visit('b'), 'version 2: 2')
    await eventually(async () => (await host.info('e')).revision === 3)
    await close()
    const after = [4, 2, 1, 1, 1, 3].map((count) => [2, count])
    t.same(await kept(), after)
  })
}

t.test('a start with code on which one cannot run fails, and leaves all to the code of before', async (t) => {
  const { open, save, kept } = place(t)
  const first = await open(1)
  for (const id of ids) await first.host.start('visits', {}, { id })
  for (const id of ['f', 'f']) await first.visit(id)
  await first.close()
  const cast = { message: 'bump', args: '{}', origin: null, ifMatch: null, answerTo: null, attempts: 0 }
  const before = await kept([{ kind: 'cast', id: 'b', cast }])
  await save(NEVER)
  await t.rejects(open(3), {
    name: 'NotRestored',
    message: 'f is kept by version 1 of visits, and cannot be taken to version 2: not this one',
  })
  t.same(await kept(), before)
  await save(SECOND)
  const { host, visit, close } = await open(3)
  t.equal(await visit('f'), 'version 2: 3')
  await eventually(async () => (await host.info('a')).revision === 2)
  await eventually(async () => (await host.info('b')).revision === 3)
  t.match(await host.state('b'), { state: { count: 100, version: 2 } }, 'what waited has its effect')
  await close()
  t.match(await kept(), Array(6).fill([2]))
})
