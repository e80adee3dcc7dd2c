/** After a change of code the states of servers that are not in memory are written in their new form, behind everything else. */
import t from 'tap'
import { StoreFull } from '../../../src/adapters.js'
import { latch } from '../running.js'
import { keptOf, second, sleeping } from './purse.js'

/** When states are asked for that are to be written, and not to be tried, they do not come until they are let. */
function heldStates(store: Awaited<ReturnType<typeof sleeping>>['store']) {
  const { states } = store
  const reading = latch()
  let asked = 0
  store.states = async (...given) => {
    const read = await states.apply(store, given)
    if (++asked > 1) await reading.promise
    return read
  }
  return { release: () => reading.open(), isAsked: () => asked > 1 }
}

t.test('until it is done one that is looked at shows its new state, and one that wakes has it', async (t) => {
  const { runtime, change, call, commits, kept, store, until, isAwake, settle, close } = await sleeping(t, {
    a: 1,
    b: 2,
  })
  commits.hold()
  const done = change()
  await until(() => done.outcome !== 'pending')
  t.match(done.value, { servers: 2, migrated: 2 })
  t.same(await keptOf(store, ['a']), [[1, 1, { n: 1 }]])
  t.match(await runtime.state('a'), { state: { total: 1, from: 1 }, revision: 2 })
  t.match(runtime.info('a'), { version: 2 })
  t.equal(isAwake('a'), false)
  const look = call('a', 'look')
  await settle()
  t.equal(look.outcome, 'pending', 'nobody sees its state before that is kept')
  commits.release()
  t.equal(await look.promise, 1)
  await until(async () => (await kept()).every((one) => one?.[0] === 2))
  t.same(await kept(), [
    [2, 2, { total: 1, from: 1 }],
    [2, 2, { total: 2, from: 1 }],
  ])
  await close()
})

t.test('what a server has done meanwhile is not overwritten, also where it is not in memory any more', async (t) => {
  const { store, change, call, clock, kept, until, isAwake, settle, close } = await sleeping(t, { a: 1 }, { idle: 100 })
  const held = heldStates(store)
  const done = change()
  await until(held.isAsked)
  t.equal(done.outcome, 'resolved')
  t.equal(await call('a', 'add', { n: 4 }).promise, 5)
  await clock.advance(100)
  t.equal(isAwake('a'), false)
  held.release()
  await settle()
  await settle()
  t.same(await kept(), [[2, 3, { total: 5, from: 1 }]])
  t.equal(await call('a', 'add', { n: 1 }).promise, 6)
  await close()
})

t.test('one that is awake is left alone', async (t) => {
  const { store, change, call, commits, until, settle, close } = await sleeping(t, { a: 1 })
  const held = heldStates(store)
  const done = change()
  await until(held.isAsked)
  t.equal(done.outcome, 'resolved')
  t.equal(await call('a', 'look').promise, 1)
  held.release()
  await settle()
  await settle()
  t.notOk(commits.all.some(({ kind }) => kind === 'migrated'))
  t.same(await keptOf(store, ['a']), [[2, 2, { total: 1, from: 1 }]])
  await close()
})

t.test('many are written some at a time', async (t) => {
  const purses = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`p${i}`, i + 100]))
  const { change, commits, kept, until, runtime, close } = await sleeping(t, purses)
  const done = change()
  await until(() => done.outcome !== 'pending')
  t.match(done.value, { servers: 250, migrated: 250 })
  await until(async () => (await kept()).every((one) => one?.[0] === 2))
  t.equal(commits.all.filter(({ kind }) => kind === 'migrated').length, 250)
  t.match(runtime.info('p7'), { version: 2, revision: 2 })
  await close()
})

t.test('where there is no room it is told, servers go on all the same, and the next start does it', async (t) => {
  const { change, call, commits, kept, until, reports, begin, close } = await sleeping(t, { a: 1, b: 2 })
  commits.hold()
  const done = change()
  await until(() => commits.held.length > 0)
  t.equal(done.outcome, 'resolved')
  commits.fail(new StoreFull('no room'))
  await until(() => reports().length > 0)
  t.match(reports(), [{ fields: { err: { message: 'no room' } }, message: /stay in the form of their old code/ }])
  commits.recover()
  t.equal(await call('a', 'add', { n: 1 }).promise, 2)
  t.same(await kept(), [
    [2, 3, { total: 2, from: 1 }],
    [1, 1, { n: 2 }],
  ])
  await close()
  const next = await begin(second)
  await next.restored.promise
  await next.until(async () => (await kept()).every((one) => one?.[0] === 2))
  t.same((await kept())[1], [2, 2, { total: 2, from: 1 }])
  t.equal(await next.call('b', 'look').promise, 2)
  await next.close()
})

t.test('a process that ends between the change and its end has lost nothing: the next one goes on', async (t) => {
  const { change, commits, store, until, begin } = await sleeping(t, { asleep: 1, awake: 2 })
  commits.hold()
  const done = change()
  await until(() => commits.held.length > 0)
  t.equal(done.outcome, 'pending')
  const next = await begin(second)
  t.equal(await next.restored.promise, 2)
  t.match(await next.runtime.state('awake'), { state: { total: 2, from: 1 } })
  commits.release()
  await next.until(async () => (await keptOf(store, ['asleep', 'awake'])).every((one) => one?.[0] === 2))
  t.equal(await next.call('awake', 'add', { n: 1 }).promise, 3)
  await next.close()
})

t.test('it stops for the next change, and goes on after it, whatever comes of that', async (t) => {
  const { store, change, kept, until, call, close } = await sleeping(t, { a: 1, b: 2 })
  const held = heldStates(store)
  const done = change()
  await until(held.isAsked)
  t.equal(done.outcome, 'resolved')
  const third = { ...second, version: 3, codeChange: () => Promise.reject(new Error('no way')) as never }
  const refused = change(third)
  held.release()
  await until(() => refused.outcome !== 'pending')
  t.match(refused.error, { code: 'code_change_failed', details: { failed: [{ id: 'a' }, { id: 'b' }] } })
  await until(async () => (await kept()).every((one) => one?.[0] === 2))
  t.equal(await call('a', 'add', { n: 1 }).promise, 2)
  await close()
})

t.test('a change that comes before it is done is tried with what is kept', async (t) => {
  const { store, change, kept, until, close } = await sleeping(t, { a: 1, b: 2 })
  const held = heldStates(store)
  const done = change()
  await until(held.isAsked)
  t.equal(done.outcome, 'resolved')
  const seen: number[] = []
  const third = {
    ...second,
    version: 3,
    codeChange: (old: object, version: number) => {
      seen.push(version)
      return { total: Object.values(old)[0], from: version }
    },
  }
  const again = change(third as never)
  held.release()
  await until(() => again.outcome !== 'pending')
  t.match(again.value, { from: 2, to: 3, servers: 2, migrated: 2 })
  await until(async () => (await kept()).every((one) => one?.[0] === 3))
  t.same(await kept(), [
    [3, 2, { total: 1, from: 1 }],
    [3, 2, { total: 2, from: 1 }],
  ])
  t.ok(seen.every((version) => version === 1))
  await close()
})

t.test('a runtime that closes does not wait for it, nor does it go on after a change that is given up', async (t) => {
  const { store, change, reports, until, settle, kept, close } = await sleeping(t, { a: 1 })
  const held = heldStates(store)
  const done = change()
  await until(held.isAsked)
  t.equal(done.outcome, 'resolved')
  const late = change({ ...second, version: 3 })
  await settle()
  await close()
  t.match(late.error, { code: 'draining' })
  held.release()
  await settle()
  t.same(await kept(), [[1, 1, { n: 1 }]])
  t.same(reports(), [])
})

t.test('code that does otherwise than when it was tried leaves the state to be asked for again', async (t) => {
  let isWell = true
  const fickle = {
    ...second,
    codeChange: (old: object, version: number) => {
      if (!isWell) throw new Error('not today')
      return second.codeChange?.(old, version)
    },
  }
  const { change, call, commits, kept, runtime, until, reports, close } = await sleeping(t, { a: 1 })
  commits.hold()
  const done = change({
    ...fickle,
    codeChange: (old: object, version: number) => {
      const next = fickle.codeChange(old, version)
      isWell = false
      return next
    },
  } as never)
  await until(() => done.outcome !== 'pending')
  commits.release()
  await until(() => reports().length > 0)
  const why = 'a is kept by version 1 of purse, and cannot be taken to version 2: not today'
  t.match(reports(), [{ fields: { server: 'a' }, message: why }])
  t.match(await runtime.state('a'), { state: null, redactFailed: true, revision: 1 })
  const refused = call('a', 'look')
  await until(() => refused.outcome !== 'pending')
  t.match(refused.error, {
    code: 'server_crashed',
    effect: 'none',
    message: why,
    details: { reason: { error: 'not today' } },
  })
  const cast = runtime.cast('a', 'bump', { n: 1 })
  const view = runtime.state('a')
  t.match(await view, { redactFailed: true }, 'whoever waits for it to come hears the same')
  await cast
  t.match(runtime.info('a'), { status: 'running', revision: 1 })
  t.same(await kept(), [[1, 1, { n: 1 }]])
  isWell = true
  const look = call('a', 'look')
  await until(() => look.outcome !== 'pending')
  t.equal(look.value, 101, 'what was accepted has had its effect')
  await close()
})

t.test('states that a lost node did not write are written by its next one', async (t) => {
  const { store, kept, begin } = await sleeping(t, { a: 1 })
  const { node, until, runtime, close } = await begin(second, false)
  const terms = { restart: 'transient', restartFrom: 'state', shutdown: 5000, mailbox: 1000, labels: [] } as const
  node.know([{ id: 'a', implementation: 'purse', incarnation: 1, restarts: 0, revision: 1, terms }])
  await until(async () => (await kept()).every((one) => one?.[0] === 2))
  t.match(runtime.info('a'), { revision: 2 })
  t.same(await keptOf(store, ['a']), [[2, 2, { total: 1, from: 1 }]])
  await close()
})
