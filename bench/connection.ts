/**
 * One keep-alive connection with at most one request under way. It reads as much of HTTP/1.1 as the two servers write
 * (a status, a Content-Length) and refuses the rest: a full client takes as much CPU as the server that it is to keep
 * busy, and the load tools that do not count latency in whole milliseconds, of which p99 here is a handful.
 */
import { connect, type Socket } from 'node:net'
import type { NextStep, Step } from './loads.js'

/** A server that says nothing for so long (milliseconds) has failed. */
const SILENCE = 30_000

const length = /\r\ncontent-length: (\d+)/i

export interface Ledger {
  /** Milliseconds of each answer. */
  readonly latencies: number[]
  /** No request is sent any more. */
  over: boolean
}

export class Connection {
  #socket: Socket
  #step: Step | undefined
  #sentAt = 0
  #received = ''
  #done: () => void = () => {}
  #failed: (error: Error) => void = () => {}

  constructor(
    private readonly port: number,
    private readonly next: NextStep,
    private readonly ledger: Ledger,
  ) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.setTimeout(SILENCE, () => this.#doubt(this.#sentAt))
    this.#socket.on('error', (error) => this.#fail(error.message))
    this.#socket.on('end', () => this.#fail('closed the connection'))
    this.#socket.on('data', (chunk) => this.#receive(chunk))
  }

  /** Resolves when the ledger is over, or nothing is left to send, and the last answer is there. */
  drive(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#done = resolve
      this.#failed = reject
      this.#socket.once('connect', () => this.#send(''))
    })
  }

  #send(lastHead: string): void {
    this.#step = this.ledger.over ? undefined : this.next(lastHead)
    if (this.#step === undefined) {
      this.#socket.destroy()
      this.#done()
      return
    }
    this.#sentAt = performance.now()
    this.#socket.write(this.#step.bytes)
  }

  #receive(chunk: Buffer): void {
    this.#received += chunk.toString('latin1')
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const bodyLength = Number(length.exec(this.#received)?.[1] ?? Number.NaN)
    if (this.#received.length < headEnd + 4 + bodyLength) return
    const status = Number(this.#received.slice(9, 12))
    if (Number.isNaN(bodyLength) || status !== this.#step?.status) {
      this.#fail(`answered ${this.#received}`)
      return
    }
    this.ledger.latencies.push(performance.now() - this.#sentAt)
    const head = this.#received.slice(0, headEnd)
    this.#received = ''
    this.#send(head)
  }

  /** A machine that was held up finds its timers due before it has read what came in the meantime. */
  #doubt(sentAt: number): void {
    setTimeout(() => {
      if (this.#sentAt === sentAt && !this.#socket.destroyed) this.#fail(`has not answered for ${SILENCE} ms`)
    }, 1000)
  }

  #fail(what: string): void {
    this.#socket.destroy()
    this.#failed(new Error(`the server on port ${this.port} ${what}`))
  }
}
