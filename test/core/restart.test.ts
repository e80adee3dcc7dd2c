import { defineServer, Type } from 'genservers'
import t from 'tap'
import { probing } from './probe.js'
import { latch, observe, running } from './running.js'

const any = Type.Unknown()

t.test(
  'a server that stands alone restarts from its last good state, without terminate, as a new incarnation',
  async (t) => {
    const { runtime, clock, trace, close } = probing(t)
    await runtime.start('probe', {}, { id: 'p' })
    await runtime.call('p', 'set', { value: 'good' })
    const crash = observe(runtime.call('p', 'crash'))
    const queued = observe(runtime.call('p', 'get'))
    await clock.advance(0)
    t.equal(crash.outcome, 'rejected')
    t.equal(queued.value, 'good', 'what waited is handled by the next life')
    t.same(trace, ['init ok'])
    t.match(runtime.info('p'), {
      status: 'running',
      incarnation: 2,
      restarts: 1,
      revision: 2,
      restart: 'transient',
      restartFrom: 'state',
      lastExit: { reason: { error: 'crashed' }, at: '2026-01-01T00:00:00.000Z' },
    })
    await close()
  },
)

t.test('restartFrom init: terminate, a fresh init with the first args, and the rest of the mailbox', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', { reason: 'kept' }, { id: 'p', restartFrom: 'init' })
  await runtime.call('p', 'set', { value: 'good' })
  runtime.cast('p', 'crashCast')
  const queued = observe(runtime.call('p', 'get'))
  await clock.advance(0)
  t.equal(queued.value, 0)
  t.same(trace, ['init ok', 'terminate {"error":"crashed"} "good"', 'init ok'])
  t.match(runtime.info('p'), { status: 'running', incarnation: 2, restarts: 1, revision: 3 })
  await close()
})

t.test('restartFrom init goes on also if terminate fails', async (t) => {
  const { runtime, clock, close } = probing(t, { terminate: () => Promise.reject(new Error('cannot')) })
  await runtime.start('probe', {}, { id: 'p', restartFrom: 'init' })
  runtime.cast('p', 'crashCast')
  await clock.advance(0)
  t.match(runtime.info('p'), { status: 'running', incarnation: 2 })
  await close()
})

t.test(
  'a continue that a crashed life had left does not run in a fresh one, but does in one that keeps its state',
  async (t) => {
    const heard: string[] = []
    const { runtime, clock, close } = running(t, {
      stepper: defineServer({
        state: Type.Object({}),
        casts: { go: {} },
        init: () => ({}),
        handleCast: {
          go: (_state, _args, ctx) => {
            ctx.continue('crash')
            ctx.continue('left')
          },
        },
        handleContinue: {
          crash: () => {
            throw new Error('crash')
          },
          left: (_state, _args, ctx) => void heard.push(`left, ${ctx.incarnation}`),
        },
      }),
    })
    for (const restartFrom of ['init', 'state'] as const) {
      await runtime.start('stepper', {}, { id: restartFrom, restartFrom })
      runtime.cast(restartFrom, 'go')
      await clock.advance(0)
      t.same(heard, restartFrom === 'init' ? [] : ['left, 2'], restartFrom)
    }
    await close()
  },
)

const ends = {
  crash: { act: 'crashCast', args: {} },
  normal: { act: 'stopCast', args: { reason: 'normal' } },
  shutdown: { act: 'stopCast', args: { reason: 'shutdown' } },
  odd: { act: 'stopCast', args: { reason: 'odd' } },
}
const restarted = {
  permanent: ['crash', 'normal', 'shutdown', 'odd'],
  transient: ['crash'],
  temporary: [],
} as Record<string, string[]>

for (const restart of ['permanent', 'transient', 'temporary'] as const) {
  t.test(`a ${restart} server comes back after: ${restarted[restart]?.join(', ') || 'nothing'}`, async (t) => {
    for (const [name, { act, args }] of Object.entries(ends)) {
      const { runtime, clock, trace, close } = probing(t)
      await runtime.start('probe', {}, { id: 'p', restart })
      runtime.cast('p', act, args)
      await clock.advance(0)
      const isBack = restarted[restart]?.includes(name)
      t.equal(runtime.whereis('p'), isBack ? 'p' : undefined, name)
      if (isBack) t.match(runtime.info('p'), { status: 'running', incarnation: 2, restarts: 1 }, name)
      const isKept = restart !== 'temporary' && name === 'crash'
      t.equal(
        trace.some((line) => line.startsWith('terminate')),
        !isKept,
        `${name}: terminate`,
      )
      if (isBack) {
        await runtime.stop('p')
        t.equal(runtime.whereis('p'), undefined, `${name}: an ordered stop is obeyed`)
      }
      await close()
    }
  })
}

t.test('a permanent server that stops itself tells those who wait, and begins anew', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p', restart: 'permanent' })
  await runtime.call('p', 'set', { value: 1 })
  const waiting = observe(runtime.call('p', 'delayedAnswer', { ms: 100 }))
  const bye = observe(runtime.call('p', 'stopReply', { reason: 'normal' }))
  const mute = observe(runtime.call('p', 'stopNoReply', { reason: 'normal' }))
  await clock.advance(0)
  t.equal(bye.value, 'bye')
  t.match(mute.error, { code: 'server_exited', effect: 'unknown' })
  t.match(waiting.error, { code: 'server_exited', details: { reason: 'normal' } })
  t.equal(await runtime.call('p', 'get'), 0)
  t.match(runtime.info('p'), { incarnation: 3, restarts: 2, lastExit: { reason: 'normal' } })
  t.equal(trace.filter((line) => line.startsWith('terminate')).length, 2)
  await close()
})

t.test('a permanent server whose budget is used up stays stopped', async (t) => {
  const { runtime, clock, close } = probing(t, {}, { maxRestarts: 1, maxSeconds: 5 })
  await runtime.start('probe', {}, { id: 'p', restart: 'permanent' })
  runtime.cast('p', 'stopCast', { reason: 'normal' })
  await clock.advance(0)
  t.equal(runtime.info('p').incarnation, 2)
  runtime.cast('p', 'stopCast', { reason: 'normal' })
  await clock.advance(0)
  t.throws(() => runtime.info('p'), { code: 'server_exited', details: { reason: 'normal' } })
  await close()
})

for (const restartFrom of ['state', 'init'] as const) {
  t.test(`S:J8: one crash more than the budget ends a server that restarts from its ${restartFrom}`, async (t) => {
    const { runtime, clock, trace, reports, close } = probing(t, {}, { maxRestarts: 2, maxSeconds: 5 })
    await runtime.start('probe', {}, { id: 'p', restartFrom })
    await runtime.start('probe', {}, { id: 'bystander' })
    runtime.cast('p', 'crashCast')
    runtime.cast('p', 'crashCast')
    await clock.advance(5000)
    t.equal(runtime.info('p').restarts, 2)
    const queued = [runtime.call('p', 'crash'), runtime.call('p', 'ping')].map(observe)
    await clock.advance(0)
    t.match(queued[0]?.error, { code: 'server_crashed' })
    t.match(queued[1]?.error, { code: 'server_exited', effect: 'none', details: { reason: { error: 'crashed' } } })
    t.throws(() => runtime.info('p'), { code: 'server_exited', details: { reason: { error: 'crashed' } } })
    t.match(trace.at(-1), 'terminate {"error":"crashed"} 0')
    t.match(reports().at(-1)?.message, /restarts too often/)
    t.equal(await runtime.call('bystander', 'ping'), 'pong', 'X6: its neighbours go on')
    await close()
  })
}

t.test('S:J8: crashes far enough apart never use the budget up', async (t) => {
  const { runtime, clock, close } = probing(t, {}, { maxRestarts: 1, maxSeconds: 1 })
  await runtime.start('probe', {}, { id: 'p' })
  for (let i = 0; i < 4; i++) {
    runtime.cast('p', 'crashCast')
    await clock.advance(1001)
  }
  t.match(runtime.info('p'), { restarts: 4, incarnation: 5 })
  await close()
})

t.test('ten restarts in five seconds are the budget of who says nothing', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  for (let i = 0; i < 10; i++) runtime.cast('p', 'crashCast')
  await clock.advance(0)
  t.match(runtime.info('p'), { restarts: 5, status: 'restarting', attempts: 6 }, 'five come at once')
  await clock.advance(3100)
  t.match(runtime.info('p'), { restarts: 10, status: 'running', attempts: 0 })
  runtime.cast('p', 'crashCast')
  await clock.advance(0)
  t.equal(runtime.whereis('p'), undefined)
  await close()
})

/** Its second and later inits do what `again` says. */
function relapsing(again: (incarnation: number) => Promise<unknown> | unknown) {
  return defineServer({
    restartFrom: 'init',
    state: any,
    calls: { ping: { reply: any } },
    casts: { crash: {} },
    init: async (_args, ctx) => (ctx.incarnation === 1 ? {} : await again(ctx.incarnation)),
    handleCall: { ping: () => 'pong' },
    handleCast: {
      crash: () => {
        throw new Error('crash')
      },
    },
  })
}

t.test('an init that fails at a restart is tried again while the budget lasts', async (t) => {
  const { runtime, clock, close } = running(
    t,
    {
      recovers: relapsing((incarnation) => (incarnation < 4 ? Promise.reject(new Error('not yet')) : {})),
      never: relapsing(() => Promise.reject(new Error('never'))),
    },
    { maxRestarts: 3 },
  )
  await runtime.start('recovers', {}, { id: 'r' })
  runtime.cast('r', 'crash')
  const queued = observe(runtime.call('r', 'ping'))
  await clock.advance(0)
  t.match(runtime.info('r'), { status: 'restarting', attempts: 2, lastExit: { reason: { error: 'not yet' } } })
  await clock.advance(600)
  t.equal(queued.value, 'pong')
  t.match(runtime.info('r'), { incarnation: 4, restarts: 3, lastExit: { reason: { error: 'not yet' } } })
  await runtime.start('never', {}, { id: 'n' })
  runtime.cast('n', 'crash')
  const lost = observe(runtime.call('n', 'ping'))
  await clock.advance(600)
  t.match(lost.error, { code: 'server_exited', details: { reason: { error: 'never' } } })
  t.equal(runtime.whereis('n'), undefined)
  await close()
})

t.test('a crash loop is tried again at growing distances, and nobody else waits for it', async (t) => {
  const tries: number[] = []
  const { runtime, clock, close } = running(t, (clock) => ({
    stubborn: relapsing(() => {
      tries.push(clock.monotonic())
      throw new Error('not again')
    }),
  }))
  await runtime.start('stubborn', {}, { id: 'x' })
  await runtime.start('stubborn', {}, { id: 'bystander' })
  runtime.cast('x', 'crash')
  await clock.advance(0)
  t.match(runtime.info('x'), { status: 'restarting', attempts: 2 })
  t.equal(await runtime.call('bystander', 'ping'), 'pong')
  const late = observe(runtime.call('x', 'ping', {}, { timeout: 50 }))
  await clock.advance(50)
  t.match(late.error, { code: 'restarting', effect: 'none' })
  while (runtime.whereis('x') !== undefined) await clock.advance(100)
  t.equal(tries.length, 10)
  const waits = tries.slice(1).map((at, i) => at - (tries[i] as number))
  for (const [i, ms] of waits.entries()) {
    const most = Math.min(100 * 2 ** (i + 1), 30_000)
    t.ok(ms >= most / 2 && ms <= most, `${ms} ms before try ${i + 2}`)
  }
  t.throws(() => runtime.info('x'), { code: 'server_exited', details: { reason: { error: 'not again' } } })
  await close()
})

t.test('an order to stop is obeyed by a server that waits for its next life', async (t) => {
  const { runtime, clock, close } = running(t, { stubborn: relapsing(() => Promise.reject(new Error('not again'))) })
  const away = async (id: string) => {
    await runtime.start('stubborn', {}, { id })
    runtime.cast(id, 'crash')
    await clock.advance(0)
    t.match(runtime.info(id), { status: 'restarting', attempts: 2 })
  }
  await away('x')
  const waiting = observe(runtime.call('x', 'ping'))
  const { revision } = runtime.info('x')
  await t.rejects(runtime.stop('x', { ifMatch: revision + 1 }), { code: 'revision_mismatch' })
  t.equal(waiting.outcome, 'pending')
  await runtime.stop('x', { reason: 'enough' })
  t.throws(() => runtime.info('x'), { code: 'server_exited', details: { reason: 'enough' } })
  await clock.advance(0)
  t.match(waiting.error, { code: 'server_exited' })
  await runtime.start('stubborn', {}, { id: 'y' })
  runtime.cast('y', 'crash')
  const order = observe(runtime.stop('y'))
  await clock.advance(0)
  t.equal(order.outcome, 'resolved', 'also one that was in the mailbox when it died')
  t.throws(() => runtime.info('y'), { code: 'server_exited', details: { reason: 'normal' } })
  await close()
})

t.test('who waits too long for a restart hears when the next try is', async (t) => {
  const { runtime, clock, close } = running(
    t,
    { stubborn: relapsing(() => Promise.reject(new Error('not again'))) },
    {
      maxRestarts: 20,
      maxSeconds: 60,
    },
  )
  await runtime.start('stubborn', {}, { id: 'x' })
  runtime.cast('x', 'crash')
  await clock.advance(0)
  while (runtime.info('x').attempts < 8) await clock.advance(100)
  const late = observe(runtime.call('x', 'ping', {}, { timeout: 0 }))
  await clock.advance(0)
  t.match(late.error, { code: 'restarting' })
  const { retryAfter = 0 } = late.error?.details ?? {}
  t.ok(retryAfter > 1, `in ${retryAfter} s`)
  const { attempts } = runtime.info('x')
  await clock.advance((retryAfter - 1) * 1000 - 100)
  t.equal(runtime.info('x').attempts, attempts)
  await clock.advance(1100)
  t.ok(runtime.info('x').attempts > attempts)
  runtime.kill('x')
  await close()
})

t.test('a kill between two tries of a restart ends it', async (t) => {
  let inits = 0
  const { runtime, clock, close } = running(t, {
    stubborn: defineServer({
      restartFrom: 'init',
      state: Type.Object({}),
      casts: { crash: {}, kill: {} },
      init: (_args, ctx) => {
        if (ctx.id === 'x') inits++
        if (ctx.incarnation === 1) return {}
        runtime.cast('killer', 'kill')
        throw new Error('not again')
      },
      handleCast: {
        crash: () => {
          throw new Error('crash')
        },
        kill: () => runtime.kill('x'),
      },
    }),
  })
  await runtime.start('stubborn', {}, { id: 'x' })
  await runtime.start('stubborn', {}, { id: 'killer' })
  runtime.cast('x', 'crash')
  await clock.advance(0)
  t.equal(inits, 2)
  t.throws(() => runtime.info('x'), { code: 'server_exited', details: { reason: 'killed' } })
  await close()
})

t.test('an init that is ignored at a restart ends the server normally', async (t) => {
  let inits = 0
  const { runtime, clock, close } = running(t, {
    shy: defineServer({
      restartFrom: 'init',
      state: Type.Object({}),
      casts: { crash: {} },
      init: (_args, ctx) => {
        inits++
        return ctx.incarnation === 1 ? {} : ctx.ignore()
      },
      handleCast: {
        crash: () => {
          throw new Error('crash')
        },
      },
    }),
  })
  await runtime.start('shy', {}, { id: 's' })
  runtime.cast('s', 'crash')
  await clock.advance(0)
  t.throws(() => runtime.info('s'), { code: 'server_exited', details: { reason: 'normal' } })
  t.equal(inits, 2, 'it is not tried again')
  await close()
})

t.test('while a fresh init runs the id stays, calls wait, and one that waits too long hears so', async (t) => {
  const door = latch<unknown>()
  const { runtime, clock, close } = running(t, { slow: relapsing(() => door.promise) })
  await runtime.start('slow', {}, { id: 's' })
  runtime.cast('s', 'crash')
  await clock.advance(0)
  t.match(runtime.info('s'), { status: 'restarting', incarnation: 2 })
  t.equal(runtime.list({ status: 'restarting' }).servers.length, 1)
  await t.rejects(runtime.start('slow', {}, { id: 's' }), { code: 'already_started' })
  const short = observe(runtime.call('s', 'ping', {}, { timeout: 10 }))
  const patient = observe(runtime.call('s', 'ping', {}, { timeout: 100 }))
  await clock.advance(10)
  t.match(short.error, { code: 'restarting', effect: 'none', details: { retryAfter: 1 } })
  t.equal(patient.outcome, 'pending')
  door.open({})
  await clock.advance(0)
  t.equal(patient.value, 'pong')
  await close()
})

t.test('a kill ends a server that restarts', async (t) => {
  const door = latch<unknown>()
  const { runtime, clock, close } = running(t, { slow: relapsing(() => door.promise) })
  await runtime.start('slow', {}, { id: 's' })
  runtime.cast('s', 'crash')
  const queued = observe(runtime.call('s', 'ping'))
  await clock.advance(0)
  runtime.kill('s')
  await clock.advance(0)
  t.match(queued.error, { code: 'server_exited', details: { reason: 'killed' } })
  t.equal(runtime.whereis('s'), undefined)
  door.open({})
  await clock.advance(0)
  t.equal(runtime.whereis('s'), undefined)
  await close()
})

t.test('a server may be started with terms of its own, which must be terms', async (t) => {
  const { runtime, close } = probing(t, { restart: 'temporary', restartFrom: 'init', mailbox: 7, shutdown: 9 })
  t.match(await runtime.start('probe'), { restart: 'temporary', restartFrom: 'init', mailbox: { limit: 7 } })
  t.match(await runtime.start('probe', {}, { restart: 'permanent', restartFrom: 'state', mailbox: 3 }), {
    restart: 'permanent',
    restartFrom: 'state',
    mailbox: { limit: 3 },
  })
  for (const wrong of [{ mailbox: 0 }, { mailbox: 1.5 }, { shutdown: -1 }, { id: '..' }, { timeout: -1 }]) {
    await t.rejects(runtime.start('probe', {}, wrong), { code: 'invalid_request' }, JSON.stringify(wrong))
  }
  t.equal(runtime.list().servers.length, 2)
  await close()
})
