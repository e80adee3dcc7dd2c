/** New code under servers on several threads: on all of them from one moment on, or on none. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { LoadError } from '../../src/loading/load-error.js'
import { createThreadHost } from '../../src/threads/host/create-thread-host.js'
import { logInto } from '../core/running.js'
import { bounds, limits } from './hosts.js'

const visits = (version: number, codeChange: string) => `
  import { defineServer, Type } from 'genservers'
  export default defineServer({
    description: 'Version ${version}.',
    version: ${version},
    state: Type.Object({ count: Type.Integer(), version: Type.Optional(Type.Integer()) }),
    calls: { visit: { reply: Type.String() }, hold: { args: Type.Object({ ms: Type.Integer() }) } },
    init: () => ({ count: 0 }),
    handleCall: {
      visit: (state) => 'version ${version}: ' + ++state.count,
      hold: (_state, { ms }) => new Promise((resolve) => setTimeout(resolve, ms)),
    },
    codeChange: ${codeChange},
  })`

async function open(t: Test) {
  const directory = t.testdir({ 'visits.ts': visits(1, '(state) => state') })
  const host = await createThreadHost({
    ...{ threads: 3, directories: [directory], logger: logInto([]), bounds, ...limits },
  })
  t.teardown(() => host.close({ timeout: 100 }))
  const ids = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const id of ids) await host.start('visits', {}, { id })
  return {
    host,
    ids,
    save: (text: string) => writeFile(join(directory, 'visits.ts'), text),
    visit: (id: string) => host.sendRequest(id, 'visit').response,
    visitAll: () => Promise.all(ids.map((id) => host.sendRequest(id, 'visit').response)),
  }
}

t.test('all servers change over, wherever they are', async (t) => {
  const { host, ids, save, visitAll, visit } = await open(t)
  t.same(
    await visitAll(),
    ids.map(() => 'version 1: 1'),
  )
  await save(visits(2, '(state) => ({ ...state, version: 2 })'))
  const changed = { implementation: 'visits', from: 1, to: 2, servers: 6, migrated: 6 }
  t.same(await host.reload('visits', { dryRun: true }), changed)
  t.same(
    await visitAll(),
    ids.map(() => 'version 1: 2'),
    'a dry run changes nothing',
  )
  t.same(await host.reload('visits', {}), changed)
  t.same(
    await visitAll(),
    ids.map(() => 'version 2: 3'),
  )
  t.match(await host.state('f'), { state: { count: 3, version: 2 } })
  t.equal(host.implementations.get('visits')?.description, 'Version 2.')
  await host.start('visits', {}, { id: 'g' })
  t.equal(await visit('g'), 'version 2: 1')
})

t.test('if one server cannot, none does', async (t) => {
  const { host, ids, save, visit, visitAll } = await open(t)
  await visit('b')
  await save(visits(2, '(state) => { if (state.count === 1) throw new Error("not this one"); return state }'))
  await t.rejects(host.reload('visits', {}), { code: 'code_change_failed', details: { failed: [{ id: 'b' }] } })
  t.same(
    await visitAll(),
    ids.map((id) => `version 1: ${id === 'b' ? 2 : 1}`),
  )
  await save('this is no code')
  await t.rejects(host.reload('visits', {}), LoadError as never)
  await t.rejects(host.reload('nothing', {}), { code: 'unknown_implementation' })
  t.same(
    await visitAll(),
    ids.map((id) => `version 1: ${id === 'b' ? 3 : 2}`),
  )
  await save(visits(2, '(state) => state'))
  t.match(await host.reload('visits', {}), { to: 2, servers: 6, migrated: 0 })
})

t.test('one that is at work for too long keeps all from it, and so does a client that goes away', async (t) => {
  const { host, ids, save, visitAll } = await open(t)
  await save(visits(2, '(state) => state'))
  const held = host.sendRequest('c', 'hold', { ms: 12_000 }, { timeout: 60_000 }).response
  await t.rejects(host.reload('visits', { timeout: 5000 }), {
    code: 'code_change_failed',
    details: { failed: [{ id: 'c' }] },
  })
  const gone = new AbortController()
  const given = host.reload('visits', { signal: gone.signal })
  setImmediate(() => gone.abort())
  await t.rejects(given, { code: 'call_timeout', effect: 'none' })
  await held
  t.same(
    await visitAll(),
    ids.map(() => 'version 1: 1'),
  )
  // Each file is tried first, and either trial may be over before the other.
  const both = await Promise.all([host.reload('visits', {}), host.reload('visits', {})])
  t.match(
    both.sort((one, other) => one.from - other.from),
    [
      { from: 1, to: 2 },
      { from: 2, to: 2 },
    ],
    'one goes on at a time',
  )
})
