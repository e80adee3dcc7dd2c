/** When restarts are too many, as a table (S:J8). */
import t from 'tap'
import { addRestart } from '../../../src/core/supervisor/intensity.js'

interface Row {
  readonly title: string
  readonly maxRestarts: number
  readonly maxSeconds: number
  /** Milliseconds. */
  readonly at: readonly number[]
  /** The one that is too many, if any. */
  readonly tooMany?: number
}

const table: Row[] = [
  { title: 'one in five: the second is too many', maxRestarts: 1, maxSeconds: 5, at: [0, 10], tooMany: 1 },
  { title: 'none: the first is too many', maxRestarts: 0, maxSeconds: 5, at: [0], tooMany: 0 },
  { title: 'two in five: the third is too many', maxRestarts: 2, maxSeconds: 5, at: [0, 1, 2], tooMany: 2 },
  { title: 'spaced ones never are', maxRestarts: 1, maxSeconds: 1, at: [0, 2100, 4200, 6300] },
  { title: 'the last second of the window belongs to it', maxRestarts: 1, maxSeconds: 5, at: [0, 5999], tooMany: 1 },
  { title: 'the one after it does not', maxRestarts: 1, maxSeconds: 5, at: [999, 6000] },
]

for (const { title, at, tooMany, ...intensity } of table) {
  t.test(title, async (t) => {
    let past: number[] = []
    for (const [index, ms] of at.entries()) {
      const counting = addRestart(intensity, past, ms)
      t.equal(counting === undefined, index === tooMany, `restart ${index}`)
      past = counting ?? []
    }
  })
}
