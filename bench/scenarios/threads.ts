/** What threads give: the gateway with its servers in threads beside the same gateway with all in one thread. */
import type { Client } from '../client.js'
import { quartilesOf } from '../figures.js'
import { type Compared, interleave, join, ratioOf, type Series, type Side } from '../interleave.js'
import type { Load } from '../loads.js'
import { type Outcome, type Plan, type Scenario, splitCycles } from '../outcome.js'
import { count, spread } from '../printing.js'
import { ServerProcess } from '../server-process.js'

const BUSY = new URL('../implementations/busy/', import.meta.url)
const IDS = 64

interface Pair {
  readonly load: Load
  readonly implementation: string
  readonly at?: URL
  readonly threads: string
}

const calls: Pair = { load: { kind: 'call', ids: IDS }, implementation: 'counter', threads: '1' }
const burns: Pair = { load: { kind: 'burn', ids: IDS }, implementation: 'burner', at: BUSY, threads: '2' }

export function threads(client: Client): Scenario {
  return {
    name: 'threads',
    title: 'threads: servers in threads, against all in one thread; the client sleeps where it can',
    run: (plan) => run(client, plan),
  }
}

async function run(client: Client, plan: Plan): Promise<Outcome> {
  const [one, alone] = await compare(client, calls, plan)
  const [two, burnt] = await compare(client, burns, plan)
  const calling = ratioOf(one.perSecond, alone.perSecond)
  const burning = ratioOf(two.perSecond, burnt.perSecond)
  const rows = (what: string, key: 'perSecond' | 'p99', a: Series, b: Series) => {
    const ratio = ratioOf(a[key], b[key])
    return [
      what,
      spread(quartilesOf(a[key])),
      spread(quartilesOf(b[key])),
      count(ratio.ofMedians),
      spread(ratio.paired),
    ]
  }
  return {
    table: {
      columns: ['median (quartiles)', 'in threads', 'in one thread', 'ratio', 'paired ratios'],
      rows: [
        rows('calls per second, 1 thread', 'perSecond', one, alone),
        rows('p99, ms', 'p99', one, alone),
        rows('calls of 0.2 ms per second, 2 threads', 'perSecond', two, burnt),
        rows('p99, ms', 'p99', two, burnt),
      ],
    },
    targets: [
      { what: 'calls per second, times those in one thread', figure: calling.paired.median, unit: '', atLeast: 1 },
      { what: 'calls of 0.2 ms, times those in one thread', figure: burning.paired.median, unit: '', atLeast: 1.6 },
    ],
    figures: { calling, burning },
  }
}

async function compare(client: Client, pair: Pair, plan: Plan): Promise<Compared> {
  const launches: Compared[] = []
  for (const cycles of splitCycles(plan.cycles)) launches.push(await launch(client, pair, { ...plan, cycles }))
  return join(launches)
}

async function launch(client: Client, { load, implementation, at, threads }: Pair, plan: Plan): Promise<Compared> {
  const inThreads = await ServerProcess.gateway(at, { GENSERVERS_THREADS: threads })
  const alone = await ServerProcess.gateway(at, { GENSERVERS_THREADS: '0' })
  try {
    const populate: Load = { kind: 'populate', from: 0, to: IDS, implementation }
    for (const { port } of [inThreads, alone]) await client.send(port, populate)
    const side = (server: ServerProcess): Side => ({ server, load, sleeps: true })
    return await interleave(client, side(inThreads), side(alone), plan)
  } finally {
    await inThreads.stop()
    await alone.stop()
  }
}
