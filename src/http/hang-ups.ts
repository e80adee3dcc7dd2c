/**
 * A caller that hangs up takes its call out of the mailbox. The end of the response tells that it is gone (Fastify's
 * `request.signal` aborts as soon as a body has been read). Most calls are answered before the event loop turns, and
 * those are not worth a listener: the others get one when it has.
 */
import type { ServerResponse } from 'node:http'
import type { Request } from '../index.js'

interface Watched {
  readonly response: ServerResponse
  readonly request: Request
}

export class HangUps {
  #fresh: Watched[] = []

  /** `request` is given up if the client leaves before `response` is written. */
  watch(response: ServerResponse, request: Request): void {
    if (request.settled) return
    if (this.#fresh.push({ response, request }) === 1) setImmediate(() => this.#listen())
  }

  #listen(): void {
    const fresh = this.#fresh
    this.#fresh = []
    for (const { response, request } of fresh) {
      if (request.settled) continue
      if (response.destroyed) request.abandon()
      else response.once('close', () => request.abandon())
    }
  }
}
