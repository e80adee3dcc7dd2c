/**
 * A process: a mailbox and the rule that its messages are handled one at a time.
 *
 * 1. `receive` gets one envelope, and the next one only when what it returned has settled.
 * 2. What is set aside with `first` comes before everything that waits in the mailbox.
 * 3. A call whose deadline has passed is not taken.
 * 4. After `halt` nothing is received any more, and what still runs is ignored.
 */
import type { Call, Wait } from './call.js'
import type { Envelope } from './envelope.js'
import { Mailbox } from './mailbox.js'
import type { Node } from './node.js'

/** How many messages a process handles before the next one gets its turn. */
const SLICE = 16

export abstract class Process<First> {
  readonly mailbox: Mailbox
  /** What this process itself waits for, while it handles a message. */
  waits: Set<Wait> | undefined = undefined
  /** Messages taken so far. */
  handled = 0
  /** What is being handled, and since when. */
  current: Envelope | First | undefined = undefined
  currentSince = 0
  #first: First[] | undefined = undefined
  #whenIdle: (() => void)[] | undefined = undefined
  #open = false
  #awake = false
  #ended = false

  constructor(
    readonly node: Node,
    mailboxLimit: number,
  ) {
    this.mailbox = new Mailbox(mailboxLimit)
  }

  /** Handles one envelope; returns a promise if it takes until that settles. The promise never rejects. */
  protected abstract receive(envelope: Envelope | First): Promise<void> | undefined
  /** A call in the mailbox whose deadline has passed. */
  protected abstract expired(call: Call): void

  put(envelope: Envelope): void {
    this.mailbox.push(envelope, this.node.recent)
    this.wake()
  }

  /** Sets something aside to be handled before the mailbox. */
  first(next: First): void {
    this.#first ??= []
    this.#first.push(next)
    this.wake()
  }

  /** This process waits for `wait` until that is deleted from what this returns. */
  waitFor(wait: Wait): Set<Wait> {
    this.waits ??= new Set()
    this.waits.add(wait)
    return this.waits
  }

  /** What was set aside is not handled any more. */
  protected forgetFirst(): void {
    this.#first = undefined
  }

  withdraw(call: Call): void {
    this.mailbox.remove(call)
    this.rest()
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Nothing is being handled and nothing waits. */
  get idle(): boolean {
    return this.current === undefined && this.mailbox.length === 0 && !this.#first?.length
  }

  /** Resolves when the process is idle, or has ended. */
  async whenIdle(): Promise<void> {
    if (this.idle || this.#ended) return
    await new Promise<void>((resolve) => {
      this.#whenIdle ??= []
      this.#whenIdle.push(resolve)
    })
  }

  /** From now on messages are taken. */
  protected open(): void {
    this.#open = true
    this.wake()
  }

  /** From now on messages wait. */
  protected shut(): void {
    this.#open = false
  }

  protected halt(): void {
    this.#ended = true
    this.#open = false
    this.forgetFirst()
    this.current = undefined
    this.rest()
  }

  protected wake(): void {
    if (this.#awake || !this.#open || this.current !== undefined) return
    this.#awake = true
    this.node.scheduler.wake(this)
  }

  run(): void {
    this.#awake = false
    for (let taken = 0; taken < SLICE && this.#open; taken++) {
      const envelope = this.#first?.shift() ?? this.mailbox.shift()
      if (envelope === undefined) {
        this.rest()
        return
      }
      const pending = this.#handle(envelope)
      if (pending !== undefined) {
        pending.then(() => this.#resume())
        return
      }
    }
    this.wake()
  }

  #handle(envelope: Envelope | First): Promise<void> | undefined {
    const now = this.node.tick()
    const call = envelope as Partial<Call>
    if (call.deadline !== undefined && call.deadline <= now) {
      this.expired(envelope as Call)
      return undefined
    }
    this.handled++
    this.current = envelope
    this.currentSince = now
    const pending = this.receive(envelope)
    if (pending === undefined) this.current = undefined
    return pending
  }

  #resume(): void {
    if (this.#ended) return
    this.current = undefined
    this.wake()
  }

  /** Tells those who wait for it if the process is idle. */
  protected rest(): void {
    if (this.#whenIdle === undefined || !(this.idle || this.#ended)) return
    for (const resolve of this.#whenIdle) resolve()
    this.#whenIdle = undefined
  }
}
