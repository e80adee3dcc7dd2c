/**
 * Three times as many calls as can be served: how many are served all the same, how soon the others hear that they are not, and
 * how soon all is well again.
 */
import { readFileSync } from 'node:fs'
import { medianOf, quantile } from '../figures.js'
import { Flood, type FloodReport } from '../flood.js'
import type { Outcome, Plan, Scenario } from '../outcome.js'
import { count } from '../printing.js'
import { callOf, post } from '../requests.js'
import { ServerProcess } from '../server-process.js'

const SERVERS = 8
/** Milliseconds that a call holds its server. */
const WORK = 2
/** Milliseconds that its caller waits. */
const PATIENCE = 2000
/** Seconds. */
const PEAK = 5
const FLOODED = 60
const AFTER = 5

export const overload: Scenario = {
  name: 'overload',
  title: 'overload: three times the calls that can be served, for a minute',
  run,
}

async function run(plan: Plan): Promise<Outcome> {
  const gateway = await ServerProcess.gateway(new URL('../implementations/busy/', import.meta.url))
  try {
    const ids = Array.from({ length: SERVERS }, (_, n) => `c${n}`)
    for (const id of ids) await post(`${gateway.url}/servers`, { implementation: 'burner', id, mailbox: 50 })
    const requests = ids.map((id) => callOf(id, { message: 'burn', args: { ms: WORK }, timeout: PATIENCE }))
    const flood = new Flood(gateway.port, requests)
    await flood.run(1000 / WORK, 1)
    // More than it can take, a little: so it is found how many it can.
    const peak = await flood.run((1000 / WORK) * 1.1, PEAK)
    const rate = peak.served.length / peak.seconds
    const seconds = plan.seconds < 0.5 ? 10 : FLOODED
    const flooded = await flood.run(3 * rate, seconds)
    const memory = residentMegabytes(gateway)
    const after = await flood.run(rate / 2, AFTER)
    flood.close()
    return report(peak, flooded, after, memory)
  } finally {
    await gateway.stop()
  }
}

function report(peak: FloodReport, flooded: FloodReport, after: FloodReport, memory: number): Outcome {
  const row = (what: string, { offered, served, refused, failed, seconds }: FloodReport) => [
    what,
    count(offered / seconds),
    count(served.length / seconds),
    count(served.length === 0 ? 0 : medianOf(served)),
    count(refused.length / seconds),
    count(refused.length === 0 ? 0 : quantile(Float64Array.from(refused).sort(), 0.99)),
    String(failed),
  ]
  const goodput = flooded.served.length / flooded.seconds / (peak.served.length / peak.seconds)
  const soon = quantile(Float64Array.from(flooded.refused).sort(), 0.99)
  const normal = after.served.length / after.offered
  return {
    table: {
      columns: ['', 'offered a second', 'served', 'median, ms', 'refused', 'p99, ms', 'failed'],
      rows: [row('at the peak', peak), row('three times that', flooded), row('half of it, after that', after)],
    },
    targets: [
      { what: 'served, of the peak', figure: goodput, unit: '', atLeast: 0.7 },
      { what: 'p99 of the refusals', figure: soon, unit: ' ms', atMost: 50 },
      { what: 'served of what is offered in the 5 s after', figure: normal, unit: '', atLeast: 0.99 },
      { what: 'memory of the gateway', figure: memory, unit: ' MB', atMost: 400 },
    ],
    figures: { goodput, soon, normal, memory },
  }
}

function residentMegabytes({ pid }: ServerProcess): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}
