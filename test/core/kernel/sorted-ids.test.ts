/** Ids in order. */
import fc from 'fast-check'
import t from 'tap'
import { SortedIds } from '../../../src/core/kernel/sorted-ids.js'

function idsOf(names: Iterable<string>): SortedIds {
  const ids = new SortedIds()
  for (const name of names) ids.add(name)
  return ids
}

/** So many ids in no particular order, each once. */
function shuffled(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `id-${String((i * 7919) % count).padStart(5, '0')}`)
}

t.test('whatever is added and removed, the rest is there in order', async () => {
  const id = fc.stringMatching(/^[a-c]{1,3}$/)
  const steps = fc.array(fc.record({ add: fc.boolean(), id }), { maxLength: 80 })
  fc.assert(
    fc.property(steps, id, (todo, after) => {
      const ids = new SortedIds()
      const model = new Set<string>()
      for (const step of todo) {
        if (!step.add) {
          ids.remove(step.id)
          model.delete(step.id)
        } else if (!model.has(step.id)) {
          ids.add(step.id)
          model.add(step.id)
        }
      }
      const sorted = [...model].sort()
      const behind = sorted.filter((name) => name > after)
      return [...ids.after()].join() === sorted.join() && [...ids.after(after)].join() === behind.join()
    }),
  )
})

t.test('many ids, more than one run holds, come in order', async (t) => {
  const names = shuffled(5003)
  const sorted = [...names].sort()
  const ids = idsOf(names)
  t.same([...ids.after()], sorted)
  for (const at of [0, 255, 256, 511, 512, 2500, 5001, 5002]) {
    t.equal(ids.after(sorted[at]).next().value, sorted[at + 1], `after the ${at}th`)
  }
})

t.test('a page may start after an id that nobody has', async (t) => {
  const ids = idsOf(['b', 'd'])
  t.same([...ids.after('a')], ['b', 'd'])
  t.same([...ids.after('b')], ['d'])
  t.same([...ids.after('c')], ['d'])
  t.same([...ids.after('d')], [])
  t.same([...ids.after('e')], [])
})

t.test('removing what is not there changes nothing', async (t) => {
  const ids = idsOf(['b', 'd'])
  for (const id of ['a', 'c', 'e']) ids.remove(id)
  t.same([...ids.after()], ['b', 'd'])
  new SortedIds().remove('a')
})

t.test('all can go, and others come', async (t) => {
  const names = shuffled(2003)
  const ids = idsOf(names)
  for (const name of names) ids.remove(name)
  t.same([...ids.after()], [])
  ids.add('x')
  t.same([...ids.after()], ['x'])
})

t.test('an id more costs about the same, however many there are', async (t) => {
  const costOfOne = (count: number) => {
    const names = shuffled(count)
    const before = performance.now()
    idsOf(names)
    return (performance.now() - before) / count
  }
  const best = (count: number) => Math.min(...Array.from({ length: 3 }, () => costOfOne(count)))
  const [few, many] = [best(20_000), best(200_000)]
  t.ok(many < 4 * few, `${many} ms, ${few} ms`)
})
