/** Durable children: what a supervisor does with them while it lives. */
import t from 'tap'
import { StoreFull } from '../../../src/adapters.js'
import { latch, observe } from '../running.js'
import { accounts, directoryOf, families, isAwake } from './families.js'

t.test('a durable server is a child however it is started, and is kept with its supervisor and its spec', async (t) => {
  const { runtime, supervisor, call, children, store, close } = await families(t)
  await supervisor('top', { children: accounts('declared', { labels: ['vip'], timeout: 7000 }) })
  await call('top', 'startChild', { id: 'asked', implementation: 'account', args: { from: 3 }, shutdown: 'brutalKill' })
  await runtime.start('account', {}, { id: 'posted', supervisor: 'top', restart: 'permanent' })
  await runtime.start('account', {}, { id: 'starter' })
  t.equal(await call('starter', 'startChild', { id: 'handled', supervisor: 'top' }), 'handled')
  t.same(await children(), ['declared running', 'asked running', 'posted running', 'handled running'])
  for (const id of ['declared', 'asked', 'posted', 'handled']) {
    t.match(runtime.info(id), { supervisor: 'top', restartFrom: 'state', incarnation: 1 })
    t.equal((await store.load(id))?.server.supervisor, 'top')
  }
  t.match(runtime.info('declared'), { labels: ['vip'] })
  const terms = JSON.parse((await store.load('asked'))?.server.terms as string)
  t.match(terms.bond, {
    supervisor: 'top',
    tree: 'top',
    spec: { id: 'asked', args: { from: 3 }, shutdown: 'brutalKill' },
  })
  await close()
})

t.test('a child is started, as far as anybody is told, when it is kept', async (t) => {
  const { runtime, supervisor, commits, settle, close } = await families(t)
  await supervisor('top')
  commits.hold()
  const started = observe(runtime.start('account', {}, { id: 'a', supervisor: 'top' }))
  await settle()
  t.equal(started.outcome, 'pending')
  commits.release()
  await settle()
  t.match(started.value, { id: 'a', supervisor: 'top', status: 'running' })
  commits.fail(new StoreFull('no room'))
  const other = observe(runtime.start('account', {}, { id: 'b', supervisor: 'top' }))
  await settle()
  t.match(other.error, { code: 'storage_failed' })
  t.equal(runtime.whereis('b'), undefined)
  commits.recover()
  await close()
})

t.test('a child that crashes goes on with its state, its mailbox and its timers', async (t) => {
  const { runtime, clock, supervisor, call, crash, children, trace, settle, close } = await families(t)
  await supervisor('top', { maxRestarts: 10, children: accounts('a') })
  await call('a', 'add', { n: 5 })
  await call('a', 'later', { ms: 3000 })
  const crashed = observe(call('a', 'crash'))
  const after = observe(call('a', 'add', { n: 1 }))
  await settle()
  t.match([crashed.error, after.value], [{ code: 'server_crashed' }, 6])
  t.match(runtime.info('a'), {
    incarnation: 2,
    restarts: 1,
    supervisor: 'top',
    lastExit: { reason: { error: 'oops' } },
  })
  await runtime.cast('a', 'poison')
  await settle()
  t.equal(await call('a', 'look'), 6, 'what crashes it again and again is set aside')
  t.match((await runtime.deadLetters('a')).deadLetters, [{ message: 'poison', attempts: 5 }])
  t.match(runtime.info('a'), { incarnation: 7 })
  await clock.advance(3000)
  t.equal(await call('a', 'look'), 106)
  await crash('a')
  t.same(await children(), ['a running'])
  t.same(trace, ['init a'], 'nobody has given its state up')
  await close()
})

t.test('who is taken down with a sibling goes on from its state too', async (t) => {
  const { clock, supervisor, call, runtime, crash, children, trace, close } = await families(t)
  const plain = { id: 'p', implementation: 'plain' }
  const own = { id: 'own', implementation: 'account', restartFrom: 'init' }
  await supervisor('top', { strategy: 'oneForAll', maxRestarts: 5, children: [...accounts('a b'), plain, own] })
  for (const id of ['a', 'b', 'p', 'own']) await call(id, 'add', { n: 5 })
  await call('b', 'later', { ms: 1000 })
  trace.length = 0
  await crash('a')
  t.same(await children(), ['a running', 'b running', 'p running', 'own running'])
  t.same([await call('a', 'look'), await call('b', 'look')], [5, 5])
  t.same([await call('p', 'look'), await call('own', 'look')], [0, 0], 'unless it is to begin from its init')
  t.same(trace, ['terminate own "shutdown"', 'terminate p "shutdown"', 'init p', 'init own'])
  t.match(runtime.info('b'), { incarnation: 2, restarts: 1 })
  await clock.advance(1000)
  t.equal(await call('b', 'look'), 105)
  await close()
})

t.test('who was taken down with a sibling can leave memory, also if it begins from its init', async (t) => {
  const { supervisor, children, clock, runtime, crash, close } = await families(t, { idle: 1000 })
  const own = { id: 'own', implementation: 'account', restartFrom: 'init' }
  await supervisor('top', { strategy: 'oneForAll', maxRestarts: 5, children: [...accounts('a'), own] })
  await crash('a')
  t.same(await children(), ['a running', 'own running'])
  await clock.advance(3000)
  t.same([isAwake(runtime, 'a'), isAwake(runtime, 'own')], [false, false])
  await close()
})

t.test('a temporary child falls with nobody, and stands alone then', async (t) => {
  const { supervisor, call, runtime, crash, children, close } = await families(t)
  await supervisor('top', {
    strategy: 'oneForAll',
    children: [...accounts('a'), ...accounts('t', { restart: 'temporary' })],
  })
  await call('t', 'add', { n: 5 })
  await crash('a')
  t.same(await children(), ['a running'])
  t.match(runtime.info('t'), { supervisor: null, incarnation: 1 })
  t.equal(await call('t', 'look'), 5)
  await close()
})

t.test('what is handled too long when a sibling falls is given up, and the state before it stays', async (t) => {
  const { supervisor, clock, call, crash, children, close } = await families(t)
  await supervisor('top', { strategy: 'oneForAll', children: accounts('a b', { shutdown: 100 }) })
  await call('b', 'add', { n: 5 })
  const nap = observe(call('b', 'nap', { ms: 1000 }))
  await crash('a')
  t.equal(nap.outcome, 'pending')
  await clock.advance(100)
  t.match(nap.error, { code: 'server_exited' })
  t.same(await children(), ['a running', 'b running'])
  t.equal(await call('b', 'look'), 5)
  await clock.advance(1000)
  await close()
})

t.test('an order about the child itself ends it for good', async (t) => {
  const { runtime, supervisor, call, children, commits, store, trace, settle, close } = await families(t)
  await supervisor('top', { children: [...accounts('a b'), ...accounts('c', { shutdown: 'brutalKill' })] })
  for (const id of ['a', 'b', 'c']) await call(id, 'add', { n: 5 })
  await runtime.stop('a')
  commits.hold()
  const ended = ['b', 'c'].map((id) => observe(call('top', 'terminateChild', { id })))
  await settle()
  t.same(
    ended.map(({ outcome }) => outcome),
    ['pending', 'pending'],
    'told when it is kept',
  )
  commits.release()
  await settle()
  t.same(
    ended.map(({ value }) => value),
    [{ ok: true }, { ok: true }],
  )
  t.same(await children(), ['a stopped', 'b stopped', 'c stopped'])
  for (const id of ['a', 'b', 'c']) t.equal(await store.load(id), undefined)
  trace.length = 0
  for (const id of ['a', 'b', 'c']) await call('top', 'restartChild', { id })
  t.same(trace, ['init a', 'init b', 'init c'])
  t.same([await call('a', 'look'), runtime.info('a').incarnation], [0, 2])
  await close()
})

t.test('a child that ends by itself has ended for good, as its restart type says', async (t) => {
  const { supervisor, call, children, store, crash, trace, settle, close } = await families(t)
  const specs = ['permanent', 'transient', 'temporary'].map((restart) => ({
    id: restart,
    implementation: 'account',
    restart,
  }))
  await supervisor('top', { maxRestarts: 5, children: specs })
  for (const { id } of specs) await call(id, 'add', { n: 5 })
  trace.length = 0
  for (const id of ['permanent', 'transient']) await call(id, 'end', { reason: 'normal' }).catch(() => {})
  await crash('temporary')
  await settle()
  t.same(await children(), ['permanent running', 'transient stopped'])
  t.same([await store.load('transient'), await store.load('temporary')], [undefined, undefined])
  t.equal(await call('permanent', 'look'), 0, 'one that chose to stop has given its state up')
  await close()
})

t.test('a child whose end cannot be kept has not ended, and is a child still', async (t) => {
  const { supervisor, call, children, commits, runtime, crash, clock, settle, close } = await families(t)
  const other = { id: 'b', implementation: 'account' }
  await supervisor('top', { maxRestarts: 5, children: accounts('a') })
  await call('top', 'startChild', other)
  for (const id of ['a', 'b']) await call(id, 'add', { n: 5 })
  commits.fail(new StoreFull('no room'))
  for (const id of ['a', 'b']) {
    const ended = observe(call('top', 'terminateChild', { id }))
    await settle()
    t.match(ended.value, { error: { code: 'storage_failed' } })
  }
  commits.recover()
  await clock.advance(1000)
  t.same(await children(), ['a running', 'b running'])
  t.same([await call('a', 'look'), await call('b', 'look')], [5, 5])
  await crash('a')
  t.match(runtime.info('a'), { status: 'running', incarnation: 2, supervisor: 'top' })
  t.same(await call('top', 'terminateChild', { id: 'a' }), { ok: true })
  await close()
})

t.test('a child that nobody asks leaves memory, and its supervisor has it all the same', async (t) => {
  const { supervisor, call, children, clock, runtime, crash, trace, close } = await families(t, { idle: 1000 })
  await supervisor('top', { strategy: 'oneForAll', maxRestarts: 5, children: accounts('a b') })
  await call('top', 'startChild', { id: 'c', implementation: 'account' })
  for (const id of ['a', 'b', 'c']) await call(id, 'add', { n: 5 })
  await clock.advance(3000)
  t.same(
    ['a', 'b', 'c'].map((id) => isAwake(runtime, id)),
    [false, false, false],
  )
  t.match(runtime.info('a'), { status: 'running', supervisor: 'top', incarnation: 1 })
  t.same(await children(), ['a running', 'b running', 'c running'])
  t.equal(isAwake(runtime, 'a'), false, 'to be told of does not wake it')
  await crash('a')
  t.same(await children(), ['a running', 'b running', 'c running'])
  t.match([runtime.info('a'), runtime.info('b')], [{ incarnation: 2 }, { incarnation: 2 }], 'it was heard of')
  t.same([await call('a', 'look'), await call('b', 'look')], [5, 5])
  await clock.advance(3000)
  t.equal(isAwake(runtime, 'a'), false)
  t.same(await call('top', 'terminateChild', { id: 'a' }), { ok: true })
  t.same(await children(), ['a stopped', 'b running', 'c running'])
  t.equal(trace.at(-1), 'terminate a "shutdown"')
  await close()
})

t.test('a child that is killed is killed for good, also while it comes into memory', async (t) => {
  const { supervisor, call, children, clock, runtime, store, settle, close } = await families(t, { idle: 1000 })
  await supervisor('top', { children: accounts('a b') })
  await clock.advance(3000)
  await runtime.kill('a')
  void call('b', 'look').catch(() => {})
  await runtime.kill('b')
  await settle()
  t.same(await children(), ['a stopped', 'b stopped'])
  t.same([await store.load('a'), await store.load('b')], [undefined, undefined])
  await close()
})

t.test('an exit signal to a child that comes into memory reaches it when it is there', async (t) => {
  const { supervisor, call, clock, runtime, store, settle, close } = await families(t, { idle: 1000 })
  await supervisor('top', { maxRestarts: 5, children: accounts('a') })
  await call('a', 'add', { n: 5 })
  await clock.advance(3000)
  const read = latch()
  const { load } = store
  store.load = (id) => read.promise.then(() => load.call(store, id))
  directoryOf(runtime).find('a').die({ error: 'from afar' })
  await settle()
  t.match(runtime.info('a'), { incarnation: 1, lastExit: null })
  read.open()
  await settle()
  t.equal(await call('a', 'look'), 5)
  t.match(runtime.info('a'), { incarnation: 2, lastExit: { reason: { error: 'from afar' } } })
  await close()
})

t.test('a child that cannot be read has not ended', async (t) => {
  const { supervisor, call, clock, runtime, store, settle, close } = await families(t, { idle: 1000 })
  const children = accounts('a', { significant: true })
  await supervisor('top', { autoShutdown: 'anySignificant', children })
  await clock.advance(3000)
  const { load } = store
  store.load = () => Promise.reject(new Error('not now'))
  await t.rejects(call('a', 'look'), { code: 'storage_failed' })
  await settle()
  store.load = load
  t.equal(runtime.whereis('top'), 'top')
  t.match(await store.family('top'), { children: [{ id: 'a', isStopped: false }] })
  await close()
})

t.test('a supervisor holds nothing of a child that is not in memory', async (t) => {
  const { supervisor, clock, runtime, close } = await families(t, { idle: 1000 })
  await supervisor('top', { children: accounts('a') })
  t.equal(directoryOf(runtime).find('top').ties.areNone, false)
  await clock.advance(3000)
  t.equal(directoryOf(runtime).find('top').ties.areNone, true)
  await close()
})

t.test('a child leaves memory after the time that it was started with', async (t) => {
  const { supervisor, clock, runtime, close } = await families(t, { idle: 1000 })
  await supervisor('top')
  const start = (id: string, idle?: number) => runtime.start('account', {}, { id, supervisor: 'top', idle })
  await start('a', 5000)
  await start('b')
  await start('c', Number.POSITIVE_INFINITY)
  const inMemory = () => ['a', 'b', 'c'].filter((id) => isAwake(runtime, id))
  await clock.advance(3000)
  t.same(inMemory(), ['a', 'c'])
  await clock.advance(10_000)
  t.same(inMemory(), ['c'])
  await close()
})

t.test('of one that startChild has started and whose init chooses not to start again nothing is left', async (t) => {
  const { supervisor, call, children, plans, crash, next, close } = await families(t)
  await supervisor('top', { maxRestarts: 9, children: accounts('a', { restartFrom: 'init' }) })
  for (const id of ['b', 'c']) {
    await call('top', 'startChild', { id, implementation: 'account', restartFrom: 'init' })
  }
  await call('top', 'startChild', { id: 'p', implementation: 'plain' })
  for (const id of ['a', 'b', 'p']) plans.set(id, 'ignore')
  await crash('a')
  await crash('b')
  t.same(await children(), ['a stopped', 'c running', 'p running'])
  await close()
  const again = await next()
  t.same(await again.children(), ['a stopped', 'c running'], 'also when its supervisor begins again')
  await again.close()
})
