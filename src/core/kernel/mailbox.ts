/**
 * What waits for a process, oldest first.
 *
 * 1. Bounded messages are refused when the mailbox is full, before they are put in. None that was put in is dropped.
 * 2. A place is reserved first and used later, so that a cast made in a handler cannot find the mailbox full when the
 *    handler has succeeded.
 */
import type { Envelope } from './envelope.js'
import type { Places } from './places.js'
import type { Queued } from './queued.js'

export class Mailbox {
  /** Envelopes that wait. */
  length = 0
  /** Places that bounded envelopes have, waiting or about to be put in. */
  #places = 0
  #first: Queued | undefined = undefined
  #last: Queued | undefined = undefined

  constructor(readonly limit: number) {}

  /** Those of all mailboxes together, if they are bounded. */
  protected get shared(): Places | undefined {
    return undefined
  }

  /** Takes a place for one bounded envelope. `false`: there is none left. */
  reserve(): boolean {
    if (this.isFull || this.shared?.take() === false) return false
    this.#places++
    return true
  }

  /** It has no place left of its own. */
  get isFull(): boolean {
    return this.#places >= this.limit
  }

  /** Gives a reserved place back unused. */
  release(): void {
    this.#places--
    this.shared?.give()
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
    if (envelope.bounded) this.release()
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
