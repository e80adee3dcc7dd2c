/** Supervisors that are kept: what the next process has of them. */
import t from 'tap'
import { StoreFull } from '../../../src/adapters.js'
import { observe } from '../running.js'
import { accounts, families, isAwake } from './families.js'

const plain = (id: string, more: object = {}) => ({ id, implementation: 'plain', ...more })
const branch = {
  id: 'branch',
  implementation: 'supervisor',
  args: { maxRestarts: 7, children: [...accounts('leaf'), plain('b')] },
}
const tree = {
  strategy: 'restForOne',
  maxRestarts: 4,
  children: [...accounts('a'), branch, plain('p', { args: { from: 2 } })],
}

t.test('a tree is there again as it was: flags, children in their order, those that came later, labels', async (t) => {
  const { runtime, supervisor, call, store, trace, next, close } = await families(t)
  await supervisor('top', tree, { labels: ['trees'], restart: 'permanent', shutdown: 9000 })
  await call('top', 'startChild', { ...plain('late'), labels: ['vip'], restart: 'permanent' })
  await call('branch', 'startChild', { id: 'twig', implementation: 'account' })
  await call('branch', 'startChild', {
    id: 'inner',
    implementation: 'supervisor',
    args: { children: accounts('deep') },
  })
  await call('inner', 'startChild', plain('deeper'))
  await call('top', 'setStrategy', { strategy: 'oneForAll', maxChildren: 9 })
  for (const [n, id] of ['a', 'leaf', 'twig', 'deep', 'p'].entries()) await call(id, 'add', { n: n + 1 })
  const seen = runtime.state('top')
  await close()
  t.match(await store.family('top'), {
    supervisor: { id: 'top' },
    children: [{}, {}, {}, { id: 'late', isDynamic: true }],
  })

  trace.length = 0
  const later = await next()
  t.same(await later.children(), ['a running', 'branch running', 'p running', 'late running'])
  t.same(await later.children('branch'), ['leaf running', 'b running', 'twig running', 'inner running'])
  t.same(await later.children('inner'), ['deep running', 'deeper running'])
  t.match(later.runtime.info('top'), { supervisor: null, labels: ['trees'], restart: 'permanent', incarnation: 2 })
  t.match(later.runtime.info('late'), { labels: ['vip'], restart: 'permanent', supervisor: 'top' })
  t.match(later.runtime.info('inner'), { supervisor: 'branch', incarnation: 2 })
  t.same(trace, ['init b', 'init deeper', 'init p', 'init late'], 'durable ones were only taken in')
  t.same(
    ['a', 'leaf', 'twig', 'deep'].map((id) => isAwake(later.runtime, id)),
    [false, false, false, false],
  )
  t.same(await Promise.all(['a', 'leaf', 'twig', 'deep', 'p'].map((id) => later.call(id, 'look'))), [1, 2, 3, 4, 2])
  t.match(later.runtime.state('top'), { state: { strategy: 'oneForAll', maxRestarts: 4, maxChildren: 9 } })
  t.match((seen as { state: object }).state, { strategy: 'oneForAll', maxChildren: 9 })
  await later.crash('p')
  t.match(later.runtime.info('a'), { incarnation: 2, supervisor: 'top' }, 'and the strategy holds')
  await later.close()
  const last = await next()
  t.same(await last.children(), ['a running', 'branch running', 'p running', 'late running'], 'also the time after')
  t.same(await last.children('branch'), ['leaf running', 'b running', 'twig running'], 'which has begun again since')
  t.match(last.runtime.info('deep'), { supervisor: null })
  await last.close()
})

t.test('what has ended by an order or by itself does not come back', async (t) => {
  const { runtime, supervisor, call, settle, children, next, store, close } = await families(t)
  await supervisor('top', {
    children: [...accounts('a d c'), plain('p'), plain('q'), plain('t', { restart: 'temporary' })],
  })
  await call('top', 'startChild', plain('dynamic'))
  await call('top', 'startChild', plain('forgotten'))
  await call('top', 'startChild', branch)
  await call('top', 'terminateChild', { id: 'a' })
  await runtime.stop('d')
  await runtime.kill('p')
  for (const id of ['q', 't']) await call(id, 'end', { reason: 'normal' }).catch(() => {})
  await settle()
  await call('top', 'terminateChild', { id: 'forgotten' })
  await call('top', 'deleteChild', { id: 'forgotten' })
  await runtime.stop('branch')
  await settle()
  const before = ['a stopped', 'd stopped', 'c running', 'p stopped', 'q stopped', 'dynamic running', 'branch stopped']
  t.same(await children(), before)
  await close()
  t.equal(await store.family('branch'), undefined)
  const later = await next()
  t.same(await later.children(), before)
  t.match(later.runtime.info('leaf'), { supervisor: null }, 'the children of a supervisor that was ended stand alone')
  for (const id of ['a', 'p']) await later.call('top', 'restartChild', { id })
  await later.runtime.stop('top')
  await later.close()
  const last = await next()
  t.equal(last.runtime.whereis('top'), undefined, 'a supervisor that was stopped is forgotten')
  t.match([last.runtime.info('a'), last.runtime.info('c')], [{ supervisor: null }, { supervisor: null }])
  t.same(await store.supervisors({ limit: 10 }), [])
  await last.close()
})

t.test('what is started, ended or changed is told when it is kept', async (t) => {
  const { supervisor, call, commits, settle, runtime, children, close } = await families(t)
  commits.hold()
  const started = observe(supervisor('top', { children: [plain('p')] }))
  await settle()
  t.equal(started.outcome, 'pending')
  commits.letOne()
  await settle()
  t.equal(started.outcome, 'resolved')
  const asks: (() => Promise<unknown>)[] = [
    () => call('top', 'startChild', plain('q')),
    () => call('top', 'terminateChild', { id: 'q' }),
    () => call('top', 'restartChild', { id: 'q' }),
    () => runtime.stop('q'),
    () => call('top', 'deleteChild', { id: 'q' }),
    () => call('top', 'setStrategy', { maxRestarts: 9 }),
    () => Promise.resolve(runtime.kill('p')),
    () => runtime.stop('top'),
  ]
  for (const ask of asks) {
    const asked = observe(ask())
    await settle()
    t.equal(asked.outcome, 'pending')
    commits.release()
    await settle()
    t.equal(asked.outcome, 'resolved')
    if (runtime.whereis('top') !== undefined) await children()
    commits.hold()
  }
  commits.release()
  await close()
})

t.test('what cannot be kept is told, and is made up for when there is room', async (t) => {
  const { supervisor, call, commits, settle, clock, next, children, runtime, close } = await families(t)
  commits.fail(new StoreFull('no room'))
  const refused = observe(supervisor('top'))
  await settle()
  t.match(refused.error, { code: 'init_crashed' })
  commits.recover()
  await supervisor('top', { children: [plain('p'), plain('q')] })
  await call('top', 'startChild', plain('stays'))
  commits.fail(new StoreFull('no room'))
  const failed = { error: { code: 'storage_failed' } }
  t.match(await call('top', 'startChild', plain('new')), failed)
  t.match(await call('top', 'setStrategy', { maxRestarts: 9 }), failed)
  t.match(runtime.state('top'), { state: { maxRestarts: 1 } })
  t.match(await call('top', 'terminateChild', { id: 'p' }), failed)
  t.match(await call('top', 'terminateChild', { id: 'stays' }), failed)
  await clock.advance(0)
  t.same(await children(), ['p stopped', 'q running', 'stays stopped'], 'nobody was started of whom nothing is kept')
  commits.recover()
  await call('top', 'startChild', plain('later'))
  await close()
  const other = await next()
  t.same(await other.children(), ['p stopped', 'q running', 'stays stopped', 'later running'])
  await other.close()
})

t.test('a supervisor that restarts begins with the children of its args, and that is what is kept', async (t) => {
  const { supervisor, call, crash, clock, children, next, runtime, close } = await families(t)
  await supervisor('top', { children: [plain('p')] }, { restart: 'permanent' })
  await call('top', 'startChild', plain('dynamic'))
  await call('top', 'startChild', { id: 'a', implementation: 'account' })
  for (let n = 0; n < 2; n++) await crash('p')
  await clock.advance(1000)
  t.match(runtime.info('top'), { incarnation: 2 })
  t.same(await children(), ['p running', 'a running'])
  await close()
  const later = await next()
  t.same(await later.children(), ['p running', 'a running'])
  t.match(later.runtime.info('top'), { incarnation: 3 })
  await later.close()
})

t.test('one that is declared anew begins as declared: others are forgotten, durable ones taken in', async (t) => {
  const { supervisor, call, next, close } = await families(t)
  await supervisor('top', { maxRestarts: 4, children: [...accounts('a b'), plain('p')] })
  await call('top', 'startChild', { id: 'c', implementation: 'account' })
  await call('top', 'startChild', plain('q'))
  await supervisor('not', { children: [plain('r')] })
  await close()
  const later = await next({ except: ['top'] })
  t.equal(later.runtime.whereis('top'), undefined)
  t.same(await later.children('not'), ['r running'])
  await later.supervisor('top', { maxRestarts: 2, children: [plain('s'), ...accounts('b')] })
  t.same(await later.children(), ['s running', 'b running', 'a running', 'c running'])
  t.match(later.runtime.state('top'), { state: { maxRestarts: 2 } })
  await later.close()
  const last = await next()
  t.same(await last.children(), ['s running', 'b running', 'a running', 'c running'], 'that is kept now')
  await last.close()
})

t.test(
  'one that cannot be started again is told of, its children stand alone, and it is kept for the next time',
  async (t) => {
    const { supervisor, call, next, store, close } = await families(t)
    const odd = plain('odd', { args: {} })
    await supervisor('top', { children: [...accounts('a'), branch, odd] })
    await call('top', 'startChild', plain('late'))
    await call('branch', 'startChild', plain('twig'))
    await supervisor('well', { children: [plain('r')] })
    await close()
    // Its args are of another kind meanwhile.
    const bad = (spec: object) => JSON.stringify({ ...spec, args: { from: 'nowhere' } })
    const child = (await store.family('top'))?.children.find(({ id }) => id === 'odd') as never as { spec: string }
    const rowOf = (spec: string) => ({ kind: 'child', supervisor: 'top', child: { ...child, spec } }) as never
    await store.commit([rowOf(bad(odd))])
    const later = await next()
    t.equal(later.runtime.whereis('top'), undefined)
    t.equal(later.runtime.whereis('branch'), undefined)
    t.match(later.reports(), [
      { fields: { server: 'top' }, message: /^top is kept, and could not be started again: .*from/ },
    ])
    t.match([later.runtime.info('a'), later.runtime.info('leaf')], [{ supervisor: null }, { supervisor: null }])
    t.same(await later.children('well'), ['r running'], 'others are there')
    await later.close()
    await store.commit([rowOf(child.spec)])
    const last = await next()
    t.same(await last.children(), ['a running', 'branch running', 'odd running', 'late running'])
    t.same(await last.children('branch'), ['leaf running', 'b running', 'twig running'])
    await last.close()
  },
)

t.test('one that came later and cannot be started again keeps nobody from it', async (t) => {
  const { supervisor, call, next, store, close } = await families(t)
  await supervisor('top', { children: [plain('p')] })
  await call('top', 'startChild', plain('late'))
  await close()
  const late = (await store.family('top'))?.children[1]
  const spec = JSON.stringify(plain('late', { implementation: 'gone' }))
  await store.commit([{ kind: 'child', supervisor: 'top', child: { ...late, spec } as never }])
  const later = await next()
  t.same(await later.children(), ['p running', 'late stopped'])
  await later.close()
})

t.test('a store that cannot be read is told of, and nothing begins', async (t) => {
  const { next, store, close } = await families(t)
  await close()
  store.supervisors = () => Promise.reject(new Error('no disk'))
  await t.rejects(next(), { message: 'no disk' })
})
