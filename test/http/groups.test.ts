/** Labels in starts and lists, and messages to groups. */
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { createRuntime, defineServer, Type } from 'genservers'
import t, { type Test } from 'tap'
import { createGateway } from '../../src/gateway.js'
import { keepingLogger, openGateway, until } from './open-gateway.js'
import { probe } from './probe.js'

const x = { labels: ['x'] }
const idsOf = (servers: readonly { id: string }[]) => servers.map(({ id }) => id)

t.test('a start puts labels on its server, whichever route it takes', async (t) => {
  const { ask } = await openGateway(t)
  const labels = ['eu', 'x']
  const posted = await ask('POST', '/servers', { implementation: 'probe', id: 'a', labels })
  t.same([posted.statusCode, posted.body.labels], [201, labels])
  const put = await ask('PUT', '/servers/b', { implementation: 'probe', labels })
  t.same([put.statusCode, put.body.labels], [201, labels])
  const typed = await ask('POST', '/implementations/probe/servers?id=c&label=eu&label=x')
  t.same([typed.statusCode, typed.body.labels], [201, labels])
  t.same((await ask('POST', '/implementations/probe/servers?id=d&label=eu')).body.labels, ['eu'], 'also just one')
  t.same((await ask('POST', '/servers', { implementation: 'probe', id: 'e' })).body.labels, [])
  t.same((await ask('POST', '/implementations/probe/servers?id=f')).body.labels, [])
  t.same((await ask('GET', '/servers/c')).body.labels, labels)
  t.same(
    (await ask('PUT', '/servers/b', { implementation: 'probe', labels: ['y'] })).body.labels,
    labels,
    'it was there',
  )
})

t.test('an implementation whose name a route pattern cannot spell takes labels too', async (t) => {
  const { ask } = await openGateway(t, { 'a:b (é)': probe })
  const base = `/implementations/${encodeURIComponent('a:b (é)')}/servers`
  t.same((await ask('POST', `${base}?label=x`)).body.labels, ['x'])
})

t.test('labels that are wrong are told with their place, and nothing is started', async (t) => {
  const { ask } = await openGateway(t)
  const many = Array.from({ length: 17 }, (_, i) => `l${i}`)
  const wrong: [unknown, string][] = [
    ['x', '/labels'],
    [null, '/labels'],
    [many, '/labels'],
    [['x', 'y', 'x'], '/labels'],
    [['x', 'a b'], '/labels/1'],
    [['..'], '/labels/0'],
    [[''], '/labels/0'],
    [['x'.repeat(129)], '/labels/0'],
    [[7], '/labels/0'],
  ]
  for (const [labels, path] of wrong) {
    const { statusCode, body } = await ask('POST', '/servers', { implementation: 'probe', labels })
    t.equal(statusCode, 400)
    t.match(body, { code: 'invalid_request', errors: [{ path }] }, JSON.stringify(labels))
    t.match((await ask('PUT', '/servers/p', { implementation: 'probe', labels })).body, { errors: [{ path }] })
  }
  const wrongQueries: [string, string][] = [
    ['label=', '/label/0'],
    ['label=x&label=a%20b', '/label/1'],
    ['label=x&label=x', '/label'],
    [many.map((label) => `label=${label}`).join('&'), '/label'],
    ['labels=x', '/labels'],
  ]
  for (const [query, path] of wrongQueries) {
    const { body } = await ask('POST', `/implementations/probe/servers?${query}`)
    t.match(body, { code: 'invalid_request', errors: [{ path }] }, query)
  }
  t.same((await ask('GET', '/servers')).body, { servers: [] })
})

t.test('GET /servers finds by label, in pages, together with the other filters', async (t) => {
  const { ask, start, runtime } = await openGateway(t, { other: probe })
  for (const id of ['c', 'a', 'd']) await start(id, {}, x)
  await runtime.start('other', {}, { id: 'b', labels: ['x', 'y'] })
  await start('e')
  const list = async (query: string) => (await ask('GET', `/servers?${query}`)).body
  t.same(idsOf((await list('label=x')).servers), ['a', 'b', 'c', 'd'])
  const page = await list('label=x&limit=3')
  t.same(idsOf(page.servers), ['a', 'b', 'c'])
  t.same(idsOf((await list(`label=x&limit=3&after=${page.next}`)).servers), ['d'])
  t.same(idsOf((await list('label=x&implementation=other&status=running')).servers), ['b'])
  t.same(await list('label=nobody'), { servers: [] })
  for (const query of ['label=', 'label=a%20b', 'label=x&label=y']) {
    const { statusCode, body } = await ask('GET', `/servers?${query}`)
    t.equal(statusCode, 400, query)
    t.match(body.errors[0].path, /^\/label/)
  }
})

t.test('a group call gives the replies, and a problem for each that gave none', async (t) => {
  const { ask, start, runtime } = await openGateway(t)
  for (const id of ['b', 'a', 'c']) await start(id, {}, x)
  await runtime.call('b', 'add', { by: 5 })
  const called = await ask('POST', '/groups/x/call', { message: 'add', args: { by: 1 } })
  t.equal(called.statusCode, 200)
  t.same(called.body, {
    replies: [
      { id: 'a', reply: 1, revision: 2 },
      { id: 'b', reply: 6, revision: 3 },
      { id: 'c', reply: 1, revision: 2 },
    ],
    failures: [],
  })
  const crashed = await ask('POST', '/groups/x/call', { message: 'crash' })
  t.equal(crashed.statusCode, 200)
  t.same(crashed.body.replies, [])
  t.same(crashed.body.failures[0], {
    id: 'a',
    type: 'urn:genservers:error:server_crashed',
    title: 'The server crashed',
    status: 500,
    detail: crashed.body.failures[0].detail,
    code: 'server_crashed',
    effect: 'none',
    reason: { error: 'boom' },
  })
  t.equal(crashed.body.failures.length, 3)
})

t.test('a group cast is in the mailboxes, and a problem tells of each that did not take it', async (t) => {
  const other = defineServer({ state: Type.Object({}), init: () => ({}) })
  const { ask, start, runtime } = await openGateway(t, { other })
  await start('a', {}, x)
  await start('c', {}, x)
  await runtime.start('other', {}, { id: 'b', labels: ['x'] })
  const cast = await ask('POST', '/groups/x/cast', { message: 'add', args: { by: 2 } })
  t.equal(cast.statusCode, 202)
  t.match(cast.body, { sent: 2, failures: [{ id: 'b', code: 'unknown_message', status: 404, effect: 'none' }] })
  t.equal(cast.body.failures.length, 1)
  t.equal((await ask('POST', '/servers/c/call', { message: 'add', args: { by: 0 } })).body.reply, 2)
  const wrong = await ask('POST', '/groups/x/cast', { message: 'add', args: { by: 'two' } })
  t.match(wrong.body, {
    sent: 0,
    failures: [
      { id: 'a', code: 'invalid_args', status: 400, errors: [{ path: '/by' }] },
      { id: 'b', code: 'unknown_message' },
      { id: 'c', code: 'invalid_args' },
    ],
  })
})

t.test('a label that nobody has is an empty group', async (t) => {
  const { ask } = await openGateway(t)
  const called = await ask('POST', '/groups/nobody/call', { message: 'ping' })
  t.same([called.statusCode, called.body], [200, { replies: [], failures: [] }])
  const cast = await ask('POST', '/groups/constructor/cast', { message: 'ping' })
  t.same([cast.statusCode, cast.body], [202, { sent: 0, failures: [] }])
})

t.test('what is wrong with the request is a problem, and nobody gets the message', async (t) => {
  const { ask, start, runtime } = await openGateway(t)
  await start('a', {}, x)
  const wrong: [string, unknown, string][] = [
    ['/groups/a%20b/call', { message: 'ping' }, '/label'],
    [`/groups/${'x'.repeat(129)}/cast`, { message: 'add' }, '/label'],
    ['/groups/x/call?timeout=5', { message: 'ping' }, '/timeout'],
    ['/groups/x/call', {}, '/message'],
    ['/groups/x/call', { message: 7 }, '/message'],
    ['/groups/x/call', { message: 'ping', timeout: -1 }, '/timeout'],
    ['/groups/x/call', { message: 'ping', start: { implementation: 'probe' } }, '/start'],
    ['/groups/x/cast', { message: 'add', args: { by: 1 }, delay: 5 }, '/delay'],
    ['/groups/x/cast', { message: 'add', args: { by: 1 }, timeout: 5 }, '/timeout'],
  ]
  for (const [url, body, path] of wrong) {
    const answer = await ask('POST', url, body)
    t.equal(answer.statusCode, 400, url)
    t.match(answer.body, { code: 'invalid_request', errors: [{ path }] }, JSON.stringify(body))
  }
  const deep = `{"message":"add","args":${'['.repeat(100)}${']'.repeat(100)}}`
  for (const kind of ['call', 'cast']) {
    const answer = await ask('POST', `/groups/x/${kind}`, deep, { 'content-type': 'application/json' })
    t.match(answer.body, { code: 'invalid_args', effect: 'none' })
    t.equal((await ask('GET', `/groups/x/${kind}`)).statusCode, 405)
  }
  t.equal((await ask('POST', `/groups/${'x'.repeat(2000)}/call`, { message: 'ping' })).statusCode, 414)
  t.equal(runtime.info('a').handled, 0)
})

t.test('a condition on a group is refused, since each server has a revision of its own, and so is a key', async (t) => {
  const { ask, start, runtime } = await openGateway(t)
  await start('a', {}, x)
  const add = { message: 'add', args: { by: 1 } }
  for (const kind of ['call', 'cast']) {
    for (const tag of ['"1"', 'bad']) {
      const answer = await ask('POST', `/groups/x/${kind}`, add, { 'if-match': tag })
      t.match(answer.body, { code: 'invalid_request', detail: /If-Match/ }, `${kind} ${tag}`)
    }
  }
  for (const kind of ['call', 'cast']) {
    const answer = await ask('POST', `/groups/x/${kind}`, add, { 'idempotency-key': 'k' })
    t.match(answer.body, { code: 'invalid_request', detail: /Idempotency-Key/ }, kind)
  }
  t.equal(runtime.info('a').handled, 0)
  t.equal((await ask('POST', '/groups/x/call', add, { 'if-match': '*' })).body.replies.length, 1)
})

t.test('a group call is answered when its time is over, with the replies that came', async (t) => {
  const { ask, start, runtime, clock } = await openGateway(t)
  for (const id of ['a', 'b']) await start(id, {}, x)
  const blocking = ask('POST', '/servers/a/call', { message: 'block', timeout: 500 })
  await until(() => runtime.info('a').current !== null)
  const called = ask('POST', '/groups/x/call', { message: 'ping', timeout: 100 })
  await until(() => runtime.info('a').mailbox.length === 1)
  await clock.advance(100)
  t.match((await called).body, {
    replies: [{ id: 'b', reply: 'pong' }],
    failures: [{ id: 'a', code: 'call_timeout', status: 504, effect: 'none' }],
  })
  t.equal(runtime.info('a').mailbox.length, 0)
  await clock.advance(400)
  await blocking
})

t.test('Prefer: wait is the time of a group call where the body gives none', async (t) => {
  const { ask, start, runtime, clock } = await openGateway(t)
  await start('a', {}, x)
  const answeredAfter = async (ms: number, body: object, prefer: string) => {
    const { handled } = runtime.info('a')
    let answered = false
    const call = ask('POST', '/groups/x/call', { message: 'later', ...body }, { prefer }).finally(() => {
      answered = true
    })
    await until(() => runtime.info('a').handled > handled)
    await clock.advance(ms - 1)
    t.notOk(answered, `${prefer}: not yet`)
    await clock.advance(1)
    const { headers, body: told } = await call
    t.match(told.failures, [{ id: 'a', code: 'call_timeout', effect: 'unknown' }])
    return headers['preference-applied']
  }
  t.equal(await answeredAfter(2000, {}, 'wait=2'), 'wait=2')
  t.equal(await answeredAfter(70, { timeout: 70 }, 'wait=2'), undefined)
  t.equal(await answeredAfter(5000, {}, 'wait=soon'), undefined)
})

t.test('a crash in a group leads back to the request, and its answer tells the name of it', async (t) => {
  const { lines, logger } = keepingLogger()
  const { ask, start } = await openGateway(t, {}, { logger })
  await start('a', {}, x)
  const named = { 'x-request-id': 'req-9' }
  const answer = await ask('POST', '/groups/x/call', { message: 'crash' }, named)
  t.equal(answer.headers['x-request-id'], 'req-9')
  t.equal((await ask('POST', '/groups/x/cast', { message: 'crashSoon' }, named)).headers['x-request-id'], 'req-9')
  await until(() => lines.length === 2)
  t.match(lines, [
    { level: 'error', server: 'a', requestId: 'req-9' },
    { level: 'error', server: 'a', requestId: 'req-9' },
  ])
})

t.test('replies that are longer together than a string can be are a problem, and the servers live', async (t) => {
  const large = defineServer({
    state: Type.Object({}),
    calls: { all: { reply: Type.Unknown() }, ping: { reply: Type.String() } },
    init: () => ({}),
    handleCall: { all: () => Array(5).fill('x'.repeat(2 ** 26)), ping: () => 'pong' },
  })
  const { ask, runtime } = await openGateway(t, { large })
  for (const id of ['a', 'b']) await runtime.start('large', {}, { id, ...x })
  const { statusCode, body } = await ask('POST', '/groups/x/call', { message: 'all' })
  t.equal(statusCode, 500)
  t.match(body, { code: 'internal_error', effect: 'unknown' })
  t.match((await ask('POST', '/groups/x/call', { message: 'ping' })).body.replies, [{ reply: 'pong' }, {}])
})

t.test('a gateway that drains takes no message for a group', async (t) => {
  const { ask, runtime } = await openGateway(t)
  runtime.drain()
  for (const kind of ['call', 'cast']) {
    const { statusCode, body } = await ask('POST', `/groups/x/${kind}`, { message: 'ping' })
    t.same([statusCode, body.code], [503, 'draining'])
  }
})

/** A gateway on a socket, with servers `a` and `b` of a group. */
async function listen(t: Test) {
  const runtime = createRuntime({ implementations: { probe } })
  const app = await createGateway(runtime, { docs: false })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => {
    await runtime.close({ timeout: 0 })
    await app.close()
  })
  for (const id of ['a', 'b']) await runtime.start('probe', {}, { id, ...x })
  return { runtime, port: (app.server.address() as AddressInfo).port }
}

/** Sends a call over a connection of its own, and gives how to hang up. */
function callAndHold(port: number, path: string, message: string) {
  const socket = connect(port, '127.0.0.1')
  const body = JSON.stringify({ message })
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`)
  socket.write(`Content-Length: ${body.length}\r\n\r\n${body}`)
  return { hangUp: () => socket.destroy() }
}

t.test('a caller that hangs up takes its calls out of all mailboxes', async (t) => {
  const { runtime, port } = await listen(t)
  const ids = ['a', 'b']
  const waiting = () => ids.map((id) => runtime.info(id).mailbox.length)
  const blocking = callAndHold(port, '/groups/x/call', 'block')
  await until(() => ids.every((id) => runtime.info(id).current !== null))
  const queued = callAndHold(port, '/groups/x/call', 'crash')
  await until(() => waiting().join() === '1,1')
  queued.hangUp()
  await until(() => waiting().join() === '0,0')
  blocking.hangUp()
  await until(() => ids.every((id) => runtime.info(id).current === null))
  for (const id of ids) t.match(runtime.info(id), { status: 'running', restarts: 0, handled: 1 }, 'it never ran')
})

t.test('a caller of a group that stays is not taken for one that left', async (t) => {
  const { runtime, port } = await listen(t)
  const base = `http://127.0.0.1:${port}`
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(`${base}/groups/x/call`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"message":"ping"}',
    })
    t.match(await answer.json(), { replies: [{ id: 'a', reply: 'pong' }, { id: 'b' }], failures: [] })
  }
  t.equal(runtime.info('a').handled, 3)
})
