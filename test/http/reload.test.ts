/** Hot code change over HTTP: what is asked for, what is told, and what follows it. */
import { type AddressInfo, connect } from 'node:net'
import { type AnyDefinition, defineServer, type Runtime, Type } from 'genservers'
import t, { type Test } from 'tap'
import { StoreFull } from '../../src/adapters.js'
import { createOperatorsGateway } from '../../src/gateway.js'
import type { Reload } from '../../src/http/reload.js'
import { heldStore } from '../core/durable/held-store.js'
import type { Document } from './contract.js'
import { openGateway, until } from './open-gateway.js'

const Count = Type.Object({ count: Type.Integer() })

const first = defineServer({
  description: 'Counts.',
  state: Count,
  calls: { add: { args: Type.Object({ by: Type.Integer() }), reply: Type.Integer() }, old: { reply: Type.Integer() } },
  init: () => ({ count: 0 }),
  handleCall: { add: (state, { by }) => (state.count += by), old: (state) => state.count },
})

const second = defineServer({
  description: 'Counts twice.',
  version: 2,
  state: Type.Object({ total: Type.Integer() }),
  calls: {
    add: { args: Type.Object({ times: Type.Integer() }), reply: Type.Integer() },
    fresh: { reply: Type.Integer() },
  },
  casts: { reset: {} },
  init: () => ({ total: 0 }),
  codeChange: (old) => {
    const { count } = old as { count: number }
    if (count > 100) throw new Error(`${count} is too much`)
    return { total: count }
  },
  handleCall: { add: (state, { times }) => (state.total += times), fresh: (state) => state.total },
  handleCast: {
    reset: (state) => {
      state.total = 0
    },
  },
})

async function serving(t: Test) {
  const next: { code: AnyDefinition } = { code: second }
  let runtime: Awaited<ReturnType<typeof openGateway>>['runtime'] | undefined
  const reload: Reload = (name, options) =>
    (runtime as NonNullable<typeof runtime>).changeCode(name, next.code, options)
  const opened = await openGateway(t, { tally: first }, { reload })
  runtime = opened.runtime
  await opened.ask('POST', '/servers', { implementation: 'tally', id: 't1' })
  await opened.ask('POST', '/servers/t1/call', { message: 'add', args: { by: 2 } })
  return { ...opened, next }
}

t.test('a reload tells what it has done, and the servers go on with the new code', async (t) => {
  const { ask } = await serving(t)
  const dry = await ask('POST', '/implementations/tally/reload?dryRun=true')
  t.equal(dry.statusCode, 200)
  t.same(dry.body, { implementation: 'tally', from: 1, to: 2, servers: 1, migrated: 1, dryRun: true })
  t.match((await ask('GET', '/servers/t1')).body, { version: 1, revision: 2 })
  const done = await ask('POST', '/implementations/tally/reload', {})
  t.equal(done.statusCode, 200)
  t.same(done.body, { implementation: 'tally', from: 1, to: 2, servers: 1, migrated: 1, dryRun: false })
  t.match((await ask('GET', '/servers/t1')).body, { version: 2, revision: 3, status: 'running' })
  t.same((await ask('GET', '/servers/t1/state')).body.state, { total: 2 })
})

t.test('one server that cannot come along is named, and all is as it was', async (t) => {
  const { ask } = await serving(t)
  await ask('POST', '/servers/t1/call', { message: 'add', args: { by: 200 } })
  for (const query of ['?dryRun=true', '']) {
    const refused = await ask('POST', `/implementations/tally/reload${query}`)
    t.equal(refused.statusCode, 409)
    t.match(refused.body, {
      code: 'code_change_failed',
      effect: 'none',
      failed: [{ id: 't1', message: '202 is too much' }],
    })
  }
  t.equal((await ask('POST', '/servers/t1/call', { message: 'old' })).body.reply, 202)
})

t.test('durable servers change over too, those that are not in memory among them', async (t) => {
  const { store, commits } = heldStore()
  const durable = { tally: { ...first, durable: true } as AnyDefinition }
  const before = await openGateway(t, durable, {}, store)
  for (const id of ['t1', 't2', 't3']) await before.ask('POST', '/servers', { implementation: 'tally', id })
  await before.ask('POST', '/servers/t1/call', { message: 'add', args: { by: 2 } })
  let runtime: Runtime | undefined
  const reload: Reload = (name, options) =>
    (runtime as Runtime).changeCode(name, { ...second, durable: true } as AnyDefinition, options)
  const opened = await openGateway(t, durable, { reload }, store)
  const { ask, clock } = opened
  runtime = opened.runtime
  await runtime.restore()
  await ask('POST', '/servers/t2/call', { message: 'old' })
  const told = { implementation: 'tally', from: 1, to: 2, servers: 3, migrated: 3 }
  t.same((await ask('POST', '/implementations/tally/reload?dryRun=true')).body, { ...told, dryRun: true })
  commits.hold()
  const reloaded = ask('POST', '/implementations/tally/reload')
  await until(() => commits.held.length > 0)
  commits.fail(new StoreFull('no room'))
  const refused = await reloaded
  t.equal(refused.statusCode, 503)
  t.match(refused.body, { code: 'storage_failed', effect: 'unknown', detail: /tally runs version 2 from now on/ })
  commits.recover()
  t.match((await ask('GET', '/servers/t1')).body, { version: 2, status: 'running' })
  t.match((await ask('GET', '/servers/t1/state')).body, { state: { total: 2 } })
  t.same((await ask('POST', '/servers/t1/call', { message: 'fresh' })).body, { reply: 2 })
  await clock.advance(1000)
  t.same((await ask('POST', '/servers/t2/call', { message: 'fresh' })).body, { reply: 0 })
})

t.test('the typed routes, the list and the document follow the code', async (t) => {
  const { ask, app } = await serving(t)
  const paths = async () =>
    Object.keys((await app.inject('/openapi.json')).json<Document>().paths).filter((path) => path.includes('/tally/'))
  const base = '/implementations/tally/servers'
  t.same(await paths(), [base, `${base}/{id}/call/add`, `${base}/{id}/call/old`])
  t.match((await ask('GET', '/implementations/tally')).body, { version: 1, description: 'Counts.' })
  const before = app.swagger()
  t.equal(app.swagger(), before, 'it is written once')
  await ask('POST', '/implementations/tally/reload')
  t.same(await paths(), [base, `${base}/{id}/call/add`, `${base}/{id}/call/fresh`, `${base}/{id}/cast/reset`])
  t.match((await ask('GET', '/implementations/tally')).body, {
    version: 2,
    description: 'Counts twice.',
    calls: { add: { args: { properties: { times: {} } } } },
    casts: { reset: {} },
  })
  const { implementations } = (await ask('GET', '/implementations')).body
  t.match(
    implementations.find(({ name }: { name: string }) => name === 'tally'),
    { version: 2 },
  )
  const send = (path: string, body?: object) =>
    app.inject({ method: 'POST', url: `${base}/t1/${path}`, ...(body && { body }) })
  t.same((await send('call/fresh')).json(), { reply: 2 })
  t.same((await send('call/add', { times: 3 })).json(), { reply: 5 })
  t.match((await send('call/add', { by: 3 })).json(), { code: 'invalid_args' })
  t.match((await send('call/old')).json(), { code: 'unknown_message' })
  t.equal((await send('cast/reset')).statusCode, 202)
  t.same((await send('call/fresh')).json(), { reply: 0 })
})

t.test('the page for people has the document with the typed operations, as JSON and as YAML', async (t) => {
  const { app } = await openGateway(t, { tally: first }, { docs: true })
  t.ok((await app.inject('/docs/json')).json().paths['/implementations/tally/servers/{id}/call/old'])
  t.match((await app.inject('/docs/yaml')).body, /^ {2}\/implementations\/tally\/servers\/\{id\}\/call\/old:$/m)
})

t.test('what makes no sense is refused', async (t) => {
  const { ask, runtime } = await serving(t)
  t.match((await ask('POST', '/implementations/nobody/reload')).body, { code: 'unknown_implementation' })
  t.match((await ask('POST', '/implementations/tally/reload?dryRun=maybe')).body, { code: 'invalid_request' })
  t.match((await ask('POST', '/implementations/tally/reload?dry=true')).body, { code: 'invalid_request' })
  t.match((await ask('POST', '/implementations/tally/reload?timeout=-1')).body, { code: 'invalid_request' })
  t.match((await ask('POST', '/implementations/tally/reload', { dryRun: true })).body, { code: 'invalid_request' })
  t.equal((await ask('GET', '/implementations/tally/reload')).headers['allow'], 'POST')
  t.equal(runtime.info('t1').version, 1)
})

t.test("it is one of the operators' routes, and there only where there is something to load", async (t) => {
  const reload: Reload = () => Promise.reject(new Error('not asked'))
  const without = await openGateway(t)
  const switchedOff = await openGateway(t, {}, { reload, operators: false })
  for (const { ask } of [without, switchedOff]) {
    t.equal((await ask('POST', '/implementations/probe/reload')).statusCode, 404)
    t.notMatch((await ask('GET', '/openapi.json')).text, /reloadImplementation/)
  }
  const apart = await createOperatorsGateway(switchedOff.runtime, { docs: false, reload })
  t.teardown(() => apart.close())
  t.ok((apart.swagger() as unknown as Document).paths['/implementations/{name}/reload'])
})

t.test('a client that hangs up calls its reload off', async (t) => {
  let told = (_: unknown) => {}
  const gone = new Promise((resolve) => {
    told = resolve
  })
  let asked = () => {}
  const arrived = new Promise<void>((resolve) => {
    asked = resolve
  })
  const reload: Reload = (_name, { signal }) => {
    asked()
    return new Promise((_resolve, reject) =>
      signal?.addEventListener('abort', () => {
        told('gone')
        reject(new Error('nobody hears this'))
      }),
    )
  }
  const { app } = await openGateway(t, { tally: first }, { reload })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('POST /implementations/tally/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
  await arrived
  socket.destroy()
  t.equal(await gone, 'gone')
})
