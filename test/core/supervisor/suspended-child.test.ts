/** Children that an operator has suspended, when their supervisor ends them (OTP: the parent's exit in `sys:suspend_loop_hib`). */
import t from 'tap'
import { observe } from '../running.js'
import { supervising, workers } from './supervising.js'

for (const shutdown of [2000, 'infinity'] as const) {
  t.test(`a suspended child obeys its supervisor at once, with shutdown ${shutdown}`, async (t) => {
    const { runtime, clock, trace, start, close } = supervising(t)
    await start({ children: workers('a', { shutdown }) })
    runtime.suspend('a')
    const waiting = observe(runtime.call('a', 'count'))
    const stopping = observe(runtime.stop('sup', { timeout: Number.POSITIVE_INFINITY }))
    await clock.advance(0)
    t.equal(stopping.outcome, 'resolved')
    t.same(trace, ['init a', 'terminate a shutdown'])
    t.match(waiting.error, { code: 'server_exited', details: { reason: 'shutdown' } }, 'it was never handled')
    await close()
  })
}

t.test('a suspended child under brutalKill runs no terminate', async (t) => {
  const { runtime, clock, trace, start, close } = supervising(t)
  await start({ children: workers('a', { shutdown: 'brutalKill' }) })
  runtime.suspend('a')
  const stopping = observe(runtime.stop('sup'))
  await clock.advance(0)
  t.equal(stopping.outcome, 'resolved')
  t.same(trace, ['init a'])
  t.throws(() => runtime.info('a'), { code: 'server_exited', details: { reason: 'killed' } })
  await close()
})

t.test('a suspended child that is slow to terminate is killed when its time is over', async (t) => {
  const { runtime, clock, start, close } = supervising(t)
  await start({ children: workers('a', { shutdown: 100, args: { slow: 5000 } }) })
  runtime.suspend('a')
  const stopping = observe(runtime.stop('sup'))
  await clock.advance(99)
  t.equal(stopping.outcome, 'pending')
  await clock.advance(1)
  t.equal(stopping.outcome, 'resolved')
  t.throws(() => runtime.info('a'), { code: 'server_exited', details: { reason: 'killed' } })
  await clock.advance(5000)
  await close()
})

t.test(
  'an order that waits when the child is suspended is carried out, when the message before it is done',
  async (t) => {
    const { runtime, clock, trace, start, call, close } = supervising(t)
    await start({ children: workers('a', { shutdown: 'infinity' }) })
    const nap = observe(runtime.call('a', 'nap', { ms: 100 }))
    const queued = observe(runtime.call('a', 'count'))
    const ending = observe(call('sup', 'terminateChild', { id: 'a' }))
    await clock.advance(10)
    runtime.suspend('a')
    await clock.advance(90)
    t.equal(nap.outcome, 'resolved')
    t.equal(ending.outcome, 'resolved')
    t.equal(queued.outcome, 'rejected', 'what came before the order was held, and the order was not')
    t.same(trace, ['init a', 'terminate a shutdown'])
    await close()
  },
)

t.test('a suspended sibling is taken down and comes back, and is suspended no more', async (t) => {
  const { runtime, clock, trace, start, crash, close } = supervising(t)
  await start({ strategy: 'oneForAll', children: workers('a b', { shutdown: 'infinity' }) })
  runtime.suspend('b')
  const waiting = observe(runtime.call('b', 'count'))
  await crash('a')
  await clock.advance(0)
  t.same(trace.slice(3), ['terminate b shutdown', 'init a', 'init b'])
  t.match(runtime.info('b'), { status: 'running', incarnation: 2 })
  t.equal(waiting.value, 1, 'what waited stays')
  await close()
})

t.test('a suspended supervisor obeys its own: its children end first', async (t) => {
  const { runtime, clock, trace, start, close } = supervising(t)
  await start({ children: [{ id: 'inner', implementation: 'supervisor', args: { children: workers('leaf') } }] })
  runtime.suspend('inner')
  runtime.suspend('leaf')
  const stopping = observe(runtime.stop('sup'))
  await clock.advance(0)
  t.equal(stopping.outcome, 'resolved')
  t.same(trace, ['init leaf', 'terminate leaf shutdown'])
  await close()
})
