/**
 * The streams of events of one gateway. They end with it: nobody waits for a client that would read for ever. Each costs a
 * connection and what may wait for it, so there is a most of them; who comes beyond it is told so, and nothing is begun.
 * `@fastify/sse` writes the headers; its heartbeat is not used, since it goes by the machine's clock and needs a timer for
 * each stream, nor its way to send, which writes each event anew for each reader.
 */
import { fastifySSE } from '@fastify/sse'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock, ClockTimer } from '../index.js'
import { EventStream, type Follow } from './event-stream.js'
import { EventText } from './event-text.js'
import { countAnswer } from './every-request.js'
import { Gathering } from './gathering.js'
import type { HangUps } from './hang-ups.js'
import { HttpProblem } from './problem-document.js'

/** Proxies cut a connection on which nothing is said, the impatient ones after half a minute. Milliseconds. */
const BETWEEN_HEARTBEATS = 15_000

/** The `sse` option of a route: whether it answers with a stream or a problem, the route decides. */
export const streaming = { kind: 'manual', heartbeat: false } as const

export class EventStreams {
  readonly text = new EventText()
  readonly #gathering = new Gathering()
  readonly #open = new Set<EventStream>()
  #timer: ClockTimer | undefined = undefined

  constructor(
    private readonly clock: Clock,
    private readonly hangUps: HangUps,
    private readonly most: number,
  ) {}

  /** How many are open. */
  get size(): number {
    return this.#open.size
  }

  /** Before the routes are added. */
  async attach(app: FastifyInstance): Promise<void> {
    await app.register(fastifySSE)
    app.addHook('preClose', (done) => {
      // A connection with a response that has ended is closed by Node, whether its client has read all of it or not.
      for (const stream of this.#open) stream.end()
      done()
    })
  }

  /**
   * Answers with the stream that `follow` writes.
   * @throws {HttpProblem} `overloaded` · {GenServerError} as `follow` does; nothing is sent then.
   */
  async answer(request: FastifyRequest, reply: FastifyReply, after: string | undefined, follow: Follow): Promise<void> {
    if (this.#open.size >= this.most) throw new HttpProblem('overloaded', `${this.most} event streams are open`)
    const { raw } = reply
    const stream = new EventStream(raw, follow, this.#gathering)
    if (request.method === 'HEAD') {
      const watch = await follow(stream, after)
      watch.close()
      reply.type('text/event-stream').send()
      return
    }
    this.#open.add(stream)
    // Its connection, and not its response, which is never closed where it stands behind another one.
    const { socket } = request.raw
    const waiting = { abandon: () => this.#leave(stream) }
    raw.on('close', () => {
      this.hangUps.forget(socket, waiting)
      this.#leave(stream)
    })
    this.hangUps.watch(socket, waiting)
    const begin = () => {
      reply.hijack()
      // A stream ends with its connection, so nothing need say where it ends: an event is one buffer, and not three.
      reply.header('connection', 'close')
      raw.removeHeader('transfer-encoding')
      countAnswer(request, raw, 200)
      reply.sse.keepAlive()
      reply.sse.sendHeaders(200)
    }
    try {
      await stream.begin(after, begin)
    } catch (error) {
      this.#leave(stream)
      throw error
    }
    if (this.#open.has(stream)) this.#timer ??= this.#arm()
  }

  #leave(stream: EventStream): void {
    stream.leave()
    this.#open.delete(stream)
    if (this.#open.size === 0) this.#rest()
  }

  #arm(): ClockTimer {
    const timer = this.clock.setTimer(BETWEEN_HEARTBEATS, () => {
      this.#timer = this.#arm()
      for (const stream of this.#open) stream.heartbeat()
    })
    timer.unref()
    return timer
  }

  #rest(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
