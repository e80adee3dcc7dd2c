/** What a server does, told to whoever looks; nothing is made for those whom nobody looks at. */
import type { Runtime, TraceEvent } from 'genservers'
import t from 'tap'
import type { LocalRuntime } from '../../../src/core/runtime/local-runtime.js'
import { probing } from '../probe.js'
import { observe } from '../running.js'

/** Installs a listener, and gives what it hears. */
function look(runtime: Runtime, id: string, name?: unknown) {
  const heard: TraceEvent[] = []
  const stop = runtime.trace(id, (event) => heard.push(event), name)
  return { heard, stop, kinds: () => heard.map(({ event }) => event) }
}

/** The tracer of a server, where it has one. */
const tracerOf = (runtime: Runtime, id: string) => (runtime as unknown as LocalRuntime).directory.get(id).tracer

t.test('G76: each call is told as in and out, with the change of the state, until nobody looks', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  t.equal(tracerOf(runtime, 'p'), undefined)
  const { heard, stop, kinds } = look(runtime, 'p')
  await runtime.call('p', 'set', { value: 7 }, { origin: { requestId: 'r1' } })
  const at = '2026-01-01T00:00:00.000Z'
  t.same(heard, [
    { event: 'in', at, kind: 'call', message: 'set', args: '{"value":7}', requestId: 'r1' },
    { event: 'state', at, revision: 2, before: { state: '{"value":0}' }, after: { state: '{"value":7}' } },
    { event: 'out', at, message: 'set', to: 'r1', reply: '"ok"' },
  ])
  heard.length = 0
  for (let n = 0; n < 11; n++) await runtime.call('p', 'get')
  t.same(kinds(), Array(11).fill(['in', 'out']).flat())
  t.match(heard[1], { event: 'out', to: null, reply: '7' })
  stop()
  t.equal(tracerOf(runtime, 'p'), undefined, 'it costs nothing any more')
  await runtime.call('p', 'set', { value: 8 })
  t.equal(heard.length, 22)
  await clock.advance(0)
  await close()
})

t.test('casts, infos, second steps and what an operator does are told too', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const { heard } = look(runtime, 'p')
  runtime.cast('p', 'continueCast', { note: 'x' })
  runtime.send('p', 'queued')
  await clock.advance(0)
  await runtime.replaceState('p', { value: 'new' })
  t.match(heard, [
    { event: 'in', kind: 'cast', message: 'continueCast', args: '{"note":"x"}' },
    { event: 'in', kind: 'continue', message: 'later', args: '{"note":"x"}' },
    { event: 'in', kind: 'info', message: 'queued', args: 'null' },
    { event: 'in', kind: 'replace', message: 'replaceState', args: null },
    { event: 'state', before: { state: '{"value":0}' }, after: { state: '{"value":"new"}' } },
    { event: 'out', message: 'replaceState', reply: 'null' },
  ])
  await close()
})

t.test('a reply that comes later is told when it comes, and a caller who gave up as well', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const { heard } = look(runtime, 'p')
  const patient = observe(runtime.call('p', 'delayedAnswer', { ms: 10 }))
  const hasty = observe(runtime.call('p', 'delayedAnswer', { ms: 10 }, { timeout: 5 }))
  await clock.advance(5)
  t.match(heard, [
    { event: 'in', message: 'delayedAnswer' },
    { event: 'in', message: 'delayedAnswer' },
    { event: 'out', message: 'delayedAnswer', failure: { code: 'call_timeout' } },
  ])
  heard.length = 0
  await clock.advance(5)
  t.match(heard, [
    { event: 'in', kind: 'info', message: 'answer' },
    { event: 'out', message: 'delayedAnswer', reply: '"delayed"' },
    { event: 'in', kind: 'info', message: 'answer' },
  ])
  t.equal(heard.length, 3)
  t.equal(patient.value, 'delayed')
  t.match(hasty.error, { code: 'call_timeout' })
  await close()
})

t.test('a call that its caller watches is told, and given up as before', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const { heard } = look(runtime, 'p')
  const abort = new AbortController()
  const listeners: string[] = []
  const { signal } = abort
  const remove = signal.removeEventListener.bind(signal)
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners.push(args[0])
    remove(...args)
  }
  t.equal(await runtime.call('p', 'ping', {}, { signal }), 'pong')
  t.same(listeners, ['abort'], 'what was to be done when it settles is done')
  t.match(heard, [{ event: 'in' }, { event: 'out', reply: '"pong"' }])
  await clock.advance(0)
  await close()
})

t.test('a crash is told with its reason; the trace goes on with the next life, and ends with the server', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const { heard } = look(runtime, 'p')
  await t.rejects(runtime.call('p', 'crash'))
  runtime.cast('p', 'crashCast')
  await clock.advance(0)
  t.match(heard, [
    { event: 'in', message: 'crash' },
    { event: 'crash', message: 'crash', reason: { error: 'crashed' }, incarnation: 1 },
    { event: 'out', message: 'crash', failure: { code: 'server_crashed', detail: /crashed/ } },
    { event: 'in', message: 'crashCast' },
    { event: 'crash', message: 'crashCast', incarnation: 2 },
  ])
  heard.length = 0
  const slow = observe(runtime.call('p', 'slowSet', { ms: 100, value: 1 }))
  await clock.advance(0)
  runtime.kill('p')
  await clock.advance(0)
  t.match(heard, [
    { event: 'in', message: 'slowSet' },
    { event: 'out', message: 'slowSet', failure: { code: 'server_exited' } },
    { event: 'end', reason: 'killed' },
  ])
  t.equal(heard.length, 3)
  t.match(slow.error, { code: 'server_exited' })
  t.throws(() => look(runtime, 'p'), { code: 'server_exited' })
  await close()
})

t.test('G77: a hook is installed once under a name, may be removed, and all may be cleared', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  let heard = 0
  const listener = ({ event }: TraceEvent) => {
    if (event === 'in') heard++
  }
  const told = async () => {
    heard = 0
    await runtime.call('p', 'ping')
    return heard
  }
  runtime.trace('p', listener)
  runtime.trace('p', listener)
  t.equal(await told(), 1)
  runtime.untrace('p')
  t.equal(await told(), 0)
  const stop = runtime.trace('p', listener, 'id1')
  runtime.trace('p', listener, 'id1')
  runtime.trace('p', listener, 'id2')
  t.equal(await told(), 2)
  stop()
  t.equal(await told(), 1)
  runtime.untrace('p')
  t.equal(await told(), 0)
  runtime.untrace('p')
  runtime.trace('p', listener)
  stop()
  t.equal(await told(), 1, 'who stopped before stops nobody else')
  await clock.advance(0)
  await close()
})

t.test('G77: a hook that throws is removed, and the server is unharmed', async (t) => {
  const { runtime, reports, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  let times = 0
  runtime.trace('p', () => {
    times++
    throw new Error('odd hook')
  })
  const { kinds } = look(runtime, 'p')
  t.equal(await runtime.call('p', 'set', { value: 1 }), 'ok')
  t.equal(times, 1)
  t.same(kinds(), ['in', 'state', 'out'])
  t.match(reports(), [{ fields: { server: 'p' }, message: 'a trace listener failed and is removed' }])
  t.match(runtime.info('p'), { incarnation: 1, revision: 2 })
  await close()
})

t.test('what a redactor hides is not told: neither the state, nor what messages bring', async (t) => {
  const { runtime, close } = probing(t, { redact: () => ({ seen: true }) })
  await runtime.start('probe', {}, { id: 'p' })
  const { heard } = look(runtime, 'p')
  await runtime.call('p', 'set', { value: ['secret', { a: 'secret' }] })
  await runtime.call('p', 'set', { value: { list: [1, 2], none: null, deep: { deeper: { deepest: 'secret' } } } })
  await runtime.call('p', 'get')
  t.notMatch(JSON.stringify(heard), /secret/)
  t.match(heard, [
    { event: 'in', args: '{"value":"array of 2"}' },
    { event: 'state', before: { state: '{"seen":true}' }, after: { state: '{"seen":true}' } },
    { event: 'out', reply: '"string"' },
    { args: '{"value":{"list":"array of 2","none":"null","deep":{"deeper":"object"}}}' },
  ])
  await close()
})

t.test('of a shape no more than twenty keys are told', async (t) => {
  const { runtime, close } = probing(t, { redact: () => null })
  await runtime.start('probe', {}, { id: 'p' })
  const { heard } = look(runtime, 'p')
  await runtime.call('p', 'set', { value: Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`k${n}`, n])) })
  const { value } = JSON.parse((heard[0] as TraceEvent & { event: 'in' }).args as string) as { value: object }
  t.equal(Object.keys(value).length, 20)
  await close()
})

t.test('texts are cut', async (t) => {
  const { runtime, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const { heard } = look(runtime, 'p')
  await runtime.call('p', 'set', { value: 'x'.repeat(100_000) })
  const [into, state] = heard as [TraceEvent & { event: 'in' }, TraceEvent & { event: 'state' }]
  t.equal(into.args?.length, 1025)
  t.equal(state.after.state?.length, 4097)
  await close()
})

t.test('a failure that is no error of ours is told by its text', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const { heard } = look(runtime, 'p')
  await t.rejects(
    runtime.replaceState('p', () => {
      throw new Error('no')
    }),
  )
  t.match(heard[1], { event: 'out', failure: { code: 'error', detail: 'callback_failed: no' } })
  await clock.advance(0)
  await close()
})

t.test('the end of a server that never began is told as well', async (t) => {
  const { runtime, clock, close } = probing(t)
  const start = observe(runtime.start('probe', { mode: 'sleep', ms: 50 }, { id: 'p', timeout: 10 }))
  await clock.advance(0)
  const { heard } = look(runtime, 'p')
  await clock.advance(10)
  t.match(start.error, { code: 'init_timeout' })
  t.match(heard, [{ event: 'end', reason: null }])
  await close()
})
