/** Which ids have which label. */
import t from 'tap'
import { LabelIndex } from '../../../src/core/kernel/label-index.js'

t.test('the ids of a label are listed in order, from any place on, and nobody else is', async (t) => {
  const index = new LabelIndex()
  for (const id of ['b', 'B', 'a-10', 'a-9']) index.add(id, ['x'])
  index.add('c', ['y'])
  t.same([...index.after('x')], ['B', 'a-10', 'a-9', 'b'])
  t.same([...index.after('x', 'a-10')], ['a-9', 'b'])
  t.same([...index.after('x', 'a')], ['a-10', 'a-9', 'b'], 'also after an id that nobody has')
  t.same([...index.after('y')], ['c'])
})

t.test('L10: a label that nobody has is an empty group', async (t) => {
  const index = new LabelIndex()
  t.same([...index.after('x')], [])
  t.same([...index.after('constructor')], [])
  index.remove('a', ['x'])
  t.equal(index.size, 0)
})

t.test('L2: an id may have several labels, and leaves each of them', async (t) => {
  const index = new LabelIndex()
  index.add('a', ['x', 'y'])
  index.add('b', ['y'])
  t.same([...index.after('y')], ['a', 'b'])
  index.remove('a', ['x', 'y'])
  t.same([...index.after('x')], [])
  t.same([...index.after('y')], ['b'])
})

t.test('an id without labels is not kept, and neither is a label that nobody has any more', async (t) => {
  const index = new LabelIndex()
  index.add('a', [])
  t.equal(index.size, 0)
  for (let i = 0; i < 1000; i++) index.add(`id-${i}`, [`label-${i}`, 'all'])
  t.equal(index.size, 1001)
  for (let i = 0; i < 1000; i++) index.remove(`id-${i}`, [`label-${i}`, 'all'])
  t.equal(index.size, 0)
})
