/** What the fuzz has found, each as one fixed case. */
import { createRuntime, defineServer, Type } from 'genservers'
import t from 'tap'
import { createGateway } from '../../src/gateway.js'
import { observe, running } from '../core/running.js'
import { until } from '../http/open-gateway.js'
import { type Answer, createAnswerCheck } from './answer-check.js'

const spoilt = defineServer({
  state: Type.Object({ kept: Type.Unknown() }),
  calls: {
    cycle: {},
    method: {},
    look: { readOnly: true, reply: Type.Integer() },
    crash: {},
  },
  casts: { poke: {} },
  args: Type.Object({ refuse: Type.Boolean({ default: false }) }),

  init: ({ refuse }, ctx) => (refuse ? ctx.refuse('not today') : { kept: null }),
  handleCall: {
    cycle: (state) => {
      const cycle: { self?: unknown } = {}
      cycle.self = cycle
      state.kept = cycle
    },
    method: (state) => {
      state.kept = {
        toJSON: () => {
          throw new Error('trapped')
        },
      }
    },
    look: () => 1,
    crash: () => {
      throw new Error('boom')
    },
  },
  handleCast: { poke: () => {} },
})

t.test('a state that refers to itself can be looked at, crashed with and called', async (t) => {
  const { runtime, reports, close } = running(t, { spoilt })
  await runtime.start('spoilt', {}, { id: 's' })
  await runtime.call('s', 'cycle')
  t.equal(await runtime.call('s', 'look'), 1)
  t.match(runtime.state('s'), { state: null, redactFailed: true })
  await t.rejects(runtime.call('s', 'crash'), { code: 'server_crashed' })
  t.equal(reports().length, 1)
  t.equal(await runtime.call('s', 'look'), 1)
  await close()
})

t.test('a toJSON in the state is not run when the state is shown', async (t) => {
  const runtime = createRuntime({ implementations: { spoilt } })
  const app = await createGateway(runtime, { docs: false })
  t.teardown(async () => {
    await runtime.close()
    await app.close()
  })
  await runtime.start('spoilt', {}, { id: 's' })
  await runtime.call('s', 'method')
  const answer = await app.inject({ method: 'GET', url: '/servers/s/state' })
  t.equal(answer.statusCode, 200)
  t.same(answer.json().state, { kept: {} })
})

t.test('a cast with a delay to a server that refuses to start leaves no timer', async (t) => {
  const { runtime, clock, close } = running(t, { spoilt })
  runtime.cast('s', 'poke', {}, { delay: 1e9, start: { implementation: 'spoilt', args: { refuse: true } } })
  t.equal(clock.pending, 0)
  t.equal(runtime.whereis('s'), undefined)
  await close()
})

t.test('QUERY without a content type is told what it lacks', async (t) => {
  const runtime = createRuntime({ implementations: { spoilt } })
  const app = await createGateway(runtime, { docs: false })
  t.teardown(() => app.close())
  for (const url of ['/servers', '/nowhere']) {
    const answer = await app.inject({ method: 'QUERY', url })
    t.match(answer.json(), { status: 415, code: 'unsupported_media_type' })
  }
})

t.test('a start that somebody ends meanwhile is told so, as documented', async (t) => {
  const slow = defineServer({ state: Type.Object({}), init: () => new Promise<object>(() => {}) })
  const runtime = createRuntime({ implementations: { slow } })
  const app = await createGateway(runtime, { docs: false })
  t.teardown(async () => {
    await runtime.close()
    await app.close()
  })
  const { faults } = createAnswerCheck(app.swagger())
  const requests = [
    ['POST', '/servers', { implementation: 'slow', id: 'post' }],
    ['PUT', '/servers/put', { implementation: 'slow' }],
    ['POST', '/implementations/slow/servers?id=typed', undefined],
  ] as const
  for (const [method, url, payload] of requests) {
    const started = app.inject({ method, url, ...(payload && { payload }) })
    await until(() => runtime.list().servers.length === 1)
    runtime.kill(runtime.list().servers[0]?.id as string)
    const { statusCode: status, headers, body } = await started
    t.equal(status, 410)
    t.same(faults(method, url, { status, headers: headers as Answer['headers'], body }), [])
  }
})

t.test('a get-or-start waits for the start of somebody else no longer than it says', async (t) => {
  const slow = defineServer({ state: Type.Object({}), init: () => new Promise<object>(() => {}) })
  const { runtime, clock, close } = running(t, { slow })
  const first = observe(runtime.start('slow', {}, { id: 's', timeout: 1000 }))
  const second = observe(runtime.getOrStart('slow', {}, { id: 's', timeout: 10 }))
  const patient = observe(runtime.getOrStart('slow', {}, { id: 's', timeout: Number.POSITIVE_INFINITY }))
  await clock.advance(9)
  t.equal(second.outcome, 'pending')
  await clock.advance(1)
  t.match(second.error, { code: 'init_timeout', effect: 'none' })
  t.equal(first.outcome, 'pending', 'that start goes on')
  await clock.advance(990)
  t.match(first.error, { code: 'init_timeout' })
  t.match(patient.error, { code: 'init_timeout' })
  await close()
})
