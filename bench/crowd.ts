/** Very many connections of one client: all stay open, and a few of them are at work at a time, now these, now those. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Connections that are opened at once. */
const OPENING = 250

export interface CrowdReport {
  /** Milliseconds of each answer, shortest first. */
  readonly latencies: Float64Array
  /** Connections that broke, and answers that were not 200. */
  readonly errors: number
  readonly seconds: number
}

interface Member {
  readonly socket: Socket
  answered: (answer: Buffer | undefined) => void
}

export class Crowd {
  readonly #idle: Member[] = []
  #errors = 0

  private constructor(private readonly request: Buffer) {}

  static async open(port: number, count: number, request: Buffer): Promise<Crowd> {
    const crowd = new Crowd(request)
    for (let left = count; left > 0; left -= OPENING) {
      await Promise.all(Array.from({ length: Math.min(OPENING, left) }, () => crowd.#join(port)))
    }
    return crowd
  }

  async #join(port: number): Promise<void> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const member: Member = { socket, answered: () => {} }
    socket.on('data', (answer) => member.answered(answer))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#errors++
      member.answered(undefined)
    })
    this.#idle.push(member)
  }

  /** Keeps `underWay` requests under way for so long. */
  async work(underWay: number, seconds: number): Promise<CrowdReport> {
    const latencies: number[] = []
    const before = this.#errors
    const started = performance.now()
    const end = started + seconds * 1000
    const one = async () => {
      while (performance.now() < end) {
        const member = this.#takeAny()
        if (member === undefined) return
        const sent = performance.now()
        const answer = await new Promise<Buffer | undefined>((resolve) => {
          member.answered = resolve
          member.socket.write(this.request)
        })
        // It has broken, and was counted.
        if (answer === undefined) continue
        if (answer.toString('latin1', 0, 12) !== 'HTTP/1.1 200') this.#errors++
        latencies.push(performance.now() - sent)
        this.#idle.push(member)
      }
    }
    await Promise.all(Array.from({ length: underWay }, one))
    const took = (performance.now() - started) / 1000
    return { latencies: Float64Array.from(latencies).sort(), errors: this.#errors - before, seconds: took }
  }

  #takeAny(): Member | undefined {
    const at = Math.floor(Math.random() * this.#idle.length)
    const last = this.#idle.pop()
    const chosen = this.#idle[at]
    if (chosen === undefined || last === undefined) return last
    this.#idle[at] = last
    return chosen
  }

  close(): void {
    for (const { socket } of this.#idle) socket.destroy()
  }
}
