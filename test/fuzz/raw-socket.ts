/** Bytes sent on a socket as they are, and the answers that come back, for what no client library would send. */
import { connect } from 'node:net'
import type { Answer } from './answer-check.js'

export interface Exchange {
  readonly answers: readonly Answer[]
  /** What came after the last whole answer. */
  readonly rest: string
  /** Milliseconds until the connection was closed, or the exchange was given up. */
  readonly took: number
  readonly closed: boolean
}

export interface ExchangeOptions {
  /** End the sending side only after so many answers; without it, with the last byte. */
  readonly endAfter?: number
  /** After how many tenths of a second, while the machine is awake, the exchange is given up. */
  readonly patience?: number
}

export function exchange(port: number, bytes: Uint8Array, options: ExchangeOptions = {}): Promise<Exchange> {
  const { endAfter = 0, patience = 30 } = options
  return new Promise((resolve) => {
    const started = performance.now()
    let received = ''
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const finish = (closed: boolean) => {
      clearInterval(timer)
      socket.destroy()
      resolve({ ...parseAnswers(received), took: performance.now() - started, closed })
    }
    let left = patience
    const timer = setInterval(() => --left === 0 && finish(false), 100)
    socket.setEncoding('latin1')
    socket.on('data', (text) => {
      received += text
      if (endAfter > 0 && parseAnswers(received).answers.length >= endAfter) socket.end()
    })
    socket.on('end', () => finish(true))
    // The gateway may have closed while bytes were on their way; what it answered before that counts.
    socket.on('error', () => finish(true))
    if (endAfter > 0) socket.write(bytes)
    else socket.end(bytes)
  })
}

/** Answers with a length; those of the gateway have one. Interim answers (1xx) are passed over. */
function parseAnswers(text: string): { answers: Answer[]; rest: string } {
  const answers: Answer[] = []
  let rest = text
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    const [line = '', ...lines] = rest.slice(0, end).split('\r\n')
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(`${line} `)?.[1]
    if (end === -1 || status === undefined) return { answers, rest }
    const headers = Object.fromEntries(
      lines.map((each) => [each.slice(0, each.indexOf(':')).toLowerCase(), each.slice(each.indexOf(':') + 1).trim()]),
    )
    const length = status === '204' || status === '304' || status < '200' ? 0 : Number(headers['content-length'])
    const after = end + 4 + length
    if (!Number.isInteger(length) || rest.length < after) return { answers, rest }
    const body = Buffer.from(rest.slice(end + 4, after), 'latin1').toString()
    if (status >= '200') answers.push({ status: Number(status), headers, body })
    rest = rest.slice(after)
  }
}
