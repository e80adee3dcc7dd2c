/** Every code of the table is brought about once, and told with its status; the document lists them all. */
import { createRuntime, defineServer, GenServerError, Type } from 'genservers'
import t from 'tap'
import { StoreFull } from '../../src/adapters.js'
import { createGateway } from '../../src/gateway.js'
import { HttpProblem } from '../../src/http/problem-document.js'
import { type ProblemCode, problemCodes, problems, statusesOf } from '../../src/http/problems.js'
import type { Reload } from '../../src/http/reload.js'
import { heldStore } from '../core/durable/held-store.js'
import type { Document } from './contract.js'
import { type Answered, keepingLogger, type Opened, openGateway, until } from './open-gateway.js'

/** Comes back from a crash never. */
const slow = defineServer({
  state: Type.Object({}),
  calls: { crash: {} },
  init: (_args, ctx) => (ctx.incarnation > 1 ? new Promise<object>(() => {}) : {}),
  handleCall: {
    crash: () => {
      throw new Error('boom')
    },
  },
})

/** Code that no server of before can run on; for what is built in there is none. */
const reload: Reload = async (name) => {
  if (name !== 'probe') throw new HttpProblem('load_failed', `${name} is built in`)
  throw new GenServerError('code_change_failed', 'no server goes over', { failed: [{ id: 'p1', message: 'why' }] })
}

const call = (message: string, more: object = {}) => ({ message, ...more })

const kept = defineServer({
  durable: true,
  state: Type.Object({ n: Type.Integer() }),
  calls: { add: { reply: Type.Integer() } },
  init: () => ({ n: 0 }),
  handleCall: { add: (state) => ++state.n },
})

interface Provoked extends Opened {
  readonly commits: ReturnType<typeof heldStore>['commits']
}

/** How to bring each code about. Those that only a socket can tell are in `sockets.test.ts`. */
const provoke: Record<
  Exclude<ProblemCode, 'request_timeout' | 'headers_too_large'>,
  (on: Provoked) => Promise<Answered>
> = {
  invalid_request: ({ ask }) => ask('POST', '/servers', {}),
  invalid_args: ({ ask }) => ask('POST', '/servers', { implementation: 'probe', args: { x: 1 } }),
  unknown_implementation: ({ ask }) => ask('POST', '/servers', { implementation: 'nobody' }),
  unknown_message: ({ ask }) => ask('POST', '/servers/p1/call', call('nothing_of_that_kind')),
  unknown_server: ({ ask }) => ask('GET', '/servers/nobody'),
  unknown_timer: ({ ask }) => ask('DELETE', '/servers/p1/timers/none'),
  unknown_dead_letter: ({ ask }) => ask('DELETE', '/servers/p1/dead-letters/7'),
  unknown_call: ({ ask }) => ask('GET', '/calls/none'),
  idempotency_conflict: async ({ ask }) => {
    const named = { 'idempotency-key': 'k' }
    await ask('POST', '/servers/p1/call', call('ping'), named)
    return ask('POST', '/servers/p1/call', call('echo'), named)
  },
  server_exited: async ({ ask }) => {
    await ask('DELETE', '/servers/p1?reason=shutdown')
    return ask('POST', '/servers/p1/call', call('ping'))
  },
  already_started: ({ ask }) => ask('POST', '/servers', { implementation: 'probe', id: 'p1' }),
  revision_mismatch: ({ ask }) => ask('POST', '/servers/p1/call', call('ping'), { 'if-match': '"7"' }),
  init_refused: ({ ask }) => ask('POST', '/servers', { implementation: 'probe', args: { init: 'refuse' } }),
  mailbox_full: async ({ ask, start, runtime, app, clock }) => {
    await start('small', {}, { mailbox: 1 })
    const send = () => app.inject({ method: 'POST', url: '/servers/small/call', payload: call('block') })
    const first = send()
    await until(() => runtime.info('small').current !== null)
    const second = send()
    await until(() => runtime.info('small').mailbox.length === 1)
    const answer = await ask('POST', '/servers/small/call', call('ping'))
    await clock.advance(5000)
    await Promise.all([first, second])
    return answer
  },
  group_too_large: async ({ ask, start }) => {
    for (let i = 0; i < 10_001; i++) await start(`m-${i}`, {}, { labels: ['many'] })
    return ask('POST', '/groups/many/cast', call('crashSoon'))
  },
  code_change_failed: ({ ask }) => ask('POST', '/implementations/probe/reload'),
  load_failed: ({ ask }) => ask('POST', '/implementations/supervisor/reload'),
  init_crashed: ({ ask }) => ask('POST', '/servers', { implementation: 'probe', args: { init: 'crash' } }),
  server_crashed: ({ ask }) => ask('POST', '/servers/p1/call', call('crash')),
  bad_reply: ({ ask }) => ask('POST', '/servers/p1/call', call('badReply')),
  restarting: async ({ ask, runtime, clock }) => {
    await ask('POST', '/servers', { implementation: 'slow', id: 's1', restartFrom: 'init' })
    await ask('POST', '/servers/s1/call', call('crash'))
    const answer = ask('POST', '/servers/s1/call', call('crash', { timeout: 10 }))
    await until(() => runtime.info('s1').mailbox.length === 1)
    await clock.advance(10)
    return answer
  },
  storage_failed: async ({ ask, commits }) => {
    await ask('POST', '/servers', { implementation: 'kept', id: 'k1' })
    commits.fail(new StoreFull('no room'))
    return ask('POST', '/servers/k1/call', call('add'))
  },
  draining: ({ ask, runtime }) => {
    runtime.drain()
    return ask('POST', '/servers', { implementation: 'probe' })
  },
  call_timeout: async ({ ask, runtime, clock }) => {
    const answer = ask('POST', '/servers/p1/call', call('later'))
    await until(() => runtime.info('p1').handled === 1)
    await clock.advance(5000)
    return answer
  },
  init_timeout: async ({ ask, runtime, clock }) => {
    const answer = ask('POST', '/servers', { implementation: 'probe', id: 'p2', args: { init: 'hang' }, timeout: 10 })
    await until(() => runtime.whereis('p2') !== undefined)
    await clock.advance(10)
    return answer
  },
  call_cycle: ({ ask }) => ask('POST', '/servers/p1/call', call('callSelf')),
  unknown_route: ({ ask }) => ask('GET', '/nowhere'),
  method_not_allowed: ({ ask }) => ask('DELETE', '/servers'),
  not_acceptable: ({ ask }) => ask('GET', '/servers', undefined, { accept: 'text/html' }),
  payload_too_large: ({ ask }) => ask('POST', '/servers', { implementation: 'x'.repeat(300_000) }),
  uri_too_long: ({ ask }) => ask('GET', `/servers/${'x'.repeat(2000)}`),
  unsupported_media_type: ({ ask }) => ask('POST', '/servers', 'x', { 'content-type': 'text/plain' }),
  // In this gateway there may be none.
  overloaded: ({ ask }) => ask('GET', '/events', undefined, { accept: 'text/event-stream' }),
  internal_error: ({ ask, runtime }) => {
    Object.assign(runtime, {
      info: () => {
        throw new Error('secret inner detail')
      },
    })
    return ask('GET', '/servers/p1')
  },
}

for (const [code, bringAbout] of Object.entries(provoke) as [ProblemCode, (on: Provoked) => Promise<Answered>][]) {
  t.test(`${code} is told with its status and nothing else`, async (t) => {
    const { store, commits } = heldStore()
    const opened = await openGateway(t, { slow, kept }, { reload, eventStreams: 0 }, store)
    await opened.start('p1', { secret: 'very secret' })
    const { statusCode, headers, body, text } = await bringAbout({ ...opened, commits })
    const { status, title } = problems[code]
    t.equal(statusCode, status)
    t.equal(headers['content-type'], 'application/problem+json; charset=utf-8')
    t.equal(headers['cache-control'], 'no-store', 'an id may come back')
    t.match(body, { type: `urn:genservers:error:${code}`, title, status, code, effect: /^(none|unknown)$/ })
    t.ok(body.detail.length > 0)
    t.notMatch(text, /secret|node_modules|dist\/|at .*:\d+:\d+/, 'no state, no stack')
    t.equal(headers['retry-after'] !== undefined, status === 429 || status === 503, 'Retry-After')
    t.match(headers['retry-after'] ?? '1', /^\d+$/)
  })
}

t.test('the problems of ends say why and when', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  const crashed = await ask('POST', '/servers/p1/call', call('crash'))
  t.match(crashed.body, { code: 'server_crashed', effect: 'none', reason: { error: 'boom' } })
  const left = await ask('POST', '/servers/p1/call', call('leave', { args: { reason: 'enough' } }))
  t.match(left.body, { reason: 'enough' })
  t.match((await ask('GET', '/servers/p1')).body, { reason: 'enough', exitedAt: '2026-01-01T00:00:00.000Z' })
  const refused = await ask('POST', '/servers', { implementation: 'probe', args: { init: 'refuse' } })
  t.equal(refused.body.reason, 'not today')
})

t.test('already_started describes the winner, call_cycle the chain', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  const taken = await ask('POST', '/servers', { implementation: 'probe', id: 'p1' })
  t.match(taken.body.server, { id: 'p1', implementation: 'probe', status: 'running' })
  t.same((await ask('POST', '/servers/p1/call', call('callSelf'))).body.chain, ['p1', 'p1'])
})

t.test('a bug of the gateway is logged with the request id, and the client is told only that', async (t) => {
  const { lines, logger } = keepingLogger()
  const { ask, runtime } = await openGateway(t, {}, { logger })
  Object.assign(runtime, {
    list: () => {
      throw new TypeError('inner words')
    },
  })
  const { statusCode, body } = await ask('GET', '/servers', undefined, { 'x-request-id': 'req-7' })
  t.equal(statusCode, 500)
  t.equal(body.code, 'internal_error')
  t.equal(body.detail, 'a bug in the gateway; its log has more under request req-7')
  const line = { level: 'error', requestId: 'req-7', err: { message: 'inner words' }, method: 'GET', url: '/servers' }
  t.match(lines, [line])
  t.equal(lines.length, 1)
})

t.test('a crash is logged once, and leads back to the request', async (t) => {
  const { lines, logger } = keepingLogger()
  const { ask, start } = await openGateway(t, {}, { logger })
  await start('p1')
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await ask('POST', '/servers/p1/call', call('crash'), { 'x-request-id': 'req-8', traceparent })
  const crashes = lines.filter(({ level }) => level === 'error' || level === 'warn')
  t.match(crashes, [{ level: 'error', server: 'p1', requestId: 'req-8', traceparent }])
  t.equal(crashes.length, 1)
})

t.test('a traceparent that is not well-formed is not passed on', async (t) => {
  const { lines, logger } = keepingLogger()
  const { ask, start } = await openGateway(t, {}, { logger })
  await start('p1')
  for (const traceparent of [
    'x',
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  ]) {
    await ask('POST', '/servers/p1/call', call('crash'), { traceparent })
  }
  const crashes = lines.filter(({ level }) => level === 'error')
  t.equal(crashes.length, 3)
  for (const crash of crashes) t.notOk('traceparent' in crash)
})

t.test('reads go on while the gateway drains, and readiness says that it drains', async (t) => {
  const { ask, start, runtime } = await openGateway(t)
  await start('p1')
  t.same((await ask('GET', '/health/ready')).body, { status: 'ok' })
  runtime.drain()
  const ready = await ask('GET', '/health/ready')
  t.equal(ready.statusCode, 503)
  t.equal(ready.body.code, 'draining')
  t.same((await ask('GET', '/health/live')).body, { status: 'ok' })
  t.equal((await ask('GET', '/servers/p1')).statusCode, 200)
  t.equal((await ask('POST', '/servers/p1/call', call('ping'))).body.code, 'draining')
  t.equal((await ask('POST', '/servers/p1/cast', call('add', { args: { by: 1 } }))).body.code, 'draining')
})

t.test('readiness can fail before the runtime drains', async (t) => {
  let ready = true
  const { ask } = await openGateway(t, {}, { ready: () => ready })
  t.equal((await ask('GET', '/health/ready')).statusCode, 200)
  ready = false
  t.equal((await ask('GET', '/health/ready')).body.code, 'draining')
  t.equal((await ask('POST', '/servers', { implementation: 'probe' })).statusCode, 201)
})

t.test('the document lists every code, and each where it can happen', async (t) => {
  const app = await createGateway(createRuntime({}), { docs: false })
  t.teardown(() => app.close())
  const { components, paths } = app.swagger() as unknown as Document
  const { properties } = components.schemas['Problem'] as unknown as { properties: { code: { enum: string[] } } }
  t.same(properties.code.enum, problemCodes)
  for (const [path, operations] of Object.entries(paths)) {
    for (const { operationId, responses } of Object.values(operations)) {
      for (const [status, { description }] of Object.entries(responses)) {
        const listed = [...description.matchAll(/^`(\w+)`: /gm)].map(([, name]) => name as ProblemCode)
        for (const name of listed)
          t.ok(statusesOf(problems[name]).includes(Number(status)), `${path} ${operationId} ${name}`)
        if (Number(status) >= 400) t.ok(listed.length > 0, `${path} ${operationId} ${status}`)
      }
    }
  }
})

t.test('nobody is told to expect what comes only to those who wait', async (t) => {
  const { app } = await openGateway(t)
  const { paths } = app.swagger() as unknown as Document
  const codesOf = (path: string) =>
    Object.values(paths[path]?.['post']?.responses ?? {}).flatMap(({ description }) =>
      [...description.matchAll(/^`(\w+)`: /gm)].map(([, code]) => code as ProblemCode),
    )
  const waiting = ['restarting', 'init_refused', 'init_crashed', 'init_timeout', 'call_timeout'] as const
  for (const code of waiting) {
    t.ok(codesOf('/servers/{id}/call').includes(code), `a call: ${code}`)
    t.notOk(codesOf('/servers/{id}/cast').includes(code), `a cast: ${code}`)
  }
})
