import t from 'tap'
import kv from '../../implementations/kv.js'
import { runtimeOf } from './runtime-of.js'

t.test('what is put is got, until it is deleted', async (t) => {
  const { runtime } = runtimeOf(t, { kv })
  await runtime.start('kv', {}, { id: 'k' })
  t.same(await runtime.call<typeof kv>('k', 'get', { key: 'colour' }), { found: false })
  t.equal(await runtime.call<typeof kv>('k', 'put', { key: 'colour', value: 'blue' }), 'created')
  t.equal(await runtime.call<typeof kv>('k', 'put', { key: 'colour', value: { rgb: [0, 0, 255] } }), 'replaced')
  t.same(await runtime.call<typeof kv>('k', 'get', { key: 'colour' }), { found: true, value: { rgb: [0, 0, 255] } })
  t.equal(await runtime.call<typeof kv>('k', 'delete', { key: 'colour' }), true)
  t.equal(await runtime.call<typeof kv>('k', 'delete', { key: 'colour' }), false)
  t.same(await runtime.call<typeof kv>('k', 'get', { key: 'colour' }), { found: false })
  t.equal(await runtime.call<typeof kv>('k', 'size'), 0)
})

t.test('a stored null is found', async (t) => {
  const { runtime } = runtimeOf(t, { kv })
  await runtime.start('kv', {}, { id: 'k' })
  await runtime.call<typeof kv>('k', 'put', { key: 'nothing', value: null })
  t.same(await runtime.call<typeof kv>('k', 'get', { key: 'nothing' }), { found: true, value: null })
})

t.test('names that JavaScript gives every object are keys like any other', async (t) => {
  const { runtime } = runtimeOf(t, { kv })
  await runtime.start('kv', {}, { id: 'k' })
  for (const key of ['constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
    t.same(await runtime.call<typeof kv>('k', 'get', { key }), { found: false }, key)
    t.equal(await runtime.call<typeof kv>('k', 'delete', { key }), false, key)
    t.equal(await runtime.call<typeof kv>('k', 'put', { key, value: key }), 'created', key)
    t.same(await runtime.call<typeof kv>('k', 'get', { key }), { found: true, value: key }, key)
  }
  t.equal(await runtime.call<typeof kv>('k', 'size'), 4)
})

t.test('__proto__ is refused before any code runs', async (t) => {
  const { runtime } = runtimeOf(t, { kv })
  await runtime.start('kv', {}, { id: 'k' })
  for (const key of ['__proto__', '_', '', '\u0000', 'ä', 'x'.repeat(257)]) {
    const refused = { code: 'invalid_args', effect: 'none' }
    await t.rejects(runtime.call('k', 'put', { key, value: { polluted: true } }), refused)
    await t.rejects(runtime.call('k', 'get', { key }), refused)
    await t.rejects(runtime.call('k', 'delete', { key }), refused)
  }
  t.equal((Object.prototype as { polluted?: boolean }).polluted, undefined)
  t.equal(await runtime.call<typeof kv>('k', 'size'), 0)
})

t.test('a full table replaces and deletes, but takes no new key', async (t) => {
  const { runtime } = runtimeOf(t, { kv })
  await runtime.start('kv', { limit: 1 }, { id: 'k' })
  t.equal(await runtime.call<typeof kv>('k', 'put', { key: 'a', value: 1 }), 'created')
  const { revision } = runtime.info('k')
  t.equal(await runtime.call<typeof kv>('k', 'put', { key: 'b', value: 2 }), 'full')
  t.equal(runtime.info('k').revision, revision, 'nothing has changed')
  t.equal(await runtime.call<typeof kv>('k', 'put', { key: 'a', value: 3 }), 'replaced')
  t.equal(await runtime.call<typeof kv>('k', 'delete', { key: 'a' }), true)
  t.equal(await runtime.call<typeof kv>('k', 'put', { key: 'b', value: 2 }), 'created')
})

t.test('keys come in order, a page at a time', async (t) => {
  const { runtime } = runtimeOf(t, { kv })
  await runtime.start('kv', {}, { id: 'k' })
  for (const key of ['d', 'b', 'e', 'a', 'c']) await runtime.call<typeof kv>('k', 'put', { key, value: 0 })
  t.same(await runtime.call('k', 'keys', { limit: 2 }), { keys: ['a', 'b'], next: 'b' })
  t.same(await runtime.call('k', 'keys', { limit: 2, after: 'b' }), { keys: ['c', 'd'], next: 'd' })
  t.same(await runtime.call('k', 'keys', { limit: 2, after: 'd' }), { keys: ['e'] }, 'the last page has no next')
  t.same(await runtime.call('k', 'keys'), { keys: ['a', 'b', 'c', 'd', 'e'] })
})
