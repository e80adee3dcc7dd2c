import { defineServer, StartIgnored, Type } from 'genservers'
import t from 'tap'
import { makeProbe, probing } from './probe.js'
import { latch, observe, pause, running } from './running.js'

const State = Type.Object({ value: Type.Unknown() })

t.test('A1: a server answers until it is stopped, and then fails a call at once', async (t) => {
  const { runtime, clock, close } = probing(t)
  const { id } = await runtime.start('probe')
  t.equal(await runtime.call(id, 'ping'), 'pong')
  t.equal(await runtime.call(id, 'stop'), 'ok')
  const late = observe(runtime.call(id, 'ping'))
  await clock.advance(0)
  t.match(late.error, { code: 'server_exited', effect: 'none', details: { reason: 'stopped' } })
  await close()
})

t.test('A2: init that takes too long is cut off; nothing is left of it and the id is free', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  const slow = observe(runtime.start('probe', { mode: 'sleep', ms: 1000 }, { id: 'p', timeout: 100 }))
  await clock.advance(99)
  t.equal(slow.outcome, 'pending')
  t.equal(runtime.info('p').status, 'starting')
  await clock.advance(1)
  t.match(slow.error, { code: 'init_timeout', effect: 'none' })
  t.equal(runtime.whereis('p'), undefined)
  t.throws(() => runtime.info('p'), { code: 'unknown_server' })
  const again = await runtime.start('probe', {}, { id: 'p' })
  t.equal(again.incarnation, 1)
  await clock.advance(1000)
  t.equal(await runtime.call('p', 'get'), 0, 'the init that was cut off is not heard any more')
  t.equal(runtime.info('p').revision, 1)
  t.same(trace, ['init sleep', 'init ok'], 'terminate never ran')
  await close()
})

t.test('A4: init that refuses gives its reason, and no crash is reported', async (t) => {
  const { runtime, reports, close } = probing(t)
  await t.rejects(runtime.start('probe', { mode: 'error', reason: 'foobar' }, { id: 'p' }), {
    code: 'init_refused',
    effect: 'none',
    details: { reason: 'foobar' },
  })
  t.equal(runtime.whereis('p'), undefined)
  t.same(reports(), [])
  await close()
})

t.test('A5: init that stops gives its reason, a crash is reported, terminate does not run', async (t) => {
  const world = probing(t)
  await t.rejects(world.runtime.start('probe', { mode: 'stop', reason: 'stopped' }), {
    code: 'init_refused',
    details: { reason: 'stopped' },
  })
  t.equal(world.reports().length, 1)
  t.match(world.reports()[0]?.fields, { reason: 'stopped', message: 'init' })
  t.same(world.trace, ['init stop'])
  await world.close()
})

t.test('A7: what init raises, throws or wrongly returns is told, the stack to the log only', async (t) => {
  const world = probing(t)
  const { runtime, close } = world
  await t.rejects(runtime.start('probe', { mode: 'raise', reason: 'bailout' }), {
    code: 'init_crashed',
    details: { reason: { error: 'bailout' } },
  })
  t.match(world.reports()[0]?.fields.err, { message: 'bailout', stack: /probe/ })
  await t.rejects(runtime.start('probe', { mode: 'throwText', reason: 'bailout' }), {
    code: 'init_crashed',
    details: { reason: { error: 'bailout' } },
  })
  t.notOk(world.reports()[1]?.fields.err, 'a thrown text has no stack')
  await t.rejects(runtime.start('probe', { mode: 'badReturn' }), {
    code: 'init_crashed',
    details: { reason: { error: 'bad_return_value: 4711' } },
  })
  await close()
})

t.test('a synchronous init that throws, and one whose state cannot be a state, have failed as well', async (t) => {
  const { runtime, close } = running(t, {
    thrower: defineServer({
      state: State,
      init: () => {
        throw new Error('bailout')
      },
    }),
    dated: defineServer({ state: Type.Unknown(), init: () => new Date(0) }),
  })
  await t.rejects(runtime.start('thrower', {}, { id: 'x' }), { code: 'init_crashed', message: /bailout/ })
  await t.rejects(runtime.start('dated', {}, { id: 'x' }), { code: 'init_crashed', message: /bad_return_value/ })
  t.equal(runtime.whereis('x'), undefined)
  await close()
})

t.test('A8: an id is never taken once a start has failed, however often', async (t) => {
  const { runtime, close } = probing(t)
  for (let round = 0; round < 100; round++) {
    await t.rejects(runtime.start('probe', { mode: 'ignore' }, { id: 'p' }), StartIgnored)
    if (runtime.whereis('p') !== undefined) t.fail(`ignored, but taken in round ${round}`)
    await t.rejects(runtime.start('probe', { mode: 'stop' }, { id: 'p' }), { code: 'init_refused' })
    if (runtime.whereis('p') !== undefined) t.fail(`stopped, but taken in round ${round}`)
  }
  await close()
})

t.test('A10: a taken id is refused with its holder, whose life goes on; init of the loser never runs', async (t) => {
  const { runtime, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'n' })
  await t.rejects(runtime.start('other', { mode: 'raise' }, { id: 'n' }), {
    code: 'already_started',
    effect: 'none',
    details: { server: { id: 'n', implementation: 'probe', incarnation: 1 } },
  })
  t.same(trace, ['init ok'])
  t.equal(await runtime.call('n', 'ping'), 'pong')
  await close()
})

t.test('an id is taken from the moment its init begins', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  const first = observe(runtime.start('probe', { mode: 'sleep', ms: 10 }, { id: 'n' }))
  await t.rejects(runtime.start('probe', {}, { id: 'n' }), { code: 'already_started' })
  t.equal(first.outcome, 'pending')
  await clock.advance(10)
  t.equal(first.value?.status, 'running')
  t.same(trace, ['init sleep'])
  await close()
})

t.test('S:B11: a slow init holds up nobody else', async (t) => {
  const { runtime, clock, close } = probing(t)
  const slow = observe(runtime.start('probe', { mode: 'sleep', ms: 100 }))
  await runtime.start('probe', {}, { id: 'quick' })
  t.equal(await runtime.call('quick', 'ping'), 'pong')
  t.equal(slow.outcome, 'pending')
  await clock.advance(100)
  t.equal(slow.outcome, 'resolved')
  await close()
})

t.test('messages that come while init runs wait, and are handled when it has succeeded', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  const started = observe(runtime.start('probe', { mode: 'sleep', ms: 10 }, { id: 'n' }))
  const call = observe(runtime.call('n', 'get'))
  runtime.cast('n', 'note', { note: 'early' })
  await clock.advance(9)
  t.equal(call.outcome, 'pending')
  t.equal(runtime.info('n').mailbox.length, 2)
  await clock.advance(1)
  t.equal(started.outcome, 'resolved')
  t.equal(call.value, 0)
  t.same(trace, ['init sleep', 'note early'])
  await close()
})

t.test('messages that come while init runs fail with it', async (t) => {
  const { runtime, clock, close } = probing(t)
  const started = observe(runtime.start('probe', { mode: 'sleep', ms: 500 }, { id: 'n', timeout: 10 }))
  const call = observe(runtime.call('n', 'get'))
  const stop = observe(runtime.stop('n'))
  await clock.advance(10)
  t.match(started.error, { code: 'init_timeout' })
  t.match(call.error, { code: 'init_timeout' })
  t.match(stop.error, { code: 'init_timeout' })
  await clock.advance(500)
  await close()
})

t.test('a kill while init runs fails the start and what waits', async (t) => {
  const { runtime, clock, close } = probing(t)
  const started = observe(runtime.start('probe', { mode: 'sleep', ms: 50 }, { id: 'n' }))
  const call = observe(runtime.call('n', 'get'))
  runtime.kill('n')
  t.equal(runtime.whereis('n'), undefined)
  await clock.advance(0)
  t.match(started.error, { code: 'server_exited', details: { reason: 'killed' } })
  t.match(call.error, { code: 'server_exited', details: { reason: 'killed' } })
  await clock.advance(50)
  await close()
})

t.test(
  'an init that has no success gives back the places that it had reserved, and its casts never leave',
  async (t) => {
    const door = latch()
    const heard: string[] = []
    const { runtime, clock, close } = running(t, {
      listener: defineServer({
        mailbox: 1,
        state: Type.Object({}),
        casts: { hear: {} },
        init: () => ({}),
        handleCast: { hear: () => void heard.push('heard') },
      }),
      speaker: defineServer({
        args: Type.Object({ fail: Type.Boolean() }),
        state: Type.Object({}),
        init: async ({ fail }, ctx) => {
          ctx.cast('l', 'hear')
          if (fail) throw new Error('no')
          await door.promise
          return {}
        },
      }),
    })
    await runtime.start('listener', {}, { id: 'l' })
    await t.rejects(runtime.start('speaker', { fail: true }), { message: /crashed: no/ })
    await t.rejects(runtime.start('speaker', { fail: true }), { message: /crashed: no/ })
    const late = observe(runtime.start('speaker', { fail: false }, { timeout: 10 }))
    await clock.advance(10)
    t.match(late.error, { code: 'init_timeout' })
    const killed = observe(runtime.start('speaker', { fail: false }, { id: 'k' }))
    runtime.kill('k')
    await clock.advance(0)
    t.match(killed.error, { code: 'server_exited' })
    door.open()
    await clock.advance(0)
    t.same(heard, [])
    runtime.cast('l', 'hear')
    await clock.advance(0)
    t.same(heard, ['heard'])
    await close()
  },
)

t.test('effects made in init leave when it has succeeded, and never when it has failed', async (t) => {
  const heard: unknown[] = []
  const { runtime, clock, close } = running(t, {
    listener: defineServer({
      state: Type.Object({}),
      casts: { hear: { args: Type.Object({ word: Type.String() }) } },
      init: () => ({}),
      handleCast: { hear: (_state, { word }) => void heard.push(word) },
    }),
    speaker: defineServer({
      args: Type.Object({ word: Type.String(), ok: Type.Boolean() }),
      state: Type.Object({}),
      init: async ({ word, ok }, ctx) => {
        ctx.cast('l', 'hear', { word })
        await undefined
        if (!ok) throw new Error('no')
        return {}
      },
    }),
  })
  await runtime.start('listener', {}, { id: 'l' })
  await t.rejects(runtime.start('speaker', { word: 'lost', ok: false }))
  await runtime.start('speaker', { word: 'said', ok: true })
  await clock.advance(0)
  t.same(heard, ['said'])
  await close()
})

t.test(
  'a server begins with revision 1 and incarnation 1, and both go on growing when its id comes back',
  async (t) => {
    const { runtime, close } = probing(t)
    t.match(await runtime.start('probe', {}, { id: 'n' }), { revision: 1, incarnation: 1, restarts: 0 })
    await runtime.call('n', 'set', { value: 1 })
    t.equal(runtime.info('n').revision, 2)
    await runtime.call('n', 'set', { value: 1 })
    t.equal(runtime.info('n').revision, 2, 'nothing has changed')
    await runtime.stop('n')
    await t.rejects(runtime.start('probe', { mode: 'raise' }, { id: 'n' }), { code: 'init_crashed' })
    t.match(await runtime.start('probe', {}, { id: 'n' }), { revision: 3, incarnation: 2 })
    await close()
  },
)

t.test('an exit is remembered for its time and then forgotten', async (t) => {
  const world = running(t, (clock) => ({ probe: makeProbe(clock).probe }), { rememberExits: 1000 })
  const { runtime, clock, close } = world
  await runtime.start('probe', {}, { id: 'n' })
  await runtime.stop('n', { reason: 'tired' })
  await clock.advance(999)
  t.throws(() => runtime.info('n'), {
    code: 'server_exited',
    details: { reason: 'tired', exitedAt: Date.UTC(2026, 0) },
  })
  await clock.advance(1)
  t.throws(() => runtime.info('n'), { code: 'unknown_server' })
  t.match(await runtime.start('probe', {}, { id: 'n' }), { revision: 1, incarnation: 1 })
  await close()
})

t.test('get or start starts one server, however many ask at once, and answers when init has returned', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  const ask = () => observe(runtime.getOrStart('probe', { mode: 'sleep', ms: 10 }, { id: 'n' }))
  const [first, second] = [ask(), ask()]
  await clock.advance(9)
  t.equal(first.outcome, 'pending')
  t.equal(second.outcome, 'pending')
  await clock.advance(1)
  t.match(first.value, { started: true, info: { id: 'n', status: 'running' } })
  t.match(second.value, { started: false, info: { id: 'n', status: 'running' } })
  t.match(await runtime.getOrStart('probe', {}, { id: 'n' }), { started: false })
  t.same(trace, ['init sleep'])
  await t.rejects(runtime.getOrStart('other', {}, { id: 'n' }), {
    code: 'already_started',
    details: { server: { implementation: 'probe' } },
  })
  await t.rejects(runtime.getOrStart('none', {}, { id: 'n' }), { code: 'unknown_implementation' })
  await close()
})

t.test('all who ask for a server that fails to start hear of it', async (t) => {
  const { runtime, clock, close } = probing(t)
  const ask = () => observe(runtime.getOrStart('probe', { mode: 'raise' }, { id: 'n' }))
  const asked = [ask(), ask()]
  await clock.advance(0)
  for (const each of asked) t.match(each.error, { code: 'init_crashed' })
  await close()
})

t.test('two calls with start at once start one server and are answered by it', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  const start = { implementation: 'probe', args: { mode: 'sleep', ms: 10 } }
  const set = observe(runtime.call('n', 'set', { value: 7 }, { start }))
  const get = observe(runtime.call('n', 'get', {}, { start }))
  runtime.cast('n', 'note', { note: 'cast' }, { start })
  await clock.advance(10)
  t.equal(set.value, 'ok')
  t.equal(get.value, 7)
  t.same(trace, ['init sleep', 'note cast'])
  await close()
})

t.test('a cast with start starts the server', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  runtime.cast('n', 'note', { note: 'cast' }, { start: { implementation: 'probe' } })
  await clock.advance(0)
  t.same(trace, ['init ok', 'note cast'])
  await close()
})

t.test('a cast whose server refuses to start is dropped, and a warning says so', async (t) => {
  const { runtime, clock, logged, close } = probing(t)
  const start = { implementation: 'probe', args: { mode: 'error' } }
  runtime.cast('n', 'note', { note: 'x' }, { start, origin: { requestId: 'r1' } })
  runtime.cast('later', 'note', { note: 'x' }, { start, delay: 10 })
  await clock.advance(0)
  t.match(
    logged.filter(({ level }) => level === 'warn'),
    [
      { message: /^dropped: probe refused to start: foobar/, fields: { server: 'n', cast: 'note', requestId: 'r1' } },
      { message: /^dropped: /, fields: { server: 'later', cast: 'note' } },
    ],
  )
  await close()
})

t.test('implementation holds also for what start would start, and who has the id is taken as it is', async (t) => {
  const { runtime, trace, close } = probing(t)
  const start = { implementation: 'probe' }
  await t.rejects(runtime.call('n', 'get', {}, { start, implementation: 'other' }), { code: 'unknown_server' })
  t.throws(() => runtime.cast('n', 'note', { note: 'x' }, { start, implementation: 'other' }), {
    code: 'unknown_server',
  })
  t.same([runtime.whereis('n'), trace], [undefined, []])
  t.equal(await runtime.call('n', 'get', {}, { start, implementation: 'probe' }), 0)
  t.equal(await runtime.call('n', 'get', {}, { start: { implementation: 'other' } }), 0)
  t.equal(runtime.info('n').implementation, 'probe')
  await t.rejects(runtime.call('n', 'get', {}, { start, implementation: 'other' }), { code: 'unknown_server' })
  await close()
})

t.test('what is wrong with the message of a call with start is said before anything starts', async (t) => {
  const { runtime, trace, close } = probing(t)
  const start = { implementation: 'probe' }
  await t.rejects(runtime.call('n', 'nonsense', {}, { start }), { code: 'unknown_message' })
  await t.rejects(runtime.call('n', 'set', { wrong: 1 }, { start }), { code: 'invalid_args' })
  await t.rejects(runtime.call('n', 'get', {}, { start: { implementation: 'none' } }), {
    code: 'unknown_implementation',
  })
  await t.rejects(runtime.call('n', 'get', {}, { start: { implementation: 'probe', args: { wrong: 1 } } }), {
    code: 'invalid_args',
  })
  t.throws(() => runtime.cast('n', 'nonsense', {}, { start }), { code: 'unknown_message' })
  t.equal(runtime.whereis('n'), undefined)
  t.same(trace, [])
  await close()
})

t.test('a call with start hears how the start failed', async (t) => {
  const { runtime, clock, close } = probing(t)
  const call = (mode: string) =>
    observe(runtime.call('n', 'get', {}, { start: { implementation: 'probe', args: { mode } } }))
  const refused = call('error')
  await clock.advance(0)
  t.match(refused.error, { code: 'init_refused', details: { reason: 'foobar' } })
  const ignored = call('ignore')
  await clock.advance(0)
  t.match(ignored.error, { code: 'unknown_server', message: /not started/ })
  await close()
})

t.test('a call with start hears at once of an init that fails at once', async (t) => {
  const { runtime, clock, close } = running(t, {
    picky: defineServer({
      args: Type.Object({ mode: Type.String() }),
      state: Type.Object({}),
      calls: { get: {} },
      init: ({ mode }, ctx) => {
        if (mode === 'ignore') return ctx.ignore()
        if (mode === 'refuse') return ctx.refuse('no')
        throw new Error('bailout')
      },
      handleCall: { get: () => {} },
    }),
  })
  for (const [mode, code] of [
    ['refuse', 'init_refused'],
    ['raise', 'init_crashed'],
    ['ignore', 'unknown_server'],
  ] as const) {
    const call = observe(runtime.call('n', 'get', {}, { start: { implementation: 'picky', args: { mode } } }))
    await clock.advance(0)
    t.match(call.error, { code, effect: 'none' }, mode)
  }
  await close()
})

t.test('init gets a copy of the args: what it does to them is not there at a restart', async (t) => {
  const seen: unknown[] = []
  const { runtime, clock, close } = running(t, {
    greedy: defineServer({
      restartFrom: 'init',
      args: Type.Object({ list: Type.Array(Type.Integer()) }),
      state: Type.Object({}),
      casts: { crash: {} },
      init: ({ list }) => {
        seen.push([...list])
        list.push(99)
        return {}
      },
      handleCast: {
        crash: () => {
          throw new Error('crash')
        },
      },
    }),
  })
  await runtime.start('greedy', { list: [1] }, { id: 'g' })
  runtime.cast('g', 'crash')
  await clock.advance(0)
  t.same(seen, [[1], [1]])
  await close()
})

t.test('a start without a deadline waits as long as init takes', async (t) => {
  const { runtime, clock, close } = probing(t)
  const started = observe(
    runtime.start('probe', { mode: 'sleep', ms: 1_000_000 }, { timeout: Number.POSITIVE_INFINITY }),
  )
  await clock.advance(999_999)
  t.equal(started.outcome, 'pending')
  await clock.advance(1)
  t.equal(started.outcome, 'resolved')
  await close()
})

t.test('ctx.start starts a server and waits for its init', async (t) => {
  const door = latch()
  const { runtime, clock, close } = running(t, (clock) => ({
    child: defineServer({
      args: Type.Object({ mode: Type.String() }),
      state: Type.Object({}),
      init: async ({ mode }, ctx) => {
        if (mode === 'ignore') return ctx.ignore()
        if (mode === 'refuse') return ctx.refuse('no')
        await door.promise
        return {}
      },
    }),
    parent: defineServer({
      state: Type.Object({}),
      calls: { spawn: { args: Type.Object({ mode: Type.String() }), reply: Type.Unknown() } },
      init: () => ({}),
      handleCall: {
        spawn: async (_state, { mode }, ctx) => {
          await pause(clock, 0)
          try {
            return { id: (await ctx.start('child', { mode }, { id: 'c' })) ?? 'nobody', seen: ctx.whereis('c') ?? null }
          } catch (error) {
            return { code: (error as { code?: string }).code ?? String(error) }
          }
        },
      },
    }),
  }))
  await runtime.start('parent', {}, { id: 'p' })
  const spawned = observe(runtime.call('p', 'spawn', { mode: 'ok' }))
  await clock.advance(0)
  t.equal(spawned.outcome, 'pending')
  door.open()
  await clock.advance(0)
  t.same(spawned.value, { id: 'c', seen: 'c' })
  const again = observe(runtime.call('p', 'spawn', { mode: 'ok' }))
  await clock.advance(0)
  t.same(again.value, { code: 'already_started' })
  runtime.kill('c')
  const ignored = observe(runtime.call('p', 'spawn', { mode: 'ignore' }))
  await clock.advance(0)
  t.same(ignored.value, { id: 'nobody', seen: null }, 'to be ignored is no failure')
  const refused = observe(runtime.call('p', 'spawn', { mode: 'refuse' }))
  await clock.advance(0)
  t.same(refused.value, { code: 'init_refused' })
  await close()
})

t.test('an implementation that needs a durable store is refused by a runtime that has none', async (t) => {
  t.throws(
    () => running(t, { kept: defineServer({ durable: true, state: Type.Object({}), init: () => ({}) }) }),
    /kept: .*durable/,
  )
})
