/**
 * A process: a mailbox and the rule that its messages are handled one at a time.
 *
 * 1. `receive` gets one envelope, and the next one only when what it returned has settled.
 * 2. What is put first with `putFirst` comes before everything that waits in the mailbox.
 * 3. A call whose deadline has passed is not taken.
 * 4. A call that was given up before it came, on a slow transport, is not put in.
 * 5. After `halt` nothing is received any more, and what still runs is ignored.
 * 6. While it is suspended, by whomever, the mailbox waits; what is put first does not, for that belongs to what was handled
 *    before. Nor does an order of its parent.
 */
import type { Backlog } from './backlog.js'
import { addWait, type Call, type Wait } from './call.js'
import type { Envelope, StopOrder } from './envelope.js'
import { Mailbox } from './mailbox.js'
import type { Node } from './node.js'
import { OPERATOR, type Suspender } from './suspender.js'
import { Wishes } from './wishes.js'

/** How many messages a process handles before the next one gets its turn. */
const MESSAGES_A_TURN = 16

/** Something that is done when the promise settles; `undefined`: it is done. */
export type Pending = Promise<void> | undefined

/** What a process puts before its mailbox. */
export interface First {
  readonly kind: string
  takenAt: number
  /** Whatever else is put first comes before it. */
  readonly yields?: true
  /** It is not handled any more. */
  dropped?(): void
}

/** It is its own mailbox, one object and not two: that a server costs little counts where there are very many. */
export abstract class Process<Urgent extends First> extends Mailbox {
  /** What is being handled. */
  current: Envelope | Urgent | undefined = undefined
  /** Messages taken so far, second steps and the like among them. */
  handled = 0
  /** Replies that its handlers gave. */
  replies = 0
  /** What this process itself waits for, while it handles a message. */
  waits: Set<Wait> | undefined = undefined
  #open = false
  #awake = false
  #ended = false
  /** The suspenders, added up. */
  #suspended = 0
  #urgent: Urgent[] | undefined = undefined
  #wishes: Wishes | undefined = undefined

  constructor(
    readonly node: Node,
    mailboxLimit: number,
  ) {
    super(mailboxLimit)
  }

  get mailbox(): Mailbox {
    return this
  }

  protected override get shared(): Backlog {
    return this.node.backlog
  }

  /** The oldest that waits has waited for as long as it took to handle what was before it: so will the next one. */
  override get retryAfter(): number {
    return Math.min(60, Math.max(1, Math.ceil(this.oldestAge(this.node.tick()) / 1000)))
  }

  /** Handles one envelope; returns a promise if it takes until that settles. It is not meant to fail. */
  protected abstract receive(envelope: Envelope | Urgent): Pending
  /** What took its time is over, or cut off. */
  protected over(): void {}
  /** A call in the mailbox whose deadline has passed. */
  protected abstract expired(call: Call): void
  /** `receive` has failed, and nobody knows what of the message was done: the process must not go on. */
  protected abstract broken(error: unknown): void

  put(envelope: Envelope): void {
    if (envelope.kind === 'call' && envelope.phase === 'settled') {
      this.mailbox.release(envelope.bytes)
      return
    }
    if (this.isFree && this.node.scheduler.takeFirst()) {
      this.takeAtOnce(envelope)
      return
    }
    this.mailbox.push(envelope, this.node.recent)
    this.wake()
  }

  /** Nothing comes before what is put in now. */
  private get isFree(): boolean {
    return (
      this.#open && !this.#awake && this.#suspended === 0 && this.current === undefined && this.mailbox.length === 0
    )
  }

  /** Past the mailbox, which for most messages is a way through memory that nobody else has used for long. */
  private takeAtOnce(envelope: Envelope): void {
    if (envelope.bounded) this.mailbox.release(envelope.bytes)
    try {
      // What was put meanwhile has found the process at work.
      if (this.handle(envelope, this.node.recent) && (this.mailbox.length > 0 || this.#urgent?.length || !this.#open))
        this.proceed()
    } catch (error) {
      this.broken(error)
    }
  }

  /** To be handled before the mailbox, after what was put first already and does not yield. */
  putFirst(next: Urgent): void {
    this.#urgent ??= []
    const yielding = next.yields ? -1 : this.#urgent.findIndex(({ yields }) => yields)
    if (yielding < 0) this.#urgent.push(next)
    else this.#urgent.splice(yielding, 0, next)
    this.wake()
  }

  /** It is not to be handled any more. */
  protected takeBack(next: Urgent): void {
    const at = this.#urgent?.indexOf(next) ?? -1
    if (at >= 0) this.#urgent?.splice(at, 1)
    this.rest()
  }

  /** Takes no message from now on; what is being handled is finished (OTP: `sys:suspend/1`). Twice is as once. */
  suspend(by: Suspender = OPERATOR): void {
    this.#suspended |= by
  }

  /** Goes on with what waits, unless somebody else has suspended it too (OTP: `sys:resume/1`). */
  resume(by: Suspender = OPERATOR): void {
    this.#suspended &= ~by
    this.wake()
  }

  /** An order of its parent, which a suspension does not keep from being carried out (OTP: the parent's exit). */
  protected get heeded(): StopOrder | undefined {
    return undefined
  }

  /** What is taken of the mailbox while the process is suspended. */
  private takeHeeded(): StopOrder | undefined {
    const order = this.heeded
    if (order?.queued !== true) return undefined
    this.mailbox.remove(order)
    return order
  }

  get suspended(): boolean {
    return this.#suspended !== 0
  }

  /** This process waits for `wait` until that is deleted from what this returns. */
  waitFor(wait: Wait): Set<Wait> {
    return addWait(this, wait)
  }

  /** What was put first is not handled any more, unless it `fits`. */
  protected forgetUrgent(fits: (one: Urgent) => boolean = () => false): void {
    const all = this.#urgent
    this.#urgent = all?.filter(fits)
    for (const one of all ?? []) if (!fits(one)) one.dropped?.()
  }

  withdraw(call: Call): boolean {
    this.mailbox.remove(call)
    this.rest()
    return true
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Nothing is being handled and nothing waits. */
  get idle(): boolean {
    return this.current === undefined && this.mailbox.length === 0 && !this.#urgent?.length
  }

  /** Nothing is being handled, and what was is done with all that it had to do, or has to wait for another life. */
  get quiet(): boolean {
    return this.current === undefined && (!this.#open || !this.#urgent?.length)
  }

  /** Resolves when the process is idle, or has ended. */
  whenIdle(): Promise<void> {
    return this.when(() => this.idle)
  }

  /** Resolves when the process is quiet, or has ended. */
  whenQuiet(): Promise<void> {
    return this.when(() => this.quiet)
  }

  private async when(isSo: () => boolean): Promise<void> {
    if (isSo() || this.#ended) return
    this.#wishes ??= new Wishes()
    await this.#wishes.until(isSo)
  }

  /** From now on messages are taken. */
  protected open(): void {
    if (this.#ended) return
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
    this.forgetUrgent()
    this.abandonCurrent()
    this.rest()
  }

  /** What is being handled is cut off, and not waited for any more. */
  protected abandonCurrent(): void {
    if (this.current !== undefined) this.over()
    this.current = undefined
  }

  protected wake(): void {
    if (this.#awake || !this.#open || this.current !== undefined) return
    this.#awake = true
    this.node.scheduler.wake(this)
  }

  run(): void {
    this.#awake = false
    try {
      this.handleSome()
    } catch (error) {
      this.broken(error)
    }
  }

  private handleSome(): void {
    for (let taken = 0; taken < MESSAGES_A_TURN && this.#open; taken++) {
      const envelope = this.#urgent?.shift() ?? (this.#suspended === 0 ? this.mailbox.shift() : this.takeHeeded())
      if (envelope === undefined) {
        this.rest()
        return
      }
      if (!this.handle(envelope, this.node.tick())) return
    }
    this.proceed()
  }

  private proceed(): void {
    if (this.#open) this.wake()
    else this.rest()
  }

  /** `false`: it takes its time, and the process goes on when it is done. */
  private handle(envelope: Envelope | Urgent, now: number): boolean {
    const call = envelope.kind === 'call' ? (envelope as Call) : undefined
    // Its timer takes it out of the mailbox too, but timers run late where there is much to do.
    if (call !== undefined && (call.deadline <= now || !this.node.workLog.claims(call))) {
      this.expired(call)
      return true
    }
    this.handled++
    this.current = envelope
    envelope.takenAt = now
    const pending = this.receive(envelope)
    if (pending === undefined) {
      this.current = undefined
      return true
    }
    pending.then(
      () => this.afterwards(envelope),
      (error) => this.broken(error),
    )
    return false
  }

  private afterwards(envelope: Envelope | Urgent): void {
    // It may have been cut off, and the process be at work on another.
    if (this.#ended || this.current !== envelope) return
    this.abandonCurrent()
    this.proceed()
  }

  /** Tells those who wait for it that the process is idle, or quiet. */
  protected rest(): void {
    this.#wishes?.look(this.#ended)
  }
}
