/** Supervisors whose children come and go (conformance H and I; OTP: `simple_one_for_one`, Elixir: `DynamicSupervisor`, `Task`). */
import { type AnyDefinition, type Clock, defineServer, Type } from 'genservers'
import t from 'tap'
import { observe, pause, running } from '../running.js'
import { supervising, workers } from './supervising.js'

const oneWorker = (id: string, more: object = {}) => workers(id, more)[0] as object

t.test('H94: children that end by themselves while the supervisor ends keep their own reasons', async (t) => {
  const { runtime, clock, start, close } = supervising(t)
  const naps = { normal: 10, shutdown: 20, oops: 30 }
  await start({
    children: [
      ...workers('first'),
      ...workers(Object.keys(naps).join(' ')),
      ...workers('last', { args: { slow: 100 } }),
    ],
  })
  for (const [id, ms] of Object.entries(naps)) {
    const reason = id === 'oops' ? { error: 'oops' } : id
    void clock.setTimer(ms, () => void runtime.call(id, 'end', { reason }).catch(() => {}))
  }
  const stopping = observe(runtime.stop('sup'))
  await clock.advance(100)
  t.equal(stopping.outcome, 'resolved')
  for (const [id, reason] of [
    ['normal', 'normal'],
    ['oops', { error: 'oops' }],
    ['shutdown', 'shutdown'],
    ['first', 'shutdown'],
    ['last', 'shutdown'],
  ] as const)
    t.throws(() => runtime.info(id), { code: 'server_exited', details: { reason } }, id)
  await close()
})

t.test('H94: a child that has unlinked itself is ended all the same', async (t) => {
  for (const dies of [false, true]) {
    const { runtime, clock, start, call, children, close } = supervising(t)
    await start({ maxRestarts: 5, children: workers('a b') })
    for (const id of ['a', 'b']) {
      await runtime.call(id, 'unlink', { id: 'sup' })
      if (dies) await runtime.call(id, 'end', { reason: { error: 'oops' } }).catch(() => {})
    }
    const ending = observe(call('sup', 'terminateChild', { id: 'a' }))
    await clock.advance(0)
    t.same(ending.value, { ok: true })
    t.equal(runtime.whereis('a'), undefined)
    t.equal((await children())[0], 'a stopped')
    const stopping = observe(runtime.stop('sup'))
    await clock.advance(0)
    t.equal(stopping.outcome, 'resolved')
    t.equal(runtime.whereis('b'), undefined)
    await close()
  }
})

t.test('H97: a server that is no child of the supervisor is not_found, and lives', async (t) => {
  const { runtime, start, call, close } = supervising(t)
  await start({ children: workers('a') })
  await start({ children: workers('theirs') }, 'other')
  await runtime.start('worker', {}, { id: 'alone' })
  for (const id of ['alone', 'theirs', 'other', 'sup']) {
    t.match(await call('sup', 'terminateChild', { id }), { error: { code: 'not_found' } }, id)
    t.match(runtime.info(id), { status: 'running' }, id)
  }
  await close()
})

t.test('H97: a dynamic child restarts with its own args; one whose restart ignores is removed', async (t) => {
  const { runtime, clock, trace, plans, start, call, crash, children, close } = supervising(t)
  await start({ maxRestarts: 9 })
  await call('sup', 'startChild', oneWorker('a', { args: { slow: 50 } }))
  await call('sup', 'startChild', oneWorker('b'))
  await crash('a')
  await clock.advance(50)
  t.match(runtime.info('a'), { incarnation: 2 })
  plans.set('b', ['ignore'])
  await crash('b')
  t.same(await children(), ['a running'])
  t.match(await call('sup', 'startChild', oneWorker('b')), { status: 'running' })
  await call('sup', 'terminateChild', { id: 'b' })
  trace.length = 0
  const ending = observe(call('sup', 'terminateChild', { id: 'a' }))
  await clock.advance(49)
  t.equal(ending.outcome, 'pending', 'as slow as it was started')
  await clock.advance(1)
  t.same(trace, ['terminate a shutdown'])
  await close()
})

t.test('H100: new flags hold from now on, for children that run on; wrong ones change nothing', async (t) => {
  const { runtime, start, call, crash, children, close } = supervising(t)
  await start({ maxRestarts: 1, autoShutdown: 'anySignificant', children: workers('a b', { significant: true }) })
  const flags = async () => {
    const { children: _, restarts: __, ...shown } = (await runtime.state('sup')).state as Record<string, unknown>
    return shown
  }
  const before = await flags()
  for (const wrong of [
    { strategy: 'twoForOne' },
    { maxRestarts: -1, strategy: 'oneForAll' },
    { maxSeconds: 0 },
    { children: [] },
  ])
    await t.rejects(call('sup', 'setStrategy', wrong), { code: 'invalid_args' })
  t.match(await call('sup', 'setStrategy', { autoShutdown: 'never', maxRestarts: 5 }), {
    error: { code: 'invalid_args' },
  })
  t.same(await flags(), before)
  t.same(await call('sup', 'setStrategy', { strategy: 'oneForAll', maxRestarts: 3 }), { ok: true })
  t.same(await flags(), { ...before, strategy: 'oneForAll', maxRestarts: 3 })
  t.match(runtime.info('a'), { incarnation: 1 })
  t.same(await children(), ['a running', 'b running'])
  for (const incarnation of [2, 3, 4]) {
    await crash('b')
    for (const id of ['a', 'b']) t.match(runtime.info(id), { incarnation }, id)
  }
  await close()
})

const notStarted = [
  ['refuse', { error: { code: 'init_refused', reason: 'not now' } }],
  ['stop', { error: { code: 'init_refused', reason: 'stopped' } }],
  ['junk', { error: { code: 'init_crashed', reason: { error: /bad_return_value: 4711/ } } }],
  ['throw', { error: { code: 'init_crashed', reason: { error: 'thrown' } } }],
  ['fail', { error: { code: 'init_crashed', reason: { error: 'no start' } } }],
] as const
for (const [plan, told] of notStarted) {
  t.test(`I103: a start that ends in ${plan} is told as such, and at a restart it is tried again`, async (t) => {
    const { runtime, clock, plans, start, call, crash, children, close } = supervising(t)
    await start({ maxRestarts: 2 })
    plans.set('a', [plan, 'ok', plan, 'ok'])
    t.match(await call('sup', 'startChild', oneWorker('a')), told)
    t.same(await children(), [])
    t.match(await call('sup', 'startChild', oneWorker('a')), { status: 'running' })
    await crash('a')
    await clock.advance(1)
    t.match(runtime.info('a'), { status: 'running', incarnation: 3 })
    t.match(runtime.info('sup'), { incarnation: 1, status: 'running' })
    await close()
  })
}

t.test('I103: one that is not back yet is restarting, a worker and not active', async (t) => {
  const { runtime, clock, plans, start, call, children, close } = supervising(t)
  await start({ maxRestarts: 99 })
  plans.set('a', ['ok', 'fail'])
  t.match(await call('sup', 'startChild', oneWorker('a')), { status: 'running' })
  await runtime.call('a', 'crash').catch(() => {})
  // The clock stands still, so the second try does not come.
  for (let asked = 0; asked < 5; asked++) await call('sup', 'countChildren')
  t.same(await children(), ['a restarting'])
  t.match(await call('sup', 'countChildren'), { specs: 1, active: 0, workers: 1 })
  t.match(await call('sup', 'restartChild', { id: 'a' }), { error: { code: 'restarting' } })
  t.match(await call('sup', 'deleteChild', { id: 'a' }), { error: { code: 'restarting' } })
  await clock.advance(1)
  t.same(await children(), ['a running'])
  await close()
})

t.test('I104: children that come and go end together, each as its shutdown says', async (t) => {
  const { runtime, clock, trace, start, call, close } = supervising(t)
  await start({})
  const shutdowns = { brutal: 'brutalKill', patient: 'infinity', quick: 1000, expired: 100 }
  for (const [id, shutdown] of Object.entries(shutdowns))
    await call('sup', 'startChild', oneWorker(id, { shutdown, args: { slow: id === 'quick' ? 50 : 3000 } }))
  trace.length = 0
  const stopping = observe(runtime.stop('sup', { timeout: Number.POSITIVE_INFINITY }))
  const ends = (id: string, reason: string) =>
    t.throws(() => runtime.info(id), { code: 'server_exited', details: { reason } }, id)
  await clock.advance(0)
  ends('brutal', 'killed')
  await clock.advance(50)
  ends('quick', 'shutdown')
  await clock.advance(50)
  ends('expired', 'killed')
  t.match(runtime.info('patient'), { status: 'stopping' })
  await clock.advance(2900)
  ends('patient', 'shutdown')
  t.equal(stopping.outcome, 'resolved')
  t.same(
    trace.filter((line) => !/expired/.test(line)),
    ['terminate quick shutdown', 'terminate patient shutdown'],
  )
  await close()
})

t.test('I104: one that waits for its restart can be ended; ended for good it is not_found', async (t) => {
  const { runtime, clock, plans, start, call, crash, close } = supervising(t)
  await start({ maxRestarts: 9 })
  await call('sup', 'startChild', oneWorker('t', { restart: 'temporary' }))
  t.same(await call('sup', 'terminateChild', { id: 't' }), { ok: true })
  t.match(await call('sup', 'terminateChild', { id: 't' }), { error: { code: 'not_found' } })
  await call('sup', 'startChild', oneWorker('a'))
  plans.set('a', ['fail'])
  const crashing = crash('a')
  // Behind the crash, and before the second try of the restart.
  const ending = observe(call('sup', 'terminateChild', { id: 'a' }))
  const counted = observe(call('sup', 'countChildren'))
  await crashing
  await clock.advance(1)
  t.same(ending.value, { ok: true })
  t.match(counted.value, { specs: 1, active: 0 })
  t.equal(runtime.whereis('a'), undefined, 'nobody tries again')
  await close()
})

const Work = Type.Object({ ms: Type.Integer(), fail: Type.Optional(Type.Boolean()) })

/** Has work done by jobs (Elixir: `Task.Supervisor.async_nolink`). */
function boss(heard: unknown[]): AnyDefinition {
  const definition = defineServer({
    state: Type.Object({}),
    calls: {
      spawn: { args: Type.Object({ id: Type.String() }), reply: Type.Unknown() },
      await: { args: Type.Object({ id: Type.String(), work: Work }), reply: Type.Unknown() },
    },
    init: () => ({}),
    handleCall: {
      spawn: async (_state, { id }, ctx) => {
        const options = { id, supervisor: 'jobs', restart: 'temporary' as const }
        const started = await ctx.start('job', {}, options).catch(({ details }) => details.reason)
        if (started === id) ctx.monitor(id)
        return started
      },
      await: async (_state, { id, work }, ctx) =>
        ctx.call(id, 'work', work, { timeout: 100 }).catch(({ code }) => code),
    },
    handleInfo: { DOWN: (_state, { id, reason }) => void heard.push([id, reason]) },
  })
  return definition as AnyDefinition
}

const makeJob = (clock: Clock) =>
  defineServer({
    state: Type.Object({}),
    calls: { work: { args: Work, reply: Type.Unknown() } },
    init: () => ({}),
    handleCall: {
      work: async (_state, { ms, fail = false }, ctx) => {
        await pause(clock, ms)
        if (fail) throw new Error('no result')
        return ctx.stop('normal', 'result')
      },
    },
  }) as AnyDefinition

t.test('a child that is asked for while it starts is started once; a stopped one is not got', async (t) => {
  const { runtime, clock, trace, start, call, close } = supervising(t)
  await start({})
  const put = (implementation = 'worker') =>
    observe(runtime.getOrStart(implementation, {}, { id: 'a', supervisor: 'sup' }))
  const asked = [put(), put()]
  const other = put('supervisor')
  await clock.advance(0)
  t.same(
    asked.map(({ value }) => value?.started),
    [true, false],
  )
  t.match(other.error, { code: 'already_started', details: { server: { implementation: 'worker' } } })
  t.same(trace, ['init a'])
  await call('sup', 'terminateChild', { id: 'a' })
  const stopped = put()
  await clock.advance(0)
  t.match(stopped.error, { code: 'already_started', message: /a child that does not run/ })
  await close()
})

t.test('I106: what a job makes, its crash and its lateness come as values, and nothing comes late', async (t) => {
  const heard: unknown[] = []
  const { runtime, clock, close } = running(t, (clock) => ({ boss: boss(heard), job: makeJob(clock) }))
  await runtime.start('supervisor', { maxChildren: 2, maxRestarts: 0 }, { id: 'jobs' })
  await runtime.start('boss', {}, { id: 'boss' })
  const spawn = (id: string) => runtime.call('boss', 'spawn', { id })
  const done = async (id: string, work: object, ms: number) => {
    const result = observe(runtime.call('boss', 'await', { id, work }))
    await clock.advance(ms)
    return result.value
  }
  t.equal(await spawn('good'), 'good')
  t.equal(await done('good', { ms: 10 }, 10), 'result')
  t.equal(await spawn('bad'), 'bad')
  t.equal(await done('bad', { ms: 10, fail: true }, 10), 'server_crashed')
  t.equal(await spawn('late'), 'late')
  t.equal(await done('late', { ms: 500 }, 100), 'call_timeout')
  t.equal(await spawn('later'), 'later')
  t.equal(await spawn('tooMany'), 'max_children')
  t.same(heard, [
    ['good', 'normal'],
    ['bad', { error: 'no result' }],
  ])
  const { handled } = runtime.info('boss')
  await clock.advance(400)
  t.same(heard[2], ['late', 'normal'])
  t.match(runtime.info('boss'), { handled: handled + 1, incarnation: 1 }, 'it hears of the end, and not of the result')
  t.match(runtime.info('jobs'), { incarnation: 1 })
  await close()
})

t.test('K7: the end of a child that came later holds up nobody but who asked for it', async (t) => {
  const { runtime, clock, trace, start, call, children, crash, close } = supervising(t)
  await start({ maxRestarts: 9 })
  await call('sup', 'startChild', oneWorker('slow', { args: { slow: 3000 } }))
  await call('sup', 'startChild', oneWorker('b'))
  const terminate = () => observe(runtime.call('sup', 'terminateChild', { id: 'slow' }, { timeout: 10_000 }))
  const asked = [terminate(), terminate()]
  await clock.advance(0)
  t.match(await call('sup', 'startChild', oneWorker('c')), { status: 'running' })
  await crash('b')
  t.match(runtime.info('b'), { incarnation: 2 })
  t.same(await children(), ['slow stopping', 'b running', 'c running'])
  t.match(await call('sup', 'countChildren'), { specs: 3, active: 2 })
  t.match(await call('sup', 'startChild', oneWorker('slow')), { error: { code: 'already_started' } })
  for (const message of ['restartChild', 'deleteChild'])
    t.match(await call('sup', message, { id: 'slow' }), { error: { code: 'stopping' } }, message)
  await clock.advance(2999)
  t.same(
    asked.map(({ outcome }) => outcome),
    ['pending', 'pending'],
  )
  await clock.advance(1)
  t.same(
    asked.map(({ value }) => value),
    [{ ok: true }, { ok: true }],
  )
  t.same(
    trace.filter((line) => /slow/.test(line)),
    ['init slow', 'terminate slow shutdown'],
    'it was ended once',
  )
  t.same(await children(), ['slow stopped', 'b running', 'c running'])
  t.match(await call('sup', 'restartChild', { id: 'slow' }), { status: 'running' })
  const again = terminate()
  await clock.advance(3000)
  t.same(again.value, { ok: true })
  t.equal(runtime.whereis('slow'), undefined, 'a new life ends anew')
  await close()
})

t.test('K7: whose end goes on when the supervisor ends, or is killed, is waited for, or ends by itself', async (t) => {
  for (const isKilled of [false, true]) {
    const { runtime, clock, start, call, close } = supervising(t)
    await start({})
    await call('sup', 'startChild', oneWorker('slow', { args: { slow: 3000 } }))
    const asked = observe(runtime.call('sup', 'terminateChild', { id: 'slow' }, { timeout: 10_000 }))
    await clock.advance(1000)
    if (isKilled) runtime.kill('sup')
    const stopping = isKilled ? undefined : observe(runtime.stop('sup'))
    await clock.advance(1999)
    t.not(stopping?.outcome, 'resolved')
    await clock.advance(1)
    t.equal(runtime.whereis('slow'), undefined)
    t.equal(runtime.whereis('sup'), undefined)
    t.equal(asked.outcome, 'rejected')
    await close()
  }
})

t.test(
  'K7: where siblings depend on each other the supervisor waits for the end, also of one that goes on',
  async (t) => {
    const { runtime, clock, trace, start, call, crash, close } = supervising(t)
    await start({ strategy: 'oneForAll', maxRestarts: 9, children: workers('a b') })
    await call('sup', 'startChild', oneWorker('slow', { args: { slow: 1000 } }))
    const ending = observe(runtime.call('sup', 'terminateChild', { id: 'slow' }))
    await clock.advance(0)
    const counted = observe(call('sup', 'countChildren'))
    await clock.advance(999)
    t.equal(counted.outcome, 'pending')
    await clock.advance(1)
    t.same(ending.value, { ok: true })
    t.match(counted.value, { active: 2 })
    await call('sup', 'restartChild', { id: 'slow' })
    await call('sup', 'setStrategy', { strategy: 'oneForOne' })
    const loose = observe(runtime.call('sup', 'terminateChild', { id: 'slow' }))
    await clock.advance(0)
    await call('sup', 'setStrategy', { strategy: 'oneForAll' })
    trace.length = 0
    await crash('a')
    t.same(trace, ['terminate a {"error":"oops"}'], 'its siblings are started when it has ended')
    await clock.advance(1000)
    t.same(loose.value, { ok: true })
    t.same(trace.slice(1), ['terminate slow shutdown', 'terminate b shutdown', 'init a', 'init b', 'init slow'])
    await close()
  },
)

t.test(
  'K7, J18: a significant child that is being ended does not keep the end of the last one from counting',
  async (t) => {
    const { runtime, clock, start, call, close } = supervising(t)
    await start({ autoShutdown: 'allSignificant' })
    for (const [id, slow] of Object.entries({ slow: 1000, last: 0 }))
      await call('sup', 'startChild', oneWorker(id, { significant: true, args: { slow } }))
    void runtime.call('sup', 'terminateChild', { id: 'slow' }).catch(() => {})
    await clock.advance(0)
    await runtime.call('last', 'end', { reason: 'normal' }).catch(() => {})
    await clock.advance(1000)
    t.throws(() => runtime.info('sup'), { code: 'server_exited', details: { reason: 'shutdown' } })
    await close()
  },
)

t.test('H86: one that goes on with its state and then ends by itself has not ignored its start', async (t) => {
  const { runtime, clock, start, call, children, close } = supervising(t)
  await start({ maxRestarts: 9 })
  await call('sup', 'startChild', oneWorker('a', { restartFrom: 'state' }))
  const crashed = runtime.call('a', 'crash').catch(() => {})
  const ended = runtime.call('a', 'end', { reason: 'normal' }).catch(() => {})
  await crashed
  await clock.advance(1)
  await ended
  t.same(await children(), ['a stopped'])
  t.match(await call('sup', 'restartChild', { id: 'a' }), { status: 'running' })
  await close()
})
