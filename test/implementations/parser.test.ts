import t from 'tap'
import parser from '../../implementations/parser.js'
import { runtimeOf } from './runtime-of.js'

t.test('it parses, and counts what it has parsed', async (t) => {
  const { runtime } = runtimeOf(t, { parser })
  await runtime.start('parser', {}, { id: 'p' })
  t.same(await runtime.call<typeof parser>('p', 'parse', { text: '{"a":[1]}' }), { a: [1] })
  t.equal(await runtime.call<typeof parser>('p', 'parsed'), 1)
})

t.test('what is no JSON crashes it, is not counted, and costs nobody else anything', async (t) => {
  const { runtime } = runtimeOf(t, { parser })
  await runtime.start('parser', {}, { id: 'p' })
  await t.rejects(runtime.call<typeof parser>('p', 'parse', { text: '{' }), { code: 'server_crashed', effect: 'none' })
  t.equal(await runtime.call<typeof parser>('p', 'parsed'), 0)
  t.match(runtime.info('p'), { incarnation: 2 })
})
