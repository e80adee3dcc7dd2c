/**
 * A caller that hangs up takes its call out of the mailbox. Its connection tells that it is gone: Fastify's
 * `request.signal` aborts as soon as a body has been read, and a listener on every response would cost each call more
 * than its handler. So a connection is listened to once, and knows which calls wait on it.
 */
import type { Socket } from 'node:net'

/** What waits on a connection, and is given up with it. */
export interface Waiting {
  abandon(): void
}

/** The calls that wait on one connection. Only a client that pipelines has more than one. */
class Line {
  #waiting: Waiting | undefined = undefined
  #others: Set<Waiting> | undefined = undefined

  add(request: Waiting): void {
    if (this.#waiting !== undefined) {
      this.#others ??= new Set()
      this.#others.add(this.#waiting)
    }
    this.#waiting = request
  }

  forget(request: Waiting): void {
    if (this.#waiting === request) this.#waiting = undefined
    else this.#others?.delete(request)
  }

  hangUp(): void {
    this.#waiting?.abandon()
    for (const other of this.#others ?? []) other.abandon()
  }
}

export class HangUps {
  readonly #lines = new WeakMap<Socket, Line>()

  /** `request` is given up if `socket` closes before it is answered. */
  watch(socket: Socket, request: Waiting): void {
    const line = this.#lines.get(socket)
    if (line !== undefined) line.add(request)
    else this.#listen(socket).add(request)
    if (socket.destroyed) request.abandon()
  }

  /** Does `work`, whose signal aborts if `socket` closes before it is done. */
  async attend<T>(socket: Socket, work: (gone: AbortSignal) => Promise<T>): Promise<T> {
    const gone = new AbortController()
    const caller = { abandon: () => gone.abort() }
    this.watch(socket, caller)
    try {
      return await work(gone.signal)
    } finally {
      this.forget(socket, caller)
    }
  }

  /** The call is answered: nothing of it is kept for as long as the connection is. */
  forget(socket: Socket, request: Waiting): void {
    this.#lines.get(socket)?.forget(request)
  }

  #listen(socket: Socket): Line {
    const line = new Line()
    this.#lines.set(socket, line)
    socket.once('close', () => line.hangUp())
    return line
  }
}
