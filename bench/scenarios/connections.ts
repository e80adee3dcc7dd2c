/** Very many connections, most of them idle; and clients that only pretend to send something. */
import { Crowd, type CrowdReport } from '../crowd.js'
import { quantile } from '../figures.js'
import type { Outcome, Plan, Scenario } from '../outcome.js'
import { count } from '../printing.js'
import { ServerProcess } from '../server-process.js'
import { SlowSenders } from '../slow-senders.js'

const CONNECTIONS = 10_000
const ACTIVE = 1000
const SLOW_SENDERS = 2000
const OTHERS = 64

/** Seconds. */
const AT_WORK = 5
const WARM_UP = 2
/** The time that a head may take by default, and two seconds. */
const CUT_OFF_IN = 17

export const connections: Scenario = {
  name: 'connections',
  title: 'connections: 10,000 of them, 1,000 at work; 2,000 that send a head without end',
  run,
}

async function run(_plan: Plan): Promise<Outcome> {
  const gateway = await ServerProcess.gateway()
  try {
    await fetch(`${gateway.url}/servers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ implementation: 'counter', id: 'c0' }),
    })
    const body = JSON.stringify({ message: 'increment' })
    const head = `POST /servers/c0/call HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
    const request = Buffer.from(`${head}\r\n\r\n${body}`)

    const crowd = await Crowd.open(gateway.port, CONNECTIONS, request)
    const crowded = await crowd.work(ACTIVE, AT_WORK)
    crowd.close()

    const others = await Crowd.open(gateway.port, OTHERS, request)
    await others.work(OTHERS, WARM_UP)
    const normal = await others.work(OTHERS, AT_WORK)
    const slow = new SlowSenders(gateway.port, SLOW_SENDERS)
    const beside = await others.work(OTHERS, AT_WORK)
    others.close()
    return report(crowded, normal, beside, await slow.ended)
  } finally {
    await gateway.stop()
  }
}

function report(crowded: CrowdReport, normal: CrowdReport, beside: CrowdReport, cutOff: number): Outcome {
  const row = (what: string, { latencies, errors, seconds }: CrowdReport) => [
    what,
    count(latencies.length / seconds),
    count(quantile(latencies, 0.5)),
    count(quantile(latencies, 0.99)),
    String(errors),
  ]
  return {
    table: {
      columns: ['connections', 'requests per second', 'median, ms', 'p99, ms', 'errors'],
      rows: [
        row(`${count(CONNECTIONS)}, ${count(ACTIVE)} at work`, crowded),
        row(`${OTHERS}`, normal),
        row(`${OTHERS}, beside ${count(SLOW_SENDERS)} slow senders`, beside),
      ],
    },
    targets: [
      { what: 'errors', figure: crowded.errors + normal.errors + beside.errors, unit: '', atMost: 0 },
      {
        ...{ what: 'p99 beside slow senders, times the normal one', unit: '', atMost: 2 },
        figure: quantile(beside.latencies, 0.99) / quantile(normal.latencies, 0.99),
      },
      { what: 'slow senders are cut off in', figure: cutOff, unit: ' s', atMost: CUT_OFF_IN },
    ],
    figures: { crowded: crowded.errors, normal: normal.errors, beside: beside.errors, cutOff },
  }
}
