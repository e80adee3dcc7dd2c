/** How often a server may restart, as a table. Times are in seconds here. */
import t from 'tap'
import { spend } from '../../../src/core/server/restart-budget.js'

const table: [
  title: string,
  maxRestarts: number,
  maxSeconds: number,
  past: number[],
  now: number,
  kept: number[] | 'over',
][] = [
  ['the first crash is forgiven', 1, 5, [], 0, [0]],
  ['no crash is forgiven where none may be', 0, 5, [], 0, 'over'],
  ['as many as the budget says are forgiven', 3, 5, [1, 2], 3, [1, 2, 3]],
  ['one more is not', 3, 5, [1, 2, 3], 4, 'over'],
  ['H88: crashes that are far apart never use it up', 1, 1, [0], 2.1, [2.1]],
  ['what is longer ago than the span does not count', 2, 5, [0, 4], 5.001, [4, 5.001]],
  ['a crash exactly the span ago counts (OTP)', 1, 5, [0], 5, 'over'],
  ['crashes at one moment count each', 2, 5, [7, 7], 7, 'over'],
  ['a span of nothing counts only the same moment', 1, 0, [1], 1.001, [1.001]],
]

t.test('a crash is forgiven while the budget lasts', async (t) => {
  for (const [title, maxRestarts, maxSeconds, past, now, kept] of table) {
    const ms = (seconds: number) => seconds * 1000
    const times = spend({ maxRestarts, maxSeconds }, past.map(ms), ms(now))
    t.same(times, kept === 'over' ? undefined : kept.map(ms), title)
  }
})

t.test('the times of the past are not changed', async (t) => {
  const past = Object.freeze([1, 2])
  t.same(spend({ maxRestarts: 9, maxSeconds: 5 }, past, 3), [1, 2, 3])
})
