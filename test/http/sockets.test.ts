/** What only a real connection shows: hang-ups, requests that are no HTTP, and the end of the gateway. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { createRuntime, type Runtime } from 'genservers'
import t, { type Test } from 'tap'
import { Pool } from 'undici'
import { createGateway, type GatewayOptions } from '../../src/gateway.js'
import { until } from './open-gateway.js'
import { probe } from './probe.js'

async function listen(t: Test, options: GatewayOptions = {}) {
  const runtime = createRuntime({ implementations: { probe } })
  const app = await createGateway(runtime, { docs: false, ...options })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const pool = new Pool(`http://127.0.0.1:${port}`)
  t.teardown(async () => {
    await pool.destroy()
    await runtime.close({ timeout: 0 })
    await app.close()
  })
  await runtime.start('probe', {}, { id: 'p1' })
  return { app, runtime, port, pool }
}

/** Sends `text` as it is and gives all that comes back until the other side closes. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.setEncoding('utf8')
  socket.write(text)
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  await once(socket, 'close')
  return received
}

function parse(response: string) {
  const [head = '', body = ''] = response.split('\r\n\r\n', 2)
  return { head: head.toLowerCase(), status: Number(head.split(' ')[1]), problem: body && JSON.parse(body) }
}

const callBody = (message: string) => JSON.stringify({ message })
const json = { 'content-type': 'application/json' }

/** Sends a call over a connection of its own, and gives how to hang up. */
function callAndHold(port: number, message: string) {
  const socket = connect(port, '127.0.0.1')
  const body = callBody(message)
  socket.write(`POST /servers/p1/call HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`)
  socket.write(`Content-Length: ${body.length}\r\n\r\n${body}`)
  return { hangUp: () => socket.destroy(), socket }
}

const waiting = (runtime: Runtime) => runtime.info('p1').mailbox.length

t.test('a caller that hangs up takes its call out of the mailbox', async (t) => {
  const { runtime, port } = await listen(t)
  const blocking = callAndHold(port, 'block')
  await until(() => runtime.info('p1').current !== null)
  const queued = callAndHold(port, 'crash')
  await until(() => waiting(runtime) === 1)
  queued.hangUp()
  await until(() => waiting(runtime) === 0)
  t.equal(runtime.info('p1').handled, 1, 'it was not taken')
  blocking.hangUp()
  await until(() => runtime.info('p1').current === null)
  t.equal(runtime.info('p1').status, 'running')
  t.equal(runtime.info('p1').restarts, 0, 'it never ran')
})

t.test('a caller that stays is not taken for one that left', async (t) => {
  const { pool } = await listen(t)
  for (let i = 0; i < 3; i++) {
    const answer = await pool.request({
      method: 'POST',
      path: '/servers/p1/call',
      headers: json,
      body: callBody('ping'),
    })
    t.same(await answer.body.json(), { reply: 'pong' })
  }
})

t.test('what is not HTTP gets a problem document and the end of the connection', async (t) => {
  const { port } = await listen(t)
  for (const text of [
    'hello\r\n\r\n',
    'GET /servers HTTP/9.9\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n',
  ]) {
    const { head, status, problem } = parse(await exchange(port, text))
    t.equal(status, 400, text)
    t.match(head, 'content-type: application/problem+json')
    t.match(head, 'connection: close')
    t.match(problem, { code: 'invalid_request', status: 400, effect: 'none' })
  }
})

t.test('headers that are too large are 431', async (t) => {
  const { port } = await listen(t)
  const text = `GET /servers HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`
  const { status, problem } = parse(await exchange(port, text))
  t.equal(status, 431)
  t.equal(problem.code, 'headers_too_large')
})

t.test('a URL that alone is larger than all headers may be is 414', async (t) => {
  const { port } = await listen(t)
  for (const url of [`/servers/${'x'.repeat(20_000)}`, `/servers?after=${'x'.repeat(70_000)}`]) {
    const { head, status, problem } = parse(await exchange(port, `GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`))
    t.equal(status, 414)
    t.match(head, 'connection: close')
    t.match(problem, { code: 'uri_too_long', status: 414, effect: 'none' })
  }
  const more = `GET /servers?after=${'x'.repeat(10_000)} HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(10_000)}\r\n\r\n`
  t.equal(parse(await exchange(port, more)).problem.code, 'headers_too_large')
})

t.test('who sends a head byte by byte, or nothing at all, is cut off in time; others are not', async (t) => {
  const { port, app, pool } = await listen(t, { headersTimeout: 500 })
  const started = performance.now()
  const slow = connect(port, '127.0.0.1')
  const silent = connect(port, '127.0.0.1')
  slow.write('GET /servers HTTP/1.1\r\n')
  const drip = setInterval(() => slow.write('x'), 50)
  t.teardown(() => clearInterval(drip))
  const ends = [slow, silent].map(async (socket) => {
    const [answer] = (await once(socket.setEncoding('utf8'), 'data')) as [string]
    t.match(answer, /^HTTP\/1\.1 408 /)
    await once(socket, 'close')
  })
  t.equal((await pool.request({ method: 'GET', path: '/servers' })).statusCode, 200)
  await Promise.all(ends)
  clearInterval(drip)
  const took = performance.now() - started
  t.ok(took < 10_000, `${took} ms, where Node by itself would look after half a minute`)
  await until(() => {
    app.server.getConnections(() => {})
    return slow.destroyed && silent.destroyed
  })
})

t.test('a request that does not arrive in time is 408', async (t) => {
  const { port, app } = await listen(t, { requestTimeout: 1, headersTimeout: 1 })
  // Node looks for late requests every 30 seconds; this is its word for one, on a real connection.
  const accepted = once(app.server, 'connection')
  const answer = exchange(port, 'POST /servers HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n')
  const [socket] = await accepted
  app.server.emit('clientError', Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket)
  const { status, problem } = parse(await answer)
  t.equal(status, 408)
  t.equal(problem.code, 'request_timeout')
})

t.test('HTTP/1.1 without Host is a problem document too', async (t) => {
  const { port } = await listen(t)
  const { status, problem } = parse(await exchange(port, 'GET /servers HTTP/1.1\r\nConnection: close\r\n\r\n'))
  t.equal(status, 400)
  t.match(problem, { code: 'invalid_request', detail: /Host/ })
  t.match(await exchange(port, 'GET /servers HTTP/1.0\r\n\r\n'), 'HTTP/1.1 200')
})

t.test('an expectation that is not known is passed over', async (t) => {
  const { port } = await listen(t)
  const text = 'GET /servers HTTP/1.1\r\nHost: x\r\nExpect: the-moon\r\nConnection: close\r\n\r\n'
  t.match(await exchange(port, text), 'HTTP/1.1 200')
})

t.test('a body that is too large is refused before it has arrived', async (t) => {
  const { port } = await listen(t)
  const head = 'POST /servers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
  const { status, problem } = parse(await exchange(port, `${head}Content-Length: 999999999\r\n\r\n{`))
  t.equal(status, 413)
  t.equal(problem.code, 'payload_too_large')
})

t.test('a body that is cut off changes nothing', async (t) => {
  const { port, runtime } = await listen(t)
  const socket = connect(port, '127.0.0.1')
  socket.write(
    'POST /servers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"impl',
  )
  socket.end()
  await once(socket.resume(), 'close')
  t.same(
    runtime.list().servers.map(({ id }) => id),
    ['p1'],
  )
})

t.test('hostile requests leave the gateway serving', async (t) => {
  const { port, pool } = await listen(t)
  const host = 'Host: x\r\n'
  for (const text of [
    'GET /servers/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'GET /servers/%2e%2e HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    `POST /servers HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `POST /servers HTTP/1.1\r\n${host}Content-Length: -5\r\n\r\n`,
    `POST /servers HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`,
    `POST /servers HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    `CONNECT x:1 HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    'GET http://other/servers HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    '\r\n\r\n\r\n\0',
  ]) {
    const response = await exchange(port, text)
    t.notMatch(response, /^HTTP\/1.1 5/, JSON.stringify(text))
    if (/^HTTP\/1.1 4/.test(response)) t.match(response, 'application/problem+json', JSON.stringify(text))
  }
  t.equal((await pool.request({ method: 'GET', path: '/health/live' })).statusCode, 200)
})

t.test('while the gateway closes, what comes on an open connection is refused with a problem document', async (t) => {
  const { app, runtime, port } = await listen(t)
  const { socket } = callAndHold(port, 'block')
  socket.setEncoding('utf8')
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  await until(() => runtime.info('p1').current !== null)
  const closed = app.close()
  await until(() => !app.server.listening)
  socket.write('GET /servers HTTP/1.1\r\nHost: x\r\n\r\n')
  runtime.kill('p1')
  await once(socket, 'close')
  await closed
  const [first, second] = received.split('HTTP/1.1 ').slice(1)
  t.match(first, /^410 [\s\S]*"killed"/, 'the call has its answer')
  t.match(second, /^503 [\s\S]*"draining"/, 'and then the other request')
  t.match(second?.toLowerCase(), 'connection: close')
})

t.test('close cuts off what is still waiting after its patience', async (t) => {
  const { app, runtime, port } = await listen(t, { closeTimeout: 1 })
  const { socket } = callAndHold(port, 'block')
  await until(() => runtime.info('p1').current !== null)
  const cut = once(socket.resume(), 'close')
  await app.close()
  await cut
  await until(() => runtime.info('p1').current === null)
  t.equal(runtime.info('p1').status, 'running')
})

t.test('two gateways in one process know nothing of each other', async (t) => {
  const one = await listen(t)
  const other = await listen(t)
  await one.runtime.start('probe', {}, { id: 'only-here' })
  t.equal((await one.pool.request({ method: 'GET', path: '/servers/only-here' })).statusCode, 200)
  t.equal((await other.pool.request({ method: 'GET', path: '/servers/only-here' })).statusCode, 404)
  const metrics = async ({ pool }: typeof one) => (await pool.request({ method: 'GET', path: '/metrics' })).body.text()
  t.match(await metrics(one), 'genservers_http_requests_total{method="GET",route="/servers/:id",status="200"} 1')
  t.notMatch(await metrics(other), 'status="200"} 1\n')
})
