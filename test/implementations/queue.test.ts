import t from 'tap'
import queue from '../../implementations/queue.js'
import { runtimeOf, settles } from './runtime-of.js'

t.test('items are taken in the order in which they were put', async (t) => {
  const { runtime } = runtimeOf(t, { queue })
  await runtime.start('queue', {}, { id: 'q' })
  for (const item of ['a', { job: 7 }, null]) t.equal(await runtime.call<typeof queue>('q', 'put', { item }), true)
  t.equal(await runtime.call<typeof queue>('q', 'size'), 3)
  t.same(await runtime.call('q', 'take'), { found: true, item: 'a' })
  t.same(await runtime.call('q', 'take'), { found: true, item: { job: 7 } })
  t.same(await runtime.call('q', 'take'), { found: true, item: null })
})

t.test('take waits for a put, and meanwhile others are served', async (t) => {
  const { runtime, clock } = runtimeOf(t, { queue })
  await runtime.start('queue', {}, { id: 'q' })
  const taken = runtime.call('q', 'take')
  const done = settles(taken)
  await clock.advance(3999)
  t.equal(await runtime.call<typeof queue>('q', 'size'), 0)
  t.notOk(done(), 'not yet')
  t.equal(await runtime.call<typeof queue>('q', 'put', { item: 1 }), true)
  t.same(await taken, { found: true, item: 1 })
  t.equal(await runtime.call<typeof queue>('q', 'size'), 0, 'it was handed over, not stored')
  t.same(runtime.timers('q'), [], 'no timer is left')
})

t.test('who waits longest is served first', async (t) => {
  const { runtime } = runtimeOf(t, { queue })
  await runtime.start('queue', {}, { id: 'q' })
  const takers = [1, 2, 3].map(() => runtime.call('q', 'take'))
  for (const item of [1, 2, 3]) await runtime.call<typeof queue>('q', 'put', { item })
  t.same(await Promise.all(takers), [
    { found: true, item: 1 },
    { found: true, item: 2 },
    { found: true, item: 3 },
  ])
})

t.test('an item is not given to a taker who left, but to the next in line', async (t) => {
  const { runtime, clock } = runtimeOf(t, { queue })
  await runtime.start('queue', {}, { id: 'q' })
  const left = runtime.sendRequest('q', 'take')
  left.response.catch(() => {})
  const impatient = runtime.call<typeof queue>('q', 'take', { wait: 4000 }, { timeout: 100 })
  const patient = runtime.call('q', 'take')
  await clock.advance(0)
  left.abandon()
  const timedOut = t.rejects(impatient, { code: 'call_timeout' })
  await clock.advance(100)
  await timedOut
  t.equal(await runtime.call<typeof queue>('q', 'put', { item: 'mine' }), true)
  t.same(await patient, { found: true, item: 'mine' })
  t.same(runtime.timers('q'), [])
})

t.test('an item that all takers left behind is stored', async (t) => {
  const { runtime, clock } = runtimeOf(t, { queue })
  await runtime.start('queue', {}, { id: 'q' })
  const left = runtime.sendRequest('q', 'take')
  left.response.catch(() => {})
  await clock.advance(0)
  left.abandon()
  await runtime.call<typeof queue>('q', 'put', { item: 'kept' })
  t.same(await runtime.call<typeof queue>('q', 'take', { wait: 0 }), { found: true, item: 'kept' })
})

t.test('a taker is told that nothing came when its wait is over', async (t) => {
  const { runtime, clock } = runtimeOf(t, { queue })
  await runtime.start('queue', {}, { id: 'q' })
  const taken = runtime.call<typeof queue>('q', 'take', { wait: 200 })
  const done = settles(taken)
  await clock.advance(199)
  t.notOk(done(), 'not yet')
  await clock.advance(1)
  t.same(await taken, { found: false })
  await runtime.call<typeof queue>('q', 'put', { item: 'later' })
  t.equal(await runtime.call<typeof queue>('q', 'size'), 1, 'its place in the line is free')
})

t.test('with wait 0 an empty queue answers at once', async (t) => {
  const { runtime } = runtimeOf(t, { queue })
  await runtime.start('queue', {}, { id: 'q' })
  t.same(await runtime.call<typeof queue>('q', 'take', { wait: 0 }), { found: false })
  t.same(runtime.timers('q'), [])
})

t.test('a full queue takes nothing more', async (t) => {
  const { runtime } = runtimeOf(t, { queue })
  await runtime.start('queue', { limit: 1 }, { id: 'q' })
  t.equal(await runtime.call<typeof queue>('q', 'put', { item: 1 }), true)
  t.equal(await runtime.call<typeof queue>('q', 'put', { item: 2 }), false)
  t.equal(await runtime.call<typeof queue>('q', 'size'), 1)
})

t.test('the line of takers is bounded; one too many is answered at once', async (t) => {
  const { runtime, clock } = runtimeOf(t, { queue })
  await runtime.start('queue', {}, { id: 'q', mailbox: 2000 })
  const line = Array.from({ length: 1000 }, () => runtime.call<typeof queue>('q', 'take', { wait: 1000 }))
  t.same(await runtime.call('q', 'take'), { found: false })
  await clock.advance(1000)
  t.same(
    await Promise.all(line),
    line.map(() => ({ found: false })),
  )
  const next = runtime.call('q', 'take')
  const done = settles(next)
  await clock.advance(0)
  t.notOk(done(), 'not yet')
  await runtime.call<typeof queue>('q', 'put', { item: 1 })
  t.same(await next, { found: true, item: 1 }, 'there is room in the line again')
})

t.test('a timer that fires late finds its taker served, and does nothing', async (t) => {
  const { runtime } = runtimeOf(t, { queue })
  await runtime.start('queue', {}, { id: 'q' })
  const waits = runtime.call('q', 'take')
  runtime.send('q', 'giveUp', { from: 'served' })
  t.equal(await runtime.call<typeof queue>('q', 'put', { item: 1 }), true)
  t.same(await waits, { found: true, item: 1 }, 'who still waits is still in line')
})

t.test('takers that still wait when the queue ends are told so', async (t) => {
  const { runtime, clock } = runtimeOf(t, { queue })
  await runtime.start('queue', {}, { id: 'q' })
  const told = t.rejects(runtime.call('q', 'take'), { code: 'server_exited' })
  await clock.advance(0)
  await runtime.stop('q')
  await told
})
