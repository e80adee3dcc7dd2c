/** Supervisors, as OTP has them (conformance H). */
import { defineServer, Type } from 'genservers'
import t from 'tap'
import { observe, running } from '../running.js'
import { supervising, workers } from './supervising.js'

t.test('J2, J3: children start in order and end in the reverse, one by one', async (t) => {
  const { runtime, clock, trace, start, children, close } = supervising(t)
  await start({ children: workers('a b c', { args: { slow: 100 } }) })
  t.same(await children(), ['a running', 'b running', 'c running'])
  t.match(runtime.info('a'), { supervisor: 'sup', restartFrom: 'init', restart: 'transient' })
  t.match(runtime.info('sup'), { supervisor: null, implementation: 'supervisor' })
  const stopping = observe(runtime.stop('sup'))
  await clock.advance(100)
  t.same(trace.splice(0), ['init a', 'init b', 'init c', 'terminate c shutdown'])
  await clock.advance(200)
  t.same(trace, ['terminate b shutdown', 'terminate a shutdown'])
  t.equal(stopping.outcome, 'resolved')
  t.throws(() => runtime.info('a'), { code: 'server_exited', details: { reason: 'shutdown' } })
  await close()
})

t.test('H83: a child that cannot start ends those before it, and the start says which and why', async (t) => {
  const { runtime, trace, plans, start, close } = supervising(t)
  plans.set('b', ['fail'])
  await t.rejects(start({ children: workers('a b c') }), {
    code: 'init_refused',
    details: { reason: { shutdown: { failedToStartChild: 'b', reason: { error: 'no start' } } } },
  })
  t.same(trace, ['init a', 'fail b', 'terminate a shutdown'])
  t.equal(runtime.whereis('sup'), undefined)
  t.equal(runtime.whereis('a'), undefined)
  await close()
})

t.test('H82: a child whose init ignores is kept as a spec, and what contradicts itself is refused', async (t) => {
  const { plans, start, children, call, close } = supervising(t)
  plans.set('b', ['ignore'])
  await start({ children: workers('a b') })
  t.same(await children(), ['a running', 'b stopped'])
  t.same(await call('sup', 'restartChild', { id: 'b' }), { id: 'b', status: 'running' })
  const refused = (args: object) => t.rejects(start(args, 'other'), { code: 'init_refused' })
  await refused({ children: workers('x x') })
  await refused({ children: workers('x', { significant: true }) })
  await refused({ autoShutdown: 'anySignificant', children: workers('x', { significant: true, restart: 'permanent' }) })
  await t.rejects(start({ strategy: 'twoForOne' }), { code: 'invalid_args' })
  await close()
})

const ends: [how: string, reason: unknown, restarted: Record<string, boolean>][] = [
  ['normal', 'normal', { permanent: true, transient: false, temporary: false }],
  ['shutdown', 'shutdown', { permanent: true, transient: false, temporary: false }],
  ['{shutdown}', { shutdown: 'x' }, { permanent: true, transient: false, temporary: false }],
  ['abnormal', { error: 'x' }, { permanent: true, transient: true, temporary: false }],
]
for (const [how, reason, restarted] of ends) {
  t.test(`H86: who ends ${how} is restarted as its type says`, async (t) => {
    const { runtime, clock, start, children, call, close } = supervising(t)
    await start({
      maxRestarts: 10,
      children: Object.keys(restarted).flatMap((restart) => workers(restart, { restart })),
    })
    for (const id of Object.keys(restarted)) await runtime.call(id, 'end', { reason }).catch(() => {})
    await clock.advance(0)
    for (const [id, isRestarted] of Object.entries(restarted)) {
      if (isRestarted) t.match(runtime.info(id), { incarnation: 2, status: 'running' }, id)
      else t.throws(() => runtime.info(id), { code: 'server_exited', details: { reason } }, id)
    }
    t.same(await children(), ['permanent running', restarted['transient'] ? 'transient running' : 'transient stopped'])
    if (!restarted['transient']) t.match(await call('sup', 'restartChild', { id: 'transient' }), { status: 'running' })
    await close()
  })
}

t.test('J11: a child comes back from init under its id, and what waited in its mailbox is handled', async (t) => {
  const { runtime, clock, trace, start, call, close } = supervising(t)
  await start({ children: workers('a b') })
  await call('a', 'count')
  const crash = observe(runtime.call('a', 'crash'))
  const queued = observe(runtime.call('a', 'count'))
  await clock.advance(0)
  t.match(crash.error, { code: 'server_crashed' })
  t.equal(queued.value, 1, 'fresh')
  t.same(trace, ['init a', 'init b', 'terminate a {"error":"oops"}', 'init a'])
  t.match(runtime.info('b'), { incarnation: 1 })
  await close()
})

t.test('H88: more restarts than the intensity allows end the supervisor and all children, with shutdown', async (t) => {
  const { runtime, clock, trace, start, crash, reports, close } = supervising(t)
  await start({ maxRestarts: 2, maxSeconds: 5, children: workers('a b') })
  for (const incarnation of [2, 3]) {
    await crash('a')
    t.match(runtime.info('a'), { incarnation })
  }
  await crash('a')
  for (const id of ['a', 'b', 'sup']) t.throws(() => runtime.info(id), { code: 'server_exited' }, id)
  t.throws(() => runtime.info('sup'), { code: 'server_exited', details: { reason: 'shutdown' } })
  t.match(trace.at(-1), 'terminate b shutdown')
  t.ok(reports().some(({ message }) => /gives up/.test(message)))
  await clock.advance(0)
  await close()
})

t.test('H88: spaced crashes never exhaust it', async (t) => {
  const { runtime, clock, start, crash, close } = supervising(t)
  await start({ maxRestarts: 1, maxSeconds: 1, children: workers('a') })
  for (let n = 0; n < 4; n++) {
    await crash('a')
    await clock.advance(2100)
  }
  t.match(runtime.info('a'), { incarnation: 5, status: 'running' })
  await close()
})

t.test('H89: a child that fails at every restart takes the supervisor and its siblings down (OTP)', async (t) => {
  const { runtime, clock, plans, start, crash, trace, close } = supervising(t)
  await start({ maxRestarts: 3, children: workers('a b') })
  plans.set('a', Array(9).fill('fail'))
  await crash('a')
  await clock.advance(1)
  t.throws(() => runtime.info('sup'), { code: 'server_exited', details: { reason: 'shutdown' } })
  t.equal(runtime.whereis('b'), undefined)
  t.equal(trace.filter((line) => line === 'fail a').length, 3)
  await close()
})

t.test('a restart that fails once is tried again, and callers wait for it', async (t) => {
  const { runtime, clock, plans, start, crash, close } = supervising(t)
  await start({ maxRestarts: 3, children: workers('a') })
  plans.set('a', ['fail'])
  const crashing = crash('a')
  const waiting = observe(runtime.call('a', 'count'))
  await crashing
  await clock.advance(1)
  t.equal(waiting.value, 1)
  t.match(runtime.info('a'), { incarnation: 3, status: 'running' })
  await close()
})

t.test('J4: oneForAll takes all down in reverse and starts all in order', async (t) => {
  const { runtime, trace, start, crash, close } = supervising(t)
  await start({ strategy: 'oneForAll', children: workers('a b c') })
  trace.length = 0
  const waiting = observe(runtime.call('c', 'count'))
  await crash('b')
  t.same(trace, [
    'terminate b {"error":"oops"}',
    'terminate c shutdown',
    'terminate a shutdown',
    'init a',
    'init b',
    'init c',
  ])
  t.equal(waiting.value, 1)
  for (const id of ['a', 'b', 'c']) t.match(runtime.info(id), { incarnation: 2, status: 'running' }, id)
  await close()
})

t.test('H91: restForOne takes those down that were started later, and leaves the others alone', async (t) => {
  const { runtime, clock, trace, start, crash, close } = supervising(t)
  await start({ strategy: 'restForOne', children: workers('e d c b a') })
  trace.length = 0
  await crash('c')
  t.same(trace.splice(0), [
    'terminate c {"error":"oops"}',
    'terminate a shutdown',
    'terminate b shutdown',
    'init c',
    'init b',
    'init a',
  ])
  for (const id of ['e', 'd']) t.match(runtime.info(id), { incarnation: 1 }, id)
  await runtime.stop('sup')
  await clock.advance(0)
  t.same(
    trace,
    ['a', 'b', 'c', 'd', 'e'].map((id) => `terminate ${id} shutdown`),
  )
  await close()
})

t.test('H91: an earlier child that was restarted is not restarted again when a later one fails', async (t) => {
  const { runtime, clock, plans, trace, start, crash, close } = supervising(t)
  await start({ strategy: 'restForOne', maxRestarts: 5, children: workers('a b c') })
  trace.length = 0
  plans.set('c', ['fail'])
  await crash('b')
  await clock.advance(1)
  t.same(trace, ['terminate b {"error":"oops"}', 'terminate c shutdown', 'init b', 'fail c', 'init c'])
  t.match(runtime.info('b'), { incarnation: 2 })
  await close()
})

t.test(
  'with its group a child starts again that had ended by itself, is tried again if it fails, and may choose not to',
  async (t) => {
    const { runtime, clock, plans, start, crash, children, close } = supervising(t)
    await start({ strategy: 'oneForAll', maxRestarts: 9, children: workers('a b c') })
    for (const id of ['b', 'c']) await runtime.call(id, 'end', { reason: 'normal' }).catch(() => {})
    await clock.advance(0)
    t.same(await children(), ['a running', 'b stopped', 'c stopped'])
    plans.set('b', ['fail'])
    plans.set('c', ['ok', 'ignore'])
    await crash('a')
    await clock.advance(1)
    t.same(await children(), ['a running', 'b running', 'c running'])
    await crash('b')
    t.same(await children(), ['a running', 'b running', 'c stopped'], 'it ended when it was to come back')
    await close()
  },
)

t.test('H92: a temporary bystander is taken down and not started again, and its spec is gone', async (t) => {
  for (const strategy of ['oneForAll', 'restForOne']) {
    const { runtime, start, crash, children, close } = supervising(t)
    await start({ strategy, children: [...workers('p'), ...workers('t', { restart: 'temporary' })] })
    await crash('p')
    t.same(await children(), ['p running'])
    t.throws(() => runtime.info('t'), { code: 'server_exited' })
    await close()
  }
})

t.test('H95: the life cycle of a child, asked for by hand', async (t) => {
  const { start, call, crash, runtime, close } = supervising(t)
  await start({})
  const spec = workers('child1')[0]
  const failed = (code: string) => ({ error: { code } })
  const counts = (specs: number, active: number, workers: number) => ({ specs, active, supervisors: 0, workers })
  t.same(await call('sup', 'startChild', spec), { id: 'child1', status: 'running' })
  t.same(await call('sup', 'countChildren'), counts(1, 1, 1))
  t.match(await call('sup', 'startChild', spec), failed('already_started'))
  t.match(await call('sup', 'deleteChild', { id: 'child1' }), failed('running'))
  t.match(await call('sup', 'restartChild', { id: 'child1' }), failed('running'))
  t.same(await call('sup', 'terminateChild', { id: 'child1' }), { ok: true })
  t.same(await call('sup', 'terminateChild', { id: 'child1' }), { ok: true })
  t.same(await call('sup', 'countChildren'), counts(1, 0, 1))
  t.match(await call('sup', 'startChild', spec), failed('already_present'))
  t.same(await call('sup', 'restartChild', { id: 'child1' }), { id: 'child1', status: 'running' })
  for (const message of ['terminateChild', 'restartChild', 'deleteChild']) {
    t.match(await call('sup', message, { id: 'nobody' }), failed('not_found'), message)
  }
  await call('sup', 'terminateChild', { id: 'child1' })
  t.same(await call('sup', 'deleteChild', { id: 'child1' }), { ok: true })
  t.same(await call('sup', 'countChildren'), counts(0, 0, 0))
  t.match(runtime.info('sup'), { incarnation: 1 }, 'none of it is a crash')
  await crash('sup')
  await close()
})

t.test(
  'H85: a start that fails discards the spec, a restart that fails keeps it, an outsider has the name',
  async (t) => {
    const { runtime, plans, start, call, children, close } = supervising(t)
    await start({})
    const [spec] = workers('a')
    plans.set('a', ['fail', 'ok', 'fail'])
    t.match(await call('sup', 'startChild', spec), { error: { code: 'init_crashed', reason: { error: 'no start' } } })
    t.same(await children(), [])
    await call('sup', 'startChild', spec)
    await call('sup', 'terminateChild', { id: 'a' })
    t.match(await call('sup', 'restartChild', { id: 'a' }), { error: { code: 'init_crashed' } })
    t.same(await children(), ['a stopped'])
    await runtime.start('worker', {}, { id: 'outsider' })
    t.match(await call('sup', 'startChild', workers('outsider')[0]), { error: { code: 'already_started' } })
    t.match(await call('sup', 'startChild', { id: 'x', implementation: 'nothing' }), {
      error: { code: 'unknown_implementation' },
    })
    t.match(await call('sup', 'startChild', { ...workers('x', { significant: true })[0] }), {
      error: { code: 'invalid_args' },
    })
    t.match(runtime.info('outsider'), { supervisor: null, incarnation: 1 })
    await close()
  },
)

t.test('K2: no more children than may be, and restarting ones count', async (t) => {
  const { start, call, close } = supervising(t)
  await start({ maxChildren: 1, children: workers('a') })
  t.match(await call('sup', 'startChild', workers('b')[0]), { error: { code: 'max_children' } })
  await call('sup', 'setStrategy', { maxChildren: 2, strategy: 'oneForAll' })
  t.match(await call('sup', 'startChild', workers('b')[0]), { status: 'running' })
  await close()
})

t.test('J18: the end of significant children ends the supervisor, an order to end one does not', async (t) => {
  for (const [autoShutdown, endsWith] of [
    ['anySignificant', 1],
    ['allSignificant', 2],
  ] as const) {
    const { runtime, clock, start, call, close } = supervising(t)
    await start({ autoShutdown, children: [...workers('a b c', { significant: true }), ...workers('d')] })
    await call('sup', 'terminateChild', { id: 'c' })
    const end = async (id: string) => {
      await runtime.call(id, 'end', { reason: 'normal' }).catch(() => {})
      await clock.advance(0)
    }
    await end('d')
    t.match(runtime.info('sup'), { status: 'running' })
    await end('a')
    t.equal(runtime.whereis('sup') === undefined, endsWith === 1, autoShutdown)
    if (endsWith === 2) await end('b')
    t.throws(() => runtime.info('sup'), { code: 'server_exited', details: { reason: 'shutdown' } })
    await close()
  }
})

t.test(
  'H97, K6: many dynamic children end together, in the time of the slowest, who is killed when it is too slow',
  async (t) => {
    const { runtime, clock, trace, start, call, close } = supervising(t)
    await start({})
    for (const [id, slow] of Object.entries({ a: 1000, b: 1000, c: 5000 })) {
      await call('sup', 'startChild', { ...workers(id, { shutdown: 2000 })[0], args: { slow } })
    }
    trace.length = 0
    const stopping = observe(runtime.stop('sup'))
    await clock.advance(1000)
    t.same(
      trace,
      ['terminate c', 'terminate b', 'terminate a'].slice(1).map((line) => `${line} shutdown`),
    )
    t.equal(stopping.outcome, 'pending')
    await clock.advance(1000)
    t.equal(stopping.outcome, 'resolved')
    t.throws(() => runtime.info('c'), { code: 'server_exited', details: { reason: 'killed' } })
    await clock.advance(5000)
    await close()
  },
)

t.test('brutalKill asks nobody, and a child under infinity is waited for', async (t) => {
  const { runtime, clock, trace, start, close } = supervising(t)
  await start({
    children: [
      ...workers('patient', { shutdown: 'infinity', args: { slow: 60_000 } }),
      ...workers('brutal', { shutdown: 'brutalKill' }),
    ],
  })
  trace.length = 0
  const stopping = observe(runtime.stop('sup', { timeout: Number.POSITIVE_INFINITY }))
  await clock.advance(59_999)
  t.throws(() => runtime.info('brutal'), { code: 'server_exited', details: { reason: 'killed' } })
  t.equal(stopping.outcome, 'pending')
  await clock.advance(1)
  t.same(trace, ['terminate patient shutdown'])
  await close()
})

t.test('I10: a killed supervisor leaves no orphans, not even one that waits for its restart', async (t) => {
  const { runtime, clock, plans, start, crash, reports, close } = supervising(t)
  await start({ maxRestarts: 99, children: workers('a b c') })
  plans.set('a', ['hang'])
  await crash('a')
  await crash('b')
  t.match(runtime.info('a'), { status: 'restarting', incarnation: 2 }, 'its init runs')
  t.match(runtime.info('b'), { status: 'restarting', incarnation: 1 }, 'nobody has brought it up yet')
  const waiting = observe(runtime.call('b', 'count'))
  await clock.advance(0)
  runtime.kill('sup')
  await clock.advance(0)
  for (const id of ['sup', 'a', 'b', 'c'])
    t.throws(() => runtime.info(id), { code: 'server_exited', details: { reason: 'killed' } }, id)
  t.equal(waiting.outcome, 'rejected')
  t.notOk(
    reports().some(({ message }) => /too often/.test(message)),
    'nobody restarted too often',
  )
  await close()
})

t.test('H98: supervisors under supervisors: static children come back, dynamic ones are gone', async (t) => {
  const { runtime, clock, start, call, crash, children, close } = supervising(t)
  const inner = (id: string, child: string) => ({
    id,
    implementation: 'supervisor',
    args: { children: workers(child) },
    restart: 'permanent',
  })
  await start({ strategy: 'oneForAll', children: [inner('left', 'l1'), inner('right', 'r1')] }, 'top')
  await call('left', 'startChild', workers('l2')[0])
  t.match(await call('top', 'countChildren'), { supervisors: 2, workers: 0 })
  await crash('l2')
  t.match(runtime.info('l2'), { incarnation: 2 })
  t.match(runtime.info('l1'), { incarnation: 1 })
  await crash('l2')
  await clock.advance(0)
  t.match(runtime.info('left'), { incarnation: 2, status: 'running' })
  t.match(runtime.info('right'), { incarnation: 2, status: 'running' })
  t.same(await children('left'), ['l1 running'])
  t.throws(() => runtime.info('l2'), { code: 'server_exited' })
  await close()
})

t.test('I10: a supervisor that a signal has killed comes back with the children that were declared', async (t) => {
  const { runtime, clock, trace, start, call, children, close } = supervising(t)
  const inner = { id: 'inner', implementation: 'supervisor', args: { children: workers('leaf') } }
  await start({ children: [...workers('a'), inner] }, 'top')
  t.match(runtime.info('top'), { restartFrom: 'init' })
  await call('top', 'startChild', workers('late')[0])
  trace.length = 0
  await runtime.start('worker', {}, { id: 'killer' })
  const kill = (id: string) => call('killer', 'exit', { id })
  await kill('top')
  await clock.advance(0)
  t.match(runtime.info('top'), { incarnation: 2, status: 'running' })
  t.same(await children('top'), ['a running', 'inner running'])
  t.throws(() => runtime.info('late'), { code: 'server_exited', details: { reason: 'killed' } })
  t.same(trace, ['init killer', 'init a', 'init leaf'])
  await kill('inner')
  await clock.advance(0)
  t.match(runtime.info('inner'), { incarnation: 3, status: 'running' })
  t.same(await children('inner'), ['leaf running'])
  await close()
})

t.test('a supervisor begins anew, whatever its starter asks for', async (t) => {
  const { runtime, close } = supervising(t)
  t.match(await runtime.start('supervisor', {}, { restartFrom: 'state' }), { restartFrom: 'init' })
  await close()
})

t.test('J14: an order from outside ends a child for good, whatever its type; its spec stays', async (t) => {
  const { runtime, clock, start, children, close } = supervising(t)
  await start({ children: [...workers('p', { restart: 'permanent' }), ...workers('t', { restart: 'temporary' })] })
  await runtime.stop('p')
  await runtime.stop('t')
  await clock.advance(0)
  t.same(await children(), ['p stopped'])
  await close()
})

t.test('a server can be started under a supervisor as any other, and is told in the same words', async (t) => {
  const { runtime, plans, start, close } = supervising(t)
  await start({ maxChildren: 3 })
  const under = (id: string | undefined, implementation = 'worker') =>
    runtime.start(implementation, {}, { id, supervisor: 'sup', restart: 'permanent' })
  t.match(await under('a'), { id: 'a', supervisor: 'sup', restart: 'permanent', status: 'running' })
  t.match(await under(undefined), { supervisor: 'sup', id: /^[0-9a-f-]{36}$/ })
  await t.rejects(under('a'), { code: 'already_started', details: { server: { id: 'a' } } })
  await runtime.stop('a')
  await t.rejects(under('a'), { code: 'already_started' })
  await t.rejects(under('b', 'nothing'), { code: 'unknown_implementation' })
  plans.set('b', ['fail', 'ignore'])
  await t.rejects(under('b'), { code: 'init_crashed', details: { reason: { error: 'no start' } } })
  await t.rejects(under('b'), { name: 'StartIgnored' })
  await t.rejects(under('c'), { code: 'init_refused', details: { reason: 'max_children' } })
  await t.rejects(runtime.start('worker', { nonsense: 1 }, { supervisor: 'sup' }), { code: 'invalid_args' })
  await t.rejects(runtime.start('worker', {}, { supervisor: 'nobody' }), { code: 'unknown_server' })
  await runtime.start('worker', {}, { id: 'w' })
  await t.rejects(runtime.start('worker', {}, { supervisor: 'w' }), { code: 'unknown_server' })
  await close()
})

t.test('a handler can start a server under a supervisor, and no start waits for one without end', async (t) => {
  const { runtime, clock, plans, start, call, close } = supervising(t)
  await start({ children: workers('a') })
  await runtime.start('worker', {}, { id: 'w' })
  t.equal(await call('w', 'startUnder', { supervisor: 'sup', id: 'b' }), 'b')
  t.match(runtime.info('b'), { supervisor: 'sup' })
  plans.set('c', ['ignore'])
  t.equal(await call('w', 'startUnder', { supervisor: 'sup', id: 'c' }), 'ignored')
  t.equal(await call('a', 'startUnder', { supervisor: 'sup', id: 'd' }), 'd', 'while its supervisor does not')
  plans.set('slow', ['hang'])
  const starting = observe(call('w', 'startUnder', { supervisor: 'sup', id: 'slow' }))
  await clock.advance(0)
  const late = observe(runtime.start('worker', {}, { id: 'late', supervisor: 'sup', timeout: 100 }))
  await clock.advance(1100)
  t.match(late.error, { code: 'call_timeout', effect: 'none' }, 'nobody waits for a supervisor without end')
  await clock.advance(5000)
  t.equal(starting.outcome, 'rejected')
  await close()
})

t.test('an init that asks for a sibling is told at once that its supervisor waits for it', async (t) => {
  const { plans, start, call, children, close } = supervising(t)
  await start({})
  plans.set('a', ['under'])
  const reason = { error: /sup/ }
  t.match(await call('sup', 'startChild', workers('a')[0]), { error: { code: 'init_crashed', reason } })
  t.same(await children(), [])
  await close()
})

t.test('its state can be looked at, and the name is its own', async (t) => {
  const { runtime, start, close } = supervising(t)
  await start({ children: workers('a') })
  t.match((await runtime.state('sup')).state, {
    strategy: 'oneForOne',
    children: [{ id: 'a', type: 'worker', status: 'running' }],
  })
  await close()
})

t.test(
  'each change of its children is a revision of its state, for who asks with If-Match and who watches',
  async (t) => {
    const { runtime, clock, start, crash, close } = supervising(t)
    await start({ maxRestarts: 5 })
    const revision = () => runtime.info('sup').revision
    t.equal(revision(), 1)
    const child = { id: 'a', implementation: 'worker' }
    await runtime.call('sup', 'startChild', child, { ifMatch: 1 })
    t.equal(revision(), 2)
    await t.rejects(runtime.call('sup', 'startChild', { ...child, id: 'b' }, { ifMatch: 1 }), {
      code: 'revision_mismatch',
    })
    await runtime.call('sup', 'startChild', child)
    t.equal(revision(), 2, 'what was refused has changed nothing')
    let last = revision()
    const grown = (what: string) => {
      t.ok(revision() > last, what)
      last = revision()
    }
    for (const message of ['terminateChild', 'restartChild', 'terminateChild', 'deleteChild']) {
      await runtime.call('sup', message, { id: 'a' })
      grown(message)
    }
    await runtime.call('sup', 'startChild', { ...child, id: 'c' })
    grown('startChild')
    await crash('c')
    await clock.advance(0)
    grown('a crash')
    await runtime.stop('c')
    await clock.advance(0)
    grown('an end')
    t.match((await runtime.state('sup')).state, { children: [{ id: 'c', status: 'stopped' }] })
    await close()
  },
)

t.test(
  'S:J6: a supervisor that gives up under another one is restarted by it, so that faults go up the tree',
  async (t) => {
    const { runtime, clock, start, crash, close } = supervising(t)
    const branch = (id: string, more = {}) => ({
      id,
      implementation: 'supervisor',
      args: { maxRestarts: 0, children: [{ id: `${id}-leaf`, implementation: 'worker' }] },
      ...more,
    })
    await start({ maxRestarts: 1, autoShutdown: 'anySignificant', children: [branch('mid')] })
    await crash('mid-leaf')
    await clock.advance(0)
    for (const id of ['mid', 'mid-leaf']) t.match(runtime.info(id), { status: 'running', incarnation: 2 })
    await runtime.call('sup', 'startChild', branch('calm', { restart: 'transient' }))
    await crash('calm-leaf')
    await clock.advance(0)
    t.equal(runtime.whereis('calm'), undefined, 'a transient one has ended quietly')
    t.equal(runtime.whereis('sup'), 'sup')
    await runtime.call('sup', 'startChild', branch('key', { significant: true }))
    await crash('key-leaf')
    await clock.advance(0)
    t.equal(runtime.whereis('sup'), undefined, 'a significant one is not permanent')
    await close()
  },
)

t.test('a child that waits for its restart tells which try it is', async (t) => {
  const { runtime, clock, plans, start, crash, close } = supervising(t)
  await start({ maxRestarts: 5, children: [{ id: 'a', implementation: 'worker' }] })
  plans.set('a', ['fail', 'fail', 'hang'])
  await crash('a')
  await clock.advance(0)
  t.match(runtime.info('a'), { status: 'restarting', attempts: 3 })
  runtime.kill('sup')
  await close()
})

t.test(
  'who has too many children from the start, or one whose args do not fit, is told so with the place',
  async (t) => {
    const { start, close } = supervising(t)
    const children = ['a', 'b'].map((id) => ({ id, implementation: 'worker' }))
    await t.rejects(start({ maxChildren: 1, children }), {
      code: 'init_refused',
      details: { reason: 'there are 2 children, and maxChildren is 1' },
    } as never)
    await t.rejects(start({ children: [{ id: 'a', implementation: 'worker', args: { slow: 'very' } }] }), {
      details: {
        reason: {
          shutdown: {
            failedToStartChild: 'a',
            reason: 'the args of worker are not what it takes; /args/slow: Expected integer',
          },
        },
      },
    } as never)
    await close()
  },
)

t.test('a child that is ordered to end while it waits for its restart does not come back', async (t) => {
  const { runtime, clock, trace, start, children, close } = supervising(t)
  await start({ maxRestarts: 5, children: workers('a b') })
  const crash = observe(runtime.call('a', 'crash'))
  const order = observe(runtime.stop('a'))
  await clock.advance(0)
  t.equal(crash.outcome, 'rejected')
  t.equal(order.outcome, 'resolved')
  t.equal(runtime.whereis('a'), undefined)
  t.same(await children(), ['a stopped', 'b running'])
  t.same(
    trace.filter((line) => line === 'init a'),
    ['init a'],
  )
  t.match(await runtime.call('sup', 'restartChild', { id: 'a' }), { status: 'running' })
  await close()
})

t.test('a child that could not be started again is tried anew', async (t) => {
  const { clock, plans, start, crash, children, close } = supervising(t)
  await start({ strategy: 'oneForAll', maxRestarts: 5, children: workers('a b') })
  plans.set('b', ['fail', 'fail'])
  await crash('a')
  await clock.advance(0)
  t.same(await children(), ['a running', 'b running'])
  await close()
})

t.test('what an implementation says of restarts and shutdown holds for its children too', async (t) => {
  const endless = () => new Promise<void>(() => {})
  const definition = { state: Type.Object({}), init: () => ({}) }
  const { runtime, clock, close } = running(t, {
    once: defineServer({ ...definition, restart: 'temporary' }),
    always: defineServer({ ...definition, restart: 'permanent' }),
    slow: defineServer({ ...definition, shutdown: 50, terminate: endless }),
    failing: defineServer({
      ...definition,
      calls: { crash: {} },
      handleCall: {
        crash: () => {
          throw new Error('oops')
        },
      },
    }),
  })
  const child = (implementation: string, more = {}) => ({ id: implementation, implementation, ...more })
  await runtime.start(
    'supervisor',
    {
      strategy: 'oneForAll',
      autoShutdown: 'allSignificant',
      children: [child('once'), child('always', { significant: true }), child('slow'), child('failing')],
    },
    { id: 'sup' },
  )
  t.match(await runtime.call('sup', 'whichChildren'), {
    children: [{ restart: 'transient' }, { restart: 'transient' }, { restart: 'transient' }, { restart: 'temporary' }],
  })
  runtime.call('failing', 'crash').catch(() => {})
  await clock.advance(49)
  t.match(runtime.info('slow'), { status: 'stopping' })
  await clock.advance(1)
  t.equal(runtime.whereis('once'), undefined, 'a temporary one does not come back with its group')
  t.match(runtime.info('slow'), { status: 'running', incarnation: 2 })
  t.match(await runtime.call('sup', 'countChildren'), { specs: 3, active: 3 })
  const stopped = observe(runtime.stop('sup'))
  await clock.advance(50)
  t.equal(stopped.outcome, 'resolved')
  await close()
})

t.test('who is held while the strategy changes is brought up with the next try', async (t) => {
  const { runtime, clock, plans, start, crash, children, close } = supervising(t)
  await start({ strategy: 'oneForAll', maxRestarts: 9, children: workers('a b c') })
  plans.set('a', ['fail', 'under'])
  await crash('b')
  const changed = observe(runtime.call('sup', 'setStrategy', { strategy: 'oneForOne' }))
  await clock.advance(0)
  t.equal(changed.outcome, 'resolved')
  await clock.advance(10)
  t.same(await children(), ['a running', 'b running', 'c running'])
  await close()
})

t.test('a child that is killed while it is taken down holds nobody up', async (t) => {
  const { runtime, clock, start, crash, children, close } = supervising(t)
  const [a, b] = [workers('a')[0], { ...workers('b', { args: { slow: 1_000_000 } })[0], shutdown: 'infinity' }]
  await start({ strategy: 'oneForAll', maxRestarts: 5, children: [a, b] })
  await crash('a')
  t.match(runtime.info('b'), { status: 'stopping' })
  runtime.kill('b')
  await clock.advance(0)
  t.same(await children(), ['a running', 'b stopped'])
  await clock.advance(1_000_000)
  await close()
})

t.test('a child that is already dying when it is taken down holds nobody up', async (t) => {
  const { runtime, clock, start, children, close } = supervising(t)
  const slow = { ...workers('b', { args: { slow: 500 } })[0], shutdown: 'infinity' }
  await start({ strategy: 'oneForAll', maxRestarts: 5, children: [workers('a')[0], slow] })
  runtime.call('b', 'crash').catch(() => {})
  await clock.advance(0)
  t.match(runtime.info('b'), { status: 'stopping' })
  runtime.call('a', 'crash').catch(() => {})
  await clock.advance(500)
  t.same(await children(), ['a running', 'b running'])
  await close()
})

t.test('an init that never ends at a restart is bounded by the timeout of its spec, and can be killed', async (t) => {
  const { runtime, clock, plans, start, crash, children, close } = supervising(t)
  await start({ maxRestarts: 5, children: [{ ...workers('a')[0], timeout: 1000 }, ...workers('b')] })
  plans.set('a', ['hang'])
  await crash('a')
  t.match(runtime.info('a'), { status: 'restarting' })
  const asked = observe(children())
  await clock.advance(999)
  t.equal(asked.outcome, 'pending')
  await clock.advance(1)
  t.same(asked.value, ['a restarting', 'b running'])
  t.same(await children(), ['a running', 'b running'], 'it is tried again')
  plans.set('b', ['hang'])
  await crash('b')
  runtime.kill('b')
  await clock.advance(0)
  t.same(await children(), ['a running', 'b stopped'])
  await close()
})

t.test('what a life of a supervisor was at when it was killed does not reach the next', async (t) => {
  const { runtime, clock, trace, start, call, crash, children, close } = supervising(t)
  const c = workers('c', { args: { slow: 1000 } })[0]
  await start({ strategy: 'oneForAll', maxRestarts: 5, children: [...workers('a b'), c] })
  await call('sup', 'startChild', workers('d')[0])
  await crash('a')
  t.match(runtime.info('c'), { status: 'stopping' })
  await runtime.start('worker', {}, { id: 'enemy' })
  await call('enemy', 'exit', { id: 'sup' })
  await clock.advance(2000)
  t.match(runtime.info('sup'), { incarnation: 2, status: 'running' })
  t.same(await children(), ['a running', 'b running', 'c running'])
  t.equal(runtime.whereis('d'), undefined)
  t.equal(trace.filter((line) => line === 'init b').length, 2, 'once in each life of the supervisor')
  await crash('b')
  await clock.advance(1000)
  t.same(await children(), ['a running', 'b running', 'c running'])
  await close()
})

t.test('those who wait for a child that is ended before its next try are brought up without it', async (t) => {
  const { runtime, clock, plans, start, call, children, close } = supervising(t)
  await start({ strategy: 'oneForAll', maxRestarts: 9, children: workers('a b c') })
  plans.set('a', ['fail'])
  runtime.call('a', 'crash').catch(() => {})
  const ended = observe(call('sup', 'terminateChild', { id: 'a' }))
  await clock.advance(10)
  t.equal(ended.outcome, 'resolved')
  await clock.advance(10)
  t.same(await children(), ['a stopped', 'b running', 'c running'])
  await close()
})

t.test('S:J8: restarts are counted on a clock that nobody sets', async (t) => {
  const { runtime, clock, start, crash, close } = supervising(t)
  await start({ maxRestarts: 1, maxSeconds: 5, children: workers('a') })
  const { now } = clock
  await crash('a')
  await clock.advance(600_000)
  Object.assign(clock, { now: () => now() - 3_600_000 })
  await crash('a')
  await clock.advance(0)
  t.match(runtime.info('sup'), { status: 'running' })
  t.match(runtime.info('a'), { status: 'running', restarts: 2 })
  await close()
})

t.test('a significant child that ends by itself right after its restart ends the supervisor', async (t) => {
  const { runtime, clock, close } = running(t, {
    brief: defineServer({
      state: Type.Object({}),
      calls: { crash: {} },
      init: (_args, ctx) => {
        if (ctx.incarnation > 1) ctx.continue('leave')
        return {}
      },
      handleCall: {
        crash: () => {
          throw new Error('oops')
        },
      },
      handleContinue: { leave: (_state, _args, ctx) => ctx.stop('normal') },
    }),
  })
  const children = [{ id: 'a', implementation: 'brief', significant: true }]
  await runtime.start('supervisor', { autoShutdown: 'anySignificant', children }, { id: 'sup' })
  await t.rejects(runtime.call('a', 'crash'))
  await clock.advance(0)
  t.throws(() => runtime.info('sup'), { code: 'server_exited', details: { reason: 'shutdown' } })
  await close()
})

t.test('a child that sends its supervisor an exit signal is not taken for dead', async (t) => {
  const { runtime, clock, start, call, crash, children, close } = supervising(t)
  await start({ maxRestarts: 5, children: workers('a') })
  await call('a', 'signal', { id: 'sup', reason: 'oops' })
  await clock.advance(0)
  t.same(await children(), ['a running'])
  await crash('a')
  t.match(runtime.info('a'), { status: 'running', restarts: 1 })
  await close()
})
