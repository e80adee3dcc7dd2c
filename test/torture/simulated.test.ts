/** Kills at every moment of a commit (reliability T2), and stores with faults, each of which the judge must see (T38). */
import t from 'tap'
import { type Fault, simulate } from './simulated.js'

const seeds = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i)

t.test('fifty kills in each of three runs: nothing is lost, doubled or made up', async (t) => {
  const first = Number(process.env['TORTURE_SEED'] ?? Date.now() % 1_000_000)
  let acknowledged = 0
  let unknown = 0
  for (const seed of seeds(first, 3)) {
    const verdict = await simulate(seed, 50)
    acknowledged += verdict.acknowledged
    unknown += verdict.unknown
    const { lost, doubled, phantom, disorder } = verdict
    t.same({ lost, doubled, phantom, disorder }, { lost: [], doubled: [], phantom: [], disorder: [] }, `seed ${seed}`)
  }
  t.comment(`${acknowledged} acknowledged, ${unknown} unknown`)
  t.ok(unknown > 500, 'they were cut off in the midst of their work')
})

const controls: Readonly<Record<Fault, 'lost' | 'doubled'>> = { early: 'lost', twice: 'doubled', forgetful: 'doubled' }

for (const [fault, seen] of Object.entries(controls) as [Fault, 'lost' | 'doubled'][]) {
  t.test(`a store that is ${fault} is seen: something is ${seen}`, async (t) => {
    for (const seed of seeds(1, 10)) {
      const verdict = await simulate(seed, 20, fault)
      if (verdict[seen].length > 0) {
        t.pass(`seed ${seed}: ${verdict[seen][0]}`)
        return
      }
    }
    t.fail('nobody has seen it')
  })
}
