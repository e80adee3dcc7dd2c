/**
 * What a thread has said and nobody has dealt with yet. A thread can say more in one turn of its event loop than the gateway's
 * thread can deal with in many: so that takes turns with everything else.
 *
 * 1. All that was said is heard once and in order.
 */
import type { FromNode } from '../wire/messages.js'

/** For so many milliseconds of a turn of the event loop. */
const SLICE_MS = 10

/** So many are heard before anybody looks at the clock. */
const MOST_UNTIMED = 64

export class Hearing {
  readonly #said: (readonly FromNode[])[] = []
  /** The first of them that is not heard, in the first piece. */
  #at = 0
  #isArmed = false

  constructor(private readonly hear: (said: readonly FromNode[]) => void) {}

  /** Something has come and waits for its turn. */
  get isBehind(): boolean {
    return this.#said.length > 0
  }

  push(said: readonly FromNode[]): void {
    this.#said.push(said)
    if (!this.#isArmed) this.#hearSome()
  }

  /** Now, however much it is. */
  hearAll(): void {
    while (this.#said.length > 0) this.#hearNext(Number.POSITIVE_INFINITY)
  }

  #hearSome(): void {
    const until = performance.now() + SLICE_MS
    do this.#hearNext(MOST_UNTIMED)
    while (this.#said.length > 0 && performance.now() < until)
    this.#isArmed = this.#said.length > 0
    if (this.#isArmed) setImmediate(() => this.#hearSome())
  }

  #hearNext(most: number): void {
    const [said] = this.#said
    if (said === undefined) return
    const from = this.#at
    const isRest = from + most >= said.length
    if (isRest) this.#said.shift()
    this.#at = isRest ? 0 : from + most
    this.hear(from === 0 && isRest ? said : said.slice(from, from + most)) // 1
  }
}
