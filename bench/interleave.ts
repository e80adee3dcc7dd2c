/**
 * Two servers, both up, loaded in turn: A B, B A, A B, so that what changes on the machine in the meantime, or in one
 * direction, meets both.
 */
import type { Client } from './client.js'
import { medianOf, type Quartiles, quantile, quartilesOf } from './figures.js'
import type { Load } from './loads.js'
import type { Plan } from './outcome.js'
import type { ServerProcess } from './server-process.js'

const WARM_UP_CYCLES = 2

export interface Side {
  readonly server: ServerProcess
  readonly load: Load
  /** The client may sleep: then it leaves its core to others, and what it costs to wake it is the server's. */
  readonly sleeps?: boolean
}

/** One side's figures, a value for each cycle. */
export interface Series {
  readonly perCpuSecond: number[]
  readonly perSecond: number[]
  readonly p99: number[]
  /** CPU-seconds a second: near 1 the server was the bottleneck, as it should be. */
  readonly busy: number[]
}

export type Compared = readonly [Series, Series]

export async function interleave(client: Client, a: Side, b: Side, plan: Plan): Promise<Compared> {
  const ofA = emptySeries()
  const ofB = emptySeries()
  for (let cycle = -WARM_UP_CYCLES; cycle < plan.cycles; cycle++) {
    const order = [[a, ofA] as const, [b, ofB] as const]
    if (cycle % 2 !== 0) order.reverse()
    for (const [side, series] of order) await measure(client, side, plan.seconds, cycle < 0 ? undefined : series)
  }
  return [ofA, ofB]
}

async function measure(
  client: Client,
  { server, load, sleeps }: Side,
  seconds: number,
  series?: Series,
): Promise<void> {
  const before = await server.usage()
  const sent = await client.send(server.port, load, seconds, sleeps).catch((cause: Error) => {
    throw new Error(`${server.name}: ${cause.message}`, { cause })
  })
  const cpu = (await server.usage()).cpu - before.cpu
  series?.perCpuSecond.push(sent.requests / cpu)
  series?.perSecond.push(sent.requests / sent.seconds)
  series?.p99.push(quantile(sent.latencies, 0.99))
  series?.busy.push(cpu / sent.seconds)
}

/** What several launches of the same two servers have given. */
export function join(launches: readonly Compared[]): Compared {
  const side = (which: 0 | 1): Series => {
    const all = (key: keyof Series) => launches.flatMap((compared) => compared[which][key])
    return { perCpuSecond: all('perCpuSecond'), perSecond: all('perSecond'), p99: all('p99'), busy: all('busy') }
  }
  return [side(0), side(1)]
}

function emptySeries(): Series {
  return { perCpuSecond: [], perSecond: [], p99: [], busy: [] }
}

export interface Ratio {
  readonly ofMedians: number
  /** Of the ratios of the cycles that were run side by side: they share what the machine was doing. */
  readonly paired: Quartiles
}

export function ratioOf(a: readonly number[], b: readonly number[]): Ratio {
  const pairs = a.map((value, i) => value / (b[i] ?? Number.NaN))
  return { ofMedians: medianOf(a) / medianOf(b), paired: quartilesOf(pairs) }
}
