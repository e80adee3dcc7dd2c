/**
 * One client that reads events.
 *
 * 1. What waits for it is bounded. One that is behind is not told any more; when it has taken what waits for it, it goes
 *    on from there as one that comes back does: with all that the feed has kept, a `gap` for what it has not, and the
 *    state anew.
 * 2. One that takes nothing of what waits for it, for a minute, is cut off. It comes back if it is still there.
 * 3. Nothing is sent before it is clear that there is something to watch: otherwise the answer is a problem.
 * 4. What it is told in one turn of the event loop beyond the first text leaves as one (`gathering.ts`).
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Awaitable, GenServerError, type Watch } from '../index.js'
import { HEARTBEAT, preamble } from './event-text.js'
import type { Gatherer, Gathering } from './gathering.js'

/** Bytes that may wait for a client. One event more may, or what the feed has kept. */
const MOST_WAITING = 256 * 1024

/** Bytes that may be gathered. */
const MOST_GATHERED = 64 * 1024

/** In heartbeats. */
const PATIENCE = 4

/** Watches, from now on or from after a position, and writes into the stream what it hears. */
export type Follow = (stream: EventStream, after: string | undefined) => Awaitable<Watch>

export class EventStream implements Gatherer {
  #watch: Watch | undefined = undefined
  /** What is told before the headers are sent. */
  #early: Buffer[] | undefined = []
  #connection: Socket | undefined = undefined
  /** The turn in which it was written to. */
  #turn = -1
  #gathered: Buffer[] = []
  #gatheredBytes = 0
  #isBehind = false
  #isCatchingUp = false
  #isOver = false
  #isGone = false
  #taken = 0
  #heartbeatsWithoutProgress = 0

  constructor(
    private readonly response: ServerResponse,
    private readonly follow: Follow,
    private readonly gathering: Gathering,
  ) {}

  /** @throws {GenServerError} as `follow` does, if there is nothing to watch. */
  async begin(after: string | undefined, sendHeaders: () => void): Promise<void> {
    const { response } = this
    this.#watch = await this.follow(this, after) // 3
    if (this.#isGone) return this.#watch.close()
    response.on('drain', this.#catchUp)
    sendHeaders()
    const early = this.#early ?? []
    this.#early = undefined
    // Who comes back has a position already.
    response.write(preamble(after === undefined ? this.#watch.position : undefined))
    for (const text of early) this.write(text)
    if (this.#isOver) this.end()
  }

  write(text: Buffer): void {
    const { turn } = this.gathering
    if (this.#early !== undefined) this.#early.push(text)
    else if (this.#turn === turn) this.#gather(text)
    else {
      this.#turn = turn
      this.#send(text)
    }
  }

  #gather(text: Buffer): void {
    if (this.#gathered.length === 0) this.gathering.add(this)
    this.#gathered.push(text)
    this.#gatheredBytes += text.length
    if (this.#gatheredBytes > MOST_GATHERED) this.flush()
  }

  flush(): void {
    const texts = this.#gathered
    if (texts.length === 0) return
    this.#gathered = []
    this.#gatheredBytes = 0
    this.#send(this.gathering.join(texts)) // 4
  }

  #send(text: Buffer): void {
    const isClear = (this.#connection ?? this.#connect() ?? this.response).write(text)
    if (!isClear && this.response.writableLength > mostWaiting(text)) this.#fallBehind()
  }

  /**
   * As soon as nothing of the response waits for its connection, events go past it: it would cork that and come back for each of
   * them, which is three quarters of what an event costs here.
   */
  #connect(): Socket | undefined {
    const { socket, writableLength } = this.response
    if (socket !== null && writableLength === socket.writableLength) this.#connection = socket
    return this.#connection
  }

  /** There is nothing more to tell. */
  end(): void {
    this.#isOver = true
    if (this.#early !== undefined) return
    this.#watch?.close()
    this.flush()
    this.response.end()
  }

  heartbeat(): void {
    const { response } = this
    const taken = (response.socket?.bytesWritten ?? 0) - response.writableLength
    const isStuck = response.writableLength > 0 && taken === this.#taken
    this.#taken = taken
    this.#heartbeatsWithoutProgress = isStuck ? this.#heartbeatsWithoutProgress + 1 : 0
    if (this.#heartbeatsWithoutProgress === PATIENCE)
      response.destroy() // 2
    else if (!this.#isBehind && !this.#isOver) response.write(HEARTBEAT)
  }

  #fallBehind(): void {
    this.#isBehind = true
    this.#watch?.close() // 1
    this.#awaitDrain()
  }

  #awaitDrain(): void {
    // It may be awaited already, where the response's own `drain` came first.
    this.response.socket?.off('drain', this.#catchUp).once('drain', this.#catchUp)
  }

  readonly #catchUp = async (): Promise<void> => {
    if (!this.#isBehind || this.#isOver || this.#isCatchingUp) return
    this.#isBehind = false
    this.#isCatchingUp = true
    try {
      this.#watch = await this.follow(this, this.#watch?.position)
    } catch (error) {
      this.end()
      // The server may have ended, so long ago that nobody remembers how.
      if (error instanceof GenServerError) return
      throw error
    } finally {
      this.#isCatchingUp = false
    }
    // It may have fallen behind again, or have been told the last, while it caught up.
    if (this.#isBehind || this.#isOver) this.#watch.close()
    if (!this.#isBehind) return
    // What it waited for then may have happened meanwhile, and does not happen again.
    if (this.response.socket?.writableNeedDrain) this.#awaitDrain()
    else void this.#catchUp()
  }

  /** Its client is gone. */
  leave(): void {
    this.#isGone = this.#isOver = true
    this.#gathered = []
    this.#watch?.close()
  }
}

/** One state may be larger than all that may wait: nobody gets it sooner by being told it anew. */
function mostWaiting(text: Buffer): number {
  return text.length > MOST_WAITING ? MOST_WAITING + text.length : MOST_WAITING
}
