/**
 * What Prometheus scrapes. Requests are counted in plain fields, one meter a route, and turned into samples when
 * somebody asks, so that counting costs next to nothing. Labels are route patterns, never ids: a label value for each id
 * would grow without end.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { FastifyInstance } from 'fastify'
import { Counter, Gauge, type Metric, Registry } from 'prom-client'
import type { ProblemCode } from './problems.js'

/** Upper bounds of the buckets, in seconds. */
const buckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60]

/** Counts the answers of one route. */
export class Meter {
  readonly statuses = new Map<number, number>()
  /** One more than `buckets`: the last is for what is slower than all. */
  readonly counts: number[] = new Array(buckets.length + 1).fill(0)
  sum = 0

  constructor(
    readonly method: string,
    readonly route: string,
  ) {}

  count(status: number, milliseconds: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
    const seconds = milliseconds / 1000
    this.sum += seconds
    let i = 0
    while (i < buckets.length && seconds > (buckets[i] as number)) i++
    this.counts[i] = (this.counts[i] as number) + 1
  }
}

export interface Metrics {
  /** A new meter, for one route. */
  readonly meterOf: (method: string, route: string) => Meter
  /** Counts a problem that was told. */
  readonly problem: (code: ProblemCode) => void
  readonly contentType: string
  render(): Promise<string>
}

/** What is measured of `app`, of this process, and by `others`. */
export function collectMetrics(app: FastifyInstance, others: readonly Metric[]): Metrics {
  const meters: Meter[] = []
  const told = new Map<ProblemCode, number>()
  const registry = new Registry()

  registry.registerMetric(
    new Counter({
      name: 'genservers_http_requests_total',
      help: 'Requests that were answered, by route and status.',
      labelNames: ['method', 'route', 'status'],
      registers: [],
      collect() {
        this.reset()
        for (const { method, route, statuses } of meters) {
          for (const [status, n] of statuses) this.inc({ method, route, status }, n)
        }
      },
    }),
  )
  registry.registerMetric(durations(meters))
  registry.registerMetric(
    new Counter({
      name: 'genservers_problems_total',
      help: 'Problems that were told, by code.',
      labelNames: ['code'],
      registers: [],
      collect() {
        this.reset()
        for (const [code, n] of told) this.inc({ code }, n)
      },
    }),
  )
  for (const gauge of [...processGauges(watchEventLoop(app)), ...others]) registry.registerMetric(gauge)

  return {
    meterOf: (method, route) => {
      const meter = new Meter(method, route)
      meters.push(meter)
      return meter
    },
    problem: (code) => told.set(code, (told.get(code) ?? 0) + 1),
    contentType: registry.contentType,
    render: () => registry.metrics(),
  }
}

/** prom-client's own histogram looks every observation's labels up; this one only writes down what was counted. */
function durations(meters: readonly Meter[]): Metric {
  const name = 'genservers_http_request_duration_seconds'
  const values = () =>
    meters
      .filter(({ statuses }) => statuses.size > 0)
      .flatMap(({ method, route, counts, sum }) => {
        let total = 0
        const labels = { method, route }
        const samples: object[] = counts.map((n, i) => {
          total += n
          return { metricName: `${name}_bucket`, labels: { le: buckets[i] ?? '+Inf', ...labels }, value: total }
        })
        samples.push({ metricName: `${name}_sum`, labels, value: sum })
        samples.push({ metricName: `${name}_count`, labels, value: total })
        return samples
      })
  const help = 'How long requests took, from their headers to their answer.'
  const metric = {
    name,
    help,
    aggregator: 'sum',
    type: 'histogram',
    get: async () => ({ ...metric, values: values() }),
  }
  return metric as unknown as Metric
}

/** The event loop's delay shows a handler that holds the thread. Watched until `app` closes. */
function watchEventLoop(app: FastifyInstance): IntervalHistogram {
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  app.addHook('onClose', async () => void delay.disable())
  return delay
}

function processGauges(delay: IntervalHistogram): Metric[] {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(read())
      },
    }) as Metric
  return [
    gauge(
      'genservers_event_loop_delay_max_seconds',
      'The longest delay of the event loop since the last scrape.',
      () => {
        const worst = delay.max / 1e9
        delay.reset()
        return worst
      },
    ),
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', () => process.memoryUsage.rss()),
    gauge('nodejs_heap_size_used_bytes', 'Heap in use.', () => process.memoryUsage().heapUsed),
    gauge('process_start_time_seconds', 'When the process started, since the Unix epoch.', () =>
      Math.round(Date.now() / 1000 - process.uptime()),
    ),
    gauge('process_cpu_seconds_total', 'CPU time that the process has used.', () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    }),
  ]
}
