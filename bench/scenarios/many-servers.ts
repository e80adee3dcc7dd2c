/**
 * Growth: 100,000 servers are started over HTTP, tenth by tenth; then pages of them are listed; then calls to a gateway
 * that has them are compared with calls to one that has a single server.
 */
import { request } from 'undici'
import type { Client } from '../client.js'
import { medianOf, quantile, quartilesOf } from '../figures.js'
import { type Compared, interleave, ratioOf } from '../interleave.js'
import type { Outcome, Plan, Scenario } from '../outcome.js'
import { count, spread } from '../printing.js'
import { ServerProcess } from '../server-process.js'

const SERVERS = 100_000
const TENTH = SERVERS / 10
const LISTINGS = 50

const pages = ['?limit=100', '?limit=100&after=c5', '?limit=1000', '?limit=100&implementation=counter&status=running']
/** Nothing matches, so that a listing that walks through all servers walks through all of them. */
const emptyPage = '?status=stopping'

export function manyServers(client: Client): Scenario {
  return { name: 'spawn-100k', title: 'spawn-100k: 100,000 servers over HTTP', run: (plan) => run(client, plan) }
}

async function run(client: Client, plan: Plan): Promise<Outcome> {
  const crowd = await ServerProcess.gateway()
  const lone = await ServerProcess.gateway()
  try {
    const tenths = await spawnByTenths(client, crowd)
    const listings = await timeListings(crowd.url)
    await client.send(lone.port, { kind: 'populate', from: 0, to: 1 })
    const one = { server: lone, load: { kind: 'call', ids: 1 } } as const
    const hot = await interleave(client, { ...one, server: crowd }, one, plan)
    const anyServer = { server: crowd, load: { kind: 'call', ids: SERVERS } } as const
    const all = await interleave(client, anyServer, one, plan)
    return report(tenths, listings, { hot, all })
  } finally {
    await crowd.stop()
    await lone.stop()
  }
}

async function spawnByTenths(client: Client, server: ServerProcess): Promise<number[]> {
  const rates: number[] = []
  for (let from = 0; from < SERVERS; from += TENTH) {
    const before = await server.usage()
    await client.send(server.port, { kind: 'populate', from, to: from + TENTH })
    rates.push(TENTH / ((await server.usage()).cpu - before.cpu))
  }
  return rates
}

interface Listing {
  readonly page: string
  readonly milliseconds: Float64Array
}

async function timeListings(url: string): Promise<Listing[]> {
  const listings: Listing[] = []
  for (const page of [...pages, emptyPage]) {
    const milliseconds = new Float64Array(LISTINGS)
    for (let i = -5; i < LISTINGS; i++) {
      const started = performance.now()
      // Not by `fetch`, whose own streams take as long as the gateway.
      const { statusCode, body } = await request(`${url}/servers${page}`)
      await body.dump({ limit: Number.POSITIVE_INFINITY })
      if (statusCode !== 200) throw new Error(`GET /servers${page} answered ${statusCode}`)
      if (i >= 0) milliseconds[i] = performance.now() - started
    }
    listings.push({ page, milliseconds: milliseconds.sort() })
  }
  return listings
}

function report(tenths: number[], listings: Listing[], calls: { hot: Compared; all: Compared }): Outcome {
  const middle = (numbers: readonly number[]) => medianOf(numbers.slice(0, -1))
  const [hot, all] = [calls.hot, calls.all].map(([ours, one]) => ratioOf(ours.perCpuSecond, one.perCpuSecond))
  const rates = [calls.hot[1], calls.hot[0], calls.all[0]].map((series) => spread(quartilesOf(series.perCpuSecond)))
  const [lone, crowd, any] = rates
  return {
    table: {
      columns: ['what', 'figure'],
      rows: [
        ['starts per CPU-second, tenth by tenth', tenths.map((rate) => count(rate)).join(' ')],
        ...listings.map(({ page, milliseconds }) => [
          `GET /servers${page.replaceAll('&', ' &')}, ms: median, p99`,
          `${count(quantile(milliseconds, 0.5))}, ${count(quantile(milliseconds, 0.99))}`,
        ]),
        ['calls per CPU-second, one server', lone ?? ''],
        ['the same server among 100,000', crowd ?? ''],
        ['any of 100,000', any ?? ''],
      ],
    },
    targets: [
      {
        ...{ what: 'rate of the last tenth of the starts, of that of the others' },
        ...{ figure: (tenths.at(-1) ?? 0) / middle(tenths), unit: '', atLeast: 0.8 },
      },
      {
        ...{ what: 'slowest page (median)', unit: ' ms', atMost: 10 },
        figure: Math.max(...listings.map(({ milliseconds }) => quantile(milliseconds, 0.5))),
      },
      {
        ...{ what: 'call to one server among 100,000, of that to one alone', unit: '', atLeast: 0.9 },
        figure: hot?.ofMedians ?? 0,
      },
      {
        ...{ what: 'call to any of 100,000, of that to one alone (caches are cold)', unit: '', atLeast: 0.8 },
        figure: all?.ofMedians ?? 0,
      },
    ],
    figures: { tenths, listings: listings.map((l) => ({ ...l, milliseconds: [...l.milliseconds] })), calls, hot, all },
  }
}
