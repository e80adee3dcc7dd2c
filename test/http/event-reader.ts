/** A client of event streams for tests: it reads as WHATWG HTML, section 9.2 says, and only when it is told to. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { until } from './open-gateway.js'

export interface Heard {
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect in it
  readonly data: any
  /** What the client would send as `Last-Event-ID` after it. */
  readonly id: string
}

export interface EventReader {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly heard: Heard[]
  /** What the client would send as `Last-Event-ID` now. */
  readonly lastEventId: string
  readonly comments: number
  readonly retry: number | undefined
  readonly over: boolean
  /** Waits for so many events in all. */
  has(count: number): Promise<Heard[]>
  /** Waits for the end of the stream. */
  ended(): Promise<Heard[]>
  /** The other side sees a client that does not read. */
  pause(): void
  resume(): void
  leave(): Promise<void>
}

/** Opens a connection of its own. */
export async function readEvents(port: number, path: string, headers: object = {}): Promise<EventReader> {
  const asked = request({ port, path, host: '127.0.0.1', headers: { ...headers }, agent: false })
  asked.on('error', () => {})
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const lines = new Lines()
  let over = false
  answer.setEncoding('utf8').on('data', (text) => lines.take(text))
  answer.on('error', () => {})
  answer.on('close', () => {
    over = true
  })
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    heard: lines.heard,
    get lastEventId() {
      return lines.lastEventId
    },
    get comments() {
      return lines.comments
    },
    get retry() {
      return lines.retry
    },
    get over() {
      return over
    },
    async has(count) {
      await until(() => lines.heard.length >= count || over)
      return lines.heard
    },
    async ended() {
      await until(() => over)
      return lines.heard
    },
    pause: () => void answer.pause(),
    resume: () => void answer.resume(),
    async leave() {
      asked.destroy()
      await until(() => over)
    },
  }
}

class Lines {
  readonly heard: Heard[] = []
  lastEventId = ''
  comments = 0
  retry: number | undefined = undefined
  #rest = ''
  #event = 'message'
  #data: string[] = []

  take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() as string
    for (const line of lines) this.#line(line)
  }

  #line(line: string): void {
    if (line === '') {
      const { lastEventId: id } = this
      if (this.#data.length > 0) this.heard.push({ event: this.#event, data: JSON.parse(this.#data.join('\n')), id })
      this.#event = 'message'
      this.#data = []
      return
    }
    const [field, value = ''] = line.split(/: ?(.*)/)
    if (field === '') this.comments++
    else if (field === 'event') this.#event = value
    else if (field === 'data') this.#data.push(value)
    else if (field === 'id') this.lastEventId = value
    else if (field === 'retry') this.retry = Number(value)
    else throw new Error(`not a line of an event stream: ${line}`)
  }
}
