/** Calls as lines of one batch beside calls as requests, to the same server of the same gateway, each on one connection. */
import { sendBatch } from '../batch-connection.js'
import { Connection, type Ledger } from '../connection.js'
import { medianOf, quartilesOf } from '../figures.js'
import { ratioOf } from '../interleave.js'
import { prepare } from '../loads.js'
import type { Outcome, Plan, Scenario } from '../outcome.js'
import { count, spread } from '../printing.js'
import { ServerProcess } from '../server-process.js'

const WARM_UP_CYCLES = 2

const LINE = JSON.stringify({ to: 'c0', call: 'increment', args: { by: 1 } })

interface Rates {
  readonly perSecond: number[]
  readonly perCpuSecond: number[]
}

export const batch: Scenario = {
  name: 'batch',
  title: 'batch: lines of one batch, and single calls, on one connection',
  run,
}

async function run(plan: Plan): Promise<Outcome> {
  const gateway = await ServerProcess.gateway()
  const ways = [
    { send: () => sendBatch(gateway.port, LINE, plan.seconds), rates: emptyRates() },
    { send: () => sendCalls(gateway.port, plan.seconds), rates: emptyRates() },
  ]
  try {
    await fetch(`${gateway.url}/servers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ implementation: 'counter', id: 'c0' }),
    })
    for (let cycle = -WARM_UP_CYCLES; cycle < plan.cycles; cycle++) {
      for (const { send, rates } of ways) {
        const before = await gateway.usage()
        const { lines, seconds } = await send()
        const cpu = (await gateway.usage()).cpu - before.cpu
        if (cycle < 0) continue
        rates.perSecond.push(lines / seconds)
        rates.perCpuSecond.push(lines / cpu)
      }
    }
  } finally {
    await gateway.stop()
  }
  const [lines, calls] = ways.map(({ rates }) => rates) as [Rates, Rates]
  return report(lines, calls)
}

const emptyRates = (): Rates => ({ perSecond: [], perCpuSecond: [] })

/** One after the other, as a client does that waits for each answer. */
async function sendCalls(port: number, seconds: number) {
  const ledger: Ledger = { latencies: [], over: false }
  const next = prepare({ kind: 'call', ids: 1 }, port, { index: 0, of: 1 })()
  const started = performance.now()
  setTimeout(() => {
    ledger.over = true
  }, seconds * 1000)
  await new Connection(port, next, ledger).drive()
  return { lines: ledger.latencies.length, seconds: (performance.now() - started) / 1000 }
}

function report(lines: Rates, calls: Rates): Outcome {
  const rows: [string, keyof Rates][] = [
    ['messages per second', 'perSecond'],
    ['messages per CPU-second of the gateway', 'perCpuSecond'],
  ]
  return {
    table: {
      columns: ['median (quartiles)', 'batch', 'single calls', 'ratio'],
      rows: rows.map(([label, key]) => [
        label,
        spread(quartilesOf(lines[key])),
        spread(quartilesOf(calls[key])),
        count(medianOf(lines[key]) / medianOf(calls[key])),
      ]),
    },
    targets: [
      {
        ...{ what: 'messages per second, times those of single calls', unit: '', atLeast: 10 },
        figure: ratioOf(lines.perSecond, calls.perSecond).ofMedians,
      },
    ],
    figures: { lines, calls },
  }
}
