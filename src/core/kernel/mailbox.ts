/**
 * What waits for a process, oldest first.
 *
 * 1. Bounded messages are refused when the mailbox is full, before they are put in. None that was put in is dropped.
 * 2. A place is reserved first and used later, so that a cast made in a handler cannot find the mailbox full when the
 *    handler has succeeded.
 */
import type { Backlog } from './backlog.js'
import type { Envelope } from './envelope.js'
import type { Queued } from './queued.js'

/** When the messages that wait have so many bytes, the next one is refused. */
const MOST_BYTES = 16 * 1024 * 1024

export class Mailbox {
  /** Envelopes that wait. */
  length = 0
  /** Places that bounded envelopes have, waiting or about to be put in. */
  #places = 0
  #bytes = 0
  #first: Queued | undefined = undefined
  #last: Queued | undefined = undefined

  constructor(readonly limit: number) {}

  /** Those of all mailboxes together, if they are bounded. */
  protected get shared(): Backlog | undefined {
    return undefined
  }

  /** Takes a place for one bounded envelope of so many bytes. `false`: there is none left. */
  reserve(bytes = 0): boolean {
    if (this.isFull || this.shared?.take(bytes) === false) return false
    this.#places++
    this.#bytes += bytes
    return true
  }

  /** How many places are reserved, for what waits and for what is about to. */
  get reserved(): number {
    return this.#places
  }

  /** It has no place left of its own. */
  get isFull(): boolean {
    return this.#places >= this.limit || this.#bytes >= MOST_BYTES
  }

  /** Gives a reserved place back unused. */
  release(bytes = 0): void {
    this.#places--
    this.#bytes -= bytes
    this.shared?.give(bytes)
  }

  /** Puts an envelope in. A bounded one has a reserved place. */
  push(envelope: Envelope, now: number): void {
    envelope.queued = true
    envelope.queuedAt = now
    envelope.previous = this.#last
    if (this.#last === undefined) this.#first = envelope
    else this.#last.next = envelope
    this.#last = envelope
    this.length++
  }

  /** Puts one that was taken in again, before all others. It finds a place also where there is none. */
  putBack(envelope: Envelope): void {
    envelope.queued = true
    envelope.next = this.#first
    if (this.#first === undefined) this.#last = envelope
    else this.#first.previous = envelope
    this.#first = envelope
    this.length++
    if (envelope.bounded) this.occupy(envelope.bytes)
  }

  /** Takes a place for what is let in anyway. */
  occupy(bytes = 0): void {
    this.#places++
    this.#bytes += bytes
    this.shared?.occupy(bytes)
  }

  shift(): Envelope | undefined {
    const first = this.#first
    if (first !== undefined) this.remove(first as Envelope)
    return first as Envelope | undefined
  }

  /** Takes an envelope out, if it waits here. */
  remove(envelope: Envelope): void {
    if (!envelope.queued) return
    envelope.queued = false
    if (envelope.previous === undefined) this.#first = envelope.next
    else envelope.previous.next = envelope.next
    if (envelope.next === undefined) this.#last = envelope.previous
    else envelope.next.previous = envelope.previous
    envelope.previous = envelope.next = undefined
    this.length--
    if (envelope.bounded) this.release(envelope.bytes)
  }

  /** What waits, oldest first; the one that is at hand may be taken out meanwhile. */
  *waiting(): Generator<Envelope, void, undefined> {
    for (let next: Queued | undefined, each = this.#first; each !== undefined; each = next) {
      next = each.next
      yield each as Envelope
    }
  }

  /** Seconds after which there may be places again. */
  get retryAfter(): number {
    return 1
  }

  /** How long the oldest envelope has waited, in milliseconds. */
  oldestAge(now: number): number {
    return this.#first === undefined ? 0 : now - this.#first.queuedAt
  }
}
