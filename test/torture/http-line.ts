/** Messages over HTTP to a gateway that is killed and comes back at the same place. */
import { Agent, request } from 'undici'
import type { Answered, Line } from './sender.js'

/** Of a connection that was never made. */
const NOT_SENT: ReadonlySet<string | undefined> = new Set(['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT'])

export class HttpLine implements Line {
  readonly #agent = new Agent({ pipelining: 1, connect: { timeout: 5000 } })
  #up: Promise<void> = Promise.resolve()
  #open = () => {}

  constructor(public url: string) {}

  /** Nobody is there: what is to be sent waits. */
  down(): void {
    this.#up = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  up(): void {
    this.#open()
  }

  call(id: string, message: string, args: object, key?: string): Promise<Answered> {
    return this.#post(`/servers/${id}/call`, { message, args }, key)
  }

  cast(id: string, message: string, args: object, key?: string): Promise<Answered> {
    return this.#post(`/servers/${id}/cast`, { message, args }, key)
  }

  start(id: string, key?: string): Promise<Answered> {
    return this.#post('/servers', { implementation: 'book', id }, key)
  }

  async #post(path: string, body: object, key: string | undefined): Promise<Answered> {
    await this.#up
    try {
      const answer = await request(this.url + path, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
        body: JSON.stringify(body),
      })
      const text = await answer.body.text()
      if (answer.statusCode >= 300) return { fate: JSON.parse(text).effect }
      const etag = answer.headers['etag']
      if (typeof etag !== 'string') return { fate: 'ok' }
      return { fate: 'ok', revision: Number(etag.slice(1, -1)), reply: JSON.parse(text).reply }
    } catch (error) {
      return { fate: NOT_SENT.has((error as { code?: string }).code) ? 'none' : 'unknown' }
    }
  }

  /** The state of a server. `undefined`: there is none. */
  async state(id: string): Promise<unknown> {
    const answer = await request(`${this.url}/servers/${id}/state`, { dispatcher: this.#agent })
    const { state } = (await answer.body.json()) as { state?: unknown }
    return answer.statusCode === 200 ? state : undefined
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }
}
