/** The output gate of durable servers: a turn builds on the one before at once, and nothing is told before it is kept. */
import { defineServer, Type } from 'genservers'
import t from 'tap'
import { StoreFailed, StoreFull } from '../../../src/adapters.js'
import { observe, running } from '../running.js'
import { heldStore } from './held-store.js'
import { N, talker, talking } from './talking.js'

t.test('nothing of a turn is told before it is kept: no reply, cast or event; what follows builds on it', async (t) => {
  const { runtime, commits, heard, call, settle, close } = await talking(t)
  commits.hold()
  const grown = call('s', 'grow')
  const next = call('s', 'get')
  const look = call('s', 'look')
  await settle()
  t.same(heard.splice(0), ['continue'], 'what concerns only the server takes hold')
  t.same([grown.outcome, next.outcome, look.outcome], ['pending', 'pending', 'pending'])
  t.match(runtime.state('s'), { state: { n: 0 }, revision: 1 })
  t.match(runtime.info('s'), { revision: 1, handled: 4 })
  t.match(commits.held, [
    [
      { kind: 'state', id: 's', revision: 2 },
      { kind: 'timer', id: 's' },
      { kind: 'cast', id: 'ear' },
    ],
  ])
  commits.release()
  await settle()
  t.match(grown.value, [1, String])
  t.equal(next.value, 1)
  t.equal(look.value, 1, 'who looks sees what came before')
  t.same(heard, ['event {"n":1}', 'cast 1'])
  t.match(runtime.state('s'), { state: { n: 1 }, revision: 2 })
  t.equal((await runtime.timers('s')).length, 1)
  await close()
})

t.test('many turns of one server are one state in the batch, and are answered in their order', async (t) => {
  const { commits, call, settle, close } = await talking(t)
  commits.hold()
  const first = call('s', 'add', { n: 1 })
  await settle()
  const more = [2, 3, 4].map((n) => call('s', 'add', { n }))
  await settle()
  t.equal(commits.held.length, 1, 'one batch is under way')
  commits.letOne()
  await settle()
  t.equal(first.value, 1)
  t.match(commits.held, [[{ kind: 'state', id: 's', revision: 5, state: '{"n":10,"heard":[]}' }]])
  t.same(
    more.map(({ outcome }) => outcome),
    ['pending', 'pending', 'pending'],
  )
  commits.release()
  await settle()
  t.same(
    more.map(({ value }) => value),
    [3, 6, 10],
  )
  await close()
})

t.test(
  'a cast is accepted when it is kept; one that has its effect in the same batch never comes to the store',
  async (t) => {
    const { runtime, commits, settle, close } = await talking(t)
    commits.hold()
    const first = observe(Promise.resolve(runtime.cast('ear', 'hear', { n: 1 })))
    await settle()
    const second = observe(Promise.resolve(runtime.cast('ear', 'hear', { n: 2 })))
    await settle()
    t.same([first.outcome, second.outcome], ['pending', 'pending'])
    t.match(
      commits.held,
      [[{ kind: 'state', revision: 2 }]],
      'the state has its effect, and nothing else is to be kept',
    )
    commits.letOne()
    await settle()
    t.same([first.outcome, second.outcome], ['resolved', 'pending'])
    commits.release()
    await settle()
    t.equal(second.outcome, 'resolved')
    await close()
  },
)

t.test('a cast between durable servers has its effect once, whenever the process ends', async (t) => {
  const { runtime, commits, store, next, call, settle, close } = await talking(t)
  runtime.suspend('ear')
  call('s', 'grow')
  await settle()
  t.match((await store.load('ear'))?.casts, [{ message: 'hear', args: '{"n":1}', attempts: 0 }])
  const { runtime: later, close: closeLater, clock } = await next()
  await clock.advance(0)
  t.match((await later.state('ear')).state, { heard: [1] }, 'it was kept with the state of its sender')
  t.same((await store.load('ear'))?.casts, [])
  t.match((await later.state('s')).state, { n: 1 })
  commits.release()
  await closeLater()
  runtime.resume('ear')
  await close()
})

t.test('a restart brings back states, casts in their order, and timers; late ones fire once', async (t) => {
  const { runtime, clock, heard, next, call, settle } = await talking(t)
  await clock.advance(0)
  call('s', 'grow')
  await settle()
  runtime.suspend('ear')
  for (const n of [7, 8]) await runtime.cast('ear', 'hear', { n })
  const ref = await runtime.cast('ear', 'hear', { n: 9 }, { delay: 60_000 })
  t.match(ref, /^t/)
  heard.length = 0
  const later = await next()
  t.equal(later.restored, 2)
  await later.clock.advance(0)
  t.match((await later.runtime.state('ear')).state, { heard: [1, 7, 8] })
  t.match(later.runtime.timers('ear'), [{ ref, kind: 'cast', message: 'hear', dueIn: 60_000 }])
  t.match(later.runtime.info('s'), { revision: 2, incarnation: 1, restarts: 0 })
  await later.clock.advance(60_000)
  t.match((await later.runtime.state('ear')).state, { heard: [1, 7, 8, 9] })
  t.match((await later.runtime.state('s')).state, { n: 2 }, 'the tick of a durable server')
  const third = await next()
  await third.clock.advance(100_000)
  t.match((await third.runtime.state('ear')).state, { heard: [1, 7, 8, 9] }, 'nothing fires twice')
  await third.close()
})

t.test('a timer that is cancelled, or was of a state that is given up, does not come back', async (t) => {
  const { runtime, store, call, settle, close } = await talking(t)
  const grown = call('s', 'grow')
  await settle()
  const [, ref] = grown.value as [number, string]
  t.equal((await store.load('s'))?.timers.length, 1)
  t.equal(await call('s', 'forget', { ref }).value, undefined)
  await settle()
  t.same((await store.load('s'))?.timers, [])
  const cast = (await runtime.cast('s', 'hear', { n: 1 }, { delay: 1000 })) as string
  t.equal((await store.load('s'))?.timers.length, 1)
  t.equal(await runtime.cancelTimer('s', cast), 1000)
  t.same((await store.load('s'))?.timers, [])
  await close()
})

t.test('a handler that fails leaves what is kept as it was, and its caller is told', async (t) => {
  const { runtime, store, next, call, settle, close } = await talking(t)
  const failed = call('s', 'fail')
  await settle()
  t.match(failed.error, { code: 'server_crashed', effect: 'none' })
  t.match(runtime.info('s'), { incarnation: 2, restarts: 1, revision: 1 })
  t.match((await store.load('s'))?.server, { incarnation: 2, restarts: 1, state: '{"n":0,"heard":[]}' })
  await close()
  const later = await next()
  t.match(later.runtime.info('s'), { incarnation: 2, restarts: 1 })
  await later.close()
})

t.test('a state that is no JSON, or too large, fails its turn', async (t) => {
  const { runtime, call, settle, close } = await talking(t, { maxStateBytes: 1000 })
  const odd = call('s', 'odd')
  const large = call('s', 'large')
  await settle()
  t.match(odd.error, { code: 'server_crashed', message: /Date/ })
  t.match(large.error, { code: 'server_crashed', message: /state_too_large: the state has 30\d\d bytes/ })
  t.match(runtime.state('s'), { state: { n: 0, heard: [] }, revision: 1 })
  await close()
})

t.test('a cast that crashes its server is tried five times, and set aside; the others go on in order', async (t) => {
  const { runtime, store, heard, settle, clock, logged, close } = await talking(t)
  runtime.suspend('ear')
  await runtime.cast('ear', 'poison')
  await runtime.cast('ear', 'hear', { n: 2 })
  runtime.resume('ear')
  await settle()
  await clock.advance(60_000)
  t.same(heard, ['poison', 'poison', 'poison', 'poison', 'poison', 'cast 2'])
  t.match(await store.deadLetters('ear', { limit: 10 }), [
    { message: 'poison', attempts: 5, reason: '{"error":"poisoned"}' },
  ])
  t.same((await store.load('ear'))?.casts, [])
  t.ok(logged.some(({ message }) => message === 'the cast poison of ear is set aside after 5 attempts'))
  await close()
})

t.test('a cast that ends its process each time is set aside too', async (t) => {
  const { runtime, store, heard, next } = await talking(t)
  runtime.suspend('ear')
  await runtime.cast('ear', 'poison')
  for (let attempt = 1; attempt <= 4; attempt++) {
    // It has been counted when it is about to run, and then the process is gone.
    const seq = ((await store.load('ear'))?.casts[0]?.seq ?? 0) as number
    await store.commit([{ kind: 'castTaken', seq, attempts: attempt }])
  }
  heard.length = 0
  const later = await next()
  await later.clock.advance(0)
  t.same(heard, ['poison'], 'the fifth attempt')
  t.equal((await store.deadLetters('ear', { limit: 10 })).length, 1)
  await later.close()
})

t.test('a deferred reply is told when the turn that gave it is kept', async (t) => {
  const { commits, call, settle, close } = await talking(t)
  commits.hold()
  const asked = call('s', 'later')
  await settle()
  commits.letOne()
  await settle()
  t.equal(asked.outcome, 'pending')
  commits.release()
  await settle()
  t.equal(asked.value, 'answered')
  await close()
})

t.test('a server has ended, and its caller is answered, when that is kept', async (t) => {
  const { runtime, commits, store, call, settle, next, close } = await talking(t)
  commits.hold()
  const ended = call('s', 'end')
  const waiting = call('s', 'get')
  await settle()
  t.equal(runtime.whereis('s'), 's')
  t.equal(ended.outcome, 'pending')
  commits.release()
  await settle()
  t.equal(ended.value, 'ended')
  t.match(waiting.error, { code: 'server_exited' })
  t.equal(runtime.whereis('s'), undefined)
  t.equal(await store.load('s'), undefined)
  await close()
  const later = await next()
  t.throws(() => later.runtime.info('s'), { code: 'server_exited', details: { reason: 'normal' } })
  const again = await later.runtime.start('talker', {}, { id: 's' })
  t.match(again, { incarnation: 2 })
  await later.close()
})

t.test('orders to stop and kills are done when they are kept', async (t) => {
  const { runtime, commits, store, settle, close } = await talking(t)
  commits.hold()
  const stopped = observe(runtime.stop('s'))
  const killed = observe(Promise.resolve(runtime.kill('ear')))
  await settle()
  t.same([stopped.outcome, killed.outcome], ['pending', 'pending'])
  commits.release()
  await settle()
  t.same([stopped.outcome, killed.outcome], ['resolved', 'resolved'])
  t.same(await store.servers({ limit: 10 }), [])
  await close()
})

t.test('a durable server is not there before its first state is kept', async (t) => {
  const { runtime, commits, settle, close } = await talking(t)
  commits.hold()
  const started = observe(runtime.start('talker', {}, { id: 'new' }))
  await settle()
  t.equal(started.outcome, 'pending')
  t.match(runtime.info('new'), { status: 'starting' })
  commits.release()
  await settle()
  t.match(started.value, { status: 'running', revision: 1 })
  await close()
})

t.test('a runtime that closes ends no durable server', async (t) => {
  const { store, next, close } = await talking(t)
  await close()
  t.match(await store.servers({ limit: 10 }), [
    { id: 'ear', implementation: 'talker' },
    { id: 's', implementation: 'talker' },
  ])
  const later = await next()
  t.equal(later.restored, 2)
  await later.close()
})

t.test(
  'where there is no room nothing is acknowledged, the server goes back to what is kept, and then goes on',
  async (t) => {
    const { runtime, commits, call, settle, close } = await talking(t)
    t.equal(await runtime.call('s', 'add', { n: 1 }), 1)
    commits.fail(new StoreFull('no room'))
    const lost = call('s', 'add', { n: 10 })
    const cast = observe(Promise.resolve(runtime.cast('ear', 'hear', { n: 5 })))
    await settle()
    t.match(lost.error, { code: 'storage_failed', effect: 'none' })
    t.match(cast.error, { code: 'storage_failed' })
    commits.recover()
    await settle()
    t.equal(await runtime.call('s', 'add', { n: 2 }), 3)
    t.match((await runtime.state('ear')).state, { heard: [] })
    await close()
  },
)

t.test('where there is no room an end is not kept either, and who waits hears so', async (t) => {
  const { runtime, commits, call, settle, close } = await talking(t)
  commits.hold()
  const first = call('s', 'add', { n: 1 })
  await settle()
  const stopped = observe(runtime.stop('s'))
  const waiting = call('s', 'get')
  const killed = observe(Promise.resolve(runtime.kill('ear')))
  await settle()
  commits.fail(new StoreFull('no room'))
  await settle()
  t.match(first.error, { code: 'storage_failed', effect: 'none' })
  t.match([stopped.error, waiting.error, killed.error], Array(3).fill({ code: 'storage_failed' }))
  commits.recover()
  await settle()
  t.equal(await runtime.call('s', 'add', { n: 5 }), 5)
  t.equal(await runtime.call('ear', 'get'), 0)
  await runtime.stop('s')
  t.throws(() => runtime.info('s'), { code: 'server_exited' })
  await close()
})

t.test('what a durable server asks of others it asks when all that it did before is kept', async (t) => {
  const heard: string[] = []
  const { store, commits } = heldStore()
  const caller = defineServer({
    durable: true,
    state: Type.Object({ n: Type.Integer() }),
    calls: { ask: { reply: Type.Unknown() } },
    init: () => ({ n: 0 }),
    handleCall: {
      ask: async (state, _args, ctx) => {
        state.n++
        return ctx.call('memory', 'hear', { n: state.n })
      },
    },
  })
  const memory = defineServer({
    state: Type.Object({}),
    calls: { hear: { args: N, reply: Type.Integer() } },
    init: () => ({}),
    handleCall: {
      hear: (_state, { n }) => {
        heard.push(`asked ${n}`)
        return n
      },
    },
  })
  const { runtime, clock, close } = running(t, { caller, memory }, { store })
  await runtime.start('caller', {}, { id: 'c' })
  await runtime.start('memory', {}, { id: 'memory' })
  commits.hold()
  const first = observe(runtime.call('c', 'ask'))
  const second = observe(runtime.call('c', 'ask'))
  await clock.advance(0)
  t.same(heard, ['asked 1'], 'nothing was before the first')
  t.same([first.outcome, second.outcome], ['pending', 'pending'])
  commits.release()
  await clock.advance(0)
  t.same(heard, ['asked 1', 'asked 2'])
  t.same([first.value, second.value], [1, 2])
  await close()
})

t.test('when the store has failed nothing is acknowledged any more, and its owner is told', async (t) => {
  const heard: unknown[] = []
  const { store, commits } = heldStore()
  const failures: Error[] = []
  const world = running(t, { talker: talker(heard) }, { store, storeFailed: (error) => failures.push(error) })
  const { runtime, clock, close } = world
  for (const id of ['s', 'other', 'ear']) await runtime.start('talker', {}, { id })
  commits.fail(new StoreFailed('fsync'))
  const lost = observe(runtime.call('s', 'add', { n: 10 }))
  await clock.advance(0)
  t.match(lost.error, { code: 'storage_failed', effect: 'unknown' })
  t.match(failures, [{ message: 'fsync' }])
  commits.recover()
  const next = observe(runtime.call('other', 'add', { n: 1 }))
  await clock.advance(0)
  t.match(next.error, { code: 'storage_failed' }, 'also where the disk would be well again')
  const again = observe(runtime.call('s', 'add', { n: 1 }))
  const cast = observe(Promise.resolve(runtime.cast('s', 'hear', { n: 1 })))
  await clock.advance(0)
  t.match([again.error, cast.error], Array(2).fill({ code: 'storage_failed' }), 'it is not said to be nobody')
  await t.rejects(runtime.start('talker', {}, { id: 's' }), { code: 'already_started' })
  t.match(await runtime.state('s'), { state: { n: 0 }, revision: 1 }, 'what is kept can still be seen')
  await close()
})

t.test('what is kept of code that is not there is refused', async (t) => {
  const { next, close } = await talking(t)
  await close()
  await t.rejects(next({ implementations: {} as never }), {
    message: 'ear is kept, and there is no durable implementation talker',
  })
  const newer = { talker: defineServer({ ...talker([]), version: 2 }) } as never
  await t.rejects(next({ implementations: newer }), {
    message:
      'ear is kept by version 1 of talker, and cannot be taken to version 2: there is no codeChange, which would make a state of version 1 one of version 2',
  })
})

t.test('who watches a durable server is told of no end when the runtime closes, for there is none', async (t) => {
  const { runtime, close } = await talking(t)
  const told: string[] = []
  runtime.watch('s', ({ event }) => told.push(event))
  runtime.watchAll(({ event, data }) => told.push(`${event} ${(data as { id: string }).id}`))
  await close()
  t.same(told, [])
})
