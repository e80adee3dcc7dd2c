/** What goes wrong outside the handlers costs nobody but the server that it happens to. */
import { createRuntime, defineServer, type Logger, silentLogger, Type } from 'genservers'
import { createSimulatedClock } from 'genservers/testing'
import t from 'tap'
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
