/** What durability costs: the gateway with durable servers, beside the same with servers in memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from '../client.js'
import { flushTimes } from '../disk.js'
import { quartilesOf } from '../figures.js'
import { type Compared, interleave, join as joined, ratioOf, type Side } from '../interleave.js'
import type { Load } from '../loads.js'
import { type Outcome, type Plan, type Scenario, splitCycles } from '../outcome.js'
import { count, spread } from '../printing.js'
import { ServerProcess } from '../server-process.js'

const COUNTER = new URL('../implementations/kept/', import.meta.url)
const IDS = 1000

interface Compare {
  readonly what: string
  readonly load: Load
  readonly atLeast: number
  /** Of both gateways. Default: their own default. */
  readonly threads?: string
}

const compared: readonly Compare[] = [
  { what: 'calls of 1,000 servers', load: { kind: 'call', ids: IDS }, atLeast: 0.7 },
  { what: 'the same with --threads 0', load: { kind: 'call', ids: IDS }, atLeast: 0.7, threads: '0' },
  { what: 'calls of one server', load: { kind: 'call', ids: 1 }, atLeast: 0.7 },
  { what: 'casts to 1,000 servers', load: { kind: 'cast', ids: IDS, message: 'count' }, atLeast: 0.6 },
]

export function durable(client: Client): Scenario {
  return {
    name: 'durable',
    title: 'durable: servers that are kept, against servers in memory',
    run: (plan) => run(client, plan),
  }
}

async function run(client: Client, plan: Plan): Promise<Outcome> {
  const found = []
  for (const terms of compared) {
    const [kept, inMemory] = await compare(client, terms, plan)
    found.push({ ...terms, kept, inMemory, ratio: ratioOf(kept.perSecond, inMemory.perSecond) })
  }
  const directory = mkdtempSync(join(tmpdir(), 'genservers-bench-'))
  const flush = flushTimes(directory)
  rmSync(directory, { recursive: true })
  return {
    table: {
      columns: ['median (quartiles)', 'durable', 'in memory', 'ratio', 'paired ratios'],
      rows: [
        ...found.flatMap(({ what, kept, inMemory, ratio }) => [
          [
            `${what} per second`,
            spread(quartilesOf(kept.perSecond)),
            spread(quartilesOf(inMemory.perSecond)),
            count(ratio.ofMedians),
            spread(ratio.paired),
          ],
          ['p99, ms', spread(quartilesOf(kept.p99)), spread(quartilesOf(inMemory.p99)), '', ''],
        ]),
        ['fdatasync of 4 KiB, ms', spread(flush), '', '', ''],
      ],
    },
    targets: found.map(({ what, atLeast, ratio }) => ({
      what: `${what}, of those in memory`,
      figure: ratio.paired.median,
      unit: '',
      atLeast,
    })),
    figures: { flush, ...Object.fromEntries(found.map(({ what, ratio }) => [what, ratio])) },
  }
}

async function compare(client: Client, terms: Compare, plan: Plan): Promise<Compared> {
  const launches: Compared[] = []
  for (const cycles of splitCycles(plan.cycles)) launches.push(await launch(client, terms, { ...plan, cycles }))
  return joined(launches)
}

async function launch(client: Client, { load, threads }: Compare, plan: Plan): Promise<Compared> {
  const data = mkdtempSync(join(tmpdir(), 'genservers-bench-'))
  const settings = threads === undefined ? {} : { GENSERVERS_THREADS: threads }
  const kept = await ServerProcess.gateway(COUNTER, { ...settings, GENSERVERS_DATA: data })
  const inMemory = await ServerProcess.gateway(COUNTER, settings)
  try {
    for (const { port } of [kept, inMemory]) await client.send(port, { kind: 'populate', from: 0, to: IDS })
    const side = (server: ServerProcess): Side => ({ server, load, sleeps: true })
    return await interleave(client, side(kept), side(inMemory), plan)
  } finally {
    await kept.stop()
    await inMemory.stop()
    rmSync(data, { recursive: true })
  }
}
