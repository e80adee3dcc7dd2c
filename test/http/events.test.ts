/** What happens to servers, as a client hears it over a real connection. */
import { once } from 'node:events'
import { applyPatch } from 'rfc6902'
import t from 'tap'
import { EventSource } from 'undici'
import type { Document } from './contract.js'
import type { Heard } from './event-reader.js'
import { listenToRadio } from './listening-gateway.js'
import { openGateway, until } from './open-gateway.js'

const told = (events: readonly Heard[]) => events.map(({ event, data }) => [event, data])
const news = (...numbers: number[]) => numbers.map((n) => ['news', { n }])

t.test('a client hears what a server publishes, its restarts, and its end', async (t) => {
  const { read, cast, runtime, clock } = await listenToRadio(t)
  const reader = await read('/servers/r/events')
  t.match(reader, { status: 200, headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' } })
  cast('tell', 1)
  cast('crash')
  cast('tell', 2)
  t.match(told(await reader.has(3)), [
    ...news(1),
    ['restart', { incarnation: 2, reason: { error: 'boom' } }],
    ...news(2),
  ])
  t.notOk(reader.over)
  const stopped = runtime.stop('r', { reason: 'enough' })
  await clock.advance(0)
  await stopped
  t.match(told(await reader.ended()).slice(3), [['exit', { reason: 'enough' }]], 'and then the stream ends')
})

t.test('all that a client needs to come back is there before the first event', async (t) => {
  const { read, cast } = await listenToRadio(t)
  const reader = await read('/servers/r/events')
  await until(() => reader.lastEventId !== '')
  t.equal(reader.retry, 2000)
  t.same(reader.heard, [], 'an id alone is no event')
  await reader.leave()
  cast('tell', 1)
  const again = await read('/servers/r/events', { 'last-event-id': reader.lastEventId })
  t.same(told(await again.has(1)), news(1))
  await again.leave()
})

t.test('Last-Event-ID goes on after that event, and so does ?lastEventId', async (t) => {
  const { read, cast } = await listenToRadio(t)
  const reader = await read('/servers/r/events')
  for (const n of [1, 2, 3]) cast('tell', n)
  const [first, second] = (await reader.has(3)) as [Heard, Heard]
  await reader.leave()
  for (const [path, headers, missed] of [
    ['', { 'last-event-id': first.id }, [2, 3]],
    [`?lastEventId=${first.id}`, {}, [2, 3]],
    [`?lastEventId=${first.id}`, { 'last-event-id': second.id }, [3]],
    [`?lastEventId=${first.id}`, { 'last-event-id': '' }, [2, 3]],
  ] as const) {
    const again = await read(`/servers/r/events${path}`, headers)
    t.same(told(await again.has(missed.length)), news(...missed), `${path} ${JSON.stringify(headers)}`)
    await again.leave()
  }
  const fresh = await read('/servers/r/events?lastEventId=')
  cast('tell', 4)
  t.same(told(await fresh.has(1)), news(4), 'an empty one is none')
})

t.test('an id that is not known any more is a gap, and no reason to refuse', async (t) => {
  const { read, cast } = await listenToRadio(t, { events: 2 })
  const reader = await read('/servers/r/events')
  await until(() => reader.lastEventId !== '')
  await reader.leave()
  for (const n of [1, 2, 3]) cast('tell', n)
  const late = await read('/servers/r/events', { 'last-event-id': reader.lastEventId })
  t.same(told(await late.has(3)), [['gap', { missed: 1 }], ...news(2, 3)])
  const strange = await read('/servers/r/events', { 'last-event-id': 'of another gateway' })
  t.same(told(await strange.has(3)), [['gap', { missed: null }], ...news(2, 3)])
})

t.test('who comes back after the exit hears of it; who has heard of it is told to stay away', async (t) => {
  const { read, runtime, clock, cast } = await listenToRadio(t)
  const reader = await read('/servers/r/events')
  await until(() => reader.lastEventId !== '')
  await reader.leave()
  cast('tell', 1)
  await clock.advance(0)
  runtime.kill('r')
  const late = await read('/servers/r/events?patches=true', { 'last-event-id': reader.lastEventId })
  t.match(told(await late.ended()), [...news(1), ['exit', { reason: 'killed' }]])
  const tooLate = await read('/servers/r/events', { 'last-event-id': late.lastEventId })
  t.match(tooLate, { status: 410, headers: { 'content-type': /^application\/problem\+json/ } })
})

t.test('an EventSource comes back by itself, misses nothing, and stops when the server has ended', async (t) => {
  const { port, cast, runtime, clock, sockets } = await listenToRadio(t)
  const source = new EventSource(`http://127.0.0.1:${port}/servers/r/events`)
  t.teardown(() => source.close())
  const heard: unknown[] = []
  const hear = ({ type, data }: { readonly type: string; readonly data: string }) =>
    heard.push([type, JSON.parse(data)])
  for (const event of ['news', 'exit']) source.addEventListener(event, hear as never)
  const next = (event: string) => once(source as unknown as EventTarget, event)
  await next('open')
  const first = next('news')
  cast('tell', 1)
  await first
  const back = next('open')
  sockets.at(-1)?.destroy()
  cast('tell', 2)
  await back
  const last = next('exit')
  cast('tell', 3)
  void runtime.stop('r')
  await clock.advance(0)
  await last
  t.match(heard, [...news(1, 2, 3), ['exit', { reason: 'normal' }]])
  // It asks again, as it does after every end, and is told 410.
  while (source.readyState !== EventSource.CLOSED) await next('error')
  t.equal(heard.length, 4)
})

t.test('what cannot be watched is a problem document before any stream begins', async (t) => {
  const { ask, start, runtime } = await openGateway(t)
  await start('p1')
  const problem = async (url: string, headers = {}) => {
    const { statusCode, body } = await ask('GET', url, undefined, headers)
    return [statusCode, body.code]
  }
  t.same(await problem('/servers/nobody/events'), [404, 'unknown_server'])
  t.same(await problem('/servers/a%20b/events'), [400, 'invalid_request'])
  t.same(await problem('/servers/p1/events?patches=perhaps'), [400, 'invalid_request'])
  t.same(await problem('/servers/p1/events?patch=true'), [400, 'invalid_request'])
  t.same(await problem(`/servers/p1/events?lastEventId=${'x'.repeat(129)}`), [400, 'invalid_request'])
  t.same(await problem('/events?patches=true'), [400, 'invalid_request'])
  t.same(await problem('/servers/p1/events', { accept: 'application/json' }), [406, 'not_acceptable'])
  t.same(await problem('/events', { accept: 'text/event-stream;q=0' }), [406, 'not_acceptable'])
  t.same(await problem('/servers/p1', { accept: 'text/event-stream' }), [406, 'not_acceptable'])
  runtime.kill('p1')
  t.same(await problem('/servers/p1/events', { accept: 'text/event-stream' }), [410, 'server_exited'])
  t.equal((await ask('POST', '/events')).body.code, 'method_not_allowed')
})

t.test('whatever admits an event stream is served one; HEAD tells only that', async (t) => {
  const { read, app, watches } = await listenToRadio(t)
  for (const accept of [
    'text/event-stream',
    '*/*',
    'text/*',
    'text/event-stream; charset=utf-8',
    'text/html, */*;q=0.1',
  ]) {
    const reader = await read('/events', { accept })
    t.equal(reader.status, 200, accept)
    await reader.leave()
  }
  const head = await app.inject({ method: 'HEAD', url: '/servers/r/events' })
  t.equal(head.statusCode, 200)
  t.match(head.headers['content-type'], /^text\/event-stream/)
  t.equal(watches.open, 0)
  t.equal((await app.inject({ method: 'HEAD', url: '/servers/nobody/events' })).statusCode, 404)
})

t.test('the lives of all servers are one stream, which resumes too', async (t) => {
  const { read, runtime, cast } = await listenToRadio(t)
  const reader = await read('/events')
  await runtime.start('radio', {}, { id: 'r2' })
  cast('tell', 1)
  cast('crash')
  const heard = await reader.has(2)
  t.match(told(heard), [
    ['start', { id: 'r2', implementation: 'radio', incarnation: 1 }],
    ['restart', { id: 'r', implementation: 'radio', incarnation: 2, reason: { error: 'boom' } }],
  ])
  await reader.leave()
  runtime.kill('r2')
  const again = await read('/events', { 'last-event-id': (heard[0] as Heard).id })
  t.match(told(await again.has(2)), [['restart'], ['exit', { id: 'r2', reason: 'killed' }]])
})

t.test('patches applied to the first state give the state, and nothing that redact hides is told', async (t) => {
  const { read, cast, runtime } = await listenToRadio(t)
  const reader = await read('/servers/r/events?patches=true')
  for (const n of [1, 2, 3]) cast('push', n)
  cast('crash')
  for (let n = 1; n <= 20; n++) cast('push', n)
  cast('set', 7)
  // The state, 24 patches, 23 news and a restart.
  const heard = await reader.has(49)
  t.match(heard[0], { event: 'state', data: { state: { n: 0, list: [] }, revision: 1, incarnation: 1 } })
  t.match(told(heard.slice(1, 3)), [['patch', { revision: 2 }], ...news(1)], 'the state, and then what is said of it')
  let { state } = heard[0]?.data ?? {}
  let revision = 1
  for (const { event, data } of heard.slice(1)) {
    if (event !== 'patch') continue
    t.equal(data.revision, ++revision)
    const document = { state }
    const operations = data.patch.map((each: { path: string }) => ({ ...each, path: `/state${each.path}` }))
    t.same(
      applyPatch(document, operations),
      operations.map(() => null),
    )
    state = document.state
  }
  t.same(state, (await runtime.state('r')).state)
  t.match(heard.at(-1), { event: 'patch', data: { incarnation: 2, patch: [{ op: 'replace', path: '/n', value: 7 }] } })
  t.notMatch(JSON.stringify(heard), 'hush')
  await reader.leave()
  const again = await read('/servers/r/events?patches=true', { 'last-event-id': reader.lastEventId })
  t.match(told(await again.has(1)), [['state', { state, revision }]], 'who comes back gets the state anew')
})

t.test('a heartbeat keeps a quiet connection alive', async (t) => {
  const { read, clock } = await listenToRadio(t)
  const reader = await read('/servers/r/events')
  const other = await read('/events')
  t.equal(clock.pending, 1, 'one timer for all')
  await clock.advance(14_999)
  t.equal(reader.comments, 0)
  await clock.advance(1)
  await until(() => reader.comments === 1 && other.comments === 1)
  await reader.leave()
  await clock.advance(15_000)
  await until(() => other.comments === 2)
  await other.leave()
  await until(() => clock.pending === 0)
})

t.test('a client that leaves is forgotten', async (t) => {
  const { read, watches, clock } = await listenToRadio(t)
  const readers = [await read('/servers/r/events'), await read('/servers/r/events?patches=true')]
  t.equal(watches.open, 2)
  for (const reader of readers) await reader.leave()
  await until(() => watches.open === 0 && clock.pending === 0)
})

t.test('the gateway closes at once, whoever reads, and nothing is left', async (t) => {
  // Without an end of the streams it would wait for as long as a test may take.
  const { read, app, watches, clock } = await listenToRadio(t, {}, { closeTimeout: 1_000_000 })
  const readers = [await read('/servers/r/events'), await read('/events'), await read('/servers/r/events?patches=true')]
  await app.close()
  for (const reader of readers) await reader.ended()
  t.same([watches.open, clock.pending], [0, 0])
})

t.test('the document tells the streams and the events in them', async (t) => {
  const { app } = await listenToRadio(t)
  const document = app.swagger() as unknown as Document
  for (const path of ['/servers/{id}/events', '/events']) {
    const operation = document.paths[path]?.['get']
    t.same(Object.keys(operation?.responses['200']?.content ?? {}), ['text/event-stream'])
    const names = operation?.parameters?.map(({ name }) => name) ?? []
    t.ok(names.includes('lastEventId') && names.includes('Last-Event-ID'))
    for (const event of path === '/events'
      ? ['start', 'restart', 'exit', 'gap']
      : ['restart', 'exit', 'gap', 'state', 'patch']) {
      t.match(operation?.description, `\`${event}\``)
    }
  }
})
