/** Clients that send a head without end, a byte now and then (slowloris). */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const BETWEEN_BYTES = 1000

export class SlowSenders {
  readonly #sockets: Socket[]
  readonly #drip: NodeJS.Timeout
  /** Resolves with the seconds that it took until the last one had been cut off. */
  readonly ended: Promise<number>

  constructor(port: number, count: number) {
    const started = performance.now()
    this.#sockets = Array.from({ length: count }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}))
    for (const socket of this.#sockets) socket.resume().write('POST /servers HTTP/1.1\r\nX-Slow: ')
    this.#drip = setInterval(() => {
      for (const socket of this.#sockets) if (socket.writable) socket.write('x')
    }, BETWEEN_BYTES)
    this.ended = Promise.all(this.#sockets.map((socket) => once(socket, 'close'))).then(() => {
      clearInterval(this.#drip)
      return (performance.now() - started) / 1000
    })
  }
}
