/**
 * Awaited calls without HTTP, over 10,000 counters: checks of args and reply, drafts and deadlines included. One process,
 * one thread. Sends its parent what each cycle took.
 */
import counter from '../../implementations/counter.js'
import { createRuntime, type Runtime } from '../../src/index.js'

const SERVERS = 10_000
const WARM_UP_CYCLES = 3

export interface InProcessCycle {
  readonly inFlight: number
  readonly calls: number
  readonly seconds: number
  readonly cpu: number
}

const [inFlights, cycles, seconds] = JSON.parse(process.argv[2] ?? '[[1], 1, 1]') as [number[], number, number]

async function run(runtime: Runtime, ids: readonly string[], inFlight: number): Promise<InProcessCycle> {
  const cpuBefore = process.cpuUsage()
  const started = performance.now()
  const end = started + seconds * 1000
  let calls = 0
  let over = false
  const caller = async (first: number) => {
    // A stride that shares no factor with the number of servers visits them all, in no order that memory likes.
    for (let at = first; !over; at = (at + 7919) % SERVERS) {
      await runtime.call(ids[at] as string, 'increment', { by: 1 })
      if (++calls % 1000 === 0) over = performance.now() >= end
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, n) => caller(n)))
  const took = performance.now() - started
  const { user, system } = process.cpuUsage(cpuBefore)
  return { inFlight, calls, seconds: took / 1000, cpu: (user + system) / 1e6 }
}

const runtime = createRuntime({ implementations: { counter } })
const ids = Array.from({ length: SERVERS }, (_, n) => `c${n}`)
for (const id of ids) await runtime.start('counter', {}, { id })
for (let cycle = -WARM_UP_CYCLES; cycle < cycles; cycle++) {
  for (const inFlight of inFlights) {
    const measured = await run(runtime, ids, inFlight)
    if (cycle >= 0) process.send?.(measured)
  }
}
await runtime.close()
process.disconnect()
