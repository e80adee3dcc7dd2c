/** A thread of the client: opens its connections, keeps them busy, and tells how many milliseconds each answer took. */
import { parentPort } from 'node:worker_threads'
import { Connection, type Ledger } from './connection.js'
import { type Load, prepare, type Share } from './loads.js'

export interface LoadOrder {
  readonly port: number
  readonly connections: number
  readonly load: Load
  /** How long to go on; without it until nothing is left to send. */
  readonly seconds: number | undefined
  readonly share: Share
  /** Whether it may sleep while it has nothing to do. */
  readonly sleeps: boolean
}

export type LoadReport =
  | { readonly ok: true; readonly latencies: Float64Array; readonly seconds: number }
  | { readonly ok: false; readonly error: string }

async function obey({ port, connections, load, seconds, share, sleeps }: LoadOrder): Promise<LoadReport> {
  const ledger: Ledger = { latencies: [], over: false }
  const loading = prepare(load, port, share)
  const started = performance.now()
  const driven = Array.from({ length: connections }, () => new Connection(port, loading(), ledger).drive())
  const stop = () => {
    ledger.over = true
  }
  // A thread that sleeps must be woken for an answer, which costs whoever wakes it: the server, and the more so the slower
  // it is and the oftener the client finds nothing to do.
  const stayAwake = () => {
    if (!ledger.over && !sleeps) setImmediate(stayAwake)
  }
  stayAwake()
  const timer = seconds === undefined ? undefined : setTimeout(stop, seconds * 1000)
  try {
    await Promise.all(driven)
    stop()
  } catch (error) {
    stop()
    await Promise.allSettled(driven)
    return { ok: false, error: (error as Error).message }
  } finally {
    clearTimeout(timer)
  }
  const took = (performance.now() - started) / 1000
  return { ok: true, latencies: Float64Array.from(ledger.latencies), seconds: took }
}

parentPort?.on('message', async (order: LoadOrder) => {
  const report = await obey(order)
  parentPort?.postMessage(report, report.ok ? [report.latencies.buffer as ArrayBuffer] : [])
})
