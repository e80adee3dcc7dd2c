/** Many messages in one request: each is answered for itself, when it is done. */
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type AnyDefinition, createRuntime, defineServer, type Runtime, type StateView, Type } from 'genservers'
import { createSimulatedClock } from 'genservers/testing'
import t, { type Test } from 'tap'
import { createGateway, type GatewayOptions } from '../../src/gateway.js'
import { openGateway, until } from './open-gateway.js'
import { spinner } from './spinner.js'

const ndjson = { 'content-type': 'application/x-ndjson' }

const text = (lines: readonly unknown[]) =>
  lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')

interface Told {
  readonly line: number
  readonly [key: string]: unknown
}

const parse = (body: string): Told[] =>
  body
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

async function opened(t: Test, implementations: Record<string, AnyDefinition> = {}, options: GatewayOptions = {}) {
  const gateway = await openGateway(t, implementations, options)
  const send = async (lines: readonly unknown[], headers: Record<string, string> = ndjson) => {
    const answer = await gateway.app.inject({ method: 'POST', url: '/batch', payload: text(lines), headers })
    return { answer, told: answer.statusCode === 200 ? parse(answer.body) : [] }
  }
  return { ...gateway, send }
}

t.test('calls and casts are answered line by line', async (t) => {
  const { send, start, runtime } = await opened(t)
  await start('p1')
  const { answer, told } = await send([
    { to: 'p1', call: 'add', args: { by: 2 } },
    { to: 'p1', cast: 'add', args: { by: 40 } },
    { to: 'p1', call: 'add', args: { by: 0 } },
    { to: 'new', call: 'ping', start: { implementation: 'probe' } },
    { to: 'p1', call: 'nothing', timeout: 10 },
  ])
  t.equal(answer.headers['content-type'], 'application/x-ndjson; charset=utf-8')
  t.same(told, [
    { line: 1, status: 200, reply: 2, revision: 2 },
    { line: 2, status: 202 },
    { line: 3, status: 200, reply: 42, revision: 3 },
    { line: 4, status: 200, reply: 'pong', revision: 1 },
    { line: 5, status: 200, reply: null, revision: 3 },
  ])
  t.equal(runtime.info('new').status, 'running')
})

t.test('a line that is at fault is answered for itself, and changes nothing', async (t) => {
  const { send, start, runtime } = await opened(t, {}, { bodyLimit: 200 })
  await start('p1')
  const faulty: [unknown, object][] = [
    [
      '{',
      {
        status: 400,
        code: 'invalid_request',
        detail: 'the line is not valid JSON: it ends too early',
      },
    ],
    ['{"to":"a","call":"ping","args":{"constructor":{"prototype":{}}}}', { status: 400, code: 'invalid_request' }],
    ['[]', { status: 400, code: 'invalid_request' }],
    ['null', { status: 400, code: 'invalid_request' }],
    [{ call: 'ping' }, { code: 'invalid_request', errors: [{ path: '/to', message: 'is required' }] }],
    [{ to: 'p1' }, { code: 'invalid_request', errors: [{ path: '/call', message: 'is required' }] }],
    [
      { to: 'p1', call: 'ping', cast: 'add' },
      { code: 'invalid_request', detail: /call or a cast, and not both$/ },
    ],
    [{ to: 'p1', call: 'ping', timeout: '5' }, { detail: /^the line does not fit at \/timeout: must be/ }],
    [{ to: 'p1', call: 'ping', args: {}, more: 1 }, { errors: [{ path: '/more' }] }],
    [{ to: 'p1', cast: 'add', args: { by: 1 }, delay: -1 }, { code: 'invalid_request' }],
    ['{"to":"p1","call":"ping","__proto__":{}}', { code: 'invalid_request' }],
    [
      { to: '..', call: 'ping' },
      { code: 'invalid_request', errors: [{ path: '/to' }] },
    ],
    [
      { to: 'nobody', call: 'ping' },
      { status: 404, code: 'unknown_server', effect: 'none' },
    ],
    [
      { to: 'p1', call: 'pong' },
      { status: 404, code: 'unknown_message' },
    ],
    [
      { to: 'p1', cast: 'pong' },
      { status: 404, code: 'unknown_message' },
    ],
    [
      { to: 'p1', call: 'add', args: { by: 'x' } },
      { code: 'invalid_args', errors: [{ path: '/by' }] },
    ],
    [
      { to: 'p1', call: 'add', args: { by: 1 }, ifMatch: 7 },
      { status: 412, code: 'revision_mismatch' },
    ],
    [{ to: 'x', call: 'ping', start: { implementation: 'nope' } }, { code: 'unknown_implementation' }],
    [`"${'x'.repeat(200)}"`, { status: 413, code: 'payload_too_large', detail: /^the line is larger/ }],
  ]
  const { told } = await send([...faulty.map(([line]) => line), { to: 'p1', call: 'add', args: { by: 1 } }])
  t.match(
    told,
    faulty.map(([, expected], i) => ({ line: i + 1, effect: 'none', ...expected })),
  )
  t.match(told.at(-1), { line: faulty.length + 1, status: 200, reply: 1 })
  t.equal(runtime.info('p1').crashes, 0)
  const bytes = Buffer.concat([Buffer.from('{"to":"p1","call":"ping'), Buffer.from([0xff]), Buffer.from('"}')])
  const { app } = await opened(t)
  const answer = await app.inject({ method: 'POST', url: '/batch', payload: bytes, headers: ndjson })
  t.match(parse(answer.body), [{ line: 1, code: 'invalid_request', detail: 'the line is not UTF-8' }])
})

t.test('what fails is told as everywhere, and is counted', async (t) => {
  const { send, start, ask } = await opened(t)
  await start('p1')
  const { told } = await send([
    { to: 'p1', call: 'crash' },
    { to: 'p1', call: 'badReply' },
    { to: 'p1', call: 'leave', args: { reason: 'odd' } },
    { to: 'p1', call: 'ping' },
  ])
  t.match(told.slice(0, 3), [
    { line: 1, status: 500, code: 'server_crashed', effect: 'none' },
    { line: 2, status: 500, code: 'bad_reply' },
    { line: 3, status: 410, code: 'server_exited', reason: 'odd' },
  ])
  t.match(told[3], { line: 4, status: 410, code: 'server_exited' })
  t.match((await ask('GET', '/metrics')).text, 'genservers_problems_total{code="server_exited"} 2\n')
  t.match((await ask('GET', '/metrics')).text, /requests_total\{method="POST",route="\/batch",status="200"\} 1\n/)
})

t.test('a cast with a delay tells its timer', async (t) => {
  const { send, start, runtime, clock } = await opened(t)
  await start('p1')
  const { told } = await send([{ to: 'p1', cast: 'add', args: { by: 5 }, delay: 100 }])
  t.same(told, [{ line: 1, status: 202, timer: (await runtime.timers('p1'))[0]?.ref }])
  await clock.advance(100)
  t.equal(((await runtime.state('p1')).state as { n: number }).n, 5)
})

t.test('what is for one server means nothing for a batch, and is refused', async (t) => {
  const { send, start, runtime } = await opened(t)
  await start('p1')
  const lines = [{ to: 'p1', call: 'add', args: { by: 2 } }]
  for (const header of [{ 'if-match': '"1"' }, { 'if-match': 'x' }, { 'idempotency-key': 'k' }]) {
    const { answer } = await send(lines, { ...ndjson, ...header })
    t.match(answer.json(), { status: 400, code: 'invalid_request', effect: 'none' })
  }
  t.equal(runtime.info('p1').handled, 0)
  t.equal((await send(lines, { ...ndjson, 'if-match': '*' })).answer.statusCode, 200)
})

t.test('a body that is no batch is refused as a whole; an empty one has no answers', async (t) => {
  const { send, ask, app } = await opened(t)
  const refused = await send([], { 'content-type': 'application/json' })
  t.match(refused.answer.json(), { code: 'unsupported_media_type', detail: 'a batch is sent as application/x-ndjson' })
  for (const coded of [{ 'content-type': 'application/x-ndjson; charset=utf-16' }, { 'content-encoding': 'gzip' }]) {
    const { answer } = await send([], { ...ndjson, ...coded })
    t.match(answer.json(), { status: 415, code: 'unsupported_media_type' })
  }
  t.equal((await ask('GET', '/batch')).statusCode, 405)
  t.equal((await send([], { ...ndjson, accept: 'application/json' })).answer.statusCode, 406)
  t.equal((await send([], { ...ndjson, accept: 'application/x-ndjson' })).answer.statusCode, 200)
  t.equal((await app.inject({ method: 'POST', url: '/batch?x=1', headers: ndjson, payload: '' })).statusCode, 400)
  t.equal((await app.inject({ method: 'POST', url: '/batch' })).body, '')
  t.equal((await send(['', '', ''])).answer.body, '')
  const named = await send([{ to: 'x', call: 'y' }], { ...ndjson, 'x-request-id': 'mine' })
  t.equal(named.answer.headers['x-request-id'], 'mine')
})

/** Waits at `wait` until `go` is cast; tells what it was asked in order. */
const gate = defineServer({
  state: Type.Object({ taken: Type.Integer() }),
  calls: { wait: {}, count: { reply: Type.Integer() }, blob: { reply: Type.String() } },
  casts: { go: {} },
  init: () => ({ taken: 0 }),
  handleCall: {
    wait: (state, _args, ctx) => {
      state.taken += 1
      waiting.push(ctx.from)
      return ctx.noReply()
    },
    count: (state) => state.taken,
    blob: () => 'x'.repeat(100_000),
  },
  handleCast: {
    go: (_state, _args, ctx) => {
      for (const from of waiting.splice(0)) ctx.reply(from, null)
    },
  },
})
let waiting: string[] = []

/** A client of its own connection that sends a batch in pieces, and may leave its answer unread. */
async function listening(t: Test) {
  waiting = []
  const clock = createSimulatedClock()
  const runtime = createRuntime({ implementations: { gate, spinner }, clock })
  const app = await createGateway(runtime, { docs: false, closeTimeout: 60_000 })
  await app.listen({ port: 0, host: '127.0.0.1' })
  await runtime.start('gate', {}, { id: 'g', mailbox: 100_000 })
  const { port } = app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  const told: Told[] = []
  let rest: string[] = []
  let isOver = false
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const end = chunk.lastIndexOf('\n') + 1
    if (end > 0) {
      // A piece of the answer holds whole lines; between them stand the sizes of the pieces.
      const lines = (rest.join('') + chunk.slice(0, end)).split('\n')
      told.push(...lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Told))
      isOver = lines.at(-2) === '\r' && lines.at(-3) === '0\r'
      rest = []
    }
    rest.push(chunk.slice(end))
  })
  socket.write(
    'POST /batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n',
  )
  const write = (lines: readonly unknown[]) => {
    const bytes = Buffer.from(`${text(lines)}\n`)
    return socket.write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]))
  }
  const close = async () => {
    socket.destroy()
    const closed = runtime.close({ timeout: 0 })
    await clock.advance(10_000)
    await closed
    await app.close()
  }
  t.teardown(close)
  return {
    ...{ runtime: runtime as Runtime, clock, app, socket, write },
    end: () => socket.write('0\r\n\r\n'),
    told: () => told,
    isOver: () => isOver,
    taken: () => ((runtime.state('g') as StateView).state as { taken: number }).taken,
  }
}

t.test('answers come in the order in which they are done, while the batch is still being sent', async (t) => {
  const { write, told, end, isOver } = await listening(t)
  write([
    { to: 'g', call: 'wait' },
    { to: 'g', call: 'count' },
  ])
  await until(() => told().length === 1)
  t.match(told(), [{ line: 2, reply: 1 }])
  write([{ to: 'g', cast: 'go' }])
  await until(() => told().length === 3)
  t.same(
    told().map(({ line }) => line),
    [2, 1, 3],
    'a cast is done when its server has it, which may be free to handle it at once',
  )
  end()
  await until(isOver)
})

t.test('no more is read while many calls are under way', async (t) => {
  const { write, told, end, isOver, taken, runtime } = await listening(t)
  write(Array.from({ length: 600 }, () => ({ to: 'g', call: 'wait' })))
  await until(() => taken() === 250)
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
  t.equal(taken(), 250)
  for (const expected of [500, 600]) {
    runtime.cast('g', 'go')
    await until(() => taken() === expected)
  }
  runtime.cast('g', 'go')
  end()
  await until(isOver)
  t.same(
    told().map(({ line }) => line),
    Array.from({ length: 600 }, (_, i) => i + 1),
  )
})

t.test('a client that does not read its answers is not read from, and what waits for it is bounded', async (t) => {
  const { write, told, end, isOver, app, socket, runtime } = await listening(t)
  const served = (await connectionOf(app)) as Socket
  socket.pause()
  const lines = Array.from({ length: 1000 }, () => ({ to: 'g', call: 'blob' }))
  write(lines)
  // 100 MB of answers. Once the connection is full, nothing is handled any more.
  let handled = -1
  for (let same = 0; same < 50; ) {
    await new Promise((resolve) => setImmediate(resolve))
    const now = runtime.info('g').handled
    same = now === handled ? same + 1 : 0
    handled = now
  }
  t.ok(handled > 0 && handled < 500, `${handled} of 1000 were handled`)
  t.ok(served.writableLength < 1_000_000, `${served.writableLength} bytes wait`)
  socket.resume()
  end()
  await until(isOver)
  t.equal(told().length, 1000)
})

function connectionOf(app: { readonly server: { getConnections: unknown } }): Promise<unknown> {
  return new Promise((resolve) => {
    const { server } = app as unknown as {
      server: { once(event: string, listener: (request: { socket: Socket }) => void): void }
    }
    server.once('request', ({ socket }) => resolve(socket))
  })
}

t.test('calls of a client that hangs up are given up', async (t) => {
  const { write, socket, runtime, taken, told } = await listening(t)
  runtime.suspend('g')
  write([{ to: 'g', cast: 'go' }, ...Array.from({ length: 5 }, () => ({ to: 'g', call: 'wait' }))])
  await until(() => told().length === 1)
  t.match(runtime.info('g'), { mailbox: { length: 6 } })
  socket.destroy()
  await until(() => runtime.info('g').mailbox.length === 1)
  runtime.resume('g')
  await until(() => runtime.info('g').mailbox.length === 0)
  t.equal(taken(), 0)
})

t.test('a gateway that closes ends its batches when what is under way is answered', async (t) => {
  const { write, told, isOver, app, runtime } = await listening(t)
  write([
    { to: 'g', call: 'wait' },
    { to: 'g', call: 'count' },
  ])
  await until(() => told().length === 1)
  const closed = app.close()
  write([{ to: 'g', call: 'count' }])
  runtime.cast('g', 'go')
  await until(isOver)
  await closed
  t.match(told(), [{ line: 2 }, { line: 1, status: 200 }])
})

t.test('a batch that goes on as no HTTP is cut, with nothing else in its answer', async (t) => {
  const { write, told, socket, runtime } = await listening(t)
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  write([{ to: 'g', call: 'count' }])
  await until(() => told().length === 1)
  const before = received
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write('no chunk\r\n')
  await closed
  t.equal(received, before)
  t.match(runtime.info('g'), { status: 'running' })
})

t.test('a batch that has much to do lets the event loop turn', async (t) => {
  const { write, told, runtime } = await listening(t)
  await runtime.start('spinner', {}, { id: 's' })
  let turns = 0
  let longest = 0
  let last = performance.now()
  const turn = () => {
    turns++
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
    next = setImmediate(turn)
  }
  let next = setImmediate(turn)
  write(Array.from({ length: 300 }, () => ({ to: 's', call: 'spin', args: { ms: 2 } })))
  await until(() => told().length > 0)
  const before = turns
  await until(() => told().length === 300)
  clearImmediate(next)
  t.ok(turns - before > 10, `${turns - before} turns`)
  t.ok(longest < 300, `${longest} ms of 600 at a time`)
})

t.test('calls of a batch that stands behind another request are given up too when the client hangs up', async (t) => {
  const { runtime, app } = await listening(t)
  await runtime.start('gate', {}, { id: 'slow' })
  runtime.suspend('g')
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  const call = JSON.stringify({ message: 'wait' })
  const json = `Content-Type: application/json\r\nContent-Length: ${call.length}`
  const lines = `${text([1, 2, 3].map(() => ({ to: 'g', call: 'wait' })))}\n`
  socket.write(`POST /servers/slow/call HTTP/1.1\r\nHost: x\r\n${json}\r\n\r\n${call}`)
  const head = `Content-Type: application/x-ndjson\r\nContent-Length: ${lines.length}`
  socket.write(`POST /batch HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n${lines}`)
  await until(() => runtime.info('g').mailbox.length === 3)
  socket.destroy()
  await until(() => runtime.info('g').mailbox.length === 0)
  runtime.resume('g')
  t.match((await runtime.state('g')).state, { taken: 0 })
})

t.test('what has not come as a whole when the gateway closes is not taken for a line', async (t) => {
  const { write, socket, told, isOver, app } = await listening(t)
  write([{ to: 'g', call: 'count' }])
  socket.write('8\r\n{"to":"g\r\n')
  await until(() => told().length === 1)
  for (let n = 0; n < 10; n++) await new Promise((resolve) => setImmediate(resolve))
  const closed = app.close()
  await until(isOver)
  t.equal(told().length, 1)
  socket.destroy()
  await closed
})
