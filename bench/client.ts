/**
 * The client: 64 connections in two threads, or in one where two would leave the server no core of its own, so that
 * answers are timed when they come and not when the client gets round to them.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { LoadOrder, LoadReport } from './load-worker.js'
import type { Load } from './loads.js'

const THREADS = availableParallelism() > 2 ? 2 : 1
const CONNECTIONS = 64

export interface Sent {
  readonly requests: number
  readonly seconds: number
  /** Milliseconds of each answer, shortest first. */
  readonly latencies: Float64Array
}

export class Client {
  readonly #workers = Array.from({ length: THREADS }, () => new Worker(new URL('./load-worker.js', import.meta.url)))

  /** Sends for so many seconds, or until the load has come to its end. */
  async send(port: number, load: Load, seconds?: number, sleeps = false): Promise<Sent> {
    const reports = await Promise.all(
      this.#workers.map((worker, index) => {
        const share = { index, of: THREADS }
        return order(worker, { port, connections: CONNECTIONS / THREADS, load, seconds, share, sleeps })
      }),
    )
    const latencies = new Float64Array(reports.reduce((sum, report) => sum + report.latencies.length, 0))
    let at = 0
    for (const report of reports) {
      latencies.set(report.latencies, at)
      at += report.latencies.length
    }
    const longest = Math.max(...reports.map((report) => report.seconds))
    return { requests: latencies.length, seconds: longest, latencies: latencies.sort() }
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }
}

async function order(worker: Worker, order: LoadOrder) {
  const report = await new Promise<LoadReport>((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', (report: LoadReport) => {
      worker.off('error', reject)
      resolve(report)
    })
    worker.postMessage(order)
  })
  if (!report.ok) throw new Error(report.error)
  return report
}
