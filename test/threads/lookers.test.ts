/** Who looks at a server, or watches it, while its thread does not come back waits for the next one. */
import type { FeedEvent, TraceEvent } from 'genservers'
import t from 'tap'
import { eventually, openHost } from './hosts.js'

t.test('what was asked of a thread that is given up is asked of the next one', async (t) => {
  const { host, start, call } = await openHost(t, 1, { handlerLimit: 1000 })
  await start('a')
  await start('b')
  const early: FeedEvent[] = []
  const first = await host.watch('b', (event) => early.push(event), {})
  await call('b', 'publish', { n: 1 })
  await eventually(() => early.length === 1)
  first.close()

  const fatal = call('a', 'loop')
  await eventually(async () => (await host.nodes())[0]?.current)
  const events: FeedEvent[] = []
  const traced: TraceEvent[] = []
  const watching = host.watch('b', (event) => events.push(event), { after: first.position })
  const tracing = host.trace('b', (event) => traced.push(event))
  const looks = [host.state('b'), host.timers('b'), host.list({})]
  const nobody = t.rejects(async () => host.watch('nobody', () => {}, {}), { code: 'unknown_server' })
  await t.rejects(fatal, { code: 'server_crashed' })

  const watch = await watching
  const stop = await tracing
  t.match(await Promise.all(looks), [{ state: { count: 0 } }, [], { servers: [{ id: 'a' }, { id: 'b' }] }])
  await nobody
  t.equal(await call('b', 'add'), 1)
  await call('b', 'publish', { n: 2 })
  await eventually(() => events.some(({ event }) => event === 'news'))
  t.match(events.at(0), { event: 'gap' }, 'what was told last may be lost with the thread')
  t.match(events.at(-1), { event: 'news', data: { n: 2 } })
  t.equal(events.filter(({ event }) => event === 'news').length, 1)
  await call('b', 'add')
  const answered = () => traced.flatMap((each) => (each.event === 'out' ? each.message : []))
  await eventually(() => answered().length >= 3)
  t.same(answered(), ['add', 'publish', 'add'], 'nothing is told twice')
  watch.close()
  stop()
  t.equal((await host.nodes())[0]?.restarts, 1)
})

t.test('who watches a server that does not come back hears that it has ended', async (t) => {
  const { host, start, call } = await openHost(t, 1, { handlerLimit: 1000 })
  await start('a')
  await start('b', {}, { restart: 'temporary' })
  const fatal = call('a', 'loop')
  await eventually(async () => (await host.nodes())[0]?.current)
  const watching = t.rejects(async () => host.watch('b', () => {}, {}), { code: 'server_exited' })
  await t.rejects(fatal, { code: 'server_crashed' })
  await watching
})

t.test('who watches when its thread is lost, and the next one too, is told all once, and can stop', async (t) => {
  const { host, start, call } = await openHost(t, 1, { handlerLimit: 500 })
  await start('a')
  await start('b')
  const events: FeedEvent[] = []
  const traced: TraceEvent[] = []
  const watch = await host.watch('b', (event) => events.push(event), {})
  const stop = await host.trace('b', (event) => traced.push(event))
  // Two threads are lost, one after the other.
  const fatal = [call('a', 'loop'), call('a', 'loop')].map((each) => t.rejects(each, { code: 'server_crashed' }))
  await Promise.all(fatal)
  await call('b', 'publish', { n: 1 })
  await eventually(() => events.some(({ event }) => event === 'news') && traced.some(({ event }) => event === 'out'))
  await call('b', 'publish', { n: 2 })
  await eventually(() => events.filter(({ event }) => event === 'news').length > 1)
  t.same(
    events.filter(({ event }) => event === 'news').map(({ data }) => data),
    [{ n: 1 }, { n: 2 }],
  )
  t.equal(traced.filter(({ event }) => event === 'out').length, 2)
  const { length } = events
  watch.close()
  stop()
  await call('b', 'publish', { n: 3 })
  await call('b', 'publish', { n: 4 })
  t.equal(events.length, length)
  t.equal(traced.filter(({ event }) => event === 'out').length, 2)
})

t.test('a state that the thread does not come back from is not looked at again', async (t) => {
  const { host, start, call } = await openHost(t, 1)
  await start('b')
  await host.start('brisk', { loopsIn: 'redact' }, { id: 'r' })
  await t.rejects(async () => host.state('r'), { code: 'restarting' })
  t.equal(await call('b', 'add'), 1)
  t.match(await host.nodes(), [{ restarts: 1 }])
})
