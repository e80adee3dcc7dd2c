/** What goes wrong outside the handlers costs nobody but the server that it happens to. */
import { type AnyDefinition, createRuntime, defineServer, type Logger, silentLogger, Type } from 'genservers'
import { createSimulatedClock } from 'genservers/testing'
import t from 'tap'
import { MemoryRegistry } from '../../src/core/kernel/registry.js'
import { observe, running } from './running.js'

const any = Type.Unknown()

function fails(why: () => unknown) {
  return defineServer({
    state: Type.Object({ n: Type.Integer() }),
    calls: { fail: {}, grow: { reply: any } },
    init: () => ({ n: 0 }),
    handleCall: {
      fail: () => {
        throw why()
      },
      grow: (state) => ++state.n,
    },
  })
}

const unreadable = () =>
  Object.defineProperty(new Error('hidden'), 'message', {
    get() {
      throw new Error('trapped')
    },
  })

t.test('an error that cannot be read is a crash like any other', async (t) => {
  const { runtime, clock, reports, close } = running(t, { server: fails(unreadable) })
  await runtime.start('server', {}, { id: 's' })
  const failed = observe(runtime.call('s', 'fail'))
  await clock.advance(0)
  t.match(failed.error, { code: 'server_crashed', details: { reason: { error: 'an error that cannot be read' } } })
  t.equal(reports().length, 1)
  t.equal(await runtime.call('s', 'grow'), 1)
  await close()
})

t.test('a logger that fails when a crash is reported costs nobody anything', async (t) => {
  const clock = createSimulatedClock()
  const logger: Logger = {
    ...silentLogger,
    error() {
      throw new Error('no disk for logs')
    },
  }
  const implementations = { server: fails(() => new Error('boom')) }
  const runtime = createRuntime({ implementations, clock, logger })
  await runtime.start('server', {}, { id: 's' })
  const failed = observe(runtime.call('s', 'fail'))
  const next = observe(runtime.call('s', 'grow'))
  await clock.advance(0)
  t.match(failed.error, { code: 'server_crashed', message: /boom/ })
  t.equal(next.value, 1)
  await runtime.close()
  t.equal(clock.pending, 0)
})

for (const how of ['at once', 'later'] as const) {
  t.test(`a server that breaks ${how} outside its handlers ends, and the others go on`, async (t) => {
    const { runtime, clock, reports, close } = running(t, {
      server: defineServer({
        state: Type.Object({}),
        calls: { work: { reply: any } },
        init: () => ({}),
        handleCall: { work: () => (how === 'later' ? Promise.resolve('done') : 'done') },
      }),
    })
    await runtime.start('server', {}, { id: 's' })
    await runtime.start('server', {}, { id: 'bystander' })
    runtime.sendRequest('s', 'work').whenSettled(() => {
      throw new Error('stray')
    })
    const queued = observe(runtime.call('s', 'work'))
    const other = observe(runtime.call('bystander', 'work'))
    await clock.advance(0)
    t.match(queued.error, { code: 'server_exited', effect: 'none', details: { reason: { error: 'stray' } } })
    t.equal(other.value, 'done')
    t.match(reports(), [{ message: 'a process broke its turn', fields: { err: { message: 'stray' } } }])
    t.equal(runtime.whereis('s'), undefined)
    await close()
  })
}

t.test('a promise of init that is of no good make fails the start at once', async (t) => {
  const implementations = {
    throwing: {
      state: any,
      init: () => ({
        // biome-ignore lint/suspicious/noThenProperty: it is what the test is about
        then() {
          throw new Error('no promise')
        },
      }),
    },
    twice: {
      state: any,
      init: () => ({
        // biome-ignore lint/suspicious/noThenProperty: as above
        then(tell: (state: object) => void, fail: (error: Error) => void) {
          tell({ n: 1 })
          fail(new Error('too late'))
        },
      }),
    },
    trapped: {
      state: any,
      init: () => ({
        // biome-ignore lint/suspicious/noThenProperty: as above
        get then() {
          throw new Error('trapped')
        },
      }),
    },
  }
  const { runtime, clock, close } = running(t, implementations)
  for (const [name, message] of [
    ['throwing', /no promise/],
    ['trapped', /trapped/],
  ] as const) {
    const started = observe(runtime.start(name, {}, { id: 's' }))
    await clock.advance(0)
    t.match(started.error, { code: 'init_crashed', message }, name)
    t.equal(runtime.whereis('s'), undefined)
  }
  await runtime.start('twice', {}, { id: 's' })
  await clock.advance(0)
  t.match(runtime.state('s'), { state: { n: 1 }, revision: 1, incarnation: 1 })
  await close()
})

t.test('a port that fails when a server begins, at first or again, costs that server and nobody else', async (t) => {
  const simulated = createSimulatedClock()
  let isBroken = false
  const clock = {
    now: () => simulated.now(),
    monotonic: () => simulated.monotonic(),
    setTimer: (ms: number, fire: () => void) => {
      if (isBroken && ms === 4711) throw new Error('no timers left')
      return simulated.setTimer(ms, fire)
    },
  }
  const stray: [string | undefined, object][] = []
  const logger: Logger = { ...silentLogger, error: (fields, message) => void stray.push([message, fields]) }
  const timed = (init: (set: () => object) => object | Promise<object>) =>
    defineServer({
      restartFrom: 'init',
      state: Type.Object({}),
      calls: { crash: {} },
      init: (_args, ctx) =>
        init(() => {
          ctx.monitor('nobody')
          ctx.sendAfter(4711, 'tick')
          return {}
        }),
      handleCall: {
        crash: () => {
          throw new Error('oops')
        },
      },
      handleInfo: { tick: () => {}, DOWN: () => {} },
    })
  const atOnce = timed((set) => set())
  const later = timed(async (set) => set())
  const runtime = createRuntime({ implementations: { atOnce, later }, clock, logger })
  for (const implementation of ['atOnce', 'later']) {
    isBroken = false
    await runtime.start(implementation, {}, { id: implementation })
    isBroken = true
    await t.rejects(runtime.call(implementation, 'crash'), { code: 'server_crashed' })
    await simulated.advance(0)
    t.throws(() => runtime.info(implementation), {
      code: 'server_exited',
      details: { reason: { error: 'no timers left' } },
    } as never)
  }
  const fresh = observe(runtime.start('later', {}, { id: 'fresh' }))
  await simulated.advance(0)
  t.match(fresh.error, { code: 'server_exited' })
  t.equal(runtime.whereis('fresh'), undefined)
  t.equal(stray.filter(([message]) => message === 'a process broke its turn').length, 3)
  await runtime.close()
  t.equal(simulated.pending, 0)
})

t.test(
  'a registry that fails when a child is started is a crash of the supervisor, and no word of it to clients',
  async (t) => {
    const registry = new MemoryRegistry<never>()
    const register = registry.register.bind(registry)
    registry.register = (id, process, kind) => {
      if (id === 'unlucky') throw new Error('no room')
      return register(id, process, kind)
    }
    const { runtime, clock, close } = running(t, { server: fails(() => new Error('boom')) }, { registry })
    await runtime.start('supervisor', {}, { id: 'sup' })
    const started = observe(runtime.call('sup', 'startChild', { id: 'unlucky', implementation: 'server' }))
    await clock.advance(0)
    t.match(started.error, { code: 'server_crashed', details: { reason: { error: 'no room' } } })
    t.match(runtime.info('sup'), { status: 'running', incarnation: 2 })
    await close()
  },
)

t.test('what throws when it is looked at is a crash like any other, wherever it was thrown', async (t) => {
  const evil = () =>
    new Proxy(new Error('hidden'), {
      getPrototypeOf: () => {
        throw new Error('trapped')
      },
    })
  const { runtime, clock, reports, close } = running(t, {
    server: {
      ...fails(evil),
      calls: { fail: {}, grow: { reply: any }, look: { reply: any, readOnly: true } },
      handleCall: {
        fail: () => {
          throw evil()
        },
        grow: (state: { n: number }) => ++state.n,
        look: () => Promise.reject(evil()),
      },
      terminate: () => Promise.reject(evil()),
    } as AnyDefinition,
    still: defineServer({ state: Type.Object({}), init: () => Promise.reject(evil()) }),
  })
  await runtime.start('server', {}, { id: 's' })
  const unreadableError = { error: 'an error that cannot be read' }
  for (const message of ['fail', 'look']) {
    const failed = observe(runtime.call('s', message))
    await clock.advance(0)
    t.match(failed.error, { code: 'server_crashed', details: { reason: unreadableError } })
    t.equal(await runtime.call('s', 'grow'), message === 'fail' ? 1 : 2)
  }
  const started = observe(runtime.start('still'))
  await clock.advance(0)
  t.match(started.error, { code: 'init_crashed', details: { reason: unreadableError } })
  await t.rejects(runtime.stop('s'), { details: { reason: unreadableError } } as never)
  t.equal(reports().length, 4)
  await close()
})

t.test('a trace that kills the server as it takes a message keeps that from being handled', async (t) => {
  const { runtime, clock, reports, close } = running(t, { server: fails(() => new Error('boom')) })
  await runtime.start('server', {}, { id: 's' })
  runtime.trace('s', ({ event }) => void (event === 'in' && runtime.kill('s')))
  const called = observe(runtime.call('s', 'grow'))
  await clock.advance(0)
  t.match(called.error, { code: 'server_exited' })
  await runtime.start('server', {}, { id: 's' })
  runtime.trace('s', ({ event }) => void (event === 'in' && runtime.kill('s')))
  const stopped = observe(runtime.stop('s'))
  await clock.advance(0)
  t.match(stopped.error, { code: 'server_exited' }, 'it has ended, and not as was ordered')
  t.same(reports(), [])
  await close()
})
