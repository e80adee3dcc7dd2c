/**
 * What a server does, as an async iterator: what a route that streams the trace reads from.
 *
 * 1. The trace begins when this is called, and ends with the server, with the reader (`return`, `break`) or with `signal`.
 * 2. A reader that is slower than the server misses what it has no room for, and is told how much; the server and the
 *    memory do not pay for it. The end is never missed.
 */
import type { Runtime, TraceEvent } from '../index.js'

/** So many events wait for a slow reader. */
const MOST_WAITING = 1000

/** Events that came while there was no room. */
export interface MissedEvents {
  readonly event: 'missed'
  count: number
}

export type StreamedEvent = TraceEvent | MissedEvents

interface StreamOptions {
  /** Aborted when nobody reads any more. */
  readonly signal?: AbortSignal
  readonly most?: number
}

/** @throws {GenServerError} `unknown_server`, `server_exited` */
export function traceEvents(
  runtime: Pick<Runtime, 'trace'>,
  id: string,
  options?: StreamOptions,
): AsyncIterableIterator<StreamedEvent> {
  return new TraceStream(runtime, id, options)
}

type Result = IteratorResult<StreamedEvent, undefined>

class TraceStream implements AsyncIterableIterator<StreamedEvent> {
  readonly #most: number
  readonly #waiting: StreamedEvent[] = []
  readonly #readers: ((result: Result) => void)[] = []
  readonly #stop: () => void
  readonly #signal: AbortSignal | undefined
  #isOver = false

  constructor(runtime: Pick<Runtime, 'trace'>, id: string, { signal, most = MOST_WAITING }: StreamOptions = {}) {
    this.#most = most
    this.#signal = signal
    this.#stop = runtime.trace(id, (event) => this.#take(event))
    if (signal?.aborted) this.#leave()
    else signal?.addEventListener('abort', this.#leave)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Result> {
    const value = this.#waiting.shift()
    if (value !== undefined) return Promise.resolve({ done: false, value })
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#readers.push(resolve))
  }

  return(): Promise<Result> {
    this.#leave()
    return this.next()
  }

  #take(event: TraceEvent): void {
    const reader = this.#readers.shift()
    if (reader !== undefined) reader({ done: false, value: event })
    else if (event.event === 'end' || this.#waiting.length < this.#most) this.#waiting.push(event)
    else this.#miss()
    if (event.event === 'end') this.#end()
  }

  #miss(): void {
    const last = this.#waiting.at(-1)
    if (last?.event === 'missed') last.count++
    else this.#waiting.push({ event: 'missed', count: 1 })
  }

  /** Nobody reads any more. */
  readonly #leave = (): void => {
    this.#waiting.length = 0
    this.#end()
  }

  #end(): void {
    this.#isOver = true
    this.#stop()
    this.#signal?.removeEventListener('abort', this.#leave)
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined })
  }
}
