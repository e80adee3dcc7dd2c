/** `npm run torture`: 200 kills among 10,000 servers; KILLS, SEED, IDLE and THREADS choose others. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killLoop } from './kill-loop.js'

const number = (name: string, byDefault: number) => Number(process.env[name] ?? byDefault)
const kills = number('KILLS', 200)
const seed = number('SEED', Date.now() % 1_000_000)
const idle = number('IDLE', 10_000)
const threads = number('THREADS', 1)

const data = await mkdtemp(join(tmpdir(), 'genservers-torture-'))
const ends: (() => unknown)[] = [() => rm(data, { recursive: true, force: true })]
try {
  console.log(`${kills} kills among ${idle} idle servers, ${threads} threads, seed ${seed}`)
  const options = {
    kills,
    seed,
    idle,
    threads,
    data,
    between: 1000,
    teardown: (end: () => unknown) => ends.unshift(end),
  }
  const { acknowledged, unknown, lost, doubled, phantom, disorder, readyAfter } = await killLoop(options)
  const ready = [...readyAfter].sort((a, b) => a - b)
  const at = (part: number) => Math.round(ready[Math.min(ready.length - 1, Math.floor(ready.length * part))] as number)
  console.log(`${acknowledged} acknowledged, ${unknown} of which nobody knew`)
  console.log(`ready after ${at(0.5)} ms (median), ${at(0.99)} ms (p99)`)
  for (const [what, all] of Object.entries({ lost, doubled, phantom, disorder })) {
    console.log(`${all.length} ${what}`, ...all.slice(0, 10))
    if (all.length > 0) process.exitCode = 1
  }
} finally {
  for (const end of ends) await end()
}
