import { createRuntime, defineServer, type Runtime, silentLogger, Type } from 'genservers'
import { createSimulatedClock } from 'genservers/testing'
import t from 'tap'
import { makeProbe, probing } from './probe.js'
import { latch, observe, running } from './running.js'

t.test('E55: a stop with a wrong timeout or reason is refused, and the server serves on', async (t) => {
  const { runtime, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  await t.rejects(runtime.stop('p', { timeout: -1 }), { code: 'invalid_request' })
  for (const reason of [null, 7, {}, { error: 1 }, { shutdown: 1, error: 'x' }, { shutdown: () => {} }]) {
    await t.rejects(runtime.stop('p', { reason: reason as never }), { code: 'invalid_request' }, JSON.stringify(reason))
  }
  t.equal(await runtime.call('p', 'ping'), 'pong')
  await runtime.stop('p')
  t.equal(runtime.whereis('p'), undefined)
  await close()
})

t.test('E56: a stop ends the server, frees its id at once, and a second one finds nobody', async (t) => {
  const { runtime, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  await runtime.stop('p')
  t.equal(runtime.whereis('p'), undefined)
  t.same(trace, ['init ok', 'terminate "normal" 0'])
  await t.rejects(runtime.stop('p'), { code: 'server_exited', details: { reason: 'normal' } })
  await t.rejects(runtime.stop('nobody'), { code: 'unknown_server' })
  await runtime.start('probe', {}, { id: 'p' })
  await close()
})

t.test('S:H9: a stop waits its turn: what was sent before it is handled, what comes after it is not', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  runtime.cast('p', 'note', { note: 'before' })
  const before = observe(runtime.call('p', 'set', { value: 1 }))
  const stop = observe(runtime.stop('p', { reason: { shutdown: 'moving' } }))
  runtime.cast('p', 'note', { note: 'after' })
  const after = observe(runtime.call('p', 'set', { value: 2 }))
  await clock.advance(0)
  t.equal(stop.outcome, 'resolved')
  t.equal(before.value, 'ok')
  t.match(after.error, { code: 'server_exited', effect: 'none', details: { reason: { shutdown: 'moving' } } })
  t.same(trace, ['init ok', 'note before', 'terminate {"shutdown":"moving"} 1'])
  await close()
})

t.test('E58: a stop of a busy server times out, stays queued, and is carried out', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  runtime.cast('p', 'slowNote', { note: 'slow', ms: 5000 })
  const second = observe(runtime.stop('p', { timeout: 1000 }))
  const none = observe(runtime.stop('p', { timeout: 0 }))
  await clock.advance(0)
  t.match(none.error, { code: 'call_timeout', effect: 'unknown', message: /the order stands/ })
  await clock.advance(999)
  t.equal(second.outcome, 'pending')
  await clock.advance(1)
  t.match(second.error, { code: 'call_timeout' })
  t.equal(runtime.whereis('p'), 'p')
  await clock.advance(4000)
  t.same(trace, ['init ok', 'note slow', 'terminate "normal" 0'])
  t.equal(runtime.whereis('p'), undefined)
  await close()
})

t.test('several stops that wait are all answered, each by its own reason', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  runtime.cast('p', 'slowNote', { note: 'slow', ms: 10 })
  const stops = ['normal', 'normal', 'tired'].map((reason) =>
    observe(runtime.stop('p', { reason, timeout: Number.POSITIVE_INFINITY })),
  )
  await clock.advance(10)
  t.same(
    stops.map(({ outcome }) => outcome),
    ['resolved', 'resolved', 'rejected'],
  )
  t.match(stops[2]?.error, { code: 'server_exited', details: { reason: 'normal' } })
  await close()
})

t.test('E59: a stop whose terminate crashes fails with the crash; the server is gone', async (t) => {
  for (const terminate of [
    () => {
      throw new Error('cannot')
    },
    () => Promise.reject(new Error('cannot')),
  ]) {
    const { runtime, clock, reports, close } = probing(t, { terminate })
    await runtime.start('probe', {}, { id: 'p' })
    const stop = observe(runtime.stop('p'))
    await clock.advance(0)
    t.match(stop.error, { code: 'server_crashed', details: { reason: { error: 'cannot' } } })
    t.throws(() => runtime.info('p'), { code: 'server_exited', details: { reason: { error: 'cannot' } } })
    t.match(reports(), [{ fields: { message: 'terminate', reason: { error: 'cannot' } } }])
    await close()
  }
})

t.test('a stop whose terminate fails makes one report, of the failure', async (t) => {
  const { runtime, reports, close } = probing(t, { terminate: () => Promise.reject(new Error('cannot')) })
  await runtime.start('probe', {}, { id: 'p' })
  await t.rejects(runtime.stop('p', { reason: 'odd' }), { code: 'server_crashed' })
  t.match(reports(), [{ fields: { reason: { error: 'cannot' } } }])
  t.equal(reports().length, 1)
  await close()
})

t.test('what terminate has said does not leave if the server is killed before it has ended', async (t) => {
  const door = latch()
  const heard: string[] = []
  const { runtime, clock, close } = running(t, {
    heir: defineServer({
      mailbox: 1,
      state: Type.Object({}),
      casts: { inherit: {} },
      init: () => ({}),
      handleCast: { inherit: () => void heard.push('inherited') },
    }),
    testator: defineServer({
      state: Type.Object({}),
      init: () => ({}),
      terminate: async (_state, _reason, ctx) => {
        ctx.cast('h', 'inherit')
        await door.promise
      },
    }),
  })
  await runtime.start('heir', {}, { id: 'h' })
  await runtime.start('testator', {}, { id: 't' })
  const stop = observe(runtime.stop('t'))
  await clock.advance(0)
  runtime.kill('t')
  await clock.advance(0)
  t.match(stop.error, { code: 'server_exited', details: { reason: 'killed' } })
  door.open()
  await clock.advance(0)
  t.same(heard, [])
  await close()
})

t.test(
  'a server that is killed while its crash is reported ends once, and leaves its id to its successor',
  async (t) => {
    const clock = createSimulatedClock()
    const runtime: Runtime = createRuntime({
      clock,
      implementations: { probe: makeProbe(clock).probe },
      logger: {
        ...silentLogger,
        error: () => {
          if (runtime.whereis('p') === undefined) return
          runtime.kill('p')
          void runtime.start('probe', {}, { id: 'p' })
        },
      },
    })
    await runtime.start('probe', {}, { id: 'p', restart: 'temporary' })
    runtime.cast('p', 'crashCast')
    await clock.advance(0)
    t.equal(runtime.whereis('p'), 'p')
    t.equal(await runtime.call('p', 'ping'), 'pong')
    await runtime.close()
    t.equal(clock.pending, 0)
  },
)

t.test('E61: without terminate every stop works; a reason that is not quiet is reported once', async (t) => {
  const { runtime, clock, reports, close } = running(t, {
    plain: defineServer({
      state: Type.Object({}),
      casts: { stop: { args: Type.Object({ reason: Type.Unknown() }) } },
      init: () => ({}),
      handleCast: { stop: (_state, { reason }, ctx) => ctx.stop(reason as never) },
    }),
  })
  for (const [count, reason] of [
    [0, 'normal'],
    [1, 'custom'],
    [1, { error: 'my own' }],
  ] as const) {
    const before = reports().length
    await runtime.start('plain', {}, { id: 'p' })
    await runtime.stop('p', { reason })
    t.throws(() => runtime.info('p'), { code: 'server_exited', details: { reason } })
    t.equal(reports().length - before, count, 'ordered')
    await runtime.start('plain', {}, { id: 'p' })
    runtime.cast('p', 'stop', { reason })
    await clock.advance(0)
    t.throws(() => runtime.info('p'), { code: 'server_exited', details: { reason } })
    t.equal(reports().length - before, 2 * count, 'by itself')
  }
  await close()
})

t.test('a reason that is none crashes the handler that gives it, and nothing else', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  await runtime.start('probe', {}, { id: 'q' })
  for (const reason of [7, {}, { error: 1 }, null]) {
    const call = observe(runtime.call('p', 'stopNoReply', { reason }))
    await clock.advance(0)
    t.match(call.error, { code: 'server_crashed', message: /bad_return_value/ })
  }
  t.equal(await runtime.call('p', 'ping'), 'pong')
  t.equal(await runtime.call('q', 'ping'), 'pong')
  await close()
})

t.test('a refusal without a proper reason is a refusal all the same', async (t) => {
  const { runtime, close } = running(t, {
    odd: defineServer({ state: Type.Object({}), init: (_args, ctx) => ctx.refuse({ why: 1 } as never) }),
  })
  await t.rejects(runtime.start('odd', {}, { id: 'o' }), { code: 'init_refused', details: { reason: '{"why":1}' } })
  t.equal(runtime.whereis('o'), undefined)
  await close()
})

t.test(
  'E62: a crash makes exactly one report: who, which message, the state, why and where, and whose request',
  async (t) => {
    const { runtime, clock, logged, close } = probing(t, { redact: ({ value }) => ({ shown: value }) })
    await runtime.start('probe', {}, { id: 'p' })
    await runtime.call('p', 'set', { value: 'good' })
    const origin = { requestId: 'req-1', traceparent: '00-abc' }
    const call = observe(runtime.call('p', 'crash', {}, { origin }))
    await clock.advance(0)
    t.equal(call.outcome, 'rejected')
    t.equal(logged.length, 1)
    t.match(logged[0], {
      level: 'error',
      fields: {
        server: 'p',
        implementation: 'probe',
        incarnation: 1,
        message: 'crash',
        reason: { error: 'crashed' },
        err: { stack: /probe/ },
        state: '{"shown":"good"}',
        requestId: 'req-1',
        traceparent: '00-abc',
      },
    })
    await close()
  },
)

t.test('a caller hears of a crash neither stack nor state', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', { mode: 'ok' }, { id: 'p' })
  await runtime.call('p', 'set', { value: 'secret' })
  const call = observe(runtime.call('p', 'crash'))
  await clock.advance(0)
  t.notMatch(JSON.stringify([call.error?.message, call.error?.details]), /secret|probe\.(js|ts)/)
  await close()
})

t.test('terminate may do what any handler may: its casts and late replies leave', async (t) => {
  const heard: string[] = []
  const { runtime, clock, close } = running(t, {
    heir: defineServer({
      state: Type.Object({}),
      casts: { inherit: { args: Type.Object({ from: Type.String() }) } },
      init: () => ({}),
      handleCast: { inherit: (_state, { from }) => void heard.push(from) },
    }),
    testator: defineServer({
      state: Type.Object({ from: Type.String() }),
      calls: { wait: { reply: Type.Unknown() } },
      init: () => ({ from: '' }),
      handleCall: {
        wait: (state, _args, ctx) => {
          state.from = ctx.from
          return ctx.noReply()
        },
      },
      terminate: async ({ from }, reason, ctx) => {
        await undefined
        ctx.reply(from, `farewell: ${reason}`)
        ctx.cast('h', 'inherit', { from: ctx.id })
      },
    }),
  })
  await runtime.start('heir', {}, { id: 'h' })
  await runtime.start('testator', {}, { id: 't' })
  const waiting = observe(runtime.call('t', 'wait'))
  await clock.advance(0)
  await runtime.stop('t')
  await clock.advance(0)
  t.equal(waiting.value, 'farewell: normal')
  t.same(heard, ['t'])
  await close()
})

t.test(
  'S:I7: a kill ends a stuck server at once: no terminate, its signal aborts, what it does later is not heard',
  async (t) => {
    const door = latch()
    const later: unknown[] = []
    const { runtime, clock, close } = running(t, {
      stuck: defineServer({
        state: Type.Object({ n: Type.Integer() }),
        events: { news: Type.Object({}) },
        calls: { hang: { reply: Type.Unknown() } },
        casts: { note: {} },
        init: () => ({ n: 0 }),
        handleCall: {
          hang: async (state, _args, ctx) => {
            ctx.signal.addEventListener('abort', () => later.push((ctx.signal.reason as Error).message))
            ctx.cast('other', 'note')
            await door.promise
            state.n = 1
            for (const act of [
              () => ctx.cast('other', 'note'),
              () => ctx.sendAfter(1, 'x'),
              () => ctx.publish('news', {}),
              () => ctx.from,
              () => void ctx.call('other', 'hang'),
            ]) {
              try {
                act()
                later.push('acted')
              } catch (error) {
                later.push((error as Error).message)
              }
            }
            return 'late'
          },
        },
        handleCast: { note: () => void later.push('noted') },
        terminate: () => void later.push('terminated'),
      }),
    })
    await runtime.start('stuck', {}, { id: 's' })
    await runtime.start('stuck', {}, { id: 'other' })
    runtime.subscribe('s', () => later.push('heard'))
    const running_ = observe(runtime.call('s', 'hang', {}, { timeout: Number.POSITIVE_INFINITY }))
    const queued = observe(runtime.call('s', 'hang', {}, { timeout: Number.POSITIVE_INFINITY }))
    const stop = observe(runtime.stop('s'))
    await clock.advance(10)
    t.match(runtime.info('s').current, { kind: 'call', message: 'hang', runningFor: 10 })
    runtime.kill('s')
    t.equal(runtime.whereis('s'), undefined)
    await clock.advance(0)
    t.match(running_.error, { code: 'server_exited', effect: 'unknown', details: { reason: 'killed' } })
    t.match(queued.error, { code: 'server_exited', effect: 'none', details: { reason: 'killed' } })
    t.match(stop.error, { code: 'server_exited', details: { reason: 'killed' } })
    t.same(later.splice(0), ['s has ended: killed'])
    await runtime.start('stuck', {}, { id: 's' })
    door.open()
    await clock.advance(10)
    t.same(later, [
      'ctx.cast: this turn is over',
      'ctx.sendAfter: this turn is over',
      'ctx.publish: this turn is over',
      'ctx.from: this turn is over',
      'ctx.call: this turn is over',
    ])
    t.match(runtime.info('s'), { incarnation: 2, revision: 2 })
    t.same((await runtime.state('s')).state, { n: 0 })
    t.throws(() => runtime.kill('nobody'), { code: 'unknown_server' })
    await close()
  },
)

t.test('a kill may be for one revision only', async (t) => {
  const { runtime, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  await runtime.call('p', 'set', { value: 1 })
  t.throws(() => runtime.kill('p', { ifMatch: 1 }), { code: 'revision_mismatch', effect: 'none' })
  t.equal(runtime.whereis('p'), 'p')
  runtime.kill('p', { ifMatch: 2 })
  t.equal(runtime.whereis('p'), undefined)
  await close()
})

t.test('an end that was chosen is not reported as a crash', async (t) => {
  const { runtime, clock, reports, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  await runtime.stop('p', { reason: 'maintenance' })
  await runtime.start('probe', { mode: 'stop', reason: 'unfit' }, { id: 'q' }).catch(() => {})
  await clock.advance(0)
  t.match(reports(), [
    { message: 'p has ended: maintenance', fields: { reason: 'maintenance', message: 'stop', state: '{"value":0}' } },
    { message: 'q has ended: unfit', fields: { reason: 'unfit', message: 'init' } },
  ])
  await close()
})

t.test('a handler that fails after its server was killed harms nobody', async (t) => {
  const door = latch()
  const { runtime, clock, reports, close } = running(t, {
    stuck: defineServer({
      state: Type.Object({}),
      casts: { hang: {} },
      init: () => ({}),
      handleCast: { hang: () => door.promise },
    }),
  })
  await runtime.start('stuck', {}, { id: 's' })
  runtime.cast('s', 'hang')
  await clock.advance(0)
  runtime.kill('s')
  await runtime.start('stuck', {}, { id: 's' })
  door.fail(new Error('late'))
  await clock.advance(0)
  t.same(reports(), [])
  t.equal(runtime.info('s').restarts, 0)
  await close()
})

t.test(
  'a kill gives up the calls that the killed handler waits for, and frees the places it had reserved',
  async (t) => {
    const door = latch()
    const heard: string[] = []
    const { runtime, clock, close } = running(t, {
      busy: defineServer({
        mailbox: 2,
        state: Type.Object({}),
        calls: { ask: {} },
        casts: { wait: {}, note: {} },
        init: () => ({}),
        handleCall: { ask: () => void heard.push('asked') },
        handleCast: { wait: () => door.promise, note: () => void heard.push('noted') },
      }),
      caller: defineServer({
        state: Type.Object({}),
        casts: { go: {} },
        init: () => ({}),
        handleCast: {
          go: async (_state, _args, ctx) => {
            ctx.cast('b', 'note')
            await ctx.call('b', 'ask')
          },
        },
      }),
    })
    await runtime.start('busy', {}, { id: 'b' })
    await runtime.start('caller', {}, { id: 'c' })
    runtime.cast('b', 'wait')
    await clock.advance(0)
    runtime.cast('c', 'go')
    await clock.advance(0)
    t.equal(runtime.info('b').mailbox.length, 1)
    t.throws(() => runtime.cast('b', 'note'), { code: 'mailbox_full' }, 'one waits, and one place is reserved')
    runtime.kill('c')
    t.equal(runtime.info('b').mailbox.length, 0)
    runtime.cast('b', 'note')
    runtime.cast('b', 'note')
    t.throws(() => runtime.cast('b', 'note'), { code: 'mailbox_full' })
    door.open()
    await clock.advance(0)
    t.same(heard, ['noted', 'noted'])
    await close()
  },
)
