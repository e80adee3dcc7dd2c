import t from 'tap'
import stack from '../../implementations/stack.js'
import { runtimeOf } from './runtime-of.js'

t.test('the last element in is the first out', async (t) => {
  const { runtime } = runtimeOf(t, { stack })
  const { id } = await runtime.start('stack', { items: ['a'] })
  runtime.cast<typeof stack>(id, 'push', { element: 'b' })
  t.equal(await runtime.call<typeof stack>(id, 'size'), 2)
  t.equal(await runtime.call<typeof stack>(id, 'pop'), 'b')
  t.equal(await runtime.call<typeof stack>(id, 'pop'), 'a')
})

t.test('an empty stack pops null', async (t) => {
  const { runtime } = runtimeOf(t, { stack })
  const { id } = await runtime.start('stack')
  t.equal(await runtime.call<typeof stack>(id, 'pop'), null)
})

t.test('reset empties the stack', async (t) => {
  const { runtime } = runtimeOf(t, { stack })
  const { id } = await runtime.start('stack', { items: [1, 2] })
  runtime.cast<typeof stack>(id, 'reset')
  t.equal(await runtime.call<typeof stack>(id, 'size'), 0)
})

t.test('each server has a stack of its own', async (t) => {
  const { runtime } = runtimeOf(t, { stack })
  await runtime.start('stack', {}, { id: 'one' })
  await runtime.start('stack', {}, { id: 'two' })
  runtime.cast<typeof stack>('one', 'push', { element: 1 })
  t.equal(await runtime.call<typeof stack>('one', 'size'), 1)
  t.equal(await runtime.call<typeof stack>('two', 'size'), 0)
})
