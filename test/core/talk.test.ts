import { type AnyDefinition, defineServer, type GenServerError, Type } from 'genservers'
import t from 'tap'
import { observe, pause, running } from './running.js'

const any = Type.Unknown()

/** A server that passes a call on along a path of ids, slowly if it is told to. */
function relay(clock: Parameters<typeof pause>[0], ran: string[] = []): AnyDefinition {
  const Via = Type.Object({ path: Type.Array(Type.String()), message: Type.String(), options: Type.Optional(any) })
  return defineServer({
    args: Type.Object({ calls: Type.Optional(Type.String()), starts: Type.Optional(Type.String()) }),
    state: Type.Object({ n: Type.Integer() }),
    calls: {
      via: { args: Via, reply: any },
      look: { args: Via, reply: any, readOnly: true },
      lookAtB: { reply: any, readOnly: true },
      lookAtC: { reply: any, readOnly: true },
      tryVia: { args: Via, reply: any },
      pipeVia: { args: Via, reply: any },
      slowVia: { args: Type.Object({ ms: Type.Integer(), path: Type.Array(Type.String()) }), reply: any },
      start: { args: Type.Object({ id: Type.String(), calls: Type.String() }), reply: any },
      thenSlow: { args: Type.Object({ id: Type.String() }), reply: any },
      startThenSlow: { args: Type.Object({ id: Type.String() }), reply: any },
      ping: { reply: any },
      slow: { args: Type.Object({ ms: Type.Integer() }), reply: any },
      get: { reply: any },
    },
    casts: { pass: { args: Via } },
    init: async ({ calls }, ctx) => {
      if (calls !== undefined) await ctx.call(calls, 'ping')
      return { n: 0 }
    },
    handleCall: {
      via: (_state, args, ctx) => follow(args, ctx),
      look: (_state, args, ctx) => follow(args, ctx),
      lookAtB: (_state, _args, ctx) => ctx.call('b', 'ping'),
      lookAtC: (_state, _args, ctx) => ctx.call('c', 'slow', { ms: 100 }),
      tryVia: async (_state, args, ctx) => {
        try {
          return await follow(args, ctx)
        } catch (error) {
          const { code, effect, details } = error as GenServerError
          return { code, effect, chain: details.chain ?? null }
        }
      },
      pipeVia: (_state, args, ctx) => {
        ctx.pipe(follow(args, ctx), 'piped')
        return 'piped'
      },
      slowVia: async (_state, { ms, path }, ctx) => {
        await pause(clock, ms)
        return follow({ path, message: 'ping' }, ctx)
      },
      start: (_state, { id, calls }, ctx) => ctx.start('relay', { calls }, { id }),
      thenSlow: async (_state, { id }, ctx) => {
        await ctx.call(id, 'ping')
        await pause(clock, 10)
        return 'slow'
      },
      startThenSlow: async (_state, { id }, ctx) => {
        await ctx.start('relay', {}, { id })
        await pause(clock, 10)
        return 'slow'
      },
      ping: (_state, _args, ctx) => {
        ran.push(`ping ${ctx.id}`)
        return 'pong'
      },
      slow: async (state, { ms }, ctx) => {
        ran.push(`slow ${ctx.id}`)
        await pause(clock, ms)
        state.n++
        return 'slow'
      },
      get: (state) => state.n,
    },
    handleCast: { pass: async (_state, args, ctx) => void (await follow(args, ctx)) },
    handleInfo: { piped: (_state, outcome) => void ran.push(JSON.stringify(outcome)) },
  }) as AnyDefinition
}

interface Via {
  path: string[]
  message: string
  options?: unknown
}

function follow({ path, message, options }: Via, ctx: { call(...args: never[]): Promise<unknown> }): Promise<unknown> {
  const call = ctx.call as (id: string, message: string, args: unknown, options?: unknown) => Promise<unknown>
  const [next, ...rest] = path
  if (rest.length > 0)
    return call.call(ctx, next as string, 'via', { path: rest, message, ...(options ? { options } : {}) })
  const args = message === 'slow' ? { ms: 100 } : {}
  return call.call(ctx, next as string, message, args, options)
}

async function relays(t: Parameters<typeof running>[0], ...ids: string[]) {
  const ran: string[] = []
  const world = running(t, (clock) => ({ relay: relay(clock, ran) }))
  for (const id of ids) await world.runtime.start('relay', {}, { id })
  return { ...world, ran }
}

t.test('a call from a handler is answered, and its revision counts nobody else', async (t) => {
  const { runtime, close } = await relays(t, 'a', 'b', 'c')
  t.equal(await runtime.call('a', 'via', { path: ['b', 'c'], message: 'ping' }), 'pong')
  await close()
})

t.test('what a handler calls and casts goes on under the request that brought its own message', async (t) => {
  const crasher = defineServer({
    state: Type.Object({}),
    calls: { crash: {} },
    casts: { crash: {} },
    init: () => ({}),
    handleCall: { crash: () => Promise.reject(new Error('called')) },
    handleCast: { crash: () => Promise.reject(new Error('cast')) },
  })
  const asker = defineServer({
    state: Type.Object({}),
    calls: { call: { args: Type.Object({ to: Type.String() }) }, cast: { args: Type.Object({ to: Type.String() }) } },
    casts: { call: { args: Type.Object({ to: Type.String() }) } },
    init: () => ({}),
    handleCall: {
      call: (_state, { to }, ctx) => ctx.call(to, 'crash').then(undefined, () => {}),
      cast: (_state, { to }, ctx) => ctx.cast(to, 'crash'),
    },
    handleCast: { call: (_state, { to }, ctx) => ctx.call(to, 'crash').then(undefined, () => {}) },
  })
  const { runtime, clock, reports, close } = running(t, { asker, crasher })
  await runtime.start('asker', {}, { id: 'a' })
  await runtime.start('crasher', {}, { id: 'c' })
  const origin = (requestId: string) => ({ origin: { requestId, traceparent: `00-${requestId}` } })
  await runtime.call('a', 'call', { to: 'c' }, origin('r1'))
  await runtime.call('a', 'cast', { to: 'c' }, origin('r2'))
  runtime.cast('a', 'call', { to: 'c' }, origin('r3'))
  await clock.advance(0)
  t.match(
    reports().map(({ fields }) => fields),
    ['r1', 'r2', 'r3'].map((requestId) => ({ server: 'c', requestId, traceparent: `00-${requestId}` })),
  )
  await close()
})

t.test('B31: a call costs no more where half a million messages wait for its caller', async (t) => {
  const CALLS = 10_000
  const { runtime, clock, close } = running(
    t,
    {
      busy: defineServer({
        state: Type.Object({}),
        calls: { work: { args: Type.Object({ calls: Type.Integer() }), reply: Type.Number() } },
        casts: { note: {} },
        init: () => ({}),
        handleCall: {
          work: async (_state, { calls }, ctx) => {
            const started = performance.now()
            for (let n = 0; n < calls; n++) await ctx.call('other', 'ping')
            return performance.now() - started
          },
        },
        handleCast: { note: () => {} },
      }),
      other: defineServer({
        state: Type.Object({}),
        calls: { ping: { reply: Type.String() } },
        init: () => ({}),
        handleCall: { ping: () => 'pong' },
      }),
    },
    { maxQueued: 1_000_000 },
  )
  await runtime.start('other', {}, { id: 'other' })
  await runtime.start('busy', {}, { id: 'busy', mailbox: 1_000_000 })
  const work = (calls: number) => runtime.call('busy', 'work', { calls }) as Promise<number>
  await work(CALLS)
  const alone = await work(CALLS)
  const crowded = observe(work(CALLS))
  for (let n = 0; n < 500_000; n++) runtime.cast('busy', 'note')
  t.ok(runtime.info('busy').mailbox.length >= 500_000)
  while (crowded.outcome === 'pending') await clock.advance(0)
  runtime.kill('busy')
  t.ok((crowded.value as number) < 10 * alone, `${crowded.value} ms, and ${alone} ms where none waits`)
  await close()
})

t.test('B20: a server that calls itself is told at once', async (t) => {
  const { runtime, clock, ran, close } = await relays(t, 'a')
  const call = observe(
    runtime.call('a', 'via', { path: ['a'], message: 'ping' }, { timeout: Number.POSITIVE_INFINITY }),
  )
  await clock.advance(0)
  t.match(call.error, { code: 'call_cycle', effect: 'none', message: /calling_self/, details: { chain: ['a', 'a'] } })
  t.same(ran, [])
  await close()
})

t.test('a handler may catch the cycle, and go on', async (t) => {
  const { runtime, close } = await relays(t, 'a')
  t.same(await runtime.call('a', 'tryVia', { path: ['a'], message: 'ping' }), {
    code: 'call_cycle',
    effect: 'none',
    chain: ['a', 'a'],
  })
  t.equal(runtime.info('a').incarnation, 1)
  await close()
})

t.test('S:C11: a cycle through others is found when it closes, and all in it hear of it', async (t) => {
  const { runtime, clock, close } = await relays(t, 'a', 'b', 'c')
  const call = observe(runtime.call('a', 'via', { path: ['b', 'c', 'a'], message: 'ping' }))
  await clock.advance(0)
  t.match(call.error, { code: 'call_cycle', details: { chain: ['c', 'a', 'b', 'c'] } })
  t.same(
    ['a', 'b', 'c'].map((id) => runtime.info(id).incarnation),
    [2, 2, 2],
  )
  t.equal(await runtime.call('a', 'via', { path: ['b', 'c'], message: 'ping' }), 'pong')
  await close()
})

t.test('two servers that call each other at the same time: one is told, the other is answered', async (t) => {
  const { runtime, clock, close } = await relays(t, 'a', 'b')
  const there = observe(runtime.call('a', 'slowVia', { ms: 10, path: ['b'] }))
  const back = observe(runtime.call('b', 'slowVia', { ms: 10, path: ['a'] }))
  await clock.advance(10)
  t.equal(there.value, 'pong')
  t.match(back.error, { code: 'call_cycle', details: { chain: ['b', 'a', 'b'] } })
  await close()
})

t.test('servers that wait for the same one, or one after the other, are no cycle', async (t) => {
  const { runtime, clock, close } = await relays(t, 'a', 'b', 'c')
  const calls = [
    runtime.call('a', 'via', { path: ['c'], message: 'slow' }),
    runtime.call('b', 'via', { path: ['c'], message: 'slow' }),
    runtime.call('a', 'via', { path: ['b'], message: 'ping' }),
  ].map(observe)
  await clock.advance(200)
  t.same(
    calls.map(({ value }) => value),
    ['slow', 'slow', 'pong'],
  )
  t.equal(await runtime.call('b', 'via', { path: ['a'], message: 'ping' }), 'pong', 'who waited is not remembered')
  await close()
})

t.test('a start whose init calls back to its starter is a cycle', async (t) => {
  const { runtime, clock, close } = await relays(t, 'a')
  const call = observe(runtime.call('a', 'start', { id: 'child', calls: 'a' }))
  await clock.advance(0)
  t.match(call.error, { code: 'server_crashed', message: /wait for itself: child → a → child/ })
  t.equal(runtime.whereis('child'), undefined)
  await close()
})

t.test('an init that calls its own server is a cycle', async (t) => {
  const { runtime, close } = await relays(t)
  await t.rejects(runtime.start('relay', { calls: 'a' }, { id: 'a' }), {
    code: 'init_crashed',
    message: /calling_self/,
  })
  await close()
})

t.test('who only looks holds nobody up: its server may be called back', async (t) => {
  const { runtime, close } = await relays(t, 'a', 'b')
  t.equal(await runtime.call('a', 'look', { path: ['a'], message: 'ping' }), 'pong')
  t.equal(await runtime.call('a', 'look', { path: ['b', 'a'], message: 'ping' }), 'pong')
  await close()
})

t.test('a server may call back one whose look waits for it, since that one is free', async (t) => {
  const { runtime, clock, close } = await relays(t, 'a', 'b')
  const look = observe(runtime.call('a', 'look', { path: ['b'], message: 'slow' }))
  const back = observe(runtime.call('b', 'via', { path: ['a'], message: 'ping' }))
  await clock.advance(100)
  t.equal(look.value, 'slow')
  t.equal(back.value, 'pong')
  await close()
})

t.test('a server may call one that it has a look running at', async (t) => {
  const { runtime, clock, close } = await relays(t, 'a', 'b', 'c')
  const look = observe(runtime.call('b', 'via', { path: ['a'], message: 'lookAtC' }))
  await clock.advance(0)
  t.equal(await runtime.call('a', 'ping'), 'pong', 'a is free while its look waits')
  const there = observe(runtime.call('a', 'via', { path: ['b'], message: 'ping' }))
  await clock.advance(99)
  t.equal(there.outcome, 'pending')
  await clock.advance(1)
  t.equal(look.value, 'slow')
  t.equal(there.value, 'pong')
  await close()
})

t.test('a look that would wait for its own caller is a cycle', async (t) => {
  const { runtime, clock, close } = await relays(t, 'a', 'b')
  const call = observe(runtime.call('b', 'via', { path: ['a'], message: 'lookAtB' }))
  await clock.advance(0)
  t.match(call.error, { code: 'call_cycle', details: { chain: ['a', 'b', 'a'] } })
  await close()
})

t.test('a call that a handler has handed to pipe holds its server up for nobody', async (t) => {
  const { runtime, clock, ran, close } = await relays(t, 'a', 'b')
  t.equal(await runtime.call('a', 'pipeVia', { path: ['b', 'a'], message: 'ping' }), 'piped')
  await clock.advance(0)
  t.same(ran, ['ping a', '{"value":"pong"}'])
  await close()
})

t.test('whom a handler has heard from, or has started, it does not wait for any more', async (t) => {
  const { runtime, clock, close } = await relays(t, 'a', 'b')
  const first = observe(runtime.call('a', 'thenSlow', { id: 'b' }))
  await clock.advance(0)
  const back = observe(runtime.call('b', 'via', { path: ['a'], message: 'ping' }))
  await clock.advance(9)
  t.equal(back.outcome, 'pending')
  await clock.advance(1)
  t.equal(first.value, 'slow')
  t.equal(back.value, 'pong')
  const started = observe(runtime.call('a', 'startThenSlow', { id: 'child' }))
  await clock.advance(0)
  const child = observe(runtime.call('child', 'via', { path: ['a'], message: 'ping' }))
  await clock.advance(10)
  t.equal(started.value, 'slow')
  t.equal(child.value, 'pong')
  await close()
})

t.test('a call from a handler waits no longer than the caller of the handler', async (t) => {
  const { runtime, clock, close } = await relays(t, 'a', 'b')
  const call = observe(
    runtime.call('a', 'tryVia', { path: ['b'], message: 'slow', options: { timeout: 90 } }, { timeout: 50 }),
  )
  await clock.advance(50)
  t.match(call.error, { code: 'call_timeout', effect: 'unknown' })
  t.equal(runtime.info('a').current, null, 'the inner call timed out as well')
  await clock.advance(50)
  t.equal(await runtime.call('b', 'get'), 1, 'a handler that runs is not interrupted')
  await close()
})

t.test('a call from a handler may wait shorter, and its handler hears so', async (t) => {
  const { runtime, clock, close } = await relays(t, 'a', 'b')
  const call = observe(runtime.call('a', 'tryVia', { path: ['b'], message: 'slow', options: { timeout: 40 } }))
  await clock.advance(39)
  t.equal(call.outcome, 'pending')
  await clock.advance(1)
  t.same(call.value, { code: 'call_timeout', effect: 'unknown', chain: null })
  await clock.advance(60)
  await close()
})

t.test('a call that is made when the caller is gone never runs', async (t) => {
  const { runtime, clock, ran, close } = await relays(t, 'a', 'b')
  const call = observe(runtime.call('a', 'slowVia', { ms: 20, path: ['b'] }, { timeout: 10 }))
  await clock.advance(20)
  t.match(call.error, { code: 'call_timeout' })
  t.same(ran, [])
  t.equal(runtime.info('b').handled, 0)
  await close()
})

t.test('a call in a cast waits 5000 ms', async (t) => {
  const { runtime, clock, close } = await relays(t, 'a', 'b')
  const busy = observe(runtime.call('b', 'slow', { ms: 6000 }, { timeout: 7000 }))
  runtime.cast('a', 'pass', { path: ['b'], message: 'ping' })
  await clock.advance(4999)
  t.match(runtime.info('a').current, { kind: 'cast', message: 'pass', runningFor: 4999 })
  await clock.advance(1)
  t.match(runtime.info('a').lastExit?.reason, { error: /b did not take ping within 5000 ms/ })
  await clock.advance(1000)
  t.equal(busy.value, 'slow')
  await close()
})

t.test(
  'a call from a handler to nobody, of an unknown message or with a wrong timeout fails as any call',
  async (t) => {
    const { runtime, close } = await relays(t, 'a', 'b')
    const ask = (path: string[], message: string, options?: unknown) =>
      runtime.call('a', 'tryVia', { path, message, ...(options ? { options } : {}) })
    t.match(await ask(['nobody'], 'ping'), { code: 'unknown_server' })
    t.match(await ask(['b'], 'nonsense'), { code: 'unknown_message' })
    t.match(await ask(['b'], 'ping', { timeout: -1 }), { code: 'invalid_request' })
    t.equal(await ask(['b'], 'ping'), 'pong')
    await close()
  },
)

t.test('a server that crashes is told to the server that called it, which may live on', async (t) => {
  const { runtime, clock, close } = running(t, {
    callee: defineServer({
      state: Type.Object({}),
      calls: { crash: {} },
      init: () => ({}),
      handleCall: {
        crash: () => {
          throw new Error('inner')
        },
      },
    }),
    caller: defineServer({
      state: Type.Object({}),
      calls: { go: { args: Type.Object({ catches: Type.Boolean() }), reply: any } },
      init: () => ({}),
      handleCall: {
        go: async (_state, { catches }, ctx) => {
          const call = ctx.call('callee', 'crash')
          return catches ? await call.catch((error: GenServerError) => error.code) : await call
        },
      },
    }),
  })
  await runtime.start('callee', {}, { id: 'callee' })
  await runtime.start('caller', {}, { id: 'caller' })
  t.equal(await runtime.call('caller', 'go', { catches: true }), 'server_crashed')
  const call = observe(runtime.call('caller', 'go', { catches: false }))
  await clock.advance(0)
  t.match(call.error, { code: 'server_crashed', message: /caller crashed while it handled go: callee crashed/ })
  t.equal(runtime.info('caller').incarnation, 2)
  await close()
})
