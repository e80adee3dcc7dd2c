/** Clients that send a head without end, a byte now and then (slowloris). */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const BETWEEN_BYTES = 1000

export class SlowSenders {
  readonly #sockets: Socket[]
  readonly #drip: NodeJS.Timeout
  /** Resolves with the seconds from connecting to being cut off, of the one for whom that took longest. */
  readonly ended: Promise<number>

  constructor(port: number, count: number) {
    this.#sockets = Array.from({ length: count }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}))
    const lives = this.#sockets.map(lifeOf)
    for (const socket of this.#sockets) socket.resume().write('POST /servers HTTP/1.1\r\nX-Slow: ')
    this.#drip = setInterval(() => {
      for (const socket of this.#sockets) if (socket.writable) socket.write('x')
    }, BETWEEN_BYTES)
    this.ended = Promise.all(lives).then((seconds) => {
      clearInterval(this.#drip)
      return Math.max(...seconds)
    })
  }
}

async function lifeOf(socket: Socket): Promise<number> {
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  const connected = performance.now()
  await closed
  return (performance.now() - connected) / 1000
}
