/** Other code is put under durable servers, whether they are in memory or not: all of them, or none. */
import { Type } from 'genservers'
import t, { type Test } from 'tap'
import { StoreFailed, StoreFull } from '../../../src/adapters.js'
import { latch, observe, running } from '../running.js'
import { heldStore } from './held-store.js'
import { first, keptOf, second, sleeping } from './purse.js'
import { known } from './talking.js'

t.test('those in memory and those that are not go over; nobody is woken, and what is kept follows', async (t) => {
  const { runtime, commits, change, call, isAwake, kept, until, begin, close } = await sleeping(t, {
    ...{ 'awake-1': 1, 'asleep-2': 2, 'asleep-3': 3 },
  })
  const dry = change(second, { dryRun: true })
  await until(() => dry.outcome !== 'pending')
  const told = { implementation: 'purse', from: 1, to: 2, servers: 3, migrated: 3 }
  t.same(dry.value, told)
  t.same(await kept(), [
    [1, 1, { n: 1 }],
    [1, 1, { n: 2 }],
    [1, 1, { n: 3 }],
  ])
  const done = change()
  await until(() => done.outcome !== 'pending')
  t.same(done.value, told)
  t.same([isAwake('awake-1'), isAwake('asleep-2'), isAwake('asleep-3')], [true, false, false])
  await until(async () => (await kept()).every((one) => one?.[0] === 2))
  t.same(await kept(), [
    [2, 2, { total: 1, from: 1 }],
    [2, 2, { total: 2, from: 1 }],
    [2, 2, { total: 3, from: 1 }],
  ])
  for (const id of ['awake-1', 'asleep-2']) {
    t.match(runtime.info(id), { version: 2, revision: 2, incarnation: 1, restarts: 0, status: 'running' })
    t.match(await runtime.state(id), { state: { from: 1 }, revision: 2 })
  }
  t.equal(await call('asleep-2', 'add', { n: 5 }).promise, 7)
  await t.rejects(call('asleep-3', 'old').promise, { code: 'unknown_message' })
  await close()
  const before = commits.all.length
  const next = await begin(second)
  await next.restored.promise
  await next.settle()
  t.equal(commits.all.length, before, 'the next start has nothing to do')
  await next.close()
})

t.test('one that cannot come along keeps all as they were, in memory or not, and is named', async (t) => {
  for (const id of ['asleep-13', 'awake-13']) {
    const { runtime, change, call, kept, until, commits, close } = await sleeping(t, { a: 1, 'awake-2': 2, [id]: 13 })
    const before = await kept()
    const written = commits.all.length
    for (const dryRun of [true, false]) {
      const refused = change(second, { dryRun })
      await until(() => refused.outcome !== 'pending')
      t.match(refused.error, {
        code: 'code_change_failed',
        effect: 'none',
        details: { failed: [{ id, message: '13 cannot come along' }] },
      })
    }
    t.same(await kept(), before)
    t.equal(commits.all.length, written)
    t.match(runtime.info('a'), { version: 1 })
    for (const each of ['a', 'awake-2']) t.type(await call(each, 'old').promise, 'number')
    await close()
  }
})

t.test('a state that becomes too large for the store is one that cannot come along', async (t) => {
  for (const id of ['asleep-14', 'awake-14']) {
    const { change, call, until, close } = await sleeping(t, { [id]: 14 })
    const refused = change()
    await until(() => refused.outcome !== 'pending')
    t.match(refused.error?.details.failed, [{ id, message: /^state_too_large/ }])
    t.equal(await call(id, 'old').promise, 14)
    await close()
  }
})

t.test('the answer leaves when the new states are kept', async (t) => {
  const { change, call, commits, store, settle, until, close } = await sleeping(t, { awake: 1 })
  commits.hold()
  const done = change()
  await until(() => commits.held.length > 0)
  t.equal(done.outcome, 'pending')
  const look = call('awake', 'look')
  await settle()
  t.equal(look.outcome, 'pending', 'it runs on the new code, and tells nothing before that is kept')
  t.same(await keptOf(store, ['awake']), [[1, 1, { n: 1 }]])
  commits.release()
  await until(() => done.outcome !== 'pending')
  t.match(done.value, { migrated: 1 })
  t.equal(look.value, 1)
  await close()
})

t.test('what a server did last is kept, and then migrated', async (t) => {
  const { change, call, commits, kept, settle, until, close } = await sleeping(t, { awake: 1 })
  commits.hold()
  const added = call('awake', 'add', { n: 5 })
  const done = change()
  await settle()
  await settle()
  t.same([added.outcome, done.outcome], ['pending', 'pending'])
  commits.release()
  await until(() => done.outcome !== 'pending')
  t.equal(added.value, 6)
  t.same(await kept(), [[2, 3, { total: 6, from: 1 }]])
  await close()
})

t.test('the version is kept also where the state is the same', async (t) => {
  const same = { ...second, state: Type.Object({ n: Type.Integer() }), codeChange: (old: object) => old } as never
  const { change, kept, until, runtime, close } = await sleeping(t, { asleep: 1, awake: 2 })
  const done = change(same)
  await until(() => done.outcome !== 'pending')
  t.match(done.value, { servers: 2, migrated: 0 })
  await until(async () => (await kept()).every((one) => one?.[0] === 2))
  t.same(await kept(), [
    [2, 1, { n: 1 }],
    [2, 1, { n: 2 }],
  ])
  t.match(runtime.info('asleep'), { revision: 1 })
  await close()
})

t.test('code of the same version is held to the states that are kept', async (t) => {
  const { change, kept, until, clock, close } = await sleeping(t, { asleep: 1, awake: 2 })
  const narrow = { ...second, version: 1 }
  const refused = change(narrow)
  await until(() => refused.outcome !== 'pending')
  t.match(refused.error?.details.failed, [{ id: 'asleep', message: /^bad state: .*\/total/ }])
  const other = change({ ...first(clock), description: 'other' })
  await until(() => other.outcome !== 'pending')
  t.match(other.value, { from: 1, to: 1, servers: 2, migrated: 0 })
  t.same(await kept(), [
    [1, 1, { n: 1 }],
    [1, 1, { n: 2 }],
  ])
  await close()
})

t.test('one that wakes while states are tried goes on with the old code, and over with what it has then', async (t) => {
  const { store, change, call, kept, until, isAwake, close } = await sleeping(t, { a: 1, b: 13 })
  const { states } = store
  const reading = latch()
  let isReading = false
  store.states = async (...asked) => {
    const read = await states.apply(store, asked)
    isReading = true
    await reading.promise
    return read
  }
  const done = change()
  await until(() => isReading)
  const added = ['a', 'b'].map((id) => call(id, 'add', { n: 7 }))
  await until(() => added.every(({ outcome }) => outcome !== 'pending'))
  t.same(
    added.map(({ value }) => value),
    [8, 20],
  )
  t.equal(done.outcome, 'pending')
  reading.open()
  await until(() => done.outcome !== 'pending')
  t.match(done.value, { servers: 2, migrated: 2 })
  t.ok(isAwake('a'))
  t.same(await kept(), [
    [2, 3, { total: 8, from: 1 }],
    [2, 3, { total: 20, from: 1 }],
  ])
  await close()
})

t.test('one that wakes when its state was tried already counts once, with what it has then', async (t) => {
  const purses = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`p${i}`, 100]))
  const { store, change, call, until, close } = await sleeping(t, purses)
  const { states } = store
  const reading = latch()
  let asked = 0
  store.states = async (...given) => {
    if (++asked === 2) await reading.promise
    return states.apply(store, given)
  }
  const done = change()
  await until(() => asked === 2)
  t.equal(await call('p0', 'add', { n: 1 }).promise, 101)
  reading.open()
  await until(() => done.outcome !== 'pending')
  t.match(done.value, { servers: 101, migrated: 101 })
  t.equal(await call('p0', 'look').promise, 101)
  await close()
})

t.test('while states are tried nobody leaves memory', async (t) => {
  const { store, change, clock, kept, until, isAwake, close } = await sleeping(
    t,
    { 'a-asleep': 1, awake: 2 },
    { idle: 100 },
  )
  const { states } = store
  const reading = latch()
  store.states = async (...asked) => {
    await reading.promise
    return states.apply(store, asked)
  }
  const done = change()
  await clock.advance(500)
  t.equal(isAwake('awake'), true)
  reading.open()
  await until(() => done.outcome !== 'pending')
  await until(async () => (await kept()).every((one) => one?.[0] === 2))
  await clock.advance(100)
  t.equal(isAwake('awake'), false)
  await close()
})

t.test('one that is woken while those in memory are waited for comes when it is over, on whichever code', async (t) => {
  for (const late of [true, false]) {
    const { change, call, clock, until, isAwake, close } = await sleeping(t, { asleep: 1, awake: 2 })
    call('awake', 'slow', { ms: late ? 2000 : 500 })
    const done = change()
    await until(() => isAwake('awake'))
    await clock.advance(100)
    const waits = late ? call('asleep', 'old') : call('asleep', 'add', { n: 4 })
    const refused = late ? undefined : call('asleep', 'old')
    await clock.advance(100)
    t.equal(waits.outcome, 'pending')
    await clock.advance(800)
    await until(() => done.outcome !== 'pending' && waits.outcome !== 'pending')
    if (late) {
      t.match(done.error?.details.failed, [{ id: 'awake', message: 'it was still at work after 1000 ms' }])
      t.equal(waits.value, 1)
    } else {
      t.match(done.value, { servers: 2, migrated: 2 })
      t.equal(waits.value, 5)
      t.match(refused?.error, { code: 'unknown_message' })
    }
    await clock.advance(2000)
    await close()
  }
})

t.test('one that is on its way into memory is waited for', async (t) => {
  const { store, change, call, settle, until, close } = await sleeping(t, { a: 13 })
  const { load } = store
  const loading = latch()
  store.load = async (id) => {
    await loading.promise
    return load.call(store, id)
  }
  const look = call('a', 'look')
  const refused = change()
  await settle()
  t.same([look.outcome, refused.outcome], ['pending', 'pending'])
  loading.open()
  await until(() => refused.outcome !== 'pending')
  t.match(refused.error?.details.failed, [{ id: 'a', message: '13 cannot come along' }])
  t.equal(await look.promise, 13)
  await close()
})

t.test('one that starts begins on the new code; one that an operator suspended stays so', async (t) => {
  const { runtime, change, call, clock, store, until, close } = await sleeping(t, { 'awake-1': 1, 'awake-2': 2 })
  runtime.suspend('awake-2')
  call('awake-1', 'slow', { ms: 500 })
  const done = change()
  await clock.advance(100)
  const started = observe(runtime.start('purse', { n: 9 }, { id: 'new' }))
  const waits = call('awake-2', 'add', { n: 1 })
  await clock.advance(400)
  await until(() => done.outcome !== 'pending' && started.outcome !== 'pending')
  t.match(done.value, { servers: 3, migrated: 2 })
  t.match(started.value, { version: 2, revision: 1 })
  t.same(await keptOf(store, ['new', 'awake-2']), [
    [2, 1, { total: 9, from: 2 }],
    [2, 2, { total: 2, from: 1 }],
  ])
  t.match(runtime.info('awake-2'), { status: 'suspended', version: 2 })
  t.equal(waits.outcome, 'pending')
  runtime.resume('awake-2')
  t.equal(await waits.promise, 3)
  await close()
})

t.test('one that waits for its next life after its node was lost is tried, and comes with the new form', async (t) => {
  for (const n of [1, 13]) {
    const { store, begin } = await sleeping(t, { lost: n })
    const { node, runtime, clock, change, until, close } = await begin(first, false)
    node.bringBack({ ...known('lost'), implementation: 'purse' }, 5000)
    const done = change()
    await until(() => done.outcome !== 'pending')
    if (n === 1) t.match(done.value, { servers: 1, migrated: 1 })
    else t.match(done.error?.details.failed, [{ id: 'lost', message: '13 cannot come along' }])
    t.match(runtime.info('lost'), { status: 'restarting' })
    await clock.advance(5000)
    t.match(runtime.info('lost'), { status: 'running', incarnation: 2, version: n === 1 ? 2 : 1 })
    t.same(await keptOf(store, ['lost']), n === 1 ? [[2, 2, { total: 1, from: 1 }]] : [[1, 1, { n: 13 }]])
    await close()
  }
})

t.test('one that restarts after a crash goes over as it is', async (t) => {
  const { runtime, change, call, clock, kept, until, close } = await sleeping(t, { awake: 1 }, { maxRestarts: 0 })
  const crashing = {
    ...first(clock),
    handleCall: { ...first(clock).handleCall, old: () => Promise.reject(new Error('x')) },
  }
  const prepared = change(crashing as never)
  await until(() => prepared.outcome !== 'pending')
  await t.rejects(call('awake', 'old').promise, { code: 'server_crashed' })
  t.match(runtime.info('awake'), { status: 'restarting' })
  const done = change()
  await until(() => done.outcome !== 'pending')
  t.match(done.value, { servers: 1, migrated: 1 })
  t.same(await kept(), [[2, 2, { total: 1, from: 1 }]])
  await clock.advance(60_000)
  t.match(runtime.info('awake'), { status: 'running', version: 2, incarnation: 2 })
  t.equal(await call('awake', 'add', { n: 1 }).promise, 2)
  await close()
})

t.test('where the new states cannot be kept the code is the new one, and who asked hears what is true', async (t) => {
  const { runtime, change, call, commits, kept, clock, store, settle, until, close } = await sleeping(t, { awake: 1 })
  commits.hold()
  const done = change()
  await until(() => commits.held.length > 0)
  commits.fail(new StoreFull('no room'))
  await until(() => done.outcome !== 'pending')
  t.match(done.error, {
    code: 'storage_failed',
    effect: 'unknown',
    message: 'purse runs version 2 from now on, and not all states could be kept in its form: no room',
  })
  t.match(runtime.implementations.get('purse'), { version: 2 })
  t.same(await kept(), [[1, 1, { n: 1 }]])
  const { load } = store
  let loads = 0
  store.load = (id) => {
    loads++
    return load.call(store, id)
  }
  for (let second = 0; second < 3; second++) {
    for (let round = 0; round < 20; round++) await settle()
    t.equal(loads, second, 'it tries once a second')
    await t.rejects(Promise.all([runtime.cast('awake', 'bump', { n: 1 }), settle()]), { code: 'storage_failed' })
    await settle()
    t.equal(loads, second, 'whatever comes meanwhile')
    await clock.advance(1000)
  }
  t.match(runtime.info('awake'), { status: 'restarting', version: 2 })
  const added = call('awake', 'add', { n: 1 })
  commits.recover()
  await clock.advance(1000)
  await settle()
  t.equal(added.value, 2, 'and goes on when there is room')
  t.same(await kept(), [[2, 3, { total: 2, from: 1 }]])
  await close()
})

t.test('a store that cannot be read keeps all on the old code', async (t) => {
  const { store, change, call, kept, until, close } = await sleeping(t, { a: 1 })
  const { states } = store
  store.states = async () => {
    throw new StoreFailed('read')
  }
  const refused = change()
  await until(() => refused.outcome !== 'pending')
  t.match(refused.error, { code: 'storage_failed' })
  store.states = states
  t.equal(await call('a', 'old').promise, 1)
  t.same(await kept(), [[1, 1, { n: 1 }]])
  await close()
})

t.test('all states must have been looked at in time', async (t) => {
  const { store, change, clock, close } = await sleeping(t, { a: 1 })
  const reading = latch<never[]>()
  store.states = () => reading.promise
  const refused = change()
  await clock.advance(1000)
  t.match(refused.error, {
    code: 'code_change_failed',
    message: 'purse was not changed: not all states that are kept were looked at after 1000 ms',
  })
  reading.open([])
  await close()
})

t.test('the same holds for one that is on its way into memory', async (t) => {
  const { store, change, call, clock, close } = await sleeping(t, { a: 1 })
  const { load } = store
  const loading = latch()
  store.load = async (id) => {
    await loading.promise
    return load.call(store, id)
  }
  const look = call('a', 'look')
  const refused = change()
  await clock.advance(1000)
  t.match(refused.error, { message: /servers were still on their way into memory after 1000 ms/ })
  loading.open()
  t.equal(await look.promise, 1)
  await close()
})

t.test('what waits and does not fit the new code is set aside where it was accepted, and else refused', async (t) => {
  const { runtime, change, call, clock, store, logged, until, close } = await sleeping(t, { awake: 1 })
  for (const message of ['tick', 'tock']) await call('awake', 'soon', { message }).promise
  for (const n of [3, 4000]) await runtime.cast('awake', 'bump', { n }, { delay: 5000 })
  runtime.suspend('awake')
  await runtime.cast('awake', 'gone', {}, { delay: 10 })
  await clock.advance(10)
  for (const n of [2, 2000]) await runtime.cast('awake', 'bump', { n })
  runtime.send('awake', 'tock', {})
  const old = call('awake', 'old')
  const done = change()
  await until(() => done.outcome !== 'pending')
  t.match(old.error, { code: 'unknown_message' })
  runtime.resume('awake')
  await clock.advance(5000)
  t.match(await runtime.state('awake'), { state: { total: 1 + 200 + 1000 + 300 } })
  t.match((await runtime.deadLetters('awake')).deadLetters, [
    { message: 'bump', args: { n: 2000 }, reason: { error: 'the args of bump are not what it takes' } },
    { message: 'gone', args: {} },
    { message: 'bump', args: { n: 4000 } },
  ])
  t.match(
    logged.filter(({ message }) => message.startsWith('dropped')),
    [{ fields: { message: 'tock' } }, { fields: { message: 'tock' } }],
  )
  const kept = await store.load('awake')
  t.same([kept?.casts, kept?.timers], [[], []])
  await close()
})

t.test(
  'a cast that is on its way from a server of other code when its receiver changes is set aside too',
  async (t) => {
    const { store, commits } = heldStore()
    const { runtime, clock, close } = running(t, (clock) => ({ purse: first(clock), giver: first(clock) }), { store })
    await runtime.start('purse', { n: 1 }, { id: 'to' })
    await runtime.start('giver', { n: 5 }, { id: 'from' })
    commits.hold()
    const passed = observe(runtime.call('from', 'pass', { to: 'to' }))
    await clock.advance(0)
    const done = observe(runtime.changeCode('purse', second))
    await clock.advance(0)
    t.match(runtime.info('to'), { version: 2 })
    commits.release()
    for (const { promise } of [passed, done]) await Promise.all([promise, clock.advance(0)])
    await clock.advance(0)
    t.match((await runtime.deadLetters('to')).deadLetters, [{ message: 'gone' }])
    t.same((await store.load('to'))?.casts, [])
    t.match(runtime.info('to'), { crashes: 0, mailbox: { length: 0 } })
    await close()
  },
)

t.test('one that is woken while others are asked to agree holds nothing up, however long they take', async (t) => {
  const { change, call, clock, kept, until, close } = await sleeping(t, { asleep: 1, awake: 2 })
  const agreement = latch()
  let isAsked = false
  const done = change(second, {
    agreed: () => {
      isAsked = true
      return agreement.promise
    },
  })
  await until(() => isAsked)
  const added = call('asleep', 'add', { n: 4 })
  await clock.advance(5000)
  t.same([done.outcome, added.outcome], ['pending', 'pending'])
  agreement.open()
  await until(() => done.outcome !== 'pending' && added.outcome !== 'pending')
  t.match(done.value, { servers: 2, migrated: 2 })
  t.equal(added.value, 5)
  t.same(await kept(), [
    [2, 3, { total: 5, from: 1 }],
    [2, 2, { total: 2, from: 1 }],
  ])
  await close()
})

/** `asleep-1` is being read, and a change has begun. */
async function changingWhileOneComes(t: Test, coins = 1) {
  const world = await sleeping(t, { 'asleep-1': coins, 'asleep-2': 2 })
  const { store, call, change, until, settle } = world
  const reading = latch()
  let isReading = false
  const { load } = store
  store.load = async (id) => {
    isReading = true
    await reading.promise
    return load.call(store, id)
  }
  const looked = call('asleep-1', 'look')
  await until(() => isReading)
  const done = change()
  await settle()
  t.equal(done.outcome, 'pending')
  return { ...world, reading, looked, done }
}

t.test('one that ends while it comes into memory does not keep the others on the old code', async (t) => {
  const { runtime, reading, done, until, close } = await changingWhileOneComes(t)
  runtime.kill('asleep-1')
  reading.open()
  await until(() => done.outcome !== 'pending')
  t.match(done.value, { from: 1, to: 2 })
  t.match(runtime.info('asleep-2'), { version: 2 })
  t.throws(() => runtime.info('asleep-1'), { code: 'server_exited' })
  await close()
})

t.test('nor does one that could not be read, whose state is tried where it is', async (t) => {
  const { reading, done, until, looked, close } = await changingWhileOneComes(t)
  reading.fail(new StoreFailed('read'))
  await until(() => done.outcome !== 'pending')
  t.match(looked.error, { code: 'storage_failed' })
  t.match(done.value, { servers: 2, migrated: 2 })
  await close()
  const bad = await changingWhileOneComes(t, 13)
  bad.reading.fail(new StoreFailed('read'))
  await bad.until(() => bad.done.outcome !== 'pending')
  t.match(bad.done.error, { code: 'code_change_failed' })
  await bad.close()
})
