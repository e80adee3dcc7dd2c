/**
 * The gateway with all in one thread beside the bare app, under one load: what a request costs, and how long the slowest hundredth
 * waits. What threads cost on top is for `threads.ts`.
 */
import type { Client } from '../client.js'
import { medianOf, quartilesOf } from '../figures.js'
import { type Compared, interleave, join, ratioOf, type Series } from '../interleave.js'
import type { Load } from '../loads.js'
import { type Outcome, type Plan, type Scenario, splitCycles } from '../outcome.js'
import { count, spread } from '../printing.js'
import { ServerProcess } from '../server-process.js'

interface Terms {
  readonly name: string
  readonly title: string
  readonly load: Load
  /** How many servers there are beforehand. */
  readonly servers: number
  /** Requests per CPU-second, as a part of the bare app's. */
  readonly atLeast: number
}

export function againstBare(client: Client, terms: Terms): Scenario {
  return { name: terms.name, title: terms.title, run: (plan) => run(client, terms, plan) }
}

async function run(client: Client, terms: Terms, plan: Plan): Promise<Outcome> {
  const launches: Compared[] = []
  for (const cycles of splitCycles(plan.cycles)) launches.push(await launch(client, terms, { ...plan, cycles }))
  return compare(...join(launches), terms.atLeast)
}

async function launch(client: Client, { load, servers }: Terms, plan: Plan): Promise<Compared> {
  const gateway = await ServerProcess.gateway(undefined, { GENSERVERS_THREADS: '0' })
  const bare = await ServerProcess.bare()
  try {
    for (const { port } of [gateway, bare]) await client.send(port, { kind: 'populate', from: 0, to: servers })
    return await interleave(client, { server: gateway, load }, { server: bare, load }, plan)
  } finally {
    await gateway.stop()
    await bare.stop()
  }
}

/** Below it (CPU-seconds a second) the server waited for a core or for the client. */
const SATURATED = 0.9

function compare(ours: Series, theirs: Series, atLeast: number): Outcome {
  const rows: [string, keyof Series][] = [
    ['requests per CPU-second', 'perCpuSecond'],
    ['requests per second', 'perSecond'],
    ['p99, ms', 'p99'],
    ['CPU-seconds per second', 'busy'],
  ]
  const cpu = ratioOf(ours.perCpuSecond, theirs.perCpuSecond)
  const p99 = ratioOf(ours.p99, theirs.p99)
  const busy = Math.min(medianOf(ours.busy), medianOf(theirs.busy))
  return {
    ...(busy < SATURATED && {
      warning: `The machine had other work: a server got ${count(busy)} of a core. Neither rates nor p99 are to be trusted.`,
    }),
    table: {
      columns: ['median (quartiles)', 'gateway', 'bare Fastify', 'ratio', 'paired ratios'],
      rows: rows.map(([label, key]) => {
        const ratio = ratioOf(ours[key], theirs[key])
        const sides = [spread(quartilesOf(ours[key])), spread(quartilesOf(theirs[key]))]
        return [label, ...sides, count(ratio.ofMedians), spread(ratio.paired)]
      }),
    },
    targets: [
      { what: 'requests per CPU-second, of bare Fastify', figure: cpu.paired.median, unit: '', atLeast },
      { what: 'p99, times that of bare Fastify', figure: p99.paired.median, unit: '', atMost: 1.3 },
    ],
    figures: { gateway: ours, bare: theirs, cpu, p99 },
  }
}
