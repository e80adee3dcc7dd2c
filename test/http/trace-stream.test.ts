import type { TraceEvent } from 'genservers'
import t from 'tap'
import { type StreamedEvent, traceEvents } from '../../src/http/trace-stream.js'
import { openGateway } from './open-gateway.js'

/** A runtime whose trace is what the test says. */
function fakeTrace() {
  let tell: ((event: TraceEvent) => void) | undefined
  const runtime = {
    trace(_id: string, listener: (event: TraceEvent) => void) {
      tell = listener
      return () => {
        tell = undefined
      }
    },
  }
  return {
    runtime,
    isOn: () => tell !== undefined,
    tell: (message: string) => tell?.({ event: 'in', at: '', kind: 'call', message, args: null }),
    end: () => tell?.({ event: 'end', at: '', reason: 'normal' }),
  }
}

const names = (events: readonly (StreamedEvent | undefined)[]) =>
  events.map((event) => (event?.event === 'in' ? event.message : event))

t.test('G76: what a server does can be read in a loop, until it ends', async (t) => {
  const { runtime, start } = await openGateway(t)
  await start('p1')
  const events: StreamedEvent[] = []
  const stream = traceEvents(runtime, 'p1')
  await runtime.call('p1', 'add', { by: 2 })
  const reading = (async () => {
    for await (const event of stream) events.push(event)
  })()
  await runtime.call('p1', 'ping')
  await runtime.stop('p1')
  await reading
  t.match(events, [
    { event: 'in', kind: 'call', message: 'add' },
    { event: 'state', before: { state: '{"n":0}' }, after: { state: '{"n":2}' } },
    { event: 'out', message: 'add' },
    { event: 'in', message: 'ping' },
    { event: 'out', message: 'ping' },
    { event: 'in', kind: 'stop', message: 'stop' },
    { event: 'end', reason: 'normal' },
  ])
  t.same(await stream.next(), { done: true, value: undefined })
  t.throws(() => traceEvents(runtime, 'nobody'), { code: 'unknown_server' })
})

t.test('a slow reader is told how much it has missed, and where', async (t) => {
  const { runtime, tell, end } = fakeTrace()
  const stream = traceEvents(runtime, 'p', { most: 2 })
  for (const message of ['1', '2', '3', '4']) tell(message)
  const first = (await stream.next()).value
  tell('5')
  const second = (await stream.next()).value
  tell('6')
  tell('7')
  end()
  const rest: StreamedEvent[] = []
  for await (const event of stream) rest.push(event)
  t.same(names([first, second, ...rest]), [
    '1',
    '2',
    { event: 'missed', count: 3 },
    '6',
    { event: 'missed', count: 1 },
    { event: 'end', at: '', reason: 'normal' },
  ])
})

t.test('no more than 1000 events wait', async (t) => {
  const { runtime, tell, end } = fakeTrace()
  const stream = traceEvents(runtime, 'p')
  for (let n = 0; n < 1500; n++) tell(String(n))
  end()
  const read: StreamedEvent[] = []
  for await (const event of stream) read.push(event)
  t.equal(read.length, 1002)
  t.match(read[1000], { event: 'missed', count: 500 })
})

t.test('a reader that leaves ends the trace, and so does its signal', async (t) => {
  const left = fakeTrace()
  const stream = traceEvents(left.runtime, 'p')
  left.tell('1')
  left.tell('2')
  for await (const event of stream) {
    t.same(names([event]), ['1'])
    break
  }
  t.notOk(left.isOn())
  t.same(await stream.next(), { done: true, value: undefined })

  const aborted = fakeTrace()
  const abort = new AbortController()
  const waiting = traceEvents(aborted.runtime, 'p', { signal: abort.signal }).next()
  t.ok(aborted.isOn())
  abort.abort()
  t.same(await waiting, { done: true, value: undefined })
  t.notOk(aborted.isOn())

  const late = fakeTrace()
  const never = traceEvents(late.runtime, 'p', { signal: AbortSignal.abort() })
  t.notOk(late.isOn())
  t.same(await never.next(), { done: true, value: undefined })
})
