/** Other code is put under the servers of an implementation while they run: all of them, or none. */
import { type AnyDefinition, type Clock, defineServer, Type } from 'genservers'
import t, { type Test } from 'tap'
import { heldStore } from '../durable/held-store.js'
import { latch, observe, pause, running } from '../running.js'

const Count = Type.Object({ count: Type.Integer() })
const Total = Type.Object({ total: Type.Integer(), by: Type.Integer({ maximum: 9 }) })

/** Counts; `slow` takes its time. */
const first = (clock: Clock) =>
  defineServer({
    args: Type.Object({ start: Type.Integer({ default: 0 }), ms: Type.Integer({ default: 0 }) }),
    state: Count,
    calls: {
      add: { args: Type.Object({ by: Type.Integer() }), reply: Type.Integer() },
      slow: { args: Type.Object({ ms: Type.Integer() }), reply: Type.Integer() },
      old: { reply: Type.Integer() },
      fail: {},
    },
    casts: { bump: { args: Type.Object({ by: Type.Integer() }) }, gone: {} },
    events: { counted: Type.Integer() },
    init: async ({ start, ms }) => {
      if (ms > 0) await pause(clock, ms)
      return { count: start }
    },
    handleCall: {
      add: (state, { by }) => {
        state.count += by
        return state.count
      },
      slow: async (state, { ms }) => {
        await pause(clock, ms)
        state.count += 1
        return state.count
      },
      old: (state) => state.count,
      fail: () => {
        throw new Error('as ordered')
      },
    },
    handleCast: {
      bump: (state, { by }) => {
        state.count += by
      },
      gone: () => {},
    },
    handleInfo: { tick: () => {} },
  })

/** The same with another state. One that has counted to 13 cannot come along. */
const second = defineServer({
  version: 2,
  args: Type.Object({ start: Type.Integer({ default: 0 }), ms: Type.Integer({ default: 0 }) }),
  state: Total,
  calls: {
    add: {
      args: Type.Object({ by: Type.Integer({ maximum: 5 }), twice: Type.Boolean({ default: true }) }),
      reply: Total,
    },
    slow: { args: Type.Object({ ms: Type.Integer() }), reply: Type.Integer() },
    fail: {},
  },
  casts: { bump: { args: Type.Object({ by: Type.Integer({ maximum: 5 }) }) } },
  infos: { tick: { args: Type.Object({ n: Type.Integer() }) } },
  init: ({ start }) => ({ total: start, by: 2 }),
  codeChange: (old, version) => {
    const { count } = old as { count: number }
    if (count === 13) throw new Error('13 cannot come along')
    return { total: count, by: version }
  },
  handleCall: {
    add: (state, { by, twice }) => {
      state.total += twice ? by * 2 : by
      return { total: state.total, by: state.by }
    },
    slow: (state) => state.total,
    fail: () => {
      throw new Error('as ordered')
    },
  },
  handleCast: {
    bump: (state, { by }) => {
      state.total += by * 100
    },
  },
  handleInfo: {
    tick: (state, { n }) => {
      state.total += n * 1000
    },
  },
})

function never(): never {
  throw new Error('not now')
}

const counting = (t: Test) => running(t, (clock) => ({ counter: first(clock) }))

t.test(
  'G80: every server goes over to the new code, with the state that codeChange makes of the old one',
  async (t) => {
    const { runtime, close } = counting(t)
    for (const id of ['a', 'b']) await runtime.start('counter', { start: 7 }, { id })
    const before = runtime.info('a')
    t.match(before, { version: 1, revision: 1 })
    t.same(await runtime.changeCode('counter', second), {
      implementation: 'counter',
      from: 1,
      to: 2,
      servers: 2,
      migrated: 2,
    })
    t.equal(runtime.implementations.get('counter'), second)
    for (const id of ['a', 'b']) {
      t.match(runtime.info(id), { status: 'running', version: 2, revision: 2, incarnation: 1, restarts: 0, handled: 0 })
      t.same(runtime.state(id), { state: { total: 7, by: 1 }, revision: 2, incarnation: 1 })
      t.same(await runtime.call(id, 'add', { by: 1 }), { total: 9, by: 1 })
      await t.rejects(runtime.call(id, 'old'), { code: 'unknown_message' })
    }
    t.match(await runtime.start('counter', { start: 1 }, { id: 'c' }), { version: 2 })
    t.same((await runtime.state('c')).state, { total: 1, by: 2 })
    await close()
  },
)

t.test('G80: one server that cannot come along keeps all on the old code, and is named', async (t) => {
  const { runtime, close } = counting(t)
  for (const [id, start] of [
    ['a', 1],
    ['b', 13],
    ['c', 13],
  ] as const) {
    await runtime.start('counter', { start }, { id })
  }
  await t.rejects(runtime.changeCode('counter', second), {
    code: 'code_change_failed',
    effect: 'none',
    message: 'the new code of counter, version 2, is not taken: b: 13 cannot come along, and 1 more',
    details: {
      failed: [
        { id: 'b', message: '13 cannot come along' },
        { id: 'c', message: '13 cannot come along' },
      ],
    },
  })
  t.equal(runtime.implementations.get('counter')?.version, undefined)
  t.same((await runtime.state('a')).state, { count: 1 })
  t.match(runtime.info('a'), { status: 'running', version: 1, revision: 1 })
  t.equal(await runtime.call('b', 'old'), 13)
  await close()
})

t.test(
  'N1: without a codeChange there is no way from one version to another; the same version needs none',
  async (t) => {
    const { runtime, close } = counting(t)
    await runtime.start('counter', { start: 3 }, { id: 'a' })
    const { codeChange: _, ...without } = second
    await t.rejects(runtime.changeCode('counter', without), {
      code: 'code_change_failed',
      details: {
        failed: [
          { id: 'a', message: 'there is no codeChange, which would make a state of version 1 one of version 2' },
        ],
      },
    })
    await t.rejects(runtime.changeCode('counter', { ...second, version: 1 }), {
      details: { failed: [{ message: /^bad state: the state is not what version 1 promises: \/total / }] },
    } as never)
    const tenfold = defineServer({
      state: Count,
      calls: { add: { args: Type.Object({ by: Type.Integer() }), reply: Type.Integer() } },
      init: () => ({ count: 0 }),
      handleCall: { add: (state, { by }) => (state.count += by * 10) },
      codeChange: () => t.fail('it is not asked') as never,
    })
    t.match(await runtime.changeCode('counter', tenfold), { from: 1, to: 1, servers: 1, migrated: 0 })
    t.match(runtime.info('a'), { revision: 1 }, 'the state is what it was')
    t.equal(await runtime.call('a', 'add', { by: 1 }), 13)
    await close()
  },
)

t.test('what codeChange gives must be a state, and the old one is not its to change', async (t) => {
  const { runtime, close } = counting(t)
  await runtime.start('counter', { start: 3 }, { id: 'a' })
  const cases: [AnyDefinition['codeChange'], RegExp][] = [
    [() => 4711, /^bad_return_value: 4711$/],
    [() => null, /^bad_return_value: null$/],
    [async () => Promise.reject(new Error('unheard')), /codeChange gave a promise/],
    [() => ({ total: 'many', by: 1 }), /^bad state: .*\/total Expected integer$/],
    [(old) => Object.assign(old as object, { total: 1, by: 1 }), /not extensible|read only/],
    [() => ({ total: Number.NaN, by: 1 }), /\/total Expected integer$/],
    [() => ({ total: new Date(), by: 2n }), /\/by Expected integer$/],
    [
      () => ({
        get total() {
          throw new Error('from a getter')
        },
      }),
      /^from a getter$/,
    ],
  ]
  for (const [codeChange, message] of cases) {
    await t.rejects(runtime.changeCode('counter', { ...second, codeChange } as AnyDefinition), {
      details: { failed: [{ id: 'a', message }] },
    } as never)
    t.same((await runtime.state('a')).state, { count: 3 })
  }
  t.match(runtime.info('a'), { version: 1, revision: 1 })
  const Odd = Type.Object({ seen: Type.Unsafe<unknown>({ type: 'array' }), n: Type.Integer() })
  const odd = (n: number) => ({ ...second, state: Odd, codeChange: () => ({ seen: new Map([['a', 1]]), n }) }) as never
  await t.rejects(runtime.changeCode('counter', odd(Number.NaN)), /bad state: .*\/n Expected integer/)
  t.match(await runtime.changeCode('counter', odd(1)), { migrated: 1 }, 'a state that JSON has no form for')
  await close()
})

t.test(
  'a message that is being handled is finished by the old code, and what waits is handled by the new',
  async (t) => {
    const { runtime, clock, close } = counting(t)
    for (const id of ['a', 'b']) await runtime.start('counter', {}, { id })
    const slow = observe(runtime.call('a', 'slow', { ms: 100 }))
    await clock.advance(0)
    const change = observe(runtime.changeCode('counter', second))
    await clock.advance(0)
    t.match(runtime.info('b'), { status: 'suspended' })
    const calls = ['a', 'b'].map((id) => observe(runtime.call(id, 'add', { by: 2 })))
    await clock.advance(99)
    t.same([change.outcome, ...calls.map(({ outcome }) => outcome)], ['pending', 'pending', 'pending'])
    await clock.advance(1)
    t.equal(slow.value, 1)
    t.match(change.value, { servers: 2, migrated: 2 })
    t.same(
      calls.map(({ value }) => value),
      [
        { total: 5, by: 1 },
        { total: 4, by: 1 },
      ],
      'with the args that the new interface fills in',
    )
    t.same(runtime.list({ status: 'suspended' }).servers, [])
    await close()
  },
)

t.test(
  'a server that does not finish in time keeps all on the old code; who was suspended before stays so',
  async (t) => {
    const { runtime, clock, close } = counting(t)
    for (const id of ['a', 'b', 'c']) await runtime.start('counter', {}, { id })
    runtime.suspend('b')
    const slow = observe(runtime.call('a', 'slow', { ms: 400 }))
    const change = observe(runtime.changeCode('counter', second, { timeout: 300 }))
    await clock.advance(299)
    t.equal(change.outcome, 'pending')
    t.match(runtime.info('c'), { status: 'suspended' })
    await clock.advance(1)
    t.match(change.error?.details.failed, [{ id: 'a', message: 'it was still at work after 300 ms' }])
    t.match(runtime.info('b'), { status: 'suspended', version: 1 })
    t.match(runtime.info('c'), { status: 'running', version: 1 })
    await clock.advance(100)
    t.equal(slow.value, 1)
    const patient = observe(runtime.changeCode('counter', second, { timeout: Number.POSITIVE_INFINITY }))
    await clock.advance(0)
    t.match(patient.value, { servers: 3 })
    t.match(runtime.info('b'), { status: 'suspended', version: 2 })
    const waits = observe(runtime.call('b', 'add', { by: 1 }))
    await clock.advance(0)
    t.equal(waits.outcome, 'pending')
    runtime.resume('b')
    await clock.advance(0)
    t.same(waits.value, { total: 2, by: 1 })
    await close()
  },
)

t.test('an operator who resumes a server meanwhile does not set it going', async (t) => {
  const { runtime, clock, close } = counting(t)
  for (const id of ['a', 'b']) await runtime.start('counter', {}, { id })
  runtime.call('a', 'slow', { ms: 100 })
  await clock.advance(0)
  const change = observe(runtime.changeCode('counter', second))
  await clock.advance(0)
  runtime.suspend('b')
  runtime.resume('b')
  const added = observe(runtime.call('b', 'add', { by: 1 }))
  await clock.advance(50)
  t.equal(added.outcome, 'pending')
  t.match(runtime.info('b'), { status: 'suspended', handled: 0 })
  await clock.advance(50)
  t.equal(change.outcome, 'resolved')
  t.same(added.value, { total: 2, by: 1 })
  await close()
})

t.test('what waits and does not fit the new interface is refused as if it came now', async (t) => {
  const { runtime, clock, logged, close } = counting(t)
  await runtime.start('counter', {}, { id: 'a' })
  runtime.suspend('a')
  const old = observe(runtime.call('a', 'old'))
  const tooMuch = observe(runtime.call('a', 'add', { by: 6 }))
  const fits = observe(runtime.call('a', 'add', { by: 5 }))
  for (const by of [6, 1]) {
    runtime.cast('a', 'bump', { by })
    runtime.cast('a', 'bump', { by }, { delay: 10 })
  }
  runtime.cast('a', 'gone')
  runtime.cast('a', 'gone', {}, { delay: 10 })
  runtime.send('a', 'tick', { n: 'one' })
  runtime.send('a', 'tick', { n: 1 })
  t.match(runtime.info('a'), { mailbox: { length: 8 } })
  await runtime.changeCode('counter', second)
  await clock.advance(0)
  t.match(old.error, { code: 'unknown_message', effect: 'none' })
  t.match(tooMuch.error, { code: 'invalid_args', effect: 'none', details: { errors: [{ path: '/by' }] } })
  t.match(runtime.info('a'), { mailbox: { length: 3 } })
  t.match(runtime.timers('a'), [{ message: 'bump' }])
  t.equal((await runtime.timers('a')).length, 1)
  const dropped = logged.filter(({ message }) => message.startsWith('dropped: '))
  t.same(
    dropped.map(({ fields }) => fields['message']),
    ['bump', 'gone', 'tick', 'bump', 'gone'],
  )
  runtime.resume('a')
  await clock.advance(10)
  t.same(fits.value, { total: 10, by: 1 })
  t.same((await runtime.state('a')).state, { total: 10 + 100 + 1000 + 100, by: 1 })
  t.match(runtime.info('a'), { mailbox: { length: 0 }, status: 'running' })
  await close()
})

t.test('a message that was made for the old code and leaves only now is held to the new', async (t) => {
  const { runtime, clock, logged, close } = running(t, (clock) => ({
    counter: first(clock),
    sender: defineServer({
      state: Type.Object({}),
      casts: { go: {} },
      init: () => ({}),
      handleCast: {
        go: async (_state, _args, ctx) => {
          ctx.cast('a', 'bump', { by: 6 })
          ctx.cast('a', 'bump', { by: 5 })
          ctx.send('a', 'tick', { n: 'one' })
          await pause(clock, 10)
        },
      },
    }),
  }))
  await runtime.start('counter', {}, { id: 'a', mailbox: 3 })
  await runtime.start('sender', {}, { id: 's' })
  runtime.cast('s', 'go')
  await clock.advance(0)
  await runtime.changeCode('counter', second)
  await clock.advance(10)
  t.same((await runtime.state('a')).state, { total: 500, by: 1 })
  t.match(
    logged.filter(({ message }) => message.startsWith('dropped: ')),
    [{ fields: { server: 's', to: 'a', message: 'bump' } }, { fields: { server: 's', to: 'a', message: 'tick' } }],
  )
  runtime.suspend('a')
  for (let n = 0; n < 3; n++) runtime.cast('a', 'bump', { by: 1 })
  t.throws(() => runtime.cast('a', 'bump', { by: 1 }), { code: 'mailbox_full' }, 'their places are free again, no more')
  await close()
})

t.test('what comes of a promise that the old code waited for is held to the new', async (t) => {
  const promised = latch<number>()
  const asker = (version: number, n: typeof Type.Integer | typeof Type.String) =>
    defineServer({
      version,
      state: Type.Object({ n: Type.Unknown() }),
      casts: { ask: {} },
      infos: { told: { args: Type.Object({ value: n() }) } },
      init: () => ({ n: null as unknown }),
      codeChange: (old) => old as { n: unknown },
      handleCast: { ask: (_state, _args, ctx) => ctx.pipe(promised.promise, 'told') },
      handleInfo: {
        told: (state, { value }) => {
          state.n = value
        },
      },
    })
  const { runtime, clock, reports, close } = running(t, { asker: asker(1, Type.Integer) })
  await runtime.start('asker', {}, { id: 'a' })
  runtime.cast('a', 'ask')
  await clock.advance(0)
  t.match(await runtime.changeCode('asker', asker(2, Type.String)), { servers: 1, migrated: 0 })
  promised.open(1)
  await clock.advance(0)
  t.match(reports(), [{ fields: { server: 'a' } }], 'it does not fit, which is a bug like any other')
  t.match(runtime.state('a'), { state: { n: null } })
  await close()
})

t.test('a dry run tells what would come of it, waits for nobody and does nothing', async (t) => {
  const { runtime, clock, close } = counting(t)
  await runtime.start('counter', { start: 1 }, { id: 'a' })
  const slow = observe(runtime.call('a', 'slow', { ms: 100 }))
  await clock.advance(0)
  t.same(await runtime.changeCode('counter', second, { dryRun: true }), {
    implementation: 'counter',
    from: 1,
    to: 2,
    servers: 1,
    migrated: 1,
  })
  t.match(runtime.info('a'), { status: 'running', version: 1, revision: 1 })
  await runtime.start('counter', { start: 13 }, { id: 'b' })
  await t.rejects(runtime.changeCode('counter', second, { dryRun: true }), {
    details: { failed: [{ id: 'b', message: '13 cannot come along' }] },
  } as never)
  await clock.advance(100)
  t.equal(slow.value, 2)
  await close()
})

t.test('a server whose init runs comes along when that is done', async (t) => {
  const { runtime, clock, close } = counting(t)
  const early = observe(runtime.start('counter', { start: 5, ms: 100 }, { id: 'early' }))
  await clock.advance(0)
  const change = observe(runtime.changeCode('counter', second))
  await clock.advance(99)
  t.equal(change.outcome, 'pending')
  await clock.advance(1)
  t.equal(early.outcome, 'resolved')
  t.match(change.value, { servers: 1, migrated: 1 })
  t.same((await runtime.state('early')).state, { total: 5, by: 1 })
  await close()
})

t.test(
  'a server that is started meanwhile begins on the new code, so that starts without end hold nothing up',
  async (t) => {
    const { runtime, clock, close } = counting(t)
    await runtime.start('counter', {}, { id: 'a' })
    runtime.sendRequest('a', 'slow', { ms: 100 })
    await clock.advance(0)
    const change = observe(runtime.changeCode('counter', second))
    await clock.advance(50)
    const late = observe(runtime.start('counter', { start: 5, ms: 100 }, { id: 'late' }))
    const called = observe(runtime.call('late', 'add', { by: 1 }))
    runtime.suspend('late')
    await clock.advance(49)
    t.match(runtime.info('late'), { status: 'starting', version: 1 })
    await clock.advance(1)
    t.match(change.value, { servers: 2, migrated: 1 })
    t.equal(late.outcome, 'resolved')
    t.same((await runtime.state('late')).state, { total: 5, by: 2 })
    t.equal(
      called.outcome,
      'pending',
      'an operator has suspended it since, which keeps it from messages and not from its init',
    )
    runtime.resume('late')
    await clock.advance(0)
    t.same(called.value, { total: 7, by: 2 })
    await close()
  },
)

t.test('a start that waits for a change fails as others do: its time, a kill, a signal', async (t) => {
  const { runtime, clock, close } = running(t, (clock) => ({
    counter: first(clock),
    parent: defineServer({
      state: Type.Object({}),
      casts: { begin: {} },
      init: () => ({}),
      handleCast: {
        begin: async (_state, _args, ctx) => {
          await ctx.start('counter', {}, { id: 'child', link: true, timeout: 1000 })
        },
      },
    }),
  }))
  await runtime.start('counter', {}, { id: 'a' })
  await runtime.start('parent', {}, { id: 'parent', restart: 'temporary' })
  runtime.sendRequest('a', 'slow', { ms: 100 })
  await clock.advance(0)
  const change = observe(runtime.changeCode('counter', second))
  await clock.advance(0)
  const late = observe(runtime.start('counter', {}, { id: 'late', timeout: 20 }))
  const killed = observe(runtime.start('counter', {}, { id: 'killed' }))
  runtime.cast('parent', 'begin')
  await clock.advance(0)
  runtime.kill('killed')
  t.match(runtime.info('child'), { status: 'starting' })
  runtime.kill('parent')
  await clock.advance(19)
  t.equal(runtime.whereis('child'), undefined)
  t.equal(late.outcome, 'pending')
  await clock.advance(1)
  t.match(late.error, { code: 'init_timeout', message: 'init of counter took longer than 20 ms' })
  t.match(killed.error, { code: 'server_exited' })
  t.equal(runtime.whereis('late'), undefined)
  await clock.advance(80)
  t.match(change.value, { servers: 1 })
  await close()
})

t.test('a state that is replaced meanwhile is the one that is migrated', async (t) => {
  const { runtime, clock, close } = counting(t)
  for (const id of ['a', 'b']) await runtime.start('counter', {}, { id })
  runtime.call('a', 'slow', { ms: 100 })
  await clock.advance(0)
  const change = observe(runtime.changeCode('counter', second))
  await clock.advance(50)
  await runtime.replaceState('b', { count: 40 })
  await clock.advance(50)
  t.match(change.value, { migrated: 2 })
  t.same((await runtime.state('b')).state, { total: 40, by: 1 })
  await close()
})

t.test('one that waits for its next life has it on the new code, from its state or from init', async (t) => {
  const { runtime, clock, close } = counting(t)
  await runtime.start('counter', { start: 6 }, { id: 'state' })
  await runtime.start('counter', { start: 6 }, { id: 'init', restartFrom: 'init' })
  for (const id of ['state', 'init']) {
    for (let crash = 0; crash < 6; crash++) {
      await t.rejects(runtime.call(id, 'fail'), { code: 'server_crashed' })
      await clock.advance(0)
    }
    t.match(runtime.info(id), { status: 'restarting' })
  }
  t.match(await runtime.changeCode('counter', second), { servers: 2, migrated: 1 })
  await clock.advance(1000)
  t.match(runtime.info('state'), { status: 'running', version: 2 })
  t.same((await runtime.state('state')).state, { total: 6, by: 1 })
  t.same((await runtime.state('init')).state, { total: 6, by: 2 })
  await close()
})

t.test('one that crashes of the message that is waited for does not hold the change up', async (t) => {
  const { runtime, clock, close } = running(t, (clock) => ({
    counter: {
      ...first(clock),
      handleCall: {
        ...first(clock).handleCall,
        slow: async () => {
          await pause(clock, 100)
          throw new Error('late')
        },
      },
    } as AnyDefinition,
  }))
  await runtime.start('counter', { start: 6 }, { id: 'a', restartFrom: 'init' })
  await runtime.start('counter', { start: 6 }, { id: 'b' })
  for (let crash = 0; crash < 5; crash++) await t.rejects(runtime.call('a', 'fail'))
  const slow = [observe(runtime.call('a', 'slow', { ms: 0 })), observe(runtime.call('b', 'slow', { ms: 0 }))]
  await clock.advance(0)
  const change = observe(runtime.changeCode('counter', second))
  await clock.advance(100)
  t.match(
    slow.map(({ error }) => error),
    [{ code: 'server_crashed' }, { code: 'server_crashed' }],
  )
  t.match(runtime.info('a'), { status: 'restarting' })
  t.match(change.value, { servers: 2, migrated: 1 })
  await clock.advance(1000)
  t.match(runtime.info('a'), { status: 'running', version: 2 })
  await close()
})

t.test('one that is killed, or ends by itself, while it is waited for is not missed', async (t) => {
  const { runtime, clock, close } = counting(t)
  for (const id of ['a', 'b', 'c']) await runtime.start('counter', {}, { id })
  for (const id of ['a', 'b']) runtime.sendRequest(id, 'slow', { ms: 100 })
  await clock.advance(0)
  const change = observe(runtime.changeCode('counter', second))
  await clock.advance(0)
  runtime.kill('a')
  runtime.kill('c')
  await clock.advance(100)
  t.match(change.value, { servers: 1, migrated: 1 })
  await close()
})

t.test('who is told of a new state may end a server that is about to have one', async (t) => {
  const { runtime, clock, close } = counting(t)
  for (const id of ['a', 'b']) await runtime.start('counter', {}, { id })
  const onState = ({ revision }: { revision: number }) => void (revision === 2 && runtime.kill('b'))
  runtime.watch('a', () => {}, { onState })
  await runtime.changeCode('counter', second)
  await clock.advance(0)
  t.same((await runtime.state('a')).state, { total: 0, by: 1 })
  t.equal(runtime.whereis('b'), undefined)
  await close()
})

t.test('thousands of servers are migrated in slices, in which the event loop has its chance', async (t) => {
  const { runtime, close } = counting(t)
  const ids = Array.from({ length: 2600 }, (_, n) => `s${n}`)
  for (const id of ids) await runtime.start('counter', { start: 1 }, { id })
  let rounds = 0
  const round = () => {
    rounds++
    next = setImmediate(round)
  }
  let next = setImmediate(round)
  t.match(await runtime.changeCode('counter', second), { servers: 2600, migrated: 2600 })
  clearImmediate(next)
  t.ok(rounds >= 5, `${rounds} rounds`)
  t.ok(ids.every((id) => runtime.info(id).version === 2))
  await close()
})

t.test('of very many that cannot come along a hundred are named', async (t) => {
  const { runtime, close } = counting(t)
  for (let n = 0; n < 150; n++) await runtime.start('counter', { start: 13 })
  const change = observe(runtime.changeCode('counter', second))
  await t.rejects(change.promise, { message: /and 149 more$/ })
  t.equal(change.error?.details.failed?.length, 100)
  await close()
})

t.test('one change goes on at a time', async (t) => {
  const { runtime, clock, close } = counting(t)
  await runtime.start('counter', {}, { id: 'a' })
  runtime.call('a', 'slow', { ms: 100 })
  await clock.advance(0)
  const changes = [
    observe(runtime.changeCode('counter', second)),
    observe(runtime.changeCode('counter', { ...second, codeChange: undefined } as never)),
    observe(runtime.changeCode('counter', { ...second, version: 3, codeChange: () => never() })),
  ]
  await clock.advance(99)
  t.ok(changes.every(({ outcome }) => outcome === 'pending'))
  await clock.advance(1)
  t.match(changes[0]?.value, { from: 1, to: 2 })
  t.match(changes[1]?.value, { from: 2, to: 2 })
  t.equal(changes[2]?.outcome, 'rejected')
  t.match(runtime.info('a'), { version: 2 })
  await close()
})

t.test('a runtime that shuts down changes no code, and the shutdown does not wait for the change', async (t) => {
  const { runtime, clock, close } = counting(t)
  for (const id of ['a', 'b']) await runtime.start('counter', {}, { id })
  const slow = observe(runtime.call('a', 'slow', { ms: 100 }))
  await clock.advance(0)
  const change = observe(runtime.changeCode('counter', second, { timeout: 3_600_000 }))
  const waits = observe(runtime.call('b', 'old'))
  await clock.advance(0)
  const end = observe(runtime.close({ timeout: 1000 }))
  await clock.advance(100)
  t.equal(slow.value, 1)
  t.match(change.error, { code: 'draining' })
  t.equal(waits.value, 0, 'what waited is answered')
  await clock.advance(0)
  t.equal(end.outcome, 'resolved')
  await t.rejects(runtime.changeCode('counter', second), { code: 'draining' })
  await close()
})

t.test('the time of a change holds for its turn and for its definition too', async (t) => {
  const { runtime, clock, close } = counting(t)
  const stuck = observe(runtime.changeCode('counter', () => new Promise(() => {}), { timeout: 300 }))
  const inLine = observe(runtime.changeCode('counter', second, { timeout: 200 }))
  const patient = observe(runtime.changeCode('counter', second, { timeout: 400 }))
  await clock.advance(199)
  t.equal(inLine.outcome, 'pending')
  await clock.advance(1)
  t.match(inLine.error, {
    code: 'code_change_failed',
    message: 'counter was not changed: another change of code still went on after 200 ms',
  })
  t.equal(patient.outcome, 'pending', 'that one in the line has given up brings nobody before his turn')
  await clock.advance(100)
  t.match(stuck.error, {
    code: 'code_change_failed',
    message: 'counter was not changed: its new definition was not there after 300 ms',
  })
  t.match(patient.value, { to: 2 })
  await close()
})

t.test('a change that nobody wants any more is not done', async (t) => {
  const { runtime, clock, close } = counting(t)
  for (const id of ['a', 'b']) await runtime.start('counter', {}, { id })
  const slow = observe(runtime.call('a', 'slow', { ms: 100 }))
  await clock.advance(0)
  const gone = new AbortController()
  const change = observe(
    runtime.changeCode('counter', second, { timeout: Number.POSITIVE_INFINITY, signal: gone.signal }),
  )
  await clock.advance(50)
  t.match(runtime.info('b'), { status: 'suspended' })
  gone.abort()
  await clock.advance(0)
  t.match(change.error, { code: 'call_timeout', effect: 'none' })
  t.match(runtime.info('b'), { status: 'running', version: 1 })
  t.match(await runtime.changeCode('counter', second, { dryRun: true }), { servers: 2 }, 'it is the turn of the next')
  await clock.advance(50)
  t.equal(slow.value, 1)
  await close()
})

t.test(
  'a shutdown gives up a change that waits for a server: what waits for others is done, and they terminate',
  async (t) => {
    const terminated: string[] = []
    const { runtime, clock, close } = running(t, (clock) => ({
      counter: {
        ...first(clock),
        terminate: (_state: object, _reason: unknown, ctx: { id: string }) => void terminated.push(ctx.id),
      } as AnyDefinition,
    }))
    for (const id of ['stuck', 'b']) await runtime.start('counter', {}, { id })
    runtime.sendRequest('stuck', 'slow', { ms: 60_000 })
    await clock.advance(0)
    const change = observe(runtime.changeCode('counter', second, { timeout: 3_600_000 }))
    await clock.advance(0)
    const waits = observe(runtime.call('b', 'add', { by: 1 }))
    const end = observe(runtime.close({ timeout: 1000 }))
    await clock.advance(0)
    t.match(change.error, { code: 'draining' })
    t.equal(waits.value, 1)
    await clock.advance(1000)
    t.equal(end.outcome, 'resolved')
    t.same(terminated, ['b'])
    await clock.advance(60_000)
    await close()
  },
)

t.test('a supervisor ends a child while its code is being changed, and the child terminates', async (t) => {
  const terminated: string[] = []
  const { runtime, clock, close } = running(t, (clock) => ({
    other: first(clock),
    counter: {
      ...first(clock),
      terminate: (_state: object, _reason: unknown, ctx: { id: string }) => void terminated.push(ctx.id),
    } as AnyDefinition,
  }))
  const children = ['other', 'counter'].map((implementation) => ({
    id: implementation,
    implementation,
    restart: 'permanent',
  }))
  await runtime.start('supervisor', { strategy: 'oneForAll', children }, { id: 'sup' })
  await runtime.start('counter', {}, { id: 'busy' })
  runtime.sendRequest('busy', 'slow', { ms: 100 })
  await clock.advance(0)
  const change = observe(runtime.changeCode('counter', second))
  await clock.advance(0)
  await t.rejects(runtime.call('other', 'fail'))
  await clock.advance(0)
  t.same(terminated, ['counter'], 'it is held by its supervisor, in order')
  await clock.advance(100)
  t.match(change.value, { servers: 2 })
  t.match(runtime.info('counter'), { status: 'running', version: 2, incarnation: 2 })
  t.match(runtime.info('other'), { status: 'running', version: 1, incarnation: 2 })
  await close()
})

t.test("the new state is nobody else's: what codeChange keeps in its hands changes none", async (t) => {
  const { runtime, close } = counting(t)
  for (const id of ['a', 'b']) await runtime.start('counter', {}, { id })
  const shared = { total: 1, list: [1] }
  const sharing = defineServer({
    version: 2,
    state: Type.Object({ total: Type.Integer(), list: Type.Array(Type.Integer()) }),
    init: () => shared,
    codeChange: () => shared,
  })
  await runtime.changeCode('counter', sharing)
  shared.list.push(2)
  for (const id of ['a', 'b']) t.same((await runtime.state(id)).state, { total: 1, list: [1] })
  await close()
})

t.test('what one that waits for its next life has still to do is for the new code, if that knows it', async (t) => {
  const steps: string[] = []
  const stepper = (version: number, names: readonly string[]): AnyDefinition => ({
    ...defineServer({
      version,
      state: Type.Object({}),
      calls: { go: {}, fail: {} },
      init: () => ({}),
      codeChange: (old) => old as object,
      handleCall: {
        go: (_state, _args, ctx) => {
          for (const name of ['fail', 'lost', 'kept']) ctx.continue(name)
        },
        fail: () => never(),
      },
      handleContinue: {
        fail: () => never(),
        lost: () => void steps.push('lost'),
        kept: () => void steps.push(`kept ${version}`),
      },
    }),
    handleContinue: Object.fromEntries(
      names.map((name) => [name, name === 'fail' ? never : () => void steps.push(`${name} ${version}`)]),
    ),
  })
  const { runtime, clock, close } = running(t, { stepper: stepper(1, ['fail', 'lost', 'kept']) })
  await runtime.start('stepper', {}, { id: 's' })
  for (let crash = 0; crash < 5; crash++) await t.rejects(runtime.call('s', 'fail'))
  await runtime.call('s', 'go')
  await clock.advance(0)
  t.match(runtime.info('s'), { status: 'restarting', current: null })
  const replaced = observe(runtime.replaceState('s', {}, { timeout: 60_000 }))
  t.match(await runtime.changeCode('stepper', stepper(2, ['fail', 'kept'])), { servers: 1 })
  t.match(replaced.error, { code: 'restarting', effect: 'none' }, 'a state for the old code is none for the new')
  t.same(steps, [])
  await clock.advance(1000)
  t.same(steps, ['kept 2'])
  await close()
})

t.test('a look of the old code that fails on the new harms nobody else', async (t) => {
  const { runtime, clock, close } = running(t, (clock) => ({
    looker: defineServer({
      state: Type.Object({}),
      calls: { look: { readOnly: true } },
      init: () => ({}),
      handleCall: {
        look: async () => {
          await pause(clock, 100)
          never()
        },
      },
    }),
  }))
  await runtime.start('looker', {}, { id: 'a' })
  const look = observe(runtime.call('a', 'look'))
  await clock.advance(0)
  await runtime.changeCode('looker', defineServer({ state: Type.Object({}), init: () => ({}) }))
  await clock.advance(100)
  t.match(look.error, { code: 'server_crashed' })
  t.match(runtime.info('a'), { crashes: 0, status: 'running' })
  await close()
})

t.test('args of a start are completed for the new code; what it does not take is left as it was', async (t) => {
  const { runtime, clock, close } = counting(t)
  await runtime.start('counter', { start: 3 }, { id: 'a', restartFrom: 'init' })
  await runtime.start('counter', { start: 30 }, { id: 'b', restartFrom: 'init' })
  const third = {
    ...second,
    args: Type.Object({
      start: Type.Integer({ maximum: 9 }),
      ms: Type.Integer(),
      more: Type.Integer({ default: 4 }),
    }),
    init: ({ start, more }: { start: number; more?: number }) => ({ total: start, by: more ?? 0 }),
  } as unknown as AnyDefinition
  await runtime.changeCode('counter', third)
  for (const id of ['a', 'b']) await t.rejects(runtime.call(id, 'fail'))
  await clock.advance(0)
  t.same((await runtime.state('a')).state, { total: 3, by: 4 })
  t.same((await runtime.state('b')).state, { total: 30, by: 0 })
  await close()
})

t.test('who watches sees a state as the new code shows it, though the revision is the same', async (t) => {
  const { runtime, close } = counting(t)
  await runtime.start('counter', { start: 3 }, { id: 'a' })
  const seen: unknown[] = []
  const watch = runtime.watch('a', () => {}, { onState: ({ state }) => seen.push(state) })
  await runtime.changeCode('counter', { ...first(runtime.clock), redact: () => ({ count: 'hidden' }) } as AnyDefinition)
  const other = runtime.watch('a', () => {}, { onState: ({ state }) => seen.push(state) })
  t.same(seen, [{ count: 3 }, { count: 'hidden' }])
  watch.close()
  other.close()
  await close()
})

t.test('what is refused at once: who is not there, what is built in, and what contradicts itself', async (t) => {
  const { runtime, close } = counting(t)
  await runtime.start('counter', {}, { id: 'a' })
  await t.rejects(runtime.changeCode('nothing', second), { code: 'unknown_implementation' })
  await t.rejects(runtime.changeCode('supervisor', second), /the name is taken by what is built in/)
  await t.rejects(
    runtime.changeCode('counter', { ...second, handleCall: {} } as never),
    /handleCall has no such handler/,
  )
  await t.rejects(runtime.changeCode('counter', { ...second, durable: true }), /has no store/)
  const { store: durable } = heldStore()
  const kept = running(t, { kept: { ...second, durable: true } as AnyDefinition }, { store: durable })
  await t.rejects(kept.runtime.changeCode('kept', second), /that it is durable, or is not, cannot change while it runs/)
  await kept.close()
  await t.rejects(runtime.changeCode('counter', { ...second, version: 0.5 }), /version is not a positive integer/)
  await t.rejects(runtime.changeCode('counter', second, { timeout: -1 }), { code: 'invalid_request' })
  t.match(runtime.info('a'), { status: 'running', version: 1 })
  await close()
})
