import t from 'tap'
import counter from '../../implementations/counter.js'
import { runtimeOf } from './runtime-of.js'

t.test('it starts at 0, or where it is told to', async (t) => {
  const { runtime } = runtimeOf(t, { counter })
  await runtime.start('counter', undefined, { id: 'zero' })
  await runtime.start('counter', { start: 7 }, { id: 'seven' })
  t.equal(await runtime.call<typeof counter>('zero', 'get'), 0)
  t.equal(await runtime.call<typeof counter>('seven', 'get'), 7)
})

t.test('increment counts by 1, or by what it is told, and answers the new value', async (t) => {
  const { runtime } = runtimeOf(t, { counter })
  await runtime.start('counter', {}, { id: 'c1' })
  t.equal(await runtime.call('c1', 'increment'), 1)
  t.equal(await runtime.call<typeof counter>('c1', 'increment', { by: 2 }), 3)
  t.equal(await runtime.call<typeof counter>('c1', 'increment', { by: -4 }), -1)
})

t.test('no increment is lost and none is seen twice', async (t) => {
  const { runtime } = runtimeOf(t, { counter })
  await runtime.start('counter', {}, { id: 'c1' })
  const replies = await Promise.all(Array.from({ length: 100 }, () => runtime.call('c1', 'increment')))
  t.same(
    replies,
    Array.from({ length: 100 }, (_, i) => i + 1),
  )
})

t.test('reset goes back to zero, before what was sent after it', async (t) => {
  const { runtime } = runtimeOf(t, { counter })
  await runtime.start('counter', { start: 5 }, { id: 'c1' })
  runtime.cast<typeof counter>('c1', 'reset')
  t.equal(await runtime.call('c1', 'increment'), 1)
})

t.test('get makes no revision, increment makes one', async (t) => {
  const { runtime } = runtimeOf(t, { counter })
  await runtime.start('counter', {}, { id: 'c1' })
  const before = runtime.info('c1').revision
  await runtime.call('c1', 'get')
  t.equal(runtime.info('c1').revision, before)
  await runtime.call('c1', 'increment')
  t.equal(runtime.info('c1').revision, before + 1)
  t.same([counter.calls?.get.readOnly, 'readOnly' in (counter.calls?.increment ?? {})], [true, false], 'as promised')
})

t.test('set overwrites only the value that was read', async (t) => {
  const { runtime } = runtimeOf(t, { counter })
  await runtime.start('counter', {}, { id: 'c1' })
  const read = runtime.sendRequest('c1', 'get')
  t.equal(await read.response, 0)
  const { revision } = read
  await runtime.call('c1', 'increment')
  await t.rejects(runtime.call('c1', 'set', { to: 100 }, { ifMatch: revision }), { code: 'revision_mismatch' })
  t.equal(await runtime.call('c1', 'get'), 1)
  t.equal(await runtime.call('c1', 'set', { to: 100 }, { ifMatch: runtime.info('c1').revision }), 1)
  t.equal(await runtime.call('c1', 'get'), 100)
})

t.test('what is not a whole number within bounds is refused and changes nothing', async (t) => {
  const { runtime } = runtimeOf(t, { counter })
  await runtime.start('counter', {}, { id: 'c1' })
  for (const by of ['1', 1.5, null, 1e300, -1e10, [1]]) {
    await t.rejects(runtime.call('c1', 'increment', { by }), { code: 'invalid_args', effect: 'none' })
  }
  await t.rejects(runtime.call('c1', 'increment', { by: 1, twice: true }), { code: 'invalid_args' })
  await t.rejects(runtime.start('counter', { start: 'one' }), { code: 'invalid_args' })
  t.equal(await runtime.call('c1', 'get'), 0)
})
