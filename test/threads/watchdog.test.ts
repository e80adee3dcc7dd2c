/** Threads that do not come back, each for a reason of its own: what is lost with them, and what is not. */
import t from 'tap'
import { bounds, eventually, openHost } from './hosts.js'

type Looked = { readonly count: number; readonly heard: readonly unknown[] }

const causes: readonly (readonly [what: string, message: string, args: object])[] = [
  ['an endless loop', 'loop', {}],
  ['a regular expression without end', 'regex', {}],
  ['a wait that nobody ends', 'wait', {}],
  ['a native call that blocks', 'native', { seconds: 3 }],
  ['process.exit', 'leave', {}],
  ['a rejection that nobody handles', 'reject', {}],
  ['a heap that is full', 'hog', {}],
]

for (const [what, message, args] of causes) {
  t.test(`${what} costs its thread, and nobody else anything`, async (t) => {
    const { host, start, call, logged } = await openHost(t, 2, { handlerLimit: 600, threadHeap: 64 })
    await start('culprit')
    await start('neighbour')
    await start('same-thread')
    t.same([(await host.info('culprit')).node, (await host.info('neighbour')).node], ['1', '2'])
    await call('culprit', 'add', { by: 7 })
    await call('same-thread', 'add', { by: 7 })
    const before = await host.info('same-thread')

    const fatal = t.rejects(call('culprit', message, args), {
      code: 'server_crashed',
      effect: 'none',
      details: { reason: 'killed' },
    })
    const waiting = call('culprit', 'add')
    const cast = host.cast('culprit', 'hear', { text: 'kept' })
    const other = call('same-thread', 'add')
    other.catch(() => {})
    t.equal(await call('neighbour', 'add'), 1, 'the other thread goes on')
    await fatal
    t.equal(await call('neighbour', 'add'), 2)

    t.equal(await waiting, 1, 'what waited is run by the next life, which began from init')
    await cast
    // Whoever rejects a promise has it heard when the turns of the others are over: this one may have been, or be lost with them.
    const othersFate = await other.catch(({ code }) => code)
    if (message === 'reject') t.ok([8, 1, 'server_crashed'].includes(othersFate as never), String(othersFate))
    else t.equal(othersFate, 1)
    await eventually(async () => ((await call('culprit', 'look')) as Looked).heard.includes('kept'))
    t.match(await host.info('culprit'), { node: '1', incarnation: 2, restarts: 1, lastExit: { reason: 'killed' } })
    const after = await host.info('same-thread')
    t.match(after, { incarnation: 2, restarts: 1, lastExit: { reason: 'killed' } })
    t.ok(after.revision > before.revision, 'a revision only grows')
    t.match(await host.info('neighbour'), { incarnation: 1, restarts: 0 })
    t.match(await host.nodes(), [
      { node: '1', restarts: 1, servers: 2 },
      { node: '2', restarts: 0, servers: 1 },
    ])
    t.match(logged.filter(({ level }) => level === 'error').length, 1)
  })
}

t.test('while a thread is stuck it is told at what, and its servers can be looked at', async (t) => {
  const { host, start, call } = await openHost(t, 1, { handlerLimit: 1500 })
  await start('a')
  await start('b', {}, { labels: ['x'] })
  const fatal = call('a', 'loop')
  const over = { code: 'call_timeout', effect: 'none' }
  const waits = t.rejects(call('b', 'add', {}, { timeout: 100 }), over, 'a call is over in time all the same')
  await eventually(async () => (await host.nodes())[0]?.current)
  t.match(await host.nodes(), [{ node: '1', current: { server: 'a', message: 'loop', runningFor: Number } }])
  t.match(await host.info('a'), { id: 'a', node: '1', status: 'running', current: { message: 'loop' } })
  t.match(await host.info('b'), { id: 'b', implementation: 'actor', labels: ['x'], current: null })
  await waits
  await t.rejects(fatal, { code: 'server_crashed' })
  t.equal(await call('b', 'add'), 1, 'the call that was over never ran')
})

t.test(
  'crashes can be read while a thread is stuck, and with all counts outlive it; what it was lost for is one',
  async (t) => {
    const { host, start, call } = await openHost(t, 1, { handlerLimit: 1500 })
    await start('a')
    await start('b')
    await call('a', 'add')
    await t.rejects(call('a', 'crash'), { code: 'server_crashed' })
    const before = await host.info('a')
    t.match(before, { incarnation: 2, revision: 2, restarts: 1, crashes: 1 })
    const fatal = call('a', 'loop', {}, { origin: { requestId: 'r1' } })
    await eventually(async () => (await host.nodes())[0]?.current)
    const { startedAt, revision, lastExit } = before
    const seen = { startedAt, revision, lastExit, incarnation: 2, restarts: 1, crashes: 1 }
    t.match(await host.info('a'), { ...seen, current: { kind: 'call', message: 'loop' } })
    t.match(await host.crashes('a'), [{ message: 'crash', reason: { error: 'boom' }, state: /"count":1/ }])
    t.same(await host.crashes('b'), [])
    t.equal((await host.nodes())[0]?.restarts, 0, 'it has been stuck all the time')
    await t.rejects(fatal, { code: 'server_crashed' })
    const [loss, crash] = await host.crashes('a')
    t.match(loss, { kind: 'call', message: 'loop', incarnation: 2, reason: 'killed', requestId: 'r1', log: [] })
    t.match([loss?.args, loss?.stack, loss?.state], [null, null, null])
    t.match(crash, { message: 'crash' })
    await call('a', 'add')
    t.match(await host.info('a'), {
      startedAt,
      incarnation: 3,
      restarts: 2,
      crashes: 2,
      lastExit: { reason: 'killed' },
    })
    t.match(await host.info('b'), { restarts: 1, crashes: 0 })
    t.same(await host.crashes('b'), [], 'who shared the thread has not crashed')
    await host.stop('a')
    t.equal((await host.crashes('a')).length, 2, 'as long as its end is remembered')
    await t.rejects(async () => host.crashes('nobody'), { code: 'unknown_server' })
  },
)

t.test('a stuck server can be killed at once, and does not come back', async (t) => {
  const { host, start, call } = await openHost(t, 1, { handlerLimit: 60_000 })
  await start('a')
  await start('b')
  const fatal = call('a', 'loop')
  await eventually(async () => (await host.nodes())[0]?.current)
  await host.kill('a')
  await t.rejects(fatal, { code: 'server_crashed', details: { reason: 'killed' } })
  await t.rejects(call('a', 'add'), { code: 'server_exited', details: { reason: 'killed' } })
  t.equal(await call('b', 'add'), 1)
})

t.test(
  'a thread that comes back and answers nobody, for its code has broken what answers need, is replaced',
  async (t) => {
    const { host, start, call, logged } = await openHost(t, 2, { handlerLimit: 500, deafLimit: 500 })
    await start('a')
    await start('neighbour')
    await t.rejects(call('a', 'deafen'), { code: 'server_crashed', details: { reason: 'killed' } })
    t.equal(await call('a', 'add'), 1, 'its next life is well')
    t.equal(await call('neighbour', 'add'), 1)
    t.match(await host.nodes(), [{ restarts: 1 }, { restarts: 0 }])
    t.match(logged, [{ level: 'error', message: 'the thread 1 does not answer: it is replaced' }])
  },
)

t.test('an init that does not come back is refused, and its id is free', async (t) => {
  const { start, call } = await openHost(t, 1, { handlerLimit: 200 })
  await start('b')
  await t.rejects(start('a', { init: 'loop' }), { code: 'init_crashed', details: { reason: 'killed' } })
  await t.rejects(call('a', 'add'), { code: 'unknown_server' })
  t.equal(await call('b', 'add'), 1)
  await start('a')
})

t.test('who costs its thread too often is given up; who shares it is not', async (t) => {
  const { host, start, call, logged } = await openHost(t, 1)
  await start('a')
  await start('b')
  for (let i = 0; i < 4; i++) await t.rejects(call('a', 'leave'), { code: 'server_crashed' })
  await t.rejects(call('a', 'add'), { code: 'server_exited', details: { reason: 'killed' } })
  t.equal(await call('b', 'add', {}), 1)
  t.match(await host.info('b'), { incarnation: 5, restarts: 4 })
  t.ok(logged.some(({ message }) => message === 'a has cost its node too often and is given up'))
})

t.test('what a spec says of restarts holds: temporary servers end, and a tree begins anew', async (t) => {
  const hosted = await openHost(t, 2, { handlerLimit: 300 })
  const { host, start, call } = hosted
  await start('a')
  await start('watcher')
  await start('once', {}, { restart: 'temporary' })
  await start('dies-too', {}, { restart: 'temporary' })
  t.same(await Promise.all(['a', 'once', 'watcher', 'dies-too'].map(async (id) => (await host.info(id)).node)), [
    '1',
    '1',
    '2',
    '2',
  ])
  const child = { id: 'child', implementation: 'actor' }
  await host.start('supervisor', { children: [child] }, { id: 'tree' })
  t.equal((await host.info('tree')).node, '1')
  await call('child', 'add', { by: 5 })
  const refs = [await call('watcher', 'monitor', { to: 'a' }), await call('watcher', 'monitor', { to: 'once' })]
  await call('dies-too', 'link', { to: 'once' })
  const lives: unknown[] = []
  const watch = await host.watch('a', ({ event, data }) => lives.push([event, data]))

  await t.rejects(call('a', 'loop'), { code: 'server_crashed' })
  t.equal(await call('a', 'add'), 1)
  await t.rejects(call('once', 'add'), { code: 'server_exited', details: { reason: 'killed' } })
  await eventually(async () => (await call('child', 'add').catch(() => 0)) === 1)
  t.match(await host.info('child'), { supervisor: 'tree', node: '1' })
  await eventually(async () => ((await call('watcher', 'look')) as Looked).heard.length === 2)
  t.same(((await call('watcher', 'look')) as Looked).heard, [
    { DOWN: 'a', ref: refs[0], reason: 'killed', restarting: true },
    { DOWN: 'once', ref: refs[1], reason: 'killed', restarting: false },
  ])
  await t.rejects(call('dies-too', 'add'), { code: 'server_exited', details: { reason: 'killed' } }, 'it was linked')
  await eventually(() => lives.length === 2)
  t.match(lives, [
    ['gap', { missed: null }],
    ['restart', { incarnation: 2, reason: 'killed' }],
  ])
  await call('a', 'publish', { n: 1 })
  await eventually(() => lives.length === 3)
  watch.close()
})

t.test('an implementation may have a thread of its own, and a limit of its own', async (t) => {
  const { host, start, call } = await openHost(t, 1)
  await start('a')
  await host.start('hermit', {}, { id: 'h' })
  t.equal((await host.info('h')).node, 'hermit-alone')
  t.equal(await call('a', 'add'), 1)
  await t.rejects(call('h', 'loop'), { code: 'server_crashed' })
  t.equal(await call('h', 'add'), 1)
  t.equal(await call('a', 'add'), 2, 'nobody else has lost anything')
  t.equal(await call('h', 'ask', { to: 'a' }), 3, 'it knows who was there before it')
  await start('b')
  t.equal(await call('h', 'ask', { to: 'b' }), 1)
  t.match(await host.nodes(), [
    { node: '1', restarts: 0 },
    { node: 'hermit-alone', restarts: 1 },
  ])
})

t.test('an order to stop that waits behind what is stuck is obeyed by the next life', async (t) => {
  const { host, start, call } = await openHost(t, 1, { handlerLimit: 200 })
  await start('a')
  const fatal = call('a', 'loop')
  const stopped = host.stop('a')
  await t.rejects(fatal, { code: 'server_crashed' })
  await stopped
  await t.rejects(call('a', 'add'), { code: 'server_exited' })
})

t.test('a host closes although a thread is stuck', async (t) => {
  const { host, start, call } = await openHost(t, 1, { handlerLimit: 60_000 })
  await start('a')
  const fatal = t.rejects(call('a', 'loop'), { code: 'server_crashed' })
  await eventually(async () => (await host.nodes())[0]?.current)
  await host.close({ timeout: 10 })
  await fatal
})

t.test('a thread that comes back in time is not replaced', async (t) => {
  const { host, start, call, logged } = await openHost(t, 1, { handlerLimit: 1500 })
  await start('a')
  for (let i = 0; i < 3; i++) await call('a', 'burn', { ms: 500 })
  t.equal(await call('a', 'add'), 1)
  t.match(await host.nodes(), [{ restarts: 0 }])
  t.match(await host.info('a'), { incarnation: 1 })
  t.same(
    logged.filter(({ level }) => level === 'error'),
    [],
  )
})

t.test('what waits for a stuck thread is bounded', async (t) => {
  const { host, start, call } = await openHost(t, 1, { handlerLimit: 700, bounds: { ...bounds, maxQueued: 20 } })
  await start('a')
  await start('b')
  const fatal = t.rejects(call('a', 'loop'), { code: 'server_crashed' })
  const casts = await Promise.allSettled(
    Array.from({ length: 30 }, (_, n) => Promise.resolve().then(() => host.cast('b', 'hear', { text: String(n) }))),
  )
  const refused = casts.filter((each) => each.status === 'rejected')
  t.equal(refused.length, 11)
  t.match(refused[0], { reason: { code: 'overloaded', effect: 'none' } })
  await fatal
  // Until the next thread has begun there is still no room.
  const seen = () =>
    call('b', 'look').then(
      (looked) => (looked as Looked).heard.length,
      () => 0,
    )
  await eventually(async () => (await seen()) === 19)
})
