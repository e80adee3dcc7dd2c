/** What has had its time is forgotten in the store, too. */
import t from 'tap'
import { StoreFailed } from '../../../src/adapters.js'
import { running } from '../running.js'
import { heldStore } from './held-store.js'
import { talker, talking } from './talking.js'

t.test('exits and answers are forgotten when their time has come, by a runtime that has come up', async (t) => {
  const { runtime, store, clock, close } = await talking(t)
  await runtime.stop('ear')
  const key = { scope: 'servers/s', key: 'k', fingerprint: 'f', expires: clock.now() + 60_000 }
  await store.commit([{ kind: 'answer', answer: { ...key, outcome: '{}' } }])
  await close()
  const next = running(t, { talker: talker([]) }, { store })
  await next.runtime.restore()
  const answers = () => store.answer('servers/s', 'k', 0)
  await next.clock.advance(49_999)
  t.ok(await answers())
  t.equal((await store.exits(0, 10)).length, 1)
  await next.clock.advance(10_001)
  t.equal(await answers(), undefined)
  await next.clock.advance(600_000)
  t.same(await store.exits(0, 10), [])
  await next.close()
})

t.test('a store that cannot forget is asked again', async (t) => {
  const { store } = heldStore()
  let asked = 0
  store.sweep = async () => {
    asked++
    throw new StoreFailed('disk')
  }
  const { runtime, clock, close } = running(t, { talker: talker([]) }, { store })
  await runtime.restore()
  await clock.advance(30_000)
  t.equal(asked, 3)
  await close()
  await clock.advance(30_000)
  t.equal(asked, 3, 'and not by a runtime that has closed')
})
