/** What becomes of durable children when their supervisor is no more, and when one with its id begins again. */
import t from 'tap'
import { observe } from '../running.js'
import { accounts, directoryOf, type Families, families, isAwake, localOf } from './families.js'

/** A supervisor with a durable child that it was told of, one that came later, and a plain one. */
async function household(world: Families, more: object = {}, options: object = {}) {
  const { supervisor, call } = world
  const plain = { id: 'p', implementation: 'plain' }
  await supervisor('top', { children: [...accounts('a'), plain], ...more }, options)
  await call('top', 'startChild', { id: 'b', implementation: 'account', args: { from: 1 }, shutdown: 500 })
  for (const id of ['a', 'b', 'p']) await call(id, 'add', { n: 5 })
  world.trace.length = 0
}

const ends: Record<string, (world: Families) => Promise<unknown>> = {
  'is stopped': ({ runtime }) => runtime.stop('top'),
  'is killed': async ({ runtime }) => runtime.kill('top'),
  'gives up': async ({ crash }) => {
    for (let n = 0; n < 3; n++) await crash('p')
  },
  'has enough of the end of a significant child': async ({ call, settle }) => {
    await call('s', 'end', { reason: 'normal' }).catch(() => {})
    await settle()
  },
}

for (const [how, end] of Object.entries(ends)) {
  t.test(`durable children of a supervisor that ${how} go on alone, until one with its id takes them in`, async (t) => {
    const world = await families(t)
    const { runtime, call, children, clock, trace, supervisor, settle, close } = world
    await household(world, { autoShutdown: 'anySignificant' })
    await call('top', 'startChild', { id: 's', implementation: 'plain', significant: true })
    await call('a', 'later', { ms: 3000 })
    await end(world)
    await settle()
    t.equal(runtime.whereis('top'), undefined)
    t.equal(runtime.whereis('p'), undefined, 'others end with it')
    for (const id of ['a', 'b']) t.match(runtime.info(id), { status: 'running', supervisor: null, incarnation: 1 })
    t.same(
      trace.filter((line) => / [ab]( |$)/.test(line)),
      [],
      'they have not noticed',
    )
    t.same([await call('a', 'add', { n: 1 }), await call('b', 'look')], [6, 6])
    await runtime.call('a', 'crash').catch(() => {})
    await settle()
    t.match(runtime.info('a'), { status: 'running', incarnation: 2, supervisor: null }, 'the root keeps them')

    trace.length = 0
    await supervisor('top', { children: accounts('a') })
    t.same(await children(), ['a running', 'b running'], 'also the one that came later')
    for (const id of ['a', 'b']) t.match(runtime.info(id), { supervisor: 'top' })
    t.same([runtime.info('a').incarnation, runtime.info('b').incarnation], [2, 1])
    t.same([await call('a', 'look'), await call('b', 'look'), trace], [6, 6, []])
    await clock.advance(3000)
    t.equal(await call('a', 'look'), 106)
    await runtime.call('b', 'crash').catch(() => {})
    await settle()
    t.match(runtime.info('b'), { status: 'running', incarnation: 2, restarts: 1 }, 'and it is kept again')
    t.same(await call('top', 'terminateChild', { id: 'b' }), { ok: true })
    await call('top', 'restartChild', { id: 'b' })
    t.equal(await call('b', 'look'), 1, 'with the spec of its start')
    await close()
  })
}

t.test('a supervisor that crashes, or dies of a signal, takes its durable children in again', async (t) => {
  const world = await families(t)
  const { runtime, call, children, crash, settle, trace, clock, close } = world
  await household(world, {}, { restart: 'permanent' })
  directoryOf(runtime).find('top').die({ error: 'from afar' })
  await settle()
  t.match(runtime.info('top'), { incarnation: 2 })
  t.same(await children(), ['a running', 'p running', 'b running'])
  for (const id of ['a', 'b']) t.match(runtime.info(id), { supervisor: 'top', incarnation: 1, restarts: 0 })
  for (let n = 0; n < 2; n++) await crash('p')
  await clock.advance(30_000)
  t.match(runtime.info('top'), { incarnation: 3 })
  t.same(await children(), ['a running', 'p running', 'b running'])
  t.same([await call('a', 'look'), await call('b', 'look')], [5, 6])
  t.notOk(trace.some((line) => line.endsWith(' a') || line.endsWith(' b')))
  await close()
})

t.test('a child that crashes too often makes its supervisor give up, and goes on', async (t) => {
  const world = await families(t)
  const { runtime, call, crash, settle, close } = world
  await household(world)
  for (let n = 0; n < 2; n++) await crash('a')
  await settle()
  t.equal(runtime.whereis('top'), undefined)
  t.match(runtime.info('a'), { status: 'running', incarnation: 3, supervisor: null })
  t.equal(await call('a', 'look'), 5)
  await close()
})

t.test('the branch of a tree is restarted, and the durable children in it go on', async (t) => {
  const { runtime, supervisor, call, crash, children, store, trace, settle, close } = await families(t)
  const branch = {
    id: 'branch',
    implementation: 'supervisor',
    args: { children: [...accounts('leaf'), { id: 'p', implementation: 'plain' }] },
  }
  await supervisor('top', {
    strategy: 'oneForAll',
    maxRestarts: 3,
    children: [branch, { id: 'sibling', implementation: 'plain' }],
  })
  await call('leaf', 'add', { n: 5 })
  const terms = JSON.parse((await store.load('leaf'))?.server.terms as string)
  t.match(terms.bond, { supervisor: 'branch', tree: 'top' })
  trace.length = 0
  for (let n = 0; n < 2; n++) await crash('p')
  await settle()
  t.match(runtime.info('branch'), { incarnation: 2, supervisor: 'top' })
  await crash('sibling')
  await settle()
  t.match(runtime.info('branch'), { incarnation: 3 })
  t.same(await children('branch'), ['leaf running', 'p running'])
  t.match(runtime.info('leaf'), { supervisor: 'branch', incarnation: 1 })
  t.equal(await call('leaf', 'look'), 5)
  await runtime.kill('top')
  await settle()
  t.same(
    runtime.list().servers.map(({ id }) => id),
    ['leaf'],
  )
  await close()
})

t.test('one that waits for its next life when its supervisor ends begins it at once', async (t) => {
  const world = await families(t)
  const { runtime, clock, supervisor, call, settle, close } = world
  await supervisor('top', { strategy: 'oneForAll', children: [...accounts('a'), ...accounts('b', { shutdown: 1000 })] })
  const nap = observe(call('b', 'nap', { ms: 500 }))
  await runtime.call('a', 'crash').catch(() => {})
  await settle()
  t.match(runtime.info('a'), { status: 'restarting' }, 'it waits for its sibling')
  await runtime.kill('top')
  await settle()
  t.match(runtime.info('a'), { status: 'running', incarnation: 2, supervisor: null })
  await clock.advance(500)
  t.equal(nap.outcome, 'resolved', 'and whoever was to be taken down is not any more')
  t.match(runtime.info('b'), { status: 'running', incarnation: 1 })
  await clock.advance(1000)
  t.match(runtime.info('b'), { status: 'running', incarnation: 1 }, 'nor later')
  await close()
})

t.test('an id that is no orphan of this supervisor is taken', async (t) => {
  const world = await families(t)
  const { runtime, supervisor, call, settle, close } = world
  await household(world)
  await runtime.stop('top')
  await settle()
  const other = supervisor('other', { children: accounts('a') })
  await t.rejects(other, { code: 'init_refused' }, 'another supervisor')
  await t.rejects(supervisor('top', { children: [{ id: 'a', implementation: 'other' }] }), { code: 'init_refused' })
  t.match(runtime.info('a'), { supervisor: null, status: 'running' })
  await runtime.start('account', {}, { id: 'alone' })
  await t.rejects(supervisor('top', { children: accounts('alone') }), { code: 'init_refused' })
  await supervisor('top')
  t.match(await call('top', 'startChild', { id: 'a', implementation: 'account' }), {
    error: { code: 'already_started' },
  })
  t.match(await call('top', 'countChildren'), { specs: 2, active: 2 })
  await close()
})

t.test('a supervisor that cannot start leaves those as they were whom it had taken in', async (t) => {
  const world = await families(t)
  const { runtime, supervisor, call, children, settle, close } = world
  await household(world)
  await runtime.stop('top')
  await settle()
  await t.rejects(supervisor('top', { children: [...accounts('a'), { id: 'x', implementation: 'nobody' }] }), {
    code: 'init_refused',
  })
  t.match(runtime.info('a'), { supervisor: null, status: 'running', incarnation: 1 })
  await supervisor('top')
  t.same(await children(), ['a running', 'b running'])
  t.equal(await call('a', 'look'), 5)
  await close()
})

t.test('one that is about to end is not taken in: another one is started', async (t) => {
  const world = await families(t)
  const { runtime, supervisor, commits, call, settle, close } = world
  await household(world)
  await runtime.stop('top')
  commits.hold()
  const stopped = observe(runtime.stop('a'))
  await settle()
  const begun = observe(supervisor('top', { children: accounts('a') }))
  await settle()
  t.same([stopped.outcome, begun.outcome], ['pending', 'pending'])
  commits.release()
  await settle()
  t.same([stopped.outcome, begun.outcome], ['resolved', 'resolved'])
  t.match(runtime.info('a'), { incarnation: 2, supervisor: 'top' })
  t.equal(await call('a', 'look'), 0)
  await close()
})

t.test('the next process knows them, and its supervisor takes them in without waking them', async (t) => {
  const world = await families(t)
  const { runtime, next, trace, close } = world
  await household(world)
  await runtime.cast('b', 'credit', { n: 1 })
  await close()
  t.notOk(
    trace.some((line) => / [ab] /.test(line)),
    'the end of the process is not theirs',
  )
  const later = await next({ except: ['top'] })
  for (const id of ['a', 'b']) t.match(later.runtime.info(id), { supervisor: null, incarnation: 1, status: 'running' })
  trace.length = 0
  await later.supervisor('top', { children: [{ id: 'p', implementation: 'plain' }, ...accounts('a')] })
  t.same(await later.children(), ['p running', 'a running', 'b running'])
  t.same(
    ['a', 'b'].map((id) => isAwake(later.runtime, id)),
    [false, false],
  )
  for (const id of ['a', 'b']) t.match(later.runtime.info(id), { supervisor: 'top', incarnation: 1 })
  t.same([await later.call('a', 'look'), await later.call('b', 'look'), trace], [5, 7, ['init p']])
  await later.crash('a')
  t.match(later.runtime.info('a'), { incarnation: 2, supervisor: 'top' })
  await later.close()
  const last = await next({ except: ['top'] })
  t.match(last.runtime.info('a'), { incarnation: 2, supervisor: null })
  await last.runtime.stop('a')
  await last.close()
  t.equal(await world.store.load('a'), undefined)
})

t.test('one whose next life cannot begin is not taken in, and goes on trying alone', async (t) => {
  const world = await families(t)
  const { runtime, supervisor, call, children, clock, plans, settle, close } = world
  await supervisor('top', { children: [{ id: 'a', implementation: 'account', restartFrom: 'init' }] })
  await runtime.stop('top')
  plans.set('a', 'fail')
  await runtime.call('a', 'crash').catch(() => {})
  await settle()
  t.match(runtime.info('a'), { status: 'restarting', supervisor: null })
  await supervisor('top')
  t.same(await children(), [])
  t.match(runtime.info('a'), { status: 'restarting', supervisor: null })
  await t.rejects(runtime.start('account', {}, { id: 'a', supervisor: 'top' }), { code: 'init_crashed' })
  plans.delete('a')
  await clock.advance(10_000)
  t.match(runtime.info('a'), { status: 'running', supervisor: null })
  t.match(await call('top', 'startChild', { id: 'a', implementation: 'account' }), { status: 'running' })
  t.same(await children(), ['a running'])
  await close()
})

t.test('on the next thread a tree begins as it was, and a child that is on its way is waited for', async (t) => {
  const world = await families(t)
  const { runtime, supervisor, call, store, next, close } = world
  await supervisor('top', { children: accounts('a b') })
  await call('top', 'startChild', { id: 'p', implementation: 'plain' })
  await call('a', 'add', { n: 5 })
  const terms = (id: string) => localOf(runtime).directory.see(id).terms
  const known = (id: string) => {
    return { id, implementation: 'account', incarnation: 1, restarts: 0, revision: 1, terms: terms(id) }
  }
  const [a, b, own] = [known('a'), known('b'), terms('top')]
  await close()
  const later = await next({ except: ['top'] })
  const local = localOf(later.runtime)
  // As on a thread that knows nobody yet.
  for (const { id } of [a, b]) local.directory.forget(local.directory.look(id) as never)
  local.know([b])
  local.bringBack(a, 60_000)
  const life = {
    startedAt: 7,
    incarnation: 1,
    revision: 1,
    restarts: 0,
    crashes: 0,
    lastExit: { reason: 'killed', at: 0 },
  } as const
  const { labels, mailbox, restart, shutdown } = own
  const options = { id: 'top', labels, mailbox, restart, shutdown }
  local.adoptSupervisor({ children: accounts('a b') }, options, life, 0)
  await later.settle()
  t.same(await later.children(), ['a running', 'b running', 'p running'])
  t.match(later.runtime.info('a'), { incarnation: 2, supervisor: 'top', lastExit: { reason: 'killed' } })
  t.match(later.runtime.info('top'), { incarnation: 2 })
  t.same([await later.call('a', 'look'), await later.call('b', 'look')], [5, 0])
  await later.crash('a')
  t.match(later.runtime.info('a'), { incarnation: 3, supervisor: 'top' }, 'and its supervisor hears of it')
  await later.close()
  t.equal((await store.family('top'))?.supervisor.incarnation, 2)
})
