import t from 'tap'
import counter from '../../implementations/counter.js'
import template from '../../implementations/template.js'
import { runtimeOf, settles } from './runtime-of.js'

const implementations = { counter, template }

t.test('it counts down only while it goes, and then launches', async (t) => {
  const { runtime, clock } = runtimeOf(t, implementations)
  await runtime.start('template', { seconds: 3 }, { id: 'l' })
  const launched = runtime.call<typeof template>('l', 'watch', {}, { timeout: Infinity })
  const done = settles(launched)
  await clock.advance(5000)
  t.equal(await runtime.call<typeof template>('l', 'left'), 3, 'nobody has said go')
  runtime.cast<typeof template>('l', 'go')
  await clock.advance(2000)
  t.equal(await runtime.call<typeof template>('l', 'left'), 1)
  t.notOk(done(), 'not yet')
  await clock.advance(1000)
  t.equal(await launched, 'launched')
  t.same(runtime.timers('l'), [])
  t.match((await runtime.state('l')).state, { left: 0, watchers: 0 })
})

t.test('hold stops the clock, go lets it go on', async (t) => {
  const { runtime, clock } = runtimeOf(t, implementations)
  await runtime.start('template', {}, { id: 'l' })
  runtime.cast<typeof template>('l', 'go')
  runtime.cast<typeof template>('l', 'go')
  await clock.advance(1500)
  runtime.cast<typeof template>('l', 'hold')
  await clock.advance(0)
  t.same(runtime.timers('l'), [], 'the tick is taken back')
  await clock.advance(60_000)
  t.equal(await runtime.call<typeof template>('l', 'left'), 9)
  runtime.send('l', 'tick')
  t.equal(await runtime.call<typeof template>('l', 'left'), 9, 'a tick that was on its way is ignored')
  runtime.cast<typeof template>('l', 'go')
  await clock.advance(1000)
  t.equal(await runtime.call<typeof template>('l', 'left'), 8)
})

t.test('subscribers hear each second and the launch', async (t) => {
  const { runtime, clock } = runtimeOf(t, implementations)
  await runtime.start('template', { seconds: 2 }, { id: 'l' })
  const heard: unknown[] = []
  t.teardown(runtime.subscribe('l', ({ event, data }) => heard.push([event, data])))
  runtime.cast<typeof template>('l', 'go')
  await clock.advance(2000)
  t.same(heard, [
    ['tick', { left: 1 }],
    ['tick', { left: 0 }],
    ['launched', {}],
  ])
})

t.test('a blank code is refused, and zero seconds are nothing to count', async (t) => {
  const { runtime } = runtimeOf(t, implementations)
  await t.rejects(runtime.start('template', { code: ' ' }, { id: 'l' }), { code: 'init_refused' })
  await t.rejects(runtime.start('template', { seconds: 0 }, { id: 'l' }), /init chose to be ignored/)
  t.equal(runtime.whereis('l'), undefined)
})

t.test('only who knows the code may abort, and then those who watch are told', async (t) => {
  const { runtime, clock } = runtimeOf(t, implementations)
  await runtime.start('template', { code: '42' }, { id: 'l' })
  const told = t.rejects(runtime.call<typeof template>('l', 'watch'), { code: 'server_exited' })
  await clock.advance(0)
  t.equal(await runtime.call<typeof template>('l', 'abort', { code: '41' }), false)
  t.equal(await runtime.call<typeof template>('l', 'abort', { code: '42' }), true)
  t.equal(runtime.whereis('l'), undefined)
  await told
})

t.test('a launch is counted by a counter that is started when it is needed', async (t) => {
  const { runtime, clock } = runtimeOf(t, implementations)
  for (const id of ['first', 'second']) {
    await runtime.start('template', { seconds: 1, statistics: 'launches' }, { id })
    runtime.cast<typeof template>(id, 'go')
    await clock.advance(1000)
  }
  t.equal(await runtime.call<typeof counter>('launches', 'get'), 2)
})

t.test('a launch that cannot be counted is a launch all the same', async (t) => {
  const { runtime, clock } = runtimeOf(t, { template })
  await runtime.start('template', { seconds: 1, statistics: 'launches' }, { id: 'l' })
  const launched = runtime.call<typeof template>('l', 'watch')
  runtime.cast<typeof template>('l', 'go')
  await clock.advance(1000)
  t.equal(await launched, 'launched')
  t.equal(runtime.info('l').restarts, 0)
})

t.test('a countdown that is left alone for an hour ends', async (t) => {
  const { runtime, clock } = runtimeOf(t, implementations)
  await runtime.start('template', {}, { id: 'l' })
  await clock.advance(3_599_999)
  t.equal(runtime.whereis('l'), 'l')
  await clock.advance(1)
  t.equal(runtime.whereis('l'), undefined)
})

t.test('operators see the weather that came in, and never the code', async (t) => {
  const { runtime, clock } = runtimeOf(t, implementations)
  await runtime.start('template', { code: 'secret' }, { id: 'l' })
  await clock.advance(0)
  t.same((await runtime.state('l')).state, { left: 10, weather: 'clear', watchers: 0 })
})

t.test('a state of version 1 becomes one of version 2, others are refused', async (t) => {
  const old = { left: 5, code: '0000', statistics: null, tick: null, watchers: [] }
  t.same(template.codeChange?.(old, 1), { ...old, weather: 'unknown' })
  t.throws(() => template.codeChange?.(old, 0), /version 0/)
})
