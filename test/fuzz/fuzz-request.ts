/** One request of the fuzz, and how long its client is prepared to wait: what it asked for itself, and a second. */
import fc from 'fast-check'

export interface Parts {
  readonly method: string
  /** Path and query, as they stand in the request line. */
  readonly target: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: string | Uint8Array | undefined
}

/** How long a call, a start or a stop waits that does not say. */
const DEFAULT_WAIT = 5000
const mayWait = /^(?:POST|PUT|DELETE) /

export class FuzzRequest {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string | Uint8Array | undefined

  constructor({ method, target, headers = [], body }: Parts) {
    this.method = method
    this.target = target
    this.headers = headers
    this.body = body
  }

  /** The milliseconds that the server may take because the request says so. */
  get asked(): number {
    if (!mayWait.test(`${this.method} `)) return 0
    return this.said ?? DEFAULT_WAIT
  }

  /** The longest wait that the request names anywhere; whether it counts is the gateway's business. */
  get said(): number | undefined {
    const said = [...this.#text().matchAll(/timeout"?\s*[:=]\s*(\d{1,7}(?:e\d)?)/g)].map(([, ms]) => Number(ms))
    for (const [name, value] of this.headers) {
      const wait = name === 'prefer' ? /wait=(\d{1,6})/.exec(value) : undefined
      if (wait) said.push(Number(wait[1]) * 1000)
    }
    return said.length > 0 ? Math.max(...said) : undefined
  }

  #text(): string {
    return this.target + (typeof this.body === 'string' ? this.body.slice(-2000) + this.body.slice(0, 2000) : '')
  }

  toString(): string {
    const headers = this.headers.map(([name, value]) => ` ${name}: ${short(value)}`).join(',')
    const body = typeof this.body === 'string' ? short(this.body) : this.body && `bytes ${short(hex(this.body))}`
    return `${this.method} ${short(this.target)}${headers}${body === undefined ? '' : `\n      ${body}`}`
  }

  [fc.toStringMethod](): string {
    return this.toString()
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const short = (text: string) =>
  text.length > 400 ? `${text.slice(0, 300)}… (${text.length}) …${text.slice(-60)}` : text
