/** The trace of a server, as an operator hears it over a real connection. */
import type { Socket } from 'node:net'
import t from 'tap'
import { createOperatorsGateway } from '../../src/gateway.js'
import { listenToRadio } from './listening-gateway.js'
import { until } from './open-gateway.js'

t.test('a trace tells what comes in, what becomes of the state, what crashes, and the end', async (t) => {
  const { read, cast, runtime, clock } = await listenToRadio(t)
  const reader = await read('/servers/r/trace')
  t.match(reader, { status: 200, headers: { 'content-type': 'text/event-stream' } })
  cast('tell', 1)
  cast('crash')
  await reader.has(3)
  const stopped = runtime.stop('r')
  await clock.advance(0)
  await stopped
  const heard = (await reader.ended()).map(({ event, data }) => ({ event, data }))
  t.match(heard[0], { event: 'in', data: { kind: 'cast', message: 'tell' } })
  t.ok(heard.some(({ event, data }) => event === 'crash' && (data as { message: string }).message === 'crash'))
  t.match(heard.at(-1), { event: 'end', data: { reason: 'normal' } })
})

t.test('two who trace one server each hear all, and one who leaves takes nothing from the other', async (t) => {
  const { read, cast } = await listenToRadio(t)
  const [one, other] = [await read('/servers/r/trace'), await read('/servers/r/trace')]
  cast('tell', 1)
  await one.has(1)
  await other.has(1)
  await one.leave()
  cast('tell', 2)
  const ins = (await other.has(2)).filter(({ event }) => event === 'in')
  t.ok(ins.length >= 1)
  await other.leave()
})

t.test('who is not there cannot be traced, and operators may trace on an app of their own', async (t) => {
  const { read, runtime } = await listenToRadio(t)
  t.match(await read('/servers/nobody/trace'), { status: 404 })
  const operators = await createOperatorsGateway(runtime)
  t.teardown(() => operators.close())
  t.equal((await operators.inject({ method: 'HEAD', url: '/servers/r/trace' })).statusCode, 200)
  t.equal((await operators.inject({ method: 'GET', url: '/servers/nobody/trace' })).json().code, 'unknown_server')
  t.equal((await operators.inject({ method: 'GET', url: '/servers/r/events' })).json().code, 'unknown_route')
})

t.test('who reads a trace too slowly is told by a gap that it has missed some', async (t) => {
  const { read, cast, sockets } = await listenToRadio(t)
  const reader = await read('/servers/r/trace')
  reader.pause()
  const socket = sockets.at(-1) as Socket
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
  let told = 0
  // The longer the list, the longer what is told of the state, up to a length.
  while (told < 50_000 && socket.writableLength <= 256 * 1024) {
    for (let i = 0; i < 10; i++) cast('push', ++told)
    await turn()
  }
  t.ok(socket.writableLength > 256 * 1024, 'it is behind')
  for (let i = 0; i < 100; i++) cast('push', ++told)
  await turn()
  reader.resume()
  await until(() => reader.heard.at(-1)?.event === 'gap')
  cast('tell', ++told)
  await until(() => reader.heard.at(-1)?.data.message === 'tell')
  t.same(
    reader.heard.filter(({ event }) => event === 'gap').map(({ data }) => data),
    [{ missed: null }],
  )
  const revisions = reader.heard.filter(({ event }) => event === 'state').map(({ data }) => data.revision)
  t.ok(revisions.length < told - 100, 'what was told while it was behind is missing')
  t.same(
    revisions,
    revisions.map((_, i) => i + 2),
    'and nothing else',
  )
  t.equal(reader.heard.at(-2)?.event, 'gap', 'where it is missing')
  await reader.leave()
})
