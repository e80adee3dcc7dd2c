/** What threads give, and cost: the gateway with its servers in threads beside the same with all in one thread, and the bare app. */
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
  readonly ours: () => Promise<ServerProcess>
  readonly theirs: () => Promise<ServerProcess>
}

const gateway = (threads: number, implementations?: URL) => () =>
  ServerProcess.gateway(implementations, { GENSERVERS_THREADS: String(threads) })

const call = { load: { kind: 'call', ids: IDS }, implementation: 'counter' } as const
const burn = { load: { kind: 'burn', ids: IDS }, implementation: 'burner' } as const
const calls: Pair = { ...call, ours: gateway(1), theirs: gateway(0) }
/** As the scenario `call`: one hot server. */
const hot = { load: { kind: 'call', ids: 1 }, implementation: 'counter' } as const
const besideBare: Pair = { ...hot, ours: gateway(1), theirs: () => ServerProcess.bare() }
const burns: Pair = { ...burn, ours: gateway(2, BUSY), theirs: gateway(0, BUSY) }

export function threads(client: Client): Scenario {
  return {
    name: 'threads',
    title: 'threads: servers in threads, against all in one thread, and bare Fastify',
    run: (plan) => run(client, plan),
  }
}

async function run(client: Client, plan: Plan): Promise<Outcome> {
  const [one, alone] = await compare(client, calls, plan)
  const [ours, bare] = await compare(client, besideBare, plan)
  const [two, burnt] = await compare(client, burns, plan)
  const calling = ratioOf(one.perSecond, alone.perSecond)
  const costing = ratioOf(ours.perCpuSecond, bare.perCpuSecond)
  const burning = ratioOf(two.perSecond, burnt.perSecond)
  const rows = (what: string, key: 'perCpuSecond' | 'perSecond' | 'p99', a: Series, b: Series) => {
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
      columns: ['median (quartiles)', 'in threads', 'beside it', 'ratio', 'paired ratios'],
      rows: [
        rows('calls per second: 1 thread, all in one', 'perSecond', one, alone),
        rows('p99, ms', 'p99', one, alone),
        rows('calls per CPU-second: 1 thread, bare Fastify', 'perCpuSecond', ours, bare),
        rows('calls per second', 'perSecond', ours, bare),
        rows('p99, ms', 'p99', ours, bare),
        rows('calls of 0.2 ms per second: 2 threads, all in one', 'perSecond', two, burnt),
        rows('p99, ms', 'p99', two, burnt),
      ],
    },
    targets: [
      { what: 'calls per second, times those in one thread', figure: calling.paired.median, unit: '', atLeast: 1 },
      { what: 'calls per CPU-second, of bare Fastify', figure: costing.paired.median, unit: '', atLeast: 0.8 },
      { what: 'calls of 0.2 ms, times those in one thread', figure: burning.paired.median, unit: '', atLeast: 1.6 },
    ],
    figures: { calling, costing, burning },
  }
}

async function compare(client: Client, pair: Pair, plan: Plan): Promise<Compared> {
  const launches: Compared[] = []
  for (const cycles of splitCycles(plan.cycles)) launches.push(await launch(client, pair, { ...plan, cycles }))
  return join(launches)
}

async function launch(client: Client, { load, implementation, ours, theirs }: Pair, plan: Plan): Promise<Compared> {
  const inThreads = await ours()
  const beside = await theirs()
  try {
    const populate: Load = { kind: 'populate', from: 0, to: IDS, implementation }
    for (const { port } of [inThreads, beside]) await client.send(port, populate)
    // Two threads need two cores: a client that never sleeps would leave one to them.
    const side = (server: ServerProcess): Side => ({ server, load, sleeps: true })
    return await interleave(client, side(inThreads), side(beside), plan)
  } finally {
    await inThreads.stop()
    await beside.stop()
  }
}
