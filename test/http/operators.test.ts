import { defineServer, Type } from 'genservers'
import t from 'tap'
import { createOperatorsGateway } from '../../src/gateway.js'
import { contractOf, type Document } from './contract.js'
import { openGateway, until } from './open-gateway.js'

t.test('G74: suspend and resume answer 204, twice as once; meanwhile calls time out without effect', async (t) => {
  const { ask, runtime, clock, start } = await openGateway(t)
  await start('p1')
  for (let n = 0; n < 2; n++) t.equal((await ask('POST', '/servers/p1/suspend')).statusCode, 204)
  t.equal((await ask('GET', '/servers/p1')).body.status, 'suspended')
  t.match((await ask('GET', '/servers?status=suspended')).body.servers, [{ id: 'p1' }])
  t.equal((await ask('POST', '/servers/p1/cast', { message: 'add', args: { by: 1 } })).statusCode, 202)
  const call = ask('POST', '/servers/p1/call', { message: 'add', args: { by: 10 }, timeout: 50 })
  await until(() => runtime.info('p1').mailbox.length === 2)
  await clock.advance(50)
  t.match((await call).body, { code: 'call_timeout', effect: 'none' })
  for (let n = 0; n < 2; n++) t.equal((await ask('POST', '/servers/p1/resume', {})).statusCode, 204)
  t.equal((await ask('POST', '/servers/p1/call', { message: 'add', args: { by: 0 } })).body.reply, 1)
  t.equal((await ask('GET', '/servers/p1')).body.status, 'running')
})

t.test('suspend and resume take no body', async (t) => {
  const { ask, runtime, start } = await openGateway(t)
  await start('p1')
  for (const action of ['suspend', 'resume']) {
    const { statusCode, body } = await ask('POST', `/servers/p1/${action}`, { timeout: 5 })
    t.equal(statusCode, 400)
    t.match(body, { code: 'invalid_request', errors: [{ path: '' }] })
    t.equal((await ask('POST', `/servers/p1/${action}?x=1`)).body.code, 'invalid_request')
    t.equal((await ask('POST', `/servers/nobody/${action}`)).body.code, 'unknown_server')
    t.equal((await ask('GET', `/servers/p1/${action}`)).statusCode, 405)
  }
  t.equal(runtime.info('p1').status, 'running')
})

t.test('PUT state replaces the state, and answers its new revision', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  const put = (state: unknown, headers = {}) => ask('PUT', '/servers/p1/state', { state }, headers)
  const answer = await put({ n: 7, secret: 'new' }, { 'if-match': '"1"' })
  t.equal(answer.statusCode, 204)
  t.equal(answer.headers['etag'], '"2"')
  t.same((await ask('GET', '/servers/p1/state')).body, { state: { n: 7 }, revision: 2, incarnation: 1 })
  const mismatch = await put({ n: 8, secret: '' }, { 'if-match': '"1"' })
  t.match(mismatch.body, { status: 412, code: 'revision_mismatch', effect: 'none' })
  t.equal((await put({ n: 8, secret: '' }, { 'if-match': '1' })).body.code, 'invalid_request')
  const odd = await put({ n: 'x', more: 1 })
  t.match(odd.body, { status: 400, code: 'invalid_request' })
  t.same(odd.body.errors.map(({ path }: { path: string }) => path).sort(), ['/state/more', '/state/n', '/state/secret'])
  for (const body of [
    undefined,
    {},
    { state: {}, more: 1 },
    { state: {}, timeout: -1 },
    { state: null },
    { state: 5 },
  ]) {
    t.match((await ask('PUT', '/servers/p1/state', body)).body, { status: 400, code: 'invalid_request' })
  }
  t.equal((await ask('PUT', '/servers/nobody/state', { state: {} })).body.code, 'unknown_server')
  t.same((await ask('GET', '/servers/p1/state')).body, { state: { n: 7 }, revision: 2, incarnation: 1 })
})

t.test('PUT state waits for the message that is being handled, and not for ever', async (t) => {
  const { ask, runtime, clock, start } = await openGateway(t)
  await start('p1')
  const block = ask('POST', '/servers/p1/call', { message: 'block', timeout: 100 })
  await until(() => runtime.info('p1').current !== null)
  const state = { n: 1, secret: '' }
  const impatient = ask('PUT', '/servers/p1/state', { state, timeout: 10 })
  const patient = ask('PUT', '/servers/p1/state', { state })
  await until(() => clock.pending > 1)
  await clock.advance(10)
  t.match((await impatient).body, { status: 504, code: 'call_timeout', effect: 'none' })
  await clock.advance(90)
  t.equal((await block).body.code, 'call_timeout')
  t.equal((await patient).headers['etag'], '"2"')
})

t.test('a state that is a Map is not replaced over HTTP, and that is said', async (t) => {
  const table = defineServer({ state: Type.Unknown(), init: () => new Map([['a', 1]]) })
  const { ask, runtime } = await openGateway(t, { table })
  await runtime.start('table', {}, { id: 't1' })
  const { body } = await ask('PUT', '/servers/t1/state', { state: { a: 2 } })
  t.match(body, { status: 400, code: 'invalid_request', detail: /cannot be replaced by JSON: \/state is a Map/ })
  t.same((await ask('GET', '/servers/t1/state')).body.state, { a: 1 })
})

t.test('GET crashes tells of the last crashes, while the server is stuck and after its end', async (t) => {
  const { ask, runtime, start } = await openGateway(t)
  await start('p1')
  t.same((await ask('GET', '/servers/p1/crashes')).body, { crashes: [] })
  await ask('POST', '/servers/p1/call', { message: 'crash' }, { 'x-request-id': 'r-1' })
  const stuck = ask('POST', '/servers/p1/call', { message: 'block' })
  await until(() => runtime.info('p1').current !== null)
  const expected = {
    crashes: [
      {
        kind: 'call',
        message: 'crash',
        reason: { error: 'boom' },
        stack: /^Error: boom\n/,
        state: '{"n":0}',
        args: '{}',
        incarnation: 1,
        requestId: 'r-1',
        log: [{ kind: 'call', message: 'crash' }],
      },
    ],
  }
  const { statusCode, body } = await ask('GET', '/servers/p1/crashes')
  t.equal(statusCode, 200)
  t.match(body, expected)
  t.equal((await ask('DELETE', '/servers/p1?reason=kill')).statusCode, 204)
  t.equal((await stuck).body.code, 'server_exited')
  t.equal((await ask('GET', '/servers/p1')).statusCode, 410)
  t.match((await ask('GET', '/servers/p1/crashes')).body, expected)
  t.equal((await ask('GET', '/servers/nobody/crashes')).body.code, 'unknown_server')
})

t.test('G79: a redactor that throws lets nothing out, neither of the state nor of a crash', async (t) => {
  const vault = defineServer({
    state: Type.Object({ secret: Type.String() }),
    calls: { crash: { args: Type.Object({ with: Type.String() }) } },
    redact: (state) => {
      throw new Error(state.secret)
    },
    init: () => ({ secret: 'hush' }),
    handleCall: {
      crash: () => {
        throw new Error('boom')
      },
    },
  })
  const { ask, runtime } = await openGateway(t, { vault })
  await runtime.start('vault', {}, { id: 'v1' })
  await ask('POST', '/servers/v1/call', { message: 'crash', args: { with: 'hush' } })
  const state = await ask('GET', '/servers/v1/state')
  const crashes = await ask('GET', '/servers/v1/crashes')
  t.match(state.body, { state: null, redactFailed: true })
  t.match(crashes.body.crashes, [{ state: null, redactFailed: true, args: '{"with":"string"}' }])
  t.notMatch(state.text + crashes.text, /hush/)
})

t.test("without operators' routes the gateway has none of them, nor tells of them", async (t) => {
  const { ask, start } = await openGateway(t, {}, { operators: false })
  await start('p1')
  for (const path of ['suspend', 'resume']) {
    t.equal((await ask('POST', `/servers/p1/${path}`)).body.code, 'unknown_route', path)
  }
  t.equal((await ask('GET', '/servers/p1/crashes')).body.code, 'unknown_route')
  const put = await ask('PUT', '/servers/p1/state', { state: {} })
  t.equal(put.statusCode, 405)
  t.equal(put.headers['allow'], 'GET, HEAD')
  t.equal((await ask('GET', '/servers/p1/state')).statusCode, 200)
  const { text } = await ask('GET', '/openapi.json')
  t.notMatch(text, /suspendServer|replaceServerState|listCrashes|"operators"|CrashRecord/)
})

t.test('a gateway for operators alone serves their routes, with a document of its own', async (t) => {
  const { runtime, start } = await openGateway(t, {}, { operators: false })
  const app = await createOperatorsGateway(runtime, { docs: false })
  t.teardown(() => app.close())
  const document = app.swagger() as unknown as Document
  t.same(Object.keys(document.paths).sort(), [
    '/health/live',
    '/health/ready',
    '/servers/{id}/crashes',
    '/servers/{id}/dead-letters',
    '/servers/{id}/dead-letters/{ref}',
    '/servers/{id}/dead-letters/{ref}/replay',
    '/servers/{id}/resume',
    '/servers/{id}/state',
    '/servers/{id}/suspend',
    '/servers/{id}/trace',
  ])
  t.same(
    document.tags.map(({ name }) => name),
    ['operators', 'operation'],
  )
  const contract = contractOf(document)
  await start('p1')
  const ask = async (method: 'GET' | 'POST' | 'PUT', url: string, payload?: object) => {
    const answer = await app.inject({ method, url, ...(payload && { payload }) })
    t.equal(contract(method, url, answer), undefined, `${method} ${url}: as documented`)
    return answer
  }
  t.equal((await ask('POST', '/servers/p1/suspend')).statusCode, 204)
  t.equal(runtime.info('p1').status, 'suspended')
  t.equal((await ask('PUT', '/servers/p1/state', { state: { n: 1, secret: '' } })).headers['etag'], '"2"')
  t.equal((await ask('GET', '/servers/p1/crashes')).statusCode, 200)
  t.equal((await ask('GET', '/servers/nobody/crashes')).json().code, 'unknown_server')
  t.equal((await ask('GET', '/health/ready')).statusCode, 200)
  t.equal((await ask('POST', '/servers')).json().code, 'unknown_route')
  t.equal((await ask('GET', '/servers/p1/state')).statusCode, 405)
  t.same((await ask('GET', '/openapi.json')).json(), JSON.parse(JSON.stringify(document)))
})
