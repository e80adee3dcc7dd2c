/** Many children, and how long things take: the figures are generous, what they rule out is worse than linear. */
import { createRuntime, defineServer, Type } from 'genservers'
import t from 'tap'
import { observe } from '../running.js'
import { supervising, workers } from './supervising.js'

const CHILDREN = 10_000

t.test('K6: ten thousand children that are slow to end take one shutdown time, not ten thousand', async (t) => {
  const { runtime, clock, call, start, close } = supervising(t)
  await start({})
  for (let n = 0; n < CHILDREN; n++) {
    await call('sup', 'startChild', { ...workers(`w${n}`, { shutdown: 500 })[0], args: { slow: 10_000 } })
  }
  t.same(await call('sup', 'countChildren'), { specs: CHILDREN, active: CHILDREN, supervisors: 0, workers: CHILDREN })
  const stopping = observe(runtime.stop('sup', { timeout: Number.POSITIVE_INFINITY }))
  await clock.advance(499)
  t.equal(stopping.outcome, 'pending')
  await clock.advance(1)
  t.equal(stopping.outcome, 'resolved')
  t.same(runtime.list().servers, [])
  await clock.advance(10_000)
  await close()
})

for (const [kind, most] of [
  ['static', 100],
  ['dynamic', 50],
] as const) {
  t.test(`H101: starting, counting and ending ${kind} children is roughly linear`, async (t) => {
    const timeOf = async (count: number) => {
      const { runtime, call, start, close } = supervising(t)
      const children = workers(Array.from({ length: count }, (_, n) => `w${n}`).join(' '))
      const started = performance.now()
      await start(kind === 'static' ? { children } : {})
      if (kind === 'dynamic') for (const child of children) await call('sup', 'startChild', child)
      t.same(await call('sup', 'countChildren'), { specs: count, active: count, supervisors: 0, workers: count })
      await runtime.stop('sup')
      const took = performance.now() - started
      await close()
      return took
    }
    await timeOf(1000)
    const [few, many] = [await timeOf(1000), await timeOf(10_000)]
    t.ok(many < few * most, `10,000 children took ${Math.round(many)} ms, 1,000 ${Math.round(few)} ms`)
  })
}

t.test('a restart takes less than a millisecond, alone and under a supervisor', async (t) => {
  const fragile = defineServer({
    state: Type.Object({ n: Type.Integer() }),
    calls: { grow: { reply: Type.Integer() }, crash: {} },
    init: () => ({ n: 0 }),
    handleCall: {
      grow: (state) => ++state.n,
      crash: () => {
        throw new Error('oops')
      },
    },
  })
  const runtime = createRuntime({ implementations: { fragile }, maxRestarts: 1_000_000 })
  await runtime.start('supervisor', { maxRestarts: 1_000_000 }, { id: 'sup' })
  await runtime.start('fragile', {}, { id: 'alone' })
  await runtime.start('fragile', {}, { id: 'child', supervisor: 'sup' })
  for (const [id, crashes] of [
    ['alone', 5],
    ['child', 200],
  ] as const) {
    const times: number[] = []
    for (let n = 0; n < crashes; n++) {
      const started = performance.now()
      await runtime.call(id, 'crash').catch(() => {})
      await runtime.call(id, 'grow')
      times.push(performance.now() - started)
    }
    const median = times.sort((a, b) => a - b)[crashes >> 1] as number
    t.ok(median < 1, `${id}: ${median.toFixed(3)} ms from the crash to the next answer`)
    t.match(runtime.info(id), { restarts: crashes })
  }
  await runtime.close()
})
