/** Acknowledged means kept, and every message counts once, however often the gateway is killed (reliability T1, T6). */
import { join } from 'node:path'
import t from 'tap'
import { killLoop } from './kill-loop.js'

t.test('thirty kills: nothing is lost, doubled or made up, and all replies fit one order', async (t) => {
  const seed = Number(process.env['TORTURE_SEED'] ?? Date.now() % 1_000_000)
  t.comment(`seed ${seed}`)
  const { acknowledged, unknown, lost, doubled, phantom, disorder, readyAfter } = await killLoop({
    ...{ kills: 30, between: 300, seed, data: join(t.testdir(), 'data') },
    teardown: (end) => t.teardown(end),
  })
  t.comment(`${acknowledged} acknowledged, ${unknown} unknown, ready after ${Math.max(...readyAfter)} ms at most`)
  t.same({ lost, doubled, phantom, disorder }, { lost: [], doubled: [], phantom: [], disorder: [] })
  t.ok(acknowledged > 3000, 'the clients were at work')
  t.ok(unknown > 0, 'they were when it was killed')
})
