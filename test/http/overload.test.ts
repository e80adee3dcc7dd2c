/** More than a gateway can do: what is refused, and who is served all the same. */
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { createRuntime } from 'genservers'
import t from 'tap'
import { createGateway } from '../../src/gateway.js'
import { openGateway, until } from './open-gateway.js'
import { probe } from './probe.js'
import { spinner } from './spinner.js'

t.test('a gateway that is behind with its work refuses more, and serves those who look after it', async (t) => {
  const { ask, runtime } = await openGateway(t, { busy: spinner }, { maxEventLoopDelay: 20 })
  await runtime.start('busy', {}, { id: 'b' })
  const spin = () => ask('POST', '/servers/b/call', { message: 'spin', args: { ms: 50 } })
  let answer = await spin()
  for (let n = 0; n < 100 && answer.statusCode === 200; n++) answer = await spin()
  t.match(answer, { statusCode: 503, headers: { 'retry-after': '1' }, body: { code: 'overloaded', effect: 'none' } })
  const events = { accept: 'text/event-stream' }
  for (const [method, path, headers] of [
    ['GET', '/servers', {}],
    ['POST', '/groups/x/call', {}],
    ['POST', '/batch', {}],
    ['GET', '/events', events],
  ] as const) {
    t.equal((await ask(method, path, undefined, headers)).statusCode, 503, path)
  }
  for (const path of ['/health/live', '/health/ready', '/metrics', '/servers/b/crashes']) {
    t.equal((await ask('GET', path)).statusCode, 200, path)
  }
  let status = 503
  while (status === 503) {
    await new Promise((resolve) => setImmediate(resolve))
    status = (await ask('GET', '/servers/b')).statusCode
  }
  t.equal(status, 200, 'when it has caught up it goes on')
})

t.test('more connections than there may be are closed as they come', async (t) => {
  const { app } = await openGateway(t, {}, { maxConnections: 2 })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const open = async () => {
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n')
    const [first] = await Promise.race([once(socket, 'data'), once(socket, 'close')])
    return { socket, isServed: Buffer.isBuffer(first) }
  }
  const [one, two] = [await open(), await open()]
  t.same([one.isServed, two.isServed], [true, true])
  const three = await open()
  t.equal(three.isServed, false)
  one.socket.destroy()
  let count = 2
  await until(() => {
    app.server.getConnections((_error, connections) => {
      count = connections
    })
    return count === 1
  })
  const four = await open()
  t.equal(four.isServed, true)
  for (const { socket } of [two, four]) socket.destroy()
})

t.test('a body counts for what may wait, and so does a line of a batch', async (t) => {
  const runtime = createRuntime({ implementations: { probe }, maxQueuedBytes: 1000 })
  const app = await createGateway(runtime, { docs: false })
  t.teardown(async () => {
    await runtime.close({ timeout: 0 })
    await app.close()
  })
  await runtime.start('probe', {}, { id: 'p' })
  const ask = async (url: string, payload: string, type: string) => {
    const { statusCode } = await app.inject({ method: 'POST', url, payload, headers: { 'content-type': type } })
    return statusCode
  }
  const cast = () => ask('/servers/p/cast', `{"message":"add","args":{"by":1}${' '.repeat(600)}}`, 'application/json')
  for (const ways of [2, 1]) {
    runtime.suspend('p')
    if (ways === 1) {
      const line = `{"to":"p","cast":"add","args":{"by":1}${' '.repeat(1000)}}`
      t.equal(await ask('/batch', line, 'application/x-ndjson'), 200)
    } else {
      t.equal(await cast(), 202)
      t.equal(await cast(), 202)
    }
    t.equal(await cast(), 503)
    t.equal(runtime.queued, ways)
    runtime.resume('p')
    await until(() => runtime.queued === 0)
  }
  t.equal(await cast(), 202, 'one that is taken at once')
  t.same([runtime.queued, runtime.queuedBytes], [0, 0])
})
