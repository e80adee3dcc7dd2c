import t from 'tap'
import limiter from '../../implementations/rate-limiter.js'
import { runtimeOf } from './runtime-of.js'

const implementations = { 'rate-limiter': limiter }

t.test('as many may pass at once as the bucket holds, and no more', async (t) => {
  const { runtime } = runtimeOf(t, implementations)
  await runtime.start('rate-limiter', { capacity: 2, interval: 500 }, { id: 'r' })
  t.same(await runtime.call<typeof limiter>('r', 'take'), { allowed: true, tokens: 1, retryAfter: 0 })
  t.same(await runtime.call<typeof limiter>('r', 'take'), { allowed: true, tokens: 0, retryAfter: 500 })
  t.same(await runtime.call<typeof limiter>('r', 'take'), { allowed: false, tokens: 0, retryAfter: 500 })
})

t.test('a token comes back each interval, not before', async (t) => {
  const { runtime, clock } = runtimeOf(t, implementations)
  await runtime.start('rate-limiter', { capacity: 1, interval: 500 }, { id: 'r' })
  await runtime.call<typeof limiter>('r', 'take')
  await clock.advance(499)
  t.same(await runtime.call<typeof limiter>('r', 'take'), { allowed: false, tokens: 0, retryAfter: 1 })
  await clock.advance(1)
  t.equal((await runtime.call<typeof limiter>('r', 'take')).allowed, true)
})

t.test('a bucket fills up to its capacity, then its timer rests', async (t) => {
  const { runtime, clock } = runtimeOf(t, implementations)
  await runtime.start('rate-limiter', { capacity: 3, interval: 100 }, { id: 'r' })
  t.same(runtime.timers('r'), [], 'a full bucket needs no timer')
  for (let i = 0; i < 3; i++) await runtime.call<typeof limiter>('r', 'take')
  t.equal((await runtime.timers('r')).length, 1)
  await clock.advance(1000)
  t.same(runtime.timers('r'), [])
  t.equal((await runtime.call<typeof limiter>('r', 'take')).tokens, 2)
})

t.test('reset fills the bucket and takes the timer back', async (t) => {
  const { runtime } = runtimeOf(t, implementations)
  await runtime.start('rate-limiter', { capacity: 1, interval: 100 }, { id: 'r' })
  await runtime.call<typeof limiter>('r', 'take')
  runtime.cast<typeof limiter>('r', 'reset')
  t.equal((await runtime.call<typeof limiter>('r', 'take')).allowed, true)
  t.equal((await runtime.timers('r')).length, 1, 'the timer of the second take only')
})

t.test('a refill that was on its way when the bucket was reset does not count', async (t) => {
  const { runtime } = runtimeOf(t, implementations)
  await runtime.start('rate-limiter', { capacity: 1, interval: 100 }, { id: 'r' })
  await runtime.call<typeof limiter>('r', 'take')
  runtime.cast<typeof limiter>('r', 'reset')
  await runtime.call<typeof limiter>('r', 'take')
  runtime.send('r', 'refill', { round: 0 })
  t.equal((await runtime.call<typeof limiter>('r', 'take')).allowed, false)
  t.equal((await runtime.timers('r')).length, 1, 'and starts no second timer')
})
