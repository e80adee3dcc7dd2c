/** One of two threads never comes back: what the other one, and the gateway, notice of that. */
import { medianOf, quantile } from '../figures.js'
import { Flood, type FloodReport } from '../flood.js'
import type { Outcome, Scenario } from '../outcome.js'
import { count } from '../printing.js'
import { callOf, post } from '../requests.js'
import { ServerProcess } from '../server-process.js'

/** Milliseconds. */
const LIMIT = 3000
const BETWEEN_PROBES = 10

/** Calls a second to the other thread: a share of what it can, since a thread that loops leaves one core of two. */
const RATE = 1000
/** Seconds. */
const WARM_UP = 2
const AT_WORK = 4

const ROUNDS = 5

export const stuck: Scenario = {
  name: 'stuck',
  title: 'stuck: one of two threads loops for ever, and is replaced',
  run,
}

interface Round {
  readonly calls: number
  /** Milliseconds. */
  readonly usual: number
  readonly meanwhile: number
  readonly slowest: number
  readonly took: number
  readonly errors: number
  readonly status: number
}

async function run(): Promise<Outcome> {
  const rounds: Round[] = []
  for (let i = 0; i < ROUNDS; i++) rounds.push(await round())
  const median = (of: (round: Round) => number) => medianOf(rounds.map(of))
  const all = (of: (round: Round) => number) => rounds.map((round) => count(of(round))).join(', ')
  return {
    table: {
      columns: ['each round', 'found'],
      rows: [
        ['calls to the other thread', all(({ calls }) => calls)],
        ['p99 before, ms', all(({ usual }) => usual)],
        ['p99 while it loops, ms', all(({ meanwhile }) => meanwhile)],
        ['the slowest /health/live, ms', all(({ slowest }) => slowest)],
        ['replaced after the limit and, ms', all(({ took }) => took - LIMIT)],
      ],
    },
    targets: [
      {
        what: 'p99 on the other thread, times the normal one',
        figure: median(({ meanwhile, usual }) => meanwhile / usual),
        unit: '',
        atMost: 2,
      },
      { what: 'the slowest /health/live', figure: Math.max(...rounds.map((r) => r.slowest)), unit: ' ms', atMost: 50 },
      { what: 'replaced after the limit and', figure: median((r) => r.took - LIMIT), unit: ' ms', atMost: 200 },
      { what: 'errors on the other thread', figure: Math.max(...rounds.map((r) => r.errors)), unit: '', atMost: 0 },
      { what: 'status of the call that loops', figure: median(({ status }) => status), unit: '', atLeast: 500 },
    ],
    figures: { rounds },
  }
}

async function round(): Promise<Round> {
  const gateway = await ServerProcess.gateway(new URL('../implementations/busy/', import.meta.url), {
    GENSERVERS_THREADS: '2',
    GENSERVERS_HANDLER_LIMIT: String(LIMIT),
  })
  try {
    for (const id of ['culprit', 'other']) await post(`${gateway.url}/servers`, { implementation: 'burner', id })
    const others = new Flood(gateway.port, [callOf('other', { message: 'burn', args: { ms: 0 } })])
    await others.run(RATE, WARM_UP)
    // From here on there is the same work before and while it loops, but for the loop.
    const before = probe(gateway.url)
    const normal = await others.run(RATE, AT_WORK)
    await before.stop()
    const probing = probe(gateway.url)
    const looped = performance.now()
    const fatal = post(`${gateway.url}/servers/culprit/call`, { message: 'loop' })
    const replaced = untilReplaced(gateway.url).then(() => performance.now() - looped)
    const beside = await others.run(RATE, AT_WORK)
    const { status } = await fatal
    const took = await replaced
    others.close()
    return {
      calls: beside.served.length,
      usual: p99(normal.served),
      meanwhile: p99(beside.served),
      slowest: Math.max(...(await probing.stop())),
      took,
      errors: unserved(normal) + unserved(beside),
      status,
    }
  } finally {
    await gateway.stop()
  }
}

const p99 = (latencies: readonly number[]) => quantile(Float64Array.from(latencies).sort(), 0.99)

const unserved = ({ offered, served }: FloodReport) => offered - served.length

/** Asks for `/health/live` again and again; gives the milliseconds of each answer when it is stopped. */
function probe(url: string): { stop(): Promise<number[]> } {
  const took: number[] = []
  let isOver = false
  const done = (async () => {
    while (!isOver) {
      const asked = performance.now()
      await (await fetch(`${url}/health/live`)).arrayBuffer()
      took.push(performance.now() - asked)
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_PROBES))
    }
  })()
  return {
    stop: async () => {
      isOver = true
      await done
      return took
    },
  }
}

/** Resolves when a server of the lost thread answers again. */
async function untilReplaced(url: string): Promise<void> {
  const answer = await post(`${url}/servers/culprit/call`, { message: 'burn', args: { ms: 0 }, timeout: 60_000 })
  if (answer.status !== 200) throw new Error(`the next life answered ${answer.status}`)
}
