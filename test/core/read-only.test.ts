import { defineServer, Type } from 'genservers'
import t from 'tap'
import { latch, observe, running } from './running.js'

const any = Type.Unknown()

function looked(gates: Record<string, Promise<unknown>> = {}) {
  const seen: unknown[] = []
  return {
    seen,
    server: defineServer({
      state: Type.Object({ n: Type.Integer(), deep: any }),
      calls: {
        get: { reply: any, readOnly: true },
        slowGet: { args: Type.Object({ gate: Type.String() }), reply: any, readOnly: true },
        write: { reply: any, readOnly: true },
        deepWrite: { reply: any, readOnly: true },
        act: { args: Type.Object({ how: Type.String() }), reply: any, readOnly: true },
        fail: { reply: any, readOnly: true },
        failLater: { args: Type.Object({ gate: Type.String() }), reply: any, readOnly: true },
        wrong: { reply: Type.Integer(), readOnly: true },
        grow: { reply: any },
      },
      casts: { wait: { args: Type.Object({ gate: Type.String() }) }, crash: {} },
      init: () => ({ n: 0, deep: { map: new Map([['a', { b: 1 }]]) } }),
      handleCall: {
        get: ({ n }) => n,
        slowGet: async (state, { gate }, ctx) => {
          ctx.signal.addEventListener('abort', () => seen.push('aborted'))
          await gates[gate]
          seen.push(`saw ${state.n}`)
          return state.n
        },
        write: (state) => {
          state.n = 9
        },
        deepWrite: (state) => {
          ;(state.deep as { map: Map<string, unknown> }).map.set('z', 1)
        },
        act: (_state, { how }, ctx) => {
          const acts: Record<string, () => unknown> = {
            cast: () => ctx.cast(ctx.id, 'crash'),
            send: () => ctx.send(ctx.id, 'x'),
            reply: () => ctx.reply('r', 1),
            stop: () => ctx.stop('normal'),
            continue: () => ctx.continue('x'),
            sendAfter: () => ctx.sendAfter(1, 'x'),
            cancelTimer: () => ctx.cancelTimer('t'),
            idleTimeout: () => ctx.idleTimeout(1),
            publish: () => ctx.publish('x' as never, {} as never),
            pipe: () => ctx.pipe(Promise.resolve(), 'x'),
          }
          try {
            acts[how]?.()
          } catch (error) {
            return (error as Error).message
          }
          return 'done'
        },
        fail: () => {
          throw new Error('looked wrongly')
        },
        failLater: async (_state, { gate }) => {
          await gates[gate]
          throw new Error('looked wrongly')
        },
        wrong: () => 'text' as never,
        grow: (state) => ++state.n,
      },
      handleCast: {
        wait: (_state, { gate }) => gates[gate] as Promise<void>,
        crash: () => {
          throw new Error('crash')
        },
      },
    }),
  }
}

t.test('a readOnly call is taken in its turn, and sees all that was accepted before it', async (t) => {
  const { server } = looked()
  const { runtime, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  const grown = runtime.call('s', 'grow')
  t.equal(await runtime.call('s', 'get'), 1)
  await grown
  await close()
})

t.test(
  'a slow readOnly call holds up nobody, sees the state of its turn, and tells the revision of that',
  async (t) => {
    const door = latch()
    const { server, seen } = looked({ door: door.promise })
    const { runtime, clock, close } = running(t, { server })
    await runtime.start('server', {}, { id: 's' })
    const request = runtime.sendRequest('s', 'slowGet', { gate: 'door' })
    const slow = observe(request.response)
    t.equal(await runtime.call('s', 'grow'), 1)
    t.equal(runtime.info('s').current, null)
    t.equal(slow.outcome, 'pending')
    door.open()
    await clock.advance(0)
    t.equal(slow.value, 0)
    t.equal(request.revision, 1)
    t.equal(runtime.info('s').revision, 2, 'it makes no revision')
    t.same(seen, ['saw 0'])
    await close()
  },
)

t.test('a readOnly handler cannot change the state, however deep, and crashes its server if it tries', async (t) => {
  const { server } = looked()
  const { runtime, clock, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  for (const message of ['write', 'deepWrite']) {
    const call = observe(runtime.call('s', message))
    await clock.advance(0)
    t.match(call.error, { code: 'server_crashed', effect: 'none', message: /read only|frozen/ })
  }
  t.match(runtime.state('s'), { state: { n: 0, deep: { map: { a: { b: 1 } } } }, revision: 1 })
  t.equal(await runtime.call('s', 'grow'), 1, 'others may change it still')
  await close()
})

t.test('a readOnly handler has no effects', async (t) => {
  const { server } = looked()
  const { runtime, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  for (const how of 'cast send reply stop continue sendAfter cancelTimer idleTimeout publish pipe'.split(' ')) {
    t.equal(await runtime.call('s', 'act', { how }), `ctx.${how}: a readOnly call only looks`)
  }
  t.equal(runtime.info('s').incarnation, 1)
  await close()
})

t.test('a readOnly handler that fails is a crash like any other', async (t) => {
  const { server } = looked()
  const { runtime, clock, reports, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  const failed = observe(runtime.call('s', 'fail'))
  await clock.advance(0)
  t.match(failed.error, { code: 'server_crashed', effect: 'none', message: /handled fail: looked wrongly/ })
  t.match(runtime.info('s'), { incarnation: 2, restarts: 1, lastExit: { reason: { error: 'looked wrongly' } } })
  t.equal(reports().length, 1)
  const wrong = observe(runtime.call('s', 'wrong'))
  await clock.advance(0)
  t.match(wrong.error, { code: 'bad_reply' })
  await close()
})

t.test('a readOnly handler that fails late is told at once, and the crash waits for the turn that is on', async (t) => {
  const failing = latch()
  const working = latch()
  const { server } = looked({ failing: failing.promise, working: working.promise })
  const { runtime, clock, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  const failed = observe(runtime.call('s', 'failLater', { gate: 'failing' }))
  runtime.cast('s', 'wait', { gate: 'working' })
  const next = observe(runtime.call('s', 'grow'))
  await clock.advance(0)
  failing.open()
  await clock.advance(0)
  t.match(failed.error, { code: 'server_crashed' })
  t.equal(runtime.info('s').incarnation, 1)
  working.open()
  await clock.advance(0)
  t.equal(runtime.info('s').incarnation, 2)
  t.equal(next.value, 1)
  await close()
})

for (const way of ['kill', 'stop', 'crash'] as const) {
  t.test(
    `a readOnly call that runs while its server ends by a ${way} is answered, and not heard any more`,
    async (t) => {
      const door = latch()
      const { server, seen } = looked({ door: door.promise })
      const { runtime, clock, close } = running(t, { server })
      await runtime.start('server', {}, { id: 's', restart: 'temporary' })
      const timeout = Number.POSITIVE_INFINITY
      const slow = observe(runtime.call('s', 'slowGet', { gate: 'door' }, { timeout }))
      const failing = observe(runtime.call('s', 'failLater', { gate: 'door' }, { timeout }))
      await clock.advance(0)
      if (way === 'kill') runtime.kill('s')
      else if (way === 'stop') await runtime.stop('s')
      else runtime.cast('s', 'crash')
      await clock.advance(0)
      for (const call of [slow, failing]) t.match(call.error, { code: 'server_exited', effect: 'none' })
      t.same(seen, ['aborted'])
      await runtime.start('server', {}, { id: 's' })
      door.open()
      await clock.advance(0)
      t.match(runtime.info('s'), { incarnation: 2, restarts: 0 })
      await close()
    },
  )
}

t.test('a readOnly call that fails late does not crash a life that has another state', async (t) => {
  const door = latch()
  const { server } = looked({ door: door.promise })
  const { runtime, clock, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's', restartFrom: 'init' })
  const failing = observe(runtime.call('s', 'failLater', { gate: 'door' }))
  runtime.cast('s', 'crash')
  await clock.advance(0)
  t.equal(await runtime.call('s', 'grow'), 1)
  door.open()
  await clock.advance(0)
  t.match(failing.error, { code: 'server_crashed', message: /looked wrongly/ })
  t.match(runtime.info('s'), { incarnation: 2, restarts: 1 })
  t.equal(await runtime.call('s', 'get'), 1)
  await close()
})

t.test('a readOnly call goes on while its server restarts from its state', async (t) => {
  const door = latch()
  const { server } = looked({ door: door.promise })
  const { runtime, clock, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  const slow = observe(runtime.call('s', 'slowGet', { gate: 'door' }))
  runtime.cast('s', 'crash')
  await clock.advance(0)
  t.equal(slow.outcome, 'pending')
  door.open()
  await clock.advance(0)
  t.equal(slow.value, 0)
  await close()
})

t.test('ifMatch holds for a readOnly call as well', async (t) => {
  const { server } = looked()
  const { runtime, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  t.equal(await runtime.call('s', 'get', {}, { ifMatch: 1 }), 0)
  await t.rejects(runtime.call('s', 'get', {}, { ifMatch: 2 }), { code: 'revision_mismatch' })
  await close()
})
