import { defineServer, Type } from 'genservers'
import t from 'tap'
import { latch, observe, pause, running } from './running.js'

const any = Type.Unknown()

/** A server that does everything a handler can do, and then throws if it is told to. */
function doer() {
  const heard: string[] = []
  return {
    heard,
    implementations: {
      listener: defineServer({
        state: Type.Object({ froms: Type.Array(Type.String()) }),
        calls: { wait: { reply: any }, froms: { reply: any } },
        casts: { note: { args: Type.Object({ note: any }) } },
        init: () => ({ froms: [] }),
        handleCall: {
          wait: (state, _args, ctx) => {
            state.froms.push(ctx.from)
            return ctx.noReply()
          },
          froms: (state) => state.froms,
        },
        handleCast: { note: (_state, { note }) => void heard.push(`cast ${note}`) },
        handleInfo: { note: (_state, { note }) => void heard.push(`info ${note}`) },
      }),
      doer: defineServer({
        state: Type.Object({ list: Type.Array(Type.Integer()), deep: Type.Object({ n: Type.Integer() }) }),
        events: { did: Type.Object({}) },
        calls: {
          all: {
            args: Type.Object({
              from: Type.String(),
              timer: Type.String(),
              fail: Type.Boolean(),
              slow: Type.Boolean(),
            }),
            reply: any,
          },
          arm: { reply: any },
          get: { reply: any },
        },
        init: () => ({ list: [], deep: { n: 0 } }),
        handleCall: {
          all: (state, { from, timer, fail, slow }, ctx) => {
            state.list.push(1)
            state.deep.n = 7
            ctx.cast('l', 'note', { note: 1 })
            ctx.send('l', 'note', { note: 2 })
            ctx.reply(from, 'replied')
            ctx.continue('next')
            ctx.sendAfter(50, 'tick')
            ctx.cancelTimer(timer)
            ctx.idleTimeout(70)
            ctx.publish('did', {})
            ctx.pipe(Promise.resolve(1), 'piped')
            ctx.cast('l', 'note', { note: 3 })
            const end = () => {
              if (fail) throw new Error('failed')
              return 'done'
            }
            return slow ? new Promise((resolve) => setImmediate(resolve)).then(end) : end()
          },
          arm: (_state, _args, ctx) => ctx.sendAfter(60, 'old'),
          get: (state) => state,
        },
        handleContinue: { next: () => void heard.push('continue') },
        handleInfo: {
          tick: () => void heard.push('tick'),
          old: () => void heard.push('old timer'),
          timeout: () => void heard.push('timeout'),
          piped: () => void heard.push('piped'),
        },
      }),
    },
  }
}

for (const slow of [false, true]) {
  const how = slow ? 'after it has waited' : 'at once'
  t.test(`a handler that throws ${how} has changed nothing`, async (t) => {
    const { heard, implementations } = doer()
    const { runtime, clock, close } = running(t, implementations)
    await runtime.start('listener', {}, { id: 'l' })
    await runtime.start('doer', {}, { id: 'd' })
    const waiting = observe(runtime.call('l', 'wait'))
    const [from] = (await runtime.call('l', 'froms')) as [string]
    const timer = await runtime.call('d', 'arm')
    runtime.subscribe('d', () => heard.push('event'))
    const call = observe(runtime.call('d', 'all', { from, timer, fail: true, slow }))
    await clock.advance(1000)
    t.match(call.error, { code: 'server_crashed', effect: 'none' })
    t.same(heard, ['old timer'])
    t.equal(waiting.outcome, 'pending')
    t.same(await runtime.call('d', 'get'), { list: [], deep: { n: 0 } })
    t.match(runtime.info('d'), { revision: 1, incarnation: 2, restarts: 1 })
    runtime.kill('l')
    await close()
  })

  t.test(`a handler that succeeds ${how} has done all of it, in order`, async (t) => {
    const { heard, implementations } = doer()
    const { runtime, clock, close } = running(t, implementations)
    await runtime.start('listener', {}, { id: 'l' })
    await runtime.start('doer', {}, { id: 'd' })
    const waiting = observe(runtime.call('l', 'wait'))
    const [from] = (await runtime.call('l', 'froms')) as [string]
    const timer = await runtime.call('d', 'arm')
    runtime.subscribe('d', () => heard.push('event'))
    const call = observe(runtime.call('d', 'all', { from, timer, fail: false, slow }))
    await clock.advance(0)
    await clock.advance(0)
    t.equal(call.value, 'done')
    t.equal(waiting.value, 'replied')
    t.same(
      heard.filter((line) => /note|cast|info/.test(line)),
      ['cast 1', 'info 2', 'cast 3'],
    )
    t.same([...heard].sort(), ['cast 1', 'cast 3', 'continue', 'event', 'info 2', 'piped'])
    await clock.advance(1000)
    t.same(heard.slice(6), ['tick'], 'the old timer was cancelled, and the idle timeout ended by a message')
    t.match(runtime.info('d'), { revision: 2, incarnation: 1 })
    await close()
  })
}

t.test('what a handler changes is seen by nobody before it has ended', async (t) => {
  const { runtime, clock, close } = running(t, (clock) => ({
    slow: defineServer({
      state: Type.Object({ n: Type.Integer() }),
      calls: { grow: { reply: any } },
      init: () => ({ n: 0 }),
      handleCall: {
        grow: async (state) => {
          state.n = 1
          await pause(clock, 10)
          state.n++
          return state.n
        },
      },
    }),
  }))
  await runtime.start('slow', {}, { id: 's' })
  const grown = observe(runtime.call('s', 'grow'))
  await clock.advance(9)
  t.match(runtime.state('s'), { state: { n: 0 }, revision: 1 })
  await clock.advance(1)
  t.equal(grown.value, 2)
  t.match(runtime.state('s'), { state: { n: 2 }, revision: 2, incarnation: 1 })
  await close()
})

t.test('a look at the state while a handler runs that changes nothing makes no revision', async (t) => {
  const door = latch()
  const { runtime, clock, close } = running(t, {
    still: defineServer({
      state: any,
      calls: { wait: {} },
      init: () => new Map([['deep', { list: [new Set([1])] }]]),
      handleCall: { wait: () => door.promise },
    }),
  })
  await runtime.start('still', {}, { id: 's' })
  const call = observe(runtime.call('s', 'wait'))
  await clock.advance(0)
  t.same((await runtime.state('s')).state, { deep: { list: [[1]] } })
  door.open()
  await clock.advance(0)
  t.equal(call.outcome, 'resolved')
  t.equal(runtime.info('s').revision, 1)
  await close()
})

t.test('the state may be an array, a Map or a Set as well', async (t) => {
  const { runtime, close } = running(t, {
    map: defineServer({
      state: any,
      calls: { put: { reply: any } },
      init: () => new Map<string, number>(),
      handleCall: { put: (state) => (state as Map<string, number>).set('a', 1).size },
    }),
    set: defineServer({
      state: any,
      calls: { put: { reply: any } },
      init: () => new Set<string>(),
      handleCall: { put: (state) => (state as Set<string>).add('a').size },
    }),
  })
  for (const [implementation, state] of [
    ['map', { a: 1 }],
    ['set', ['a']],
  ] as const) {
    await runtime.start(implementation, {}, { id: implementation })
    t.equal(await runtime.call(implementation, 'put'), 1)
    t.same((await runtime.state(implementation)).state, state)
    t.equal(runtime.info(implementation).revision, 2)
  }
  await close()
})

t.test('a context that is used after its turn throws, and nothing happens', async (t) => {
  let kept: { cast(id: string, message: string): void; call(id: string, message: string): Promise<unknown> } | undefined
  const { runtime, clock, close } = running(t, {
    leaky: defineServer({
      state: Type.Object({}),
      casts: { keep: {}, noop: {} },
      calls: { ping: {} },
      init: () => ({}),
      handleCall: { ping: () => {} },
      handleCast: { keep: (_state, _args, ctx) => void (kept = ctx as never), noop: () => {} },
    }),
  })
  await runtime.start('leaky', {}, { id: 'l' })
  runtime.cast('l', 'keep')
  await clock.advance(0)
  t.throws(() => kept?.cast('l', 'noop'), /turn is over/)
  await t.rejects(async () => kept?.call('l', 'ping'), /turn is over/)
  await close()
})

t.test('ctx.from is there in a call only', async (t) => {
  const { runtime, clock, close } = running(t, {
    asker: defineServer({
      state: Type.Object({}),
      casts: { ask: {} },
      init: () => ({}),
      handleCast: { ask: (_state, _args, ctx) => void ctx.from },
    }),
  })
  await runtime.start('asker', {}, { id: 'a' })
  runtime.cast('a', 'ask')
  await clock.advance(0)
  t.match(runtime.info('a').lastExit?.reason, { error: /only a call has a caller/ })
  await close()
})

t.test('the log of a server says whose it is and for which request', async (t) => {
  const { runtime, logged, close } = running(t, {
    chatty: defineServer({
      state: Type.Object({}),
      calls: { say: {} },
      init: () => ({}),
      handleCall: { say: (_state, _args, ctx) => ctx.log.info({ x: 1 }, 'said') },
    }),
  })
  await runtime.start('chatty', {}, { id: 'c' })
  await runtime.call('c', 'say', {}, { origin: { requestId: 'r1' } })
  t.match(logged, [
    {
      level: 'info',
      fields: { server: 'c', implementation: 'chatty', incarnation: 1, requestId: 'r1', x: 1 },
      message: 'said',
    },
  ])
  await close()
})

t.test('a cast or a message to nobody goes nowhere', async (t) => {
  const { runtime, clock, logged, close } = running(t, {
    hopeful: defineServer({
      state: Type.Object({}),
      calls: { shout: { reply: any } },
      init: () => ({}),
      handleCall: {
        shout: (_state, _args, ctx) => {
          ctx.cast('nobody', 'note')
          ctx.send('nobody', 'note')
          return ctx.whereis('nobody') ?? null
        },
      },
    }),
  })
  await runtime.start('hopeful', {}, { id: 'h' })
  t.equal(await runtime.call('h', 'shout'), null)
  await clock.advance(0)
  t.same(
    logged.map(({ level, message }) => [level, message]),
    [
      ['debug', 'a cast to nobody'],
      ['debug', 'a message to nobody'],
    ],
  )
  await close()
})

t.test('no object of an author is the state: not what init gave, and not a draft that was kept', async (t) => {
  const shared = { n: 0, list: null as number[] | null }
  const kept: { n: number; list: number[] | null }[] = []
  const keeper = defineServer({
    state: Type.Object({ n: Type.Integer(), list: Type.Union([Type.Null(), Type.Array(Type.Integer())]) }),
    calls: { nest: {}, flatten: {}, freeze: {}, n: { reply: Type.Integer() } },
    init: () => shared,
    handleCall: {
      nest: (state) => {
        state.list = [1]
        kept.push(state)
      },
      flatten: (state) => {
        state.list = null
        state.n = 99
      },
      freeze: (state) => {
        state.list = [2]
        Object.freeze(state)
      },
      n: (state) => state.n,
    },
  })
  const { runtime, close } = running(t, { keeper })
  for (const id of ['a', 'b']) await runtime.start('keeper', {}, { id })
  shared.n = 42
  t.equal(await runtime.call('a', 'n'), 0, 'what init gave is copied')
  await runtime.call('a', 'nest')
  for (const draft of kept) draft.n = 777
  t.equal(await runtime.call('a', 'n'), 0)
  await runtime.call('a', 'flatten')
  t.match(kept[0], { n: 777, list: [1] }, 'and nobody writes into what was kept')
  t.equal(await runtime.call('a', 'n'), 99)
  await runtime.call('b', 'freeze')
  await runtime.call('b', 'flatten')
  t.equal(await runtime.call('b', 'n'), 99, 'a draft that was frozen holds nobody up')
  await close()
})
