/** What every adapter of the registry port must keep; each adapter's test runs it against its own. */
import type { Test } from 'tap'
import type { Registry } from '../../../src/core/kernel/registry.js'

export interface Named {
  readonly name: string
}

export function registryContract(t: Test, make: () => Registry<Named>): void {
  t.test('a registered process is found by its id, and nobody else is', async (t) => {
    const registry = make()
    const a = { name: 'a' }
    t.equal(registry.whereis('id-a'), undefined)
    t.equal(registry.register('id-a', a, 'x'), true)
    t.equal(registry.whereis('id-a'), a)
    t.equal(registry.whereis('id-b'), undefined)
    t.equal(registry.whereis('constructor'), undefined)
    t.equal(registry.size, 1)
  })

  t.test('J107: an id that is taken stays with its holder, and the refused leave no trace', async (t) => {
    const registry = make()
    const a = { name: 'a' }
    registry.register('id', a, 'x')
    for (let i = 0; i < 1000; i++) t.equal(registry.register('id', { name: `${i}` }, 'y'), false)
    t.equal(registry.register('id', a, 'x'), false, 'also for the holder')
    t.equal(registry.whereis('id'), a)
    t.equal(registry.size, 1)
    t.same([...registry.after()], [a])
  })

  t.test('E56: an id is free as soon as it is given up', async (t) => {
    const registry = make()
    const b = { name: 'b' }
    registry.register('id', { name: 'a' }, 'x')
    registry.unregister('id', 'x')
    t.equal(registry.whereis('id'), undefined)
    t.equal(registry.size, 0)
    t.equal(registry.register('id', b, 'y'), true)
    t.equal(registry.whereis('id'), b)
  })

  t.test('giving up an id that nobody holds changes nothing', async (t) => {
    const registry = make()
    const a = { name: 'a' }
    registry.register('id', a, 'x')
    registry.unregister('other', 'x')
    registry.unregister('other', 'x')
    t.equal(registry.size, 1)
    t.same([...registry.after()], [a])
  })

  t.test('processes are listed in the order of their ids, from any place on', async (t) => {
    const registry = make()
    const ids = ['b', 'B', 'a-10', 'a-9', '~', '1']
    for (const id of ids) registry.register(id, { name: id }, id < 'a' ? 'x' : 'y')
    const names = (after?: string) => [...registry.after(after)].map(({ name }) => name)
    t.same(names(), ['1', 'B', 'a-10', 'a-9', 'b', '~'])
    t.same(names('a-10'), ['a-9', 'b', '~'])
    t.same(names('a'), ['a-10', 'a-9', 'b', '~'], 'also after an id that nobody has')
    t.same(names('~'), [])
    registry.unregister('a-9', 'y')
    t.same(names('a-10'), ['b', '~'])
  })

  t.test('the processes of one kind are listed without the others', async (t) => {
    const registry = make()
    for (const id of ['d', 'a', 'c', 'b']) registry.register(id, { name: id }, id < 'c' ? 'low' : 'high')
    const names = (after?: string, kind?: string) => [...registry.after(after, kind)].map(({ name }) => name)
    t.same(names(), ['a', 'b', 'c', 'd'])
    t.same(names(undefined, 'high'), ['c', 'd'])
    t.same(names('a', 'low'), ['b'])
    t.same(names(undefined, 'constructor'), [])
    registry.unregister('c', 'high')
    registry.register('c', { name: 'c' }, 'low')
    t.same(names(undefined, 'high'), ['d'])
    t.same(names(undefined, 'low'), ['a', 'b', 'c'], 'an id may come back as another kind')
  })
}
