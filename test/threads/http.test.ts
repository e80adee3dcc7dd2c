/** The gateway before servers that are in threads: the same answers, held against the same document. */
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createGateway } from '../../src/gateway.js'
import { contractOf, type Document } from '../http/contract.js'
import { readEvents } from '../http/event-reader.js'
import { eventually, openHost } from './hosts.js'

t.test('every route answers as it does where all is in one thread', async (t) => {
  const { host } = await openHost(t, 2, { handlerLimit: 3000 })
  const app = await createGateway(host, {
    docs: false,
    reload: (name, options) =>
      (host as never as { reload: (n: string, o: object) => Promise<never> }).reload(name, options),
  })
  t.teardown(() => app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const contract = contractOf(app.swagger() as unknown as Document)
  const ask = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: unknown, headers = {}) => {
    const payload = body === undefined ? {} : { payload: body as string }
    const answer = await app.inject({ method, url, ...payload, headers })
    t.equal(contract(method, url, answer), undefined, `${method} ${url}: as documented`)
    const isJson = String(answer.headers['content-type']).includes('json') && answer.body !== ''
    return { status: answer.statusCode, headers: answer.headers, body: isJson ? JSON.parse(answer.body) : answer.body }
  }
  const labels = ['all']
  t.match(await ask('POST', '/servers', { implementation: 'actor', id: 'a', labels }), {
    status: 201,
    body: { node: '1' },
  })
  t.match(await ask('PUT', '/servers/b', { implementation: 'actor', labels }), { status: 201, body: { node: '2' } })
  t.match(await ask('PUT', '/servers/b', { implementation: 'actor' }), { status: 200 })
  t.match(await ask('POST', '/servers', { implementation: 'actor', id: 'b' }), {
    status: 409,
    body: { code: 'already_started', server: { id: 'b' } },
  })
  t.match(await ask('POST', '/implementations/actor/servers?id=c', { count: 3 }), { status: 201 })
  t.match(await ask('POST', '/implementations/actor/servers', { init: 'ignore' }), { body: { status: 'ignored' } })
  t.match(await ask('POST', '/implementations/actor/servers', { init: 'refuse' }), { status: 422 })
  t.match(await ask('POST', '/servers/a/call', { message: 'add', args: { by: 2 } }), {
    status: 200,
    headers: { etag: '"2"' },
    body: { reply: 2 },
  })
  t.match(await ask('POST', '/implementations/actor/servers/c/call/add', { by: 2 }), { body: { reply: 5 } })
  t.match(await ask('POST', '/servers/a/call', { message: 'add', args: { by: 'x' } }), {
    status: 400,
    body: { code: 'invalid_args', errors: [{ path: '/by' }] },
  })
  t.match(await ask('POST', '/servers/a/call', { message: 'add' }, { 'if-match': '"9"' }), { status: 412 })
  t.match(await ask('POST', '/servers/a/call', { message: 'crash' }), { status: 500, body: { code: 'server_crashed' } })
  t.match(await ask('POST', '/servers/a/call', { message: 'never', timeout: 30 }), {
    status: 504,
    body: { effect: 'unknown' },
  })
  t.match(await ask('DELETE', '/servers/a?reason=kill'), { status: 204 })
  t.match(await ask('POST', '/servers/a/cast', { message: 'hear', args: { text: 'x' } }), {
    status: 410,
    body: { code: 'server_exited', reason: 'killed' },
  })
  const start = { implementation: 'actor' }
  t.match(await ask('POST', '/servers/a/cast', { message: 'hear', args: { text: 'x' }, start }), { status: 202 })
  const late = await ask('POST', '/servers/a/cast', { message: 'hear', args: { text: 'y' }, delay: 60_000 })
  t.match(late, { status: 202 })
  t.match((await ask('GET', '/servers/a/timers')).body.timers, [{ kind: 'cast' }])
  t.match(await ask('DELETE', late.headers['location'] as string), { status: 204 })
  t.match(await ask('DELETE', late.headers['location'] as string), { status: 404, body: { code: 'unknown_timer' } })
  t.match(await ask('GET', '/servers/a/state'), { status: 200, body: { state: { heard: ['x'] } } })
  t.match(await ask('GET', '/servers/a'), { status: 200, body: { incarnation: 3 } })
  t.match((await ask('GET', '/servers?limit=2')).body, { servers: [{ id: 'a' }, { id: 'b' }], next: 'b' })
  t.match(await ask('GET', '/servers?label=all&status=running'), { body: { servers: [{ id: 'b' }] } })
  t.match(await ask('GET', '/nodes'), { status: 200, body: { nodes: [{ node: '1' }, { node: '2' }] } })
  t.match((await ask('GET', '/implementations/actor')).body, {
    name: 'actor',
    calls: { add: { args: { additionalProperties: false } } },
  })
  t.match(await ask('GET', '/implementations'), { status: 200 })
  t.match(await ask('POST', '/groups/all/call', { message: 'add' }), {
    status: 200,
    body: { replies: [{ id: 'b', reply: 1 }] },
  })
  t.match(await ask('POST', '/groups/all/cast', { message: 'nothing' }), {
    body: { failures: [{ code: 'unknown_message' }] },
  })
  t.match(await ask('POST', '/servers/a/suspend'), { status: 204 })
  t.match(await ask('PUT', '/servers/a/state', { state: { count: 1, heard: [], waiting: [] } }), { status: 204 })
  t.match(await ask('POST', '/servers/a/resume'), { status: 204 })
  t.match(await ask('GET', '/servers/a/crashes'), { status: 200, body: { crashes: [] } })
  t.match(await ask('POST', '/implementations/actor/reload?dryRun=true'), {
    status: 200,
    body: { servers: 3, migrated: 0 },
  })
  t.match(await ask('GET', '/metrics'), {
    status: 200,
    body: /genservers_servers\{implementation="actor",status="running"\} 3/,
  })
  const lines = [
    { to: 'a', call: 'add' },
    { to: 'b', cast: 'hear', args: { text: 'z' } },
    { to: 'nobody', call: 'add' },
  ]
  const batch = await app.inject({
    method: 'POST',
    url: '/batch',
    headers: { 'content-type': 'application/x-ndjson' },
    payload: lines.map((line) => JSON.stringify(line)).join('\n'),
  })
  const answers = batch.body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .sort((x, y) => x.line - y.line)
  t.match(answers, [
    { line: 1, status: 200, reply: 2 },
    { line: 2, status: 202 },
    { line: 3, status: 404 },
  ])

  const stream = await readEvents(port, '/servers/c/events?patches=true')
  await ask('POST', '/servers/c/call', { message: 'publish', args: { n: 1 } })
  await ask('POST', '/servers/c/call', { message: 'add' })
  t.match(await stream.has(3), [
    { event: 'state', data: { state: { count: 5 } } },
    { event: 'news', data: { n: 1 } },
    { event: 'patch', data: { patch: [{ op: 'replace', path: '/count', value: 6 }] } },
  ])
  const stuck = ask('POST', '/servers/c/call', { message: 'loop' })
  await eventually(async () =>
    (await ask('GET', '/nodes')).body.nodes.some((each: { current: unknown }) => each.current),
  )
  t.match(await ask('GET', '/servers/c'), { status: 200, body: { current: { message: 'loop' } } })
  t.match(await ask('GET', '/health/live'), { status: 200 })
  t.match(await stuck, { status: 500, body: { code: 'server_crashed', reason: 'killed', effect: 'none' } })
  await eventually(() => stream.heard.some(({ event }) => event === 'restart'))
  t.match(stream.heard.find(({ event }) => event === 'restart')?.data, { incarnation: 2, reason: 'killed' })
  t.match(await ask('POST', '/servers/c/call', { message: 'add' }), { status: 200, body: { reply: 4 } })
  await stream.leave()
})
