/** A client that sends at a rate of its own, whether it is answered or not, each request on a connection that is free. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface FloodReport {
  readonly offered: number
  /** Milliseconds of the answers that are 200. */
  readonly served: number[]
  /** Milliseconds of those that say that it is too much: 429, 503. */
  readonly refused: number[]
  /** All other answers, and connections that broke. */
  readonly failed: number
  readonly seconds: number
}

interface Line {
  readonly socket: Socket
  answered: (answer: Buffer | undefined) => void
}

/** Milliseconds between two helpings of requests. */
const HELPING = 5

export class Flood {
  readonly #free: Line[] = []
  #next = 0

  constructor(
    private readonly port: number,
    private readonly requests: readonly Buffer[],
  ) {}

  /** Sends so many requests a second. */
  async run(rate: number, seconds: number): Promise<FloodReport> {
    const served: number[] = []
    const refused: number[] = []
    let offered = 0
    let failed = 0
    const open = new Set<Promise<void>>()
    const one = async () => {
      const line = this.#takeFree() ?? (await this.#open())
      const sent = performance.now()
      const answer = await new Promise<Buffer | undefined>((resolve) => {
        line.answered = resolve
        line.socket.write(this.requests[this.#next++ % this.requests.length] as Buffer)
      })
      const took = performance.now() - sent
      const status = answer?.toString('latin1', 9, 12)
      if (answer !== undefined) this.#free.push(line)
      if (status === '200') served.push(took)
      else if (status === '429' || status === '503') refused.push(took)
      else failed++
    }
    const began = performance.now()
    const end = began + seconds * 1000
    for (let now = began; now < end; now = performance.now()) {
      for (const due = Math.floor(((now - began) / 1000) * rate); offered < due; offered++) {
        const sending = one().catch(() => void failed++)
        open.add(sending)
        void sending.finally(() => open.delete(sending))
      }
      await new Promise((resolve) => setTimeout(resolve, HELPING))
    }
    await Promise.all(open)
    return { offered, served, refused, failed, seconds }
  }

  /** The gateway closes connections that have been idle for long. */
  #takeFree(): Line | undefined {
    for (;;) {
      const line = this.#free.pop()
      if (line?.socket.destroyed !== true) return line
    }
  }

  async #open(): Promise<Line> {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true })
    const line: Line = { socket, answered: () => {} }
    socket.on('data', (answer) => line.answered(answer))
    socket.on('error', () => {})
    socket.on('close', () => line.answered(undefined))
    await once(socket, 'connect')
    return line
  }

  close(): void {
    for (const { socket } of this.#free) socket.destroy()
  }
}
