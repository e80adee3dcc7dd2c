/**
 * One call, from the moment it is sent until its caller has an answer (OTP: *monitor, send, first of reply, DOWN and
 * timeout*).
 *
 * 1. A call settles once. What comes later, a second reply or a reply after the timeout, reaches nobody (OTP, EEP 53).
 * 2. A call that is given up while it waits leaves the mailbox at once and never runs.
 * 3. A call that is given up while it runs is not interrupted. If its answer is kept, it has not settled either.
 */
import type { Expiring, Lane } from './deadlines.js'
import { GenServerError } from './errors.js'
import type { Json } from './json.js'
import { JsonText } from './json-text.js'
import type { AnswerKey } from './kept.js'
import { type Origin, Queued } from './queued.js'

/** Something that is waited for, and from whom. */
export interface Wait {
  readonly to: Callee
  /** Who works on it beside the turns of `to`, where somebody does. */
  readonly beside?: Busy | undefined
}

/** Whoever is at work, and may wait for others meanwhile. */
export interface Busy {
  readonly id: string
  /** What it waits for itself. */
  readonly waits: ReadonlySet<Wait> | undefined
}

export interface Waiter extends Busy {
  /** It waits for `wait` until that is deleted from what this returns. */
  waitFor(wait: Wait): Set<Wait>
}

/** What `waitFor` does. */
export function addWait(waiter: { waits: Set<Wait> | undefined }, wait: Wait): Set<Wait> {
  waiter.waits ??= new Set()
  waiter.waits.add(wait)
  return waiter.waits
}

/** What a call needs to know of the process it is for. */
export interface Callee extends Busy {
  /** Takes the call out of the mailbox, if it is there already. `false`: nobody can tell here whether it has been taken. */
  withdraw(call: Call): boolean
  /** Milliseconds that are in the timeouts of its calls beyond those that were asked for. */
  readonly grace?: number
  /** Why a call that waited until its deadline was not taken. */
  notTaken(call: Call): GenServerError
  /** The call has settled: its reply address is of no use any more. */
  forget(call: Call): void
}

/** Of a call whose answer is kept, for whoever asks again or later: it goes on without its caller once it has been taken. */
export interface Keyed {
  readonly key: AnswerKey
  /** Told when its caller waits no longer. */
  overdue: ((failure: GenServerError) => void) | undefined
}

export class Call extends Queued implements Expiring, Wait, Waiter {
  readonly kind = 'call'
  readonly bounded = true
  /** `waiting` in the mailbox or on its way there, `taken` by its handler or by `noReply`, `settled` when the caller has its answer. */
  phase: 'waiting' | 'taken' | 'settled' = 'waiting'
  /** The state's revision after the message had run. */
  revision: number | undefined = undefined
  /** Called when the caller gives up a call that was taken. */
  onGone: (() => void) | undefined = undefined
  /** Called when the call settles, in whichever way. */
  onSettled: ((call: Call) => void) | undefined = undefined
  /** Its reply address (OTP: `From`), if somebody has one and so must be told when it settles. */
  ref: string | undefined = undefined
  /** Itself, when a `readOnly` handler runs it: then it is this call that waits for others, and not its server. */
  beside: Call | undefined = undefined
  waits: Set<Wait> | undefined = undefined
  /** The servers that wait for its answer, the first of them first, as far as that is known without asking others. */
  chain: readonly string[] | undefined = undefined
  keyed: Keyed | undefined = undefined

  deadline = Number.POSITIVE_INFINITY
  lane: Lane | undefined = undefined
  earlier: Expiring | undefined = undefined
  later: Expiring | undefined = undefined

  #reply: Json | JsonText = null
  #error: Error | undefined = undefined
  #response: Promise<Json> | undefined = undefined
  #listener: ((error: Error | undefined) => void) | undefined = undefined
  #resolve: ((reply: Json) => void) | undefined = undefined
  #reject: ((error: Error) => void) | undefined = undefined

  constructor(
    readonly to: Callee,
    readonly message: string,
    public args: Json,
    /** Milliseconds; told in the timeout's message. */
    readonly timeout: number,
    readonly origin: Origin | undefined,
    readonly ifMatch: number | undefined,
  ) {
    super()
  }

  get id(): string {
    return this.to.id
  }

  waitFor(wait: Wait): Set<Wait> {
    return addWait(this, wait)
  }

  /** Made when first asked for, so that a request whose response nobody wants cannot be an unhandled rejection. */
  get response(): Promise<Json> {
    if (this.#response === undefined) {
      this.#response = new Promise((resolve, reject) => {
        this.#resolve = resolve
        this.#reject = reject
      })
      if (this.phase === 'settled') this.#tell()
    }
    return this.#response
  }

  get settled(): boolean {
    return this.phase === 'settled'
  }

  /** What its caller has heard, once it has settled. */
  get outcome(): { readonly error: Error | undefined; readonly reply: Json } {
    return { error: this.#error, reply: this.#replied }
  }

  get #replied(): Json {
    return this.#reply instanceof JsonText ? this.#reply.value : this.#reply
  }

  get replyText(): string {
    const reply = this.#reply
    // A finite number, since it is JSON: the same text for less.
    if (typeof reply === 'number') return String(reply)
    return reply instanceof JsonText ? reply.text : JSON.stringify(reply)
  }

  whenSettled(tell: (error: Error | undefined) => void): void {
    this.#listener = tell
    if (this.settled) tell(this.#error)
  }

  whenOverdue(tell: (failure: GenServerError) => void): void {
    if (this.keyed !== undefined) this.keyed.overdue = tell
  }

  answer(reply: Json | JsonText, revision: number): void {
    if (this.phase === 'settled') return
    this.#reply = reply
    this.revision = revision
    this.#settle()
  }

  fail(error: Error): void {
    if (this.phase === 'settled') return
    this.#error = error
    this.#settle()
  }

  /** The deadline has passed. */
  expire(): void {
    this.#leave(
      () => this.to.notTaken(this),
      () => `${this.to.id} did not answer ${this.message} within ${this.timeout - (this.to.grace ?? 0)} ms`,
    )
  }

  /** The caller is gone. */
  abandon(): void {
    const why = () => `the caller of ${this.message} gave up`
    this.#leave(() => timedOut(why(), 'none'), why)
  }

  #leave(notTaken: () => GenServerError, why: () => string): void {
    if (this.phase === 'settled') return
    const isOut = this.phase === 'waiting' && this.to.withdraw(this)
    if (!isOut && this.keyed !== undefined) {
      this.keyed.overdue?.(timedOut(why(), 'unknown')) // 3
      return
    }
    if (this.phase === 'taken') this.onGone?.()
    this.fail(isOut ? notTaken() : timedOut(why(), 'unknown'))
  }

  #settle(): void {
    this.phase = 'settled'
    this.lane?.remove(this)
    if (this.ref !== undefined) this.to.forget(this)
    this.onSettled?.(this)
    if (this.#response !== undefined) this.#tell()
    this.#listener?.(this.#error)
  }

  #tell(): void {
    if (this.#error === undefined) this.#resolve?.(this.#replied)
    else this.#reject?.(this.#error)
  }
}

/** The failure of a call whose time is over. */
export function timedOut(message: string, effect: 'none' | 'unknown'): GenServerError {
  return new GenServerError('call_timeout', message, { effect })
}
