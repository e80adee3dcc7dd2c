/** Who falls with whom, as a table (S:J4). */
import t from 'tap'
import { fallout, type Strategy } from '../../../src/core/supervisor/strategy.js'

const children = ['one', 'two', 'three', 'four', 'five']

const table: [Strategy, died: string, stop: string[], start: string[]][] = [
  ['oneForOne', 'three', [], ['three']],
  ['oneForAll', 'three', ['five', 'four', 'two', 'one'], children],
  ['oneForAll', 'one', ['five', 'four', 'three', 'two'], children],
  ['restForOne', 'three', ['five', 'four'], ['three', 'four', 'five']],
  ['restForOne', 'five', [], ['five']],
  ['restForOne', 'one', ['five', 'four', 'three', 'two'], children],
]

for (const [strategy, died, stop, start] of table) {
  t.test(`${strategy}: ${died} dies`, async (t) => {
    t.same(fallout(strategy, children, died), { stop, start })
  })
}
