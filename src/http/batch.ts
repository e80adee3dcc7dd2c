/**
 * One batch: calls and casts as lines of NDJSON, answered line by line in the order in which they are done.
 *
 * 1. Each line is a message of its own: one that is at fault, or fails, is answered for itself and hinders no other.
 * 2. Messages to one server are taken in the order of their lines.
 * 3. What is under way is bounded: while `MOST_UNDER_WAY` messages are, or while the client does not read its answers, no more is
 *    read of the batch.
 * 4. Calls that wait are given up when the client has gone.
 * 5. The answers of what is done at once are written at once, as one piece.
 * 6. It holds the thread for `SLICE_MS` milliseconds in a turn of the event loop, and for one handler more.
 */
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CastOptions, Host, Origin, Request, RequestOptions } from '../index.js'
import type { Failure } from './failure.js'
import { type LineReader, TOO_LONG } from './line-reader.js'
import { HttpProblem, problemDocument } from './problem-document.js'

/** Messages of one batch: fewer than a mailbox takes that says nothing else, so that one batch does not fill it. */
const MOST_UNDER_WAY = 250

const SLICE_MS = 10

/** Characters of answers that are gathered before they are written. */
const MOST_AT_ONCE = 64 * 1024

/** What a line says. */
export interface BatchLine extends Pick<RequestOptions, 'timeout' | 'start' | 'ifMatch'>, Pick<CastOptions, 'delay'> {
  readonly to: string
  readonly call?: string
  readonly cast?: string
  readonly args?: unknown
}

export interface BatchTerms {
  readonly host: Host
  readonly origin: Origin
  readonly lines: LineReader
  /** What a line says, judged as the body of a request would be. @throws {HttpProblem} */
  readonly read: (line: string) => BatchLine
  /** What the client may be told of an error. */
  readonly tell: (error: unknown) => Failure
  /** It has been answered, or the client has gone. */
  readonly over: () => void
}

export class Batch {
  /** Calls that were not answered at once. */
  readonly #waiting = new Set<Request>()
  #underWay = 0
  #answers = ''
  #isSending = false
  /** Until when it may go on in this turn of the event loop; `undefined` where nothing has been done in it. */
  #until: number | undefined = undefined
  /** There may be lines at hand that had to wait for the next turn. */
  #hasMore = false
  #isFull = false
  #hasEnded = false
  #isOver = false

  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    private readonly terms: BatchTerms,
  ) {}

  /** The head of the response has been written. */
  begin(): void {
    const { request, response } = this
    response.on('drain', () => {
      this.#isFull = false
      this.#send()
    })
    // `close` comes as well.
    request.on('error', () => {})
    request.on('end', () => {
      this.terms.lines.end()
      this.end()
    })
    request.on('data', (bytes: Buffer) => {
      if (this.#hasEnded) return
      this.terms.lines.push(bytes)
      this.#send()
    })
  }

  /** Nothing more is read. What is under way is still answered. */
  end(): void {
    this.#hasEnded = true
    this.#send()
  }

  /** The client has gone. */
  abandon(): void {
    this.#isOver = true
    for (const request of this.#waiting) request.abandon() // 4
    this.terms.over()
  }

  /** Sends what may be sent now. */
  #send(): void {
    if (this.#isSending || this.#isOver) return
    const until = this.#turn()
    this.#isSending = true
    this.#hasMore = true
    while (this.#hasMore && performance.now() < until) this.#hasMore = this.#sendNext()
    this.#isSending = false
    this.#write()
    this.#readOn()
  }

  /** Until when it may go on in this turn of the event loop. What is left then is gone on with in the next. */
  #turn(): number {
    if (this.#until === undefined) {
      this.#until = performance.now() + SLICE_MS // 6
      setImmediate(() => {
        this.#until = undefined
        if (this.#hasMore || this.#answers !== '') this.#send()
      })
    }
    return this.#until
  }

  /** `false`: nothing more is at hand, or may be sent. */
  #sendNext(): boolean {
    if (!this.#mayGoOn) return false
    const { lines, host } = this.terms
    const line = lines.next()
    if (line === undefined) return false
    // Each is handled before the next one is looked at, if its server is free, so that lines do not fill a mailbox by themselves.
    host.cork()
    const request = this.#take(lines.number, line)
    host.uncork()
    if (request?.settled === false) this.#waiting.add(request)
    if (this.#answers.length > MOST_AT_ONCE) this.#write()
    return true
  }

  get #mayGoOn(): boolean {
    return this.#underWay < MOST_UNDER_WAY && !this.#isFull // 3
  }

  #take(number: number, bytes: Buffer | typeof TOO_LONG): Request | undefined {
    try {
      if (bytes === TOO_LONG) throw new HttpProblem('payload_too_large', 'the line is larger than --body-limit allows')
      const line = this.terms.read(textOf(bytes))
      if (line.cast === undefined) return this.#call(number, bytes.length, line as BatchLine & { call: string })
      this.#cast(number, bytes.length, line as BatchLine & { cast: string })
    } catch (error) {
      this.#failed(number, error) // 1
    }
    return undefined
  }

  #call(
    number: number,
    bytes: number,
    { to, call, args, timeout, start, ifMatch }: BatchLine & { call: string },
  ): Request {
    const { host, origin } = this.terms
    const request = host.sendRequest(to, call, args, { timeout, start, ifMatch, origin, bytes })
    this.#underWay++
    request.whenSettled((error) =>
      this.#done(() => {
        this.#waiting.delete(request)
        if (error === undefined) this.#replied(number, request)
        else this.#failed(number, error)
      }),
    )
    return request
  }

  #cast(number: number, bytes: number, { to, cast, args, delay, start, ifMatch }: BatchLine & { cast: string }): void {
    const { host, origin } = this.terms
    const sent = host.cast(to, cast, args, { delay, start, ifMatch, origin, bytes })
    if (!(sent instanceof Promise)) {
      this.#accepted(number, sent)
      return
    }
    this.#underWay++
    sent.then(
      (timer) => this.#done(() => this.#accepted(number, timer)),
      (error) => this.#done(() => this.#failed(number, error)),
    )
  }

  /** What was under way is done, of which `tell` tells. */
  #done(tell: () => void): void {
    this.#underWay--
    tell()
    if (this.#answers.length > MOST_AT_ONCE) this.#write()
    // Others may be answered in the same turn; then there is room for further lines.
    this.#hasMore = true
    this.#turn()
  }

  #accepted(number: number, timer: string | undefined): void {
    this.#answers += `{"line":${number},"status":202${timer === undefined ? '' : `,"timer":${JSON.stringify(timer)}`}}\n`
  }

  #replied(number: number, request: Request): void {
    try {
      const { replyText, revision } = request
      this.#answers += `{"line":${number},"status":200,"reply":${replyText},"revision":${revision}}\n`
    } catch (error) {
      // Longer than a string can be. This runs in the server's turn and must not throw.
      this.#failed(number, error)
    }
  }

  #failed(number: number, error: unknown): void {
    this.#answers += `${JSON.stringify({ line: number, ...problemDocument(this.terms.tell(error)) })}\n`
  }

  #write(): void {
    if (this.#answers === '' || this.#isOver) return
    const text = this.#answers
    this.#answers = ''
    if (!this.response.write(text)) this.#isFull = true // 3
  }

  #readOn(): void {
    if (this.#hasEnded) {
      if (this.#underWay === 0 && !this.#isFull && !this.#hasMore) this.#finish()
    } else if (this.#mayGoOn && !this.#hasMore) this.request.resume()
    else this.request.pause()
  }

  #finish(): void {
    this.#isOver = true
    this.response.end()
    this.terms.over()
  }
}

/** @throws {HttpProblem} if it is not UTF-8. */
function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  throw new HttpProblem('invalid_request', 'the line is not UTF-8')
}
