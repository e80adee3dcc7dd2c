import { defineServer, Type } from 'genservers'
import t from 'tap'
import { probing } from './probe.js'
import { latch, observe, pause, running } from './running.js'

t.test('X8: a drained runtime refuses new work and goes on with what is queued', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const queued = observe(runtime.call('p', 'slowSet', { ms: 10, value: 1 }))
  t.equal(runtime.draining, false)
  runtime.drain()
  t.equal(runtime.draining, true)
  const refused = { code: 'draining', effect: 'none', details: { retryAfter: 1 } }
  await t.rejects(runtime.call('p', 'ping'), refused)
  await t.rejects(runtime.start('probe'), refused)
  await t.rejects(runtime.getOrStart('probe', {}, { id: 'new' }), refused)
  t.throws(() => runtime.cast('p', 'note', { note: 'x' }), refused)
  t.throws(() => runtime.send('p', 'queued'), refused)
  await clock.advance(10)
  t.equal(queued.value, 'slow')
  t.equal(runtime.info('p').status, 'running', 'looking is allowed')
  await close()
})

t.test('X8: close finishes queued work, then stops all servers, the youngest first, with terminate', async (t) => {
  const { runtime, clock, trace } = probing(t)
  for (const id of ['b', 'c', 'a']) await runtime.start('probe', {}, { id })
  for (const [id, value] of [
    ['b', 1],
    ['c', 2],
    ['a', 3],
  ] as const)
    await runtime.call(id, 'set', { value })
  const work = observe(runtime.call('b', 'slowSet', { ms: 50, value: 'late' }))
  const more = observe(runtime.call('b', 'get'))
  trace.length = 0
  const closed = observe(runtime.close({ timeout: 100 }))
  await clock.advance(49)
  t.equal(closed.outcome, 'pending')
  t.same(trace, ['slowSet'], 'no server stops while there is work')
  await clock.advance(1)
  t.equal(work.value, 'slow')
  t.equal(more.value, 'late')
  t.equal(closed.outcome, 'resolved')
  t.same(trace.slice(1), ['terminate "shutdown" 3', 'terminate "shutdown" 2', 'terminate "shutdown" "late"'])
  t.same(runtime.list().servers, [])
  t.equal(clock.pending, 0)
  t.throws(() => runtime.info('a'), { code: 'server_exited', details: { reason: 'shutdown' } })
})

t.test('close waits for work that servers give each other, and for calls that only look', async (t) => {
  const done: string[] = []
  const door = latch()
  const { runtime, clock } = running(t, (clock) => ({
    first: defineServer({
      state: Type.Object({}),
      casts: { go: {} },
      calls: { look: { reply: Type.Unknown(), readOnly: true } },
      init: () => ({}),
      handleCall: { look: () => door.promise.then(() => 'looked') },
      handleCast: {
        go: async (_state, _args, ctx) => {
          await pause(clock, 10)
          ctx.cast('a', 'go')
        },
      },
    }),
    second: defineServer({
      state: Type.Object({}),
      casts: { go: {} },
      init: () => ({}),
      handleCast: {
        go: async () => {
          await pause(clock, 10)
          done.push('second')
        },
      },
      terminate: () => void done.push('terminated'),
    }),
  }))
  await runtime.start('second', {}, { id: 'a' })
  await runtime.start('first', {}, { id: 'b' })
  runtime.cast('b', 'go')
  const look = observe(runtime.call('b', 'look'))
  await clock.advance(0)
  const closed = observe(runtime.close())
  await clock.advance(19)
  t.same(done, [])
  await clock.advance(1)
  t.same(done, ['second'])
  t.equal(closed.outcome, 'pending', 'somebody looks still')
  door.open()
  await clock.advance(0)
  t.equal(look.value, 'looked')
  t.equal(closed.outcome, 'resolved')
  t.same(done, ['second', 'terminated'])
  t.equal(clock.pending, 0)
})

t.test('work that goes on after the limit is cut off; the other servers still terminate', async (t) => {
  const { runtime, clock, trace } = probing(t)
  await runtime.start('probe', {}, { id: 'busy' })
  await runtime.start('probe', {}, { id: 'idle' })
  const work = observe(runtime.call('busy', 'slowSet', { ms: 1000, value: 1 }, { timeout: Number.POSITIVE_INFINITY }))
  const queued = observe(runtime.call('busy', 'ping', {}, { timeout: Number.POSITIVE_INFINITY }))
  const closed = observe(runtime.close({ timeout: 100 }))
  await clock.advance(99)
  t.equal(closed.outcome, 'pending')
  t.equal(work.outcome, 'pending')
  await clock.advance(1)
  t.equal(closed.outcome, 'resolved')
  t.match(work.error, { code: 'server_exited', effect: 'unknown', details: { reason: 'killed' } })
  t.match(queued.error, { code: 'server_exited', effect: 'none', details: { reason: 'killed' } })
  t.same(trace.slice(3), ['terminate "shutdown" 0'])
  await clock.advance(1000)
  t.equal(clock.pending, 0)
})

t.test(
  'S:H13: a terminate has the shutdown time of its server, and no more than the limit; then it is killed',
  async (t) => {
    for (const { shutdown, timeout, ends } of [
      { shutdown: 30, timeout: 1000, ends: 30 },
      { shutdown: 5000, timeout: 200, ends: 200 },
      { shutdown: Number.POSITIVE_INFINITY, timeout: 300, ends: 300 },
    ]) {
      const { runtime, clock } = probing(t, { terminate: () => new Promise(() => {}), shutdown })
      await runtime.start('probe', {}, { id: 'p' })
      const closed = observe(runtime.close({ timeout }))
      await clock.advance(ends - 1)
      t.equal(closed.outcome, 'pending')
      t.equal(runtime.info('p').status, 'stopping')
      await clock.advance(1)
      t.equal(closed.outcome, 'resolved')
      t.throws(() => runtime.info('p'), { code: 'server_exited', details: { reason: 'killed' } })
      t.equal(clock.pending, 0)
    }
  },
)

t.test('terminates of different servers take their time side by side', async (t) => {
  const { runtime, clock } = running(t, (clock) => ({
    slow: defineServer({ state: Type.Object({}), init: () => ({}), terminate: () => pause(clock, 100) }),
  }))
  for (let i = 0; i < 10; i++) await runtime.start('slow')
  const closed = observe(runtime.close())
  await clock.advance(99)
  t.equal(closed.outcome, 'pending')
  await clock.advance(1)
  t.equal(closed.outcome, 'resolved')
})

t.test('close cuts off an init that runs, and tells who waits for it', async (t) => {
  const { runtime, clock } = probing(t)
  const started = observe(runtime.start('probe', { mode: 'sleep', ms: 5000 }, { timeout: 60_000, shutdown: 10 }))
  const closed = observe(runtime.close())
  await clock.advance(10)
  t.equal(closed.outcome, 'resolved')
  t.match(started.error, { code: 'server_exited', details: { reason: 'killed' } })
  await clock.advance(5000)
  t.equal(clock.pending, 0)
})

t.test('a server that another starts while it terminates is not left over', async (t) => {
  const { runtime, clock } = running(t, {
    phoenix: defineServer({
      state: Type.Object({}),
      init: () => ({}),
      terminate: async (_state, _reason, ctx) => {
        if (ctx.id === 'first') await ctx.start('phoenix', {}, { id: 'second' })
      },
    }),
  })
  await runtime.start('phoenix', {}, { id: 'first' })
  const closed = observe(runtime.close())
  await clock.advance(0)
  t.equal(closed.outcome, 'resolved')
  t.same(runtime.list().servers, [])
})

t.test('to close twice is to close once', async (t) => {
  const { runtime, clock, trace } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const first = runtime.close()
  t.equal(runtime.close({ timeout: 1 }), first)
  await clock.advance(0)
  await first
  t.same(trace, ['init ok', 'terminate "shutdown" 0'])
})

t.test('a runtime on the clock of the machine, with nothing given, works and closes', async (t) => {
  const { createRuntime } = await import('genservers')
  const runtime = createRuntime({
    implementations: {
      counter: defineServer({
        state: Type.Object({ n: Type.Integer() }),
        calls: { grow: { reply: Type.Integer() } },
        init: () => ({ n: 0 }),
        handleCall: { grow: (state) => ++state.n },
      }),
    },
  })
  const { id } = await runtime.start('counter')
  t.match(id, /^[0-9a-f-]{36}$/)
  t.equal(await runtime.call(id, 'grow'), 1)
  t.same([...runtime.implementations.keys()], ['counter', 'supervisor'])
  await runtime.close()
  await createRuntime().close()
})
