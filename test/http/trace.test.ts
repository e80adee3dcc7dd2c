/** The trace of a server, as an operator hears it over a real connection. */
import t from 'tap'
import { createOperatorsGateway } from '../../src/gateway.js'
import { listenToRadio } from './listening-gateway.js'

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
