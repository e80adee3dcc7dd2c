/** Durable servers that are known and not in memory: who wakes them, and who only looks. */
import { createRuntime } from 'genservers'
import { createSimulatedClock } from 'genservers/testing'
import t, { type Test } from 'tap'
import { type LocalRuntime, StoreFailed } from '../../../src/adapters.js'
import { observe } from '../running.js'
import { talker, talking } from './talking.js'

/** A store with servers, and a runtime that knows them; `loads` are the ids that came into memory. */
async function asleep(
  t: Test,
  prepare: (world: Awaited<ReturnType<typeof talking>>) => Promise<unknown> = async () => {},
) {
  const world = await talking(t)
  await world.call('s', 'add', { n: 7 }).promise
  await prepare(world)
  await world.close()
  const loads: string[] = []
  const { store } = world
  const { load } = store
  store.load = (id) => {
    loads.push(id)
    return load.call(store, id)
  }
  const next = await world.next()
  const call = (id: string, message: string, args?: unknown) =>
    observe(next.runtime.call(id, message, args, { timeout: 100_000 }))
  return { ...next, loads, call, store, settle: () => next.clock.advance(0) }
}

t.test('a runtime that begins knows all that is kept, and has none of it in memory', async (t) => {
  const { runtime, loads, close } = await asleep(t)
  t.equal(runtime.whereis('s'), 's')
  t.match(runtime.info('s'), { status: 'running', revision: 2, incarnation: 1, restarts: 0, mailbox: { length: 0 } })
  t.same(
    runtime.list().servers.map(({ id }) => id),
    ['ear', 's'],
  )
  t.match(await runtime.countServers(), [{ implementation: 'talker', status: 'running', count: 2 }])
  t.equal(runtime.isDurable('s'), true)
  t.same((await runtime.deadLetters('s')).deadLetters, [])
  await t.rejects(runtime.start('talker', {}, { id: 's' }), { code: 'already_started' })
  t.same(loads, [], 'nobody was woken for that')
  t.match(await runtime.state('s'), { state: { n: 7 }, revision: 2, incarnation: 1 })
  t.match(runtime.info('s'), { handled: 0 })
  await close()
})

t.test('a message wakes its server, in its turn, and nobody else sees that it was away', async (t) => {
  const { runtime, loads, call, settle, close } = await asleep(t)
  const lives: unknown[] = []
  runtime.watchAll((event) => lives.push(event.event))
  const first = call('s', 'add', { n: 1 })
  const second = call('s', 'add', { n: 10 })
  t.match(runtime.info('s'), { status: 'running', revision: 2, mailbox: { length: 2 } })
  await settle()
  t.same([first.value, second.value], [8, 18])
  t.match(await call('s', 'look').promise, 18)
  t.same(loads, ['s'])
  t.match(runtime.info('s'), { status: 'running', revision: 4, incarnation: 1, restarts: 0 })
  t.same(lives, [])
  await close()
})

t.test('casts, stops, kills, watches, timers and groups find it too', async (t) => {
  const { runtime, loads, settle, close } = await asleep(t, async ({ runtime }) => {
    await runtime.start('talker', {}, { id: 'labelled', labels: ['all'] })
    await runtime.start('talker', {}, { id: 'killed' })
    await runtime.start('talker', {}, { id: 'stopped' })
    await runtime.start('talker', {}, { id: 'watched' })
  })
  await runtime.cast('ear', 'hear', { n: 3 })
  await settle()
  t.match(await runtime.state('ear'), { state: { heard: [3] } })
  const stopped = observe(runtime.stop('stopped'))
  const killed = observe(Promise.resolve(runtime.kill('killed')))
  const seen: string[] = []
  const watch = runtime.watch('watched', ({ event }) => seen.push(event))
  const grown = observe(runtime.call('watched', 'grow'))
  const group = observe(runtime.callGroup('all', 'get'))
  const timers = observe(Promise.resolve(runtime.timers('s')))
  await settle()
  await settle()
  t.same([stopped.outcome, killed.outcome, grown.outcome], ['resolved', 'resolved', 'resolved'])
  t.match(group.value, { replies: [{ id: 'labelled', reply: 0 }] })
  t.same(timers.value, [])
  t.same(seen, ['grown'])
  watch.close()
  t.throws(() => runtime.info('stopped'), { code: 'server_exited', details: { reason: 'normal' } })
  t.throws(() => runtime.info('killed'), { code: 'server_exited', details: { reason: 'killed' } })
  t.same(loads.sort(), ['ear', 'killed', 'labelled', 's', 'stopped', 'watched'])
  await close()
})

t.test('it wakes for its timers, and at once for casts that it has not taken', async (t) => {
  const { runtime, loads, clock, close } = await asleep(t, async ({ runtime, store }) => {
    await runtime.cast('s', 'hear', { n: 1 }, { delay: 5000 })
    // As if the process had been killed before it was taken.
    const cast = { message: 'hear', args: '{"n":2}', origin: null, ifMatch: null, answerTo: null, attempts: 0 }
    await store.commit([{ kind: 'cast', id: 'ear', cast }])
  })
  t.same(loads, ['ear'])
  await clock.advance(4999)
  t.same(loads, ['ear'])
  await clock.advance(1)
  t.same(loads, ['ear', 's'])
  t.match(await runtime.state('s'), { state: { n: 7, heard: [1] } })
  t.match(await runtime.state('ear'), { state: { heard: [2] } })
  await close()
})

t.test('what is asked of its timers waits until it is there', async (t) => {
  const { runtime, close } = await asleep(t, async ({ runtime }) => {
    await runtime.cast('s', 'hear', { n: 1 }, { delay: 5000 })
  })
  const [timer] = await runtime.timers('s')
  t.match(timer, { kind: 'cast', message: 'hear', dueIn: Number })
  t.type(await runtime.cancelTimer('s', timer?.ref as string), 'number')
  t.same(await runtime.timers('s'), [])
  await close()
})

t.test('one that is not kept any more is told to be nobody', async (t) => {
  const { runtime, store, call, settle, close } = await asleep(t)
  const { load } = store
  store.load = async () => undefined
  await t.rejects(async () => runtime.state('ear'), { code: 'unknown_server' })
  const gone = call('ear', 'get')
  await settle()
  t.match(gone.error, { code: 'unknown_server' })
  store.load = load
  await close()
})

t.test('one that cannot be read says so, keeps its id, and comes when it can be read', async (t) => {
  const { runtime, store, call, settle, close } = await asleep(t)
  const { load } = store
  store.load = async () => {
    throw new StoreFailed('read')
  }
  const failed = { code: 'storage_failed', effect: 'none', message: 'what is kept of s could not be read: read' }
  await t.rejects(async () => runtime.state('s'), failed)
  for (let n = 0; n < 2; n++) {
    const unread = [call('s', 'add', { n: 1 }), call('s', 'get')]
    const timers = observe(Promise.resolve(runtime.timers('s')))
    await settle()
    t.match(
      [...unread, timers].map(({ error }) => error),
      [failed, failed, failed],
    )
  }
  await t.rejects(runtime.start('talker', {}, { id: 's' }), { code: 'already_started' })
  t.match((await runtime.list()).servers, [{ id: 'ear' }, { id: 's', status: 'running', revision: 2 }])
  store.load = load
  t.equal(await call('s', 'add', { n: 1 }).promise, 8)
  await close()
})

t.test('one that could not be read when its timer was due is tried again after a while', async (t) => {
  const { runtime, store, clock, close } = await asleep(t, async ({ runtime }) => {
    await runtime.cast('s', 'hear', { n: 1 }, { delay: 5000 })
  })
  const { load } = store
  store.load = async () => {
    throw new StoreFailed('read')
  }
  await clock.advance(5000)
  await clock.advance(29_999)
  store.load = load
  t.match(await runtime.state('s'), { state: { heard: [] } })
  await clock.advance(1)
  t.match(await runtime.state('s'), { state: { heard: [1] } })
  await close()
})

t.test('a runtime whose store cannot be read does not begin', async (t) => {
  const { store, close } = await asleep(t)
  await close()
  const refused = { name: 'NotRestored', message: 'what is kept cannot be read: damaged' }
  for (const part of ['servers', 'briefs', 'exits'] as const) {
    const whole = store[part]
    store[part] = async () => {
      throw new StoreFailed('damaged')
    }
    const other = createRuntime({ implementations: { talker: talker([]) }, store, clock: createSimulatedClock() })
    await t.rejects(other.restore(), refused, part)
    await other.close()
    store[part] = whole as never
  }
})

t.test('a thousand that nobody asks cost little, and a runtime that closes wakes none', async (t) => {
  const { runtime, loads, close, clock } = await asleep(t, async ({ runtime }) => {
    await Promise.all(Array.from({ length: 1000 }, (_, i) => runtime.start('talker', {}, { id: `i${i}` })))
  })
  t.match(await runtime.countServers(), [{ count: 1002 }])
  t.equal(clock.pending, 1, 'the one that sweeps')
  await close()
  t.same(loads, [])
})

t.test('servers that another node knew are known here, and then as they are kept', async (t) => {
  const { store, close } = await asleep(t, async ({ runtime }) => {
    await runtime.cast('s', 'hear', { n: 1 }, { delay: 5000 })
  })
  await close()
  const clock = createSimulatedClock()
  const runtime = createRuntime({ implementations: { talker: talker([]) }, store, clock })
  const node = runtime as unknown as LocalRuntime
  const terms = { restart: 'transient', restartFrom: 'state', shutdown: 5000, mailbox: 1000, labels: [] } as const
  node.know([{ id: 's', implementation: 'talker', incarnation: 1, restarts: 0, revision: 1, terms }])
  t.match(runtime.info('s'), { status: 'running', revision: 1 }, 'at once, as far as the other knew')
  await clock.advance(0)
  t.match(runtime.info('s'), { status: 'running', revision: 2 })
  await clock.advance(5000)
  t.match(await runtime.state('s'), { state: { n: 7, heard: [1] } }, 'its timer has woken it')
  store.briefs = async () => {
    throw new StoreFailed('read')
  }
  node.know([{ id: 'ear', implementation: 'talker', incarnation: 1, restarts: 0, revision: 1, terms }])
  await clock.advance(0)
  t.match(runtime.info('ear'), { revision: 1 })
  const closed = runtime.close()
  await clock.advance(10_000)
  await closed
})

t.test(
  'what is damaged of one that is known again costs the others nothing, and all are asked for in pages',
  async (t) => {
    const { store, close } = await asleep(t, async ({ runtime }) => {
      await runtime.cast('s', 'hear', { n: 1 }, { delay: 5000 })
    })
    await close()
    const clock = createSimulatedClock()
    const runtime = createRuntime({ implementations: { talker: talker([]) }, store, clock })
    const { briefs } = store
    let most = 0
    store.briefs = async (ids) => {
      most = Math.max(most, ids.length)
      if (ids.includes('x7')) throw new Error('a text is no UTF-8')
      return briefs.call(store, ids)
    }
    const terms = { restart: 'transient', restartFrom: 'state', shutdown: 5000, mailbox: 1000, labels: [] } as const
    const ids = [...Array.from({ length: 600 }, (_, i) => `x${i}`), 'ear', 's']
    const node = runtime as unknown as LocalRuntime
    node.know(ids.map((id) => ({ id, implementation: 'talker', incarnation: 1, restarts: 0, revision: 1, terms })))
    await clock.advance(0)
    t.equal(most, 500)
    await clock.advance(5000)
    t.match(await runtime.state('s'), { state: { heard: [1] } }, 'its timer has woken it')
    store.briefs = briefs
    const near = createRuntime({ implementations: { talker: talker([]) }, store, clock }) as unknown as LocalRuntime
    store.briefs = async (asked) => {
      if (asked.includes('x1')) throw new Error('a text is no UTF-8')
      return briefs.call(store, asked)
    }
    near.know(
      ['x1', 's'].map((id) => ({ id, implementation: 'talker', incarnation: 1, restarts: 0, revision: 1, terms })),
    )
    await clock.advance(0)
    t.match(near.info('s'), { revision: 3 }, 'also in the same page')
    let asked = 0
    store.briefs = async () => {
      asked++
      throw new StoreFailed('read')
    }
    near.know(
      ['x2', 'x3'].map((id) => ({ id, implementation: 'talker', incarnation: 1, restarts: 0, revision: 1, terms })),
    )
    await clock.advance(0)
    t.equal(asked, 1, 'a store that has failed is not asked again')
    const closed = Promise.all([runtime.close(), near.close()])
    await clock.advance(10_000)
    await closed
  },
)

t.test('whoever watches the state of one that is not in memory sees it when it is, and not before', async (t) => {
  const { runtime, settle, call, close } = await asleep(t)
  const views: unknown[] = []
  const watch = runtime.watch('s', () => {}, {
    onState: ({ state, revision }) => views.push([(state as { n: number } | null)?.n, revision]),
  })
  t.match(await runtime.state('s'), { state: { n: 7 }, revision: 2 }, 'on its way it is in the store')
  await settle()
  t.same(views.splice(0), [[7, 2]])
  await call('s', 'add', { n: 1 }).promise
  t.same(views, [[8, 3]])
  watch.close()
  await close()
})
