import { defineServer, Type } from 'genservers'
import t from 'tap'
import type { Change } from '../../src/core/kernel/store.js'
import { latch, observe, running } from './running.js'

const any = Type.Unknown()

/** A durable store whose commits settle when the test says so, but for those of `init` unless the test holds them too. */
function heldStore({ holdInit = false } = {}) {
  const commits: { change: Change; done(): void; fail(error: Error): void }[] = []
  return {
    commits,
    durable: true,
    commit(change: Change): Promise<void> | undefined {
      if (change.revision === 1 && !holdInit) return undefined
      const { promise, open, fail } = latch()
      commits.push({ change, done: () => open(), fail })
      return promise
    },
  }
}

function talker(heard: unknown[]) {
  return defineServer({
    durable: true,
    state: Type.Object({ n: Type.Integer() }),
    events: { grown: Type.Object({ n: Type.Integer() }) },
    calls: { grow: { reply: any }, get: { reply: any }, look: { reply: any, readOnly: true } },
    casts: { hear: { args: Type.Object({ n: Type.Integer() }) } },
    init: () => ({ n: 0 }),
    handleCall: {
      grow: (state, _args, ctx) => {
        state.n++
        ctx.cast('ear', 'hear', { n: state.n })
        ctx.publish('grown', { n: state.n })
        ctx.sendAfter(5, 'tick')
        ctx.continue('next')
        return state.n
      },
      get: ({ n }) => n,
      look: ({ n }) => n,
    },
    handleCast: { hear: (_state, { n }) => void heard.push(`cast ${n}`) },
    handleContinue: { next: () => void heard.push('continue') },
    handleInfo: { tick: () => void heard.push('tick') },
  })
}

async function talking(t: Parameters<typeof running>[0], store: ReturnType<typeof heldStore>) {
  const heard: unknown[] = []
  const world = running(t, { talker: talker(heard) }, { store })
  await world.runtime.start('talker', {}, { id: 'ear' })
  await world.runtime.start('talker', {}, { id: 's' })
  world.runtime.subscribe('s', ({ data }) => heard.push(`event ${JSON.stringify(data)}`))
  return { ...world, heard }
}

t.test('nothing of a turn leaves before its commit is done: no reply, cast, event, timer or continue', async (t) => {
  const store = heldStore()
  const { runtime, clock, heard, close } = await talking(t, store)
  const grown = observe(runtime.call('s', 'grow', {}, { timeout: 100_000 }))
  const next = observe(runtime.call('s', 'get', {}, { timeout: 100_000 }))
  await clock.advance(50)
  t.match(
    store.commits.map(({ change }) => change),
    [{ id: 's', revision: 2, state: { n: 1 } }],
  )
  t.equal(grown.outcome, 'pending')
  t.equal(next.outcome, 'pending', 'and the next message is not taken')
  t.same(heard, [])
  t.same(runtime.timers('s'), [])
  t.match(runtime.state('s'), { state: { n: 0 }, revision: 1 })
  store.commits[0]?.done()
  await clock.advance(0)
  t.equal(grown.value, 1)
  t.equal(next.value, 1)
  t.same([...heard].sort(), ['cast 1', 'continue', 'event {"n":1}'])
  t.equal(store.commits.length, 1, 'what changes nothing needs no commit')
  await clock.advance(5)
  t.equal(heard.at(-1), 'tick')
  await close()
})

t.test('a commit that is rejected crashes the turn, and nothing of it ever leaves', async (t) => {
  const store = heldStore()
  const { runtime, clock, heard, close } = await talking(t, store)
  const grown = observe(runtime.call('s', 'grow'))
  await clock.advance(0)
  store.commits[0]?.fail(new Error('disk full'))
  await clock.advance(10)
  t.match(grown.error, { code: 'server_crashed', effect: 'none', message: /disk full/ })
  t.same(heard, [])
  t.match(runtime.state('s'), { state: { n: 0 }, revision: 1, incarnation: 2 })
  const again = observe(runtime.call('s', 'grow'))
  await clock.advance(0)
  t.match(store.commits[1]?.change, { revision: 2, state: { n: 1 } })
  store.commits[1]?.done()
  await clock.advance(5)
  t.equal(again.value, 1)
  await close()
})

t.test('a store that throws instead is taken like one that rejects, and harms nobody else', async (t) => {
  const heard: unknown[] = []
  const { runtime, clock, close } = running(
    t,
    { talker: talker(heard) },
    {
      store: {
        durable: true,
        commit: ({ revision }) => {
          if (revision > 1) throw new Error('no disk')
          return undefined
        },
      },
    },
  )
  await runtime.start('talker', {}, { id: 's' })
  const grown = observe(runtime.call('s', 'grow'))
  const get = observe(runtime.call('s', 'get'))
  await clock.advance(0)
  t.match(grown.error, { code: 'server_crashed', message: /no disk/ })
  t.equal(get.value, 0)
  await close()
})

for (const settles of ['done', 'fail'] as const) {
  t.test(`a kill while a commit is held: the caller is told, and when it is ${settles} nobody hears`, async (t) => {
    const store = heldStore()
    const { runtime, clock, heard, reports, close } = await talking(t, store)
    const grown = observe(runtime.call('s', 'grow'))
    await clock.advance(0)
    runtime.kill('s')
    await clock.advance(0)
    t.match(grown.error, { code: 'server_exited', effect: 'unknown', details: { reason: 'killed' } })
    store.commits[0]?.[settles](new Error('late'))
    await clock.advance(10)
    t.same(heard, [])
    t.same(reports(), [])
    t.throws(() => runtime.info('s'), { code: 'server_exited', details: { reason: 'killed' } })
    await close()
  })
}

t.test('a caller that leaves while a commit is held loses its answer, not the work', async (t) => {
  const store = heldStore()
  const { runtime, clock, heard, close } = await talking(t, store)
  const grown = observe(runtime.call('s', 'grow', {}, { timeout: 10 }))
  await clock.advance(10)
  t.match(grown.error, { code: 'call_timeout', effect: 'unknown' })
  store.commits[0]?.done()
  await clock.advance(5)
  t.ok(heard.includes('cast 1'))
  t.equal(await runtime.call('s', 'look'), 1)
  await close()
})

t.test('a durable server is not there before its first state is kept', async (t) => {
  const store = heldStore({ holdInit: true })
  const heard: unknown[] = []
  const { runtime, clock, close } = running(t, { talker: talker(heard) }, { store })
  const started = observe(runtime.start('talker', {}, { id: 's' }))
  const get = observe(runtime.call('s', 'get'))
  await clock.advance(0)
  t.match(
    store.commits.map(({ change }) => change),
    [{ id: 's', revision: 1, state: { n: 0 } }],
  )
  t.equal(started.outcome, 'pending')
  t.equal(get.outcome, 'pending')
  t.match(runtime.info('s'), { status: 'starting', revision: 0 })
  store.commits[0]?.done()
  await clock.advance(0)
  t.equal(started.outcome, 'resolved')
  t.equal(get.value, 0)
  t.match(runtime.info('s'), { status: 'running', revision: 1 })
  await close()
})

t.test('a start whose first state cannot be kept fails, and leaves no trace', async (t) => {
  const store = heldStore({ holdInit: true })
  const { runtime, clock, close } = running(t, { talker: talker([]) }, { store })
  const started = observe(runtime.start('talker', {}, { id: 's' }))
  await clock.advance(0)
  store.commits[0]?.fail(new Error('disk full'))
  await clock.advance(0)
  t.match(started.error, { code: 'init_crashed', effect: 'none', message: /disk full/ })
  t.throws(() => runtime.info('s'), { code: 'unknown_server' })
  const slow = observe(runtime.start('talker', {}, { id: 's', timeout: 10 }))
  await clock.advance(10)
  t.match(slow.error, { code: 'init_timeout' })
  store.commits[1]?.done()
  await clock.advance(0)
  t.equal(runtime.whereis('s'), undefined, 'what is kept too late starts nothing')
  await close()
})

t.test('the store is not asked for the states of servers that are not durable', async (t) => {
  const store = heldStore({ holdInit: true })
  const { runtime, close } = running(
    t,
    {
      counter: defineServer({
        state: Type.Object({ n: Type.Integer() }),
        calls: { grow: { reply: Type.Integer() } },
        init: () => ({ n: 0 }),
        handleCall: { grow: (state) => ++state.n },
      }),
    },
    { store },
  )
  const { id } = await runtime.start('counter')
  t.equal(await runtime.call(id, 'grow'), 1)
  t.same(store.commits, [])
  await close()
})
