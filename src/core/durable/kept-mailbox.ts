/**
 * The mailbox of a durable server: which messages the store has, and what becomes of them.
 *
 * 1. A cast that was accepted comes to its end: if its handler crashes it is the next message again, and after
 *    `maxAttempts` it is set aside.
 * 2. One that comes out of the store may have been taken before. So that is counted before it runs: one that ends the whole
 *    process comes to its end too.
 * 3. A cast has its effect once, also where it comes from its sender when it is here already.
 * 4. When nothing is kept any more nothing is done either.
 * 5. A call whose answer is asked for later is kept like a cast. One that crashes the server has had its answer; one that does not come
 *    to its end with its process is taken again.
 */

import type { ServerTerms } from '../definition/options.js'
import type { Protocol } from '../definition/protocol.js'
import type { Call } from '../kernel/call.js'
import type { Cast, Envelope } from '../kernel/envelope.js'
import { GenServerError } from '../kernel/errors.js'
import type { GroupCommit } from '../kernel/group-commit.js'
import type { Json } from '../kernel/json.js'
import type { AnswerKey, Kept } from '../kernel/kept.js'
import type { Node } from '../kernel/node.js'
import type { Pending } from '../kernel/process.js'
import type { Reason } from '../kernel/reason.js'
import { CastReceipt, type Receipt, TimerReceipt } from '../kernel/receipt.js'
import type { Keeper } from '../server/keeper.js'
import type { Peers } from '../server/peers.js'
import { checkAgain } from '../server/sending.js'
import { Server } from '../server/server.js'
import type { Urgent } from '../server/urgent.js'
import { keptCast, restoredMessage, restoredTimed } from './kept-text.js'
import { failedText, outcomeText, repliedText } from './outcome.js'
import { storageFailed } from './storage-failed.js'

export abstract class KeptMailbox extends Server {
  /** The message that is being handled, if the store has it. */
  #atHand: Envelope | undefined = undefined
  /** When it last took a message: the clock's monotonic milliseconds. */
  protected activeAt = 0
  /** Casts up to this number came out of the store with the server. */
  #upTo = 0

  constructor(
    id: string,
    protocol: Protocol,
    args: Json,
    terms: ServerTerms,
    keeper: Keeper,
    peers: Peers,
    node: Node,
    protected readonly commits: GroupCommit,
  ) {
    super(id, protocol, args, terms, keeper, peers, node)
  }

  /** Casts come out of the store, before whatever has come for the server meanwhile. */
  protected refill(casts: Kept['casts'], upTo: number): void {
    this.#upTo = upTo
    for (const envelope of this.mailbox.waiting()) {
      if (!this.#isHere(envelope)) continue
      this.mailbox.remove(envelope) // 3
      this.#isTwice(envelope)
    }
    for (const kept of [...casts].reverse()) {
      const message = restoredMessage(this, kept)
      const receipt = new CastReceipt(this.id, kept.attempts, kept.seq)
      receipt.isOld = true
      this.#comesWith(message, receipt)
      const refusal = checkAgain(this.protocol, message)
      if (refusal === undefined) this.mailbox.putBack(message)
      else this.#setAside(message, receipt, { error: refusal.message })
    }
  }

  /** Timers come out of the store. */
  protected restoreTimers(timers: Kept['timers']): void {
    const { id, protocol, commits } = this
    for (const timer of timers) {
      const envelope = restoredTimed(timer)
      const refusal = checkAgain(protocol, envelope)
      if (refusal === undefined) this.timers.restore(timer.ref, timer.due, envelope)
      else {
        commits.add(id, { kind: 'timerDone', id, ref: timer.ref })
        this.refuse(envelope, refusal)
      }
    }
  }

  #comesWith(message: Cast | Call, receipt: CastReceipt): void {
    message.receipt = receipt
    if (message.kind === 'call') message.onSettled = () => this.#callOver(message, receipt)
  }

  /** The store has it too, from where it is taken. Whoever waits for it finds its answer there. */
  #isTwice(envelope: Envelope): void {
    this.node.workLog.dropped(envelope)
    if (envelope.kind !== 'call') return
    envelope.onSettled = undefined
    envelope.fail(new GenServerError('restarting', `${this.id} comes out of the store`, { effect: 'unknown' }))
  }

  /** Its answer is kept with the turn that gave it; a failure, and what was only looked at, here. */
  #callOver(call: Call, receipt: CastReceipt): void {
    const { error, reply } = call.outcome
    if (error instanceof GenServerError && NOT_OVER.has(error.code)) return
    const { key } = call.keyed as { key: AnswerKey }
    if (error instanceof GenServerError) this.keepAnswer(key, failedText(error))
    else if (this.#onlyLooks(call)) this.keepAnswer(key, repliedText(reply, call.revision as number))
    else return
    if (this.#atHand !== call) receipt.settle(this.commits)
  }

  #onlyLooks({ message }: Call): boolean {
    return this.protocol.calls.get(message)?.readOnly === true
  }

  override keepAnswer(key: AnswerKey, outcome: string): void {
    this.commits.add(this.id, { kind: 'answer', answer: { ...key, outcome } })
  }

  /** It came out of the store with the server, or has had its effect. */
  #isHere({ receipt }: Envelope): boolean {
    if (!(receipt instanceof CastReceipt) || receipt.isOld || !receipt.seq) return false
    return receipt.seq <= this.#upTo
  }

  override acceptKept(message: Cast | Call, seq: number): void {
    this.#comesWith(message, new CastReceipt(this.id, 0, seq))
    super.acceptKept(message, seq)
  }

  /** A cast from outside. Resolves when it is kept. @throws {GenServerError} `storage_failed` */
  override accept(cast: Cast, key?: AnswerKey): Promise<void> | undefined {
    const begun = this.begun(Number.POSITIVE_INFINITY)
    // What is not there yet has nothing that could be kept; if it does not begin, whoever has started it hears so.
    if (begun !== undefined) {
      return begun.then(
        () => this.accept(cast, key),
        () => {
          this.node.workLog.dropped(cast)
          this.mailbox.release(cast.bytes)
        },
      )
    }
    cast.receipt = this.commits.cast(this.id, keptCast(cast))
    if (key !== undefined) this.keepAnswer(key, outcomeText({ kind: 'accepted' }))
    this.node.transport.deliver(this, cast)
    return this.kept()
  }

  /** Resolves when all that it has done until now is kept. @throws {GenServerError} `storage_failed` */
  override kept(): Promise<void> {
    return new Promise((resolve, reject) =>
      this.commits.whenKept(resolve, (error) => reject(storageFailed(this.id, error))),
    )
  }

  override put(envelope: Envelope): void {
    if (!this.#isHere(envelope)) {
      super.put(envelope)
      return
    }
    this.mailbox.release(envelope.bytes) // 3
    this.#isTwice(envelope)
  }

  protected forgetAtHand(): void {
    this.#atHand = undefined
  }

  protected override receive(envelope: Envelope | Urgent): Pending {
    this.activeAt = this.node.recent
    const receipt = 'receipt' in envelope ? envelope.receipt : undefined
    if (this.commits.failure !== undefined) return this.#refuse(envelope, this.commits.failure) // 4
    if (receipt === undefined) return super.receive(envelope)
    if (receipt instanceof CastReceipt && receipt.isOld) return this.#takeAgain(envelope as Cast | Call, receipt)
    return this.#take(envelope as Envelope)
  }

  /** Nothing of what it does can be kept any more. */
  #refuse(envelope: Envelope | Urgent, why: Error): Pending {
    if (envelope.kind === 'call') envelope.fail(storageFailed(this.id, why))
    if (envelope.kind === 'cast') this.node.workLog.dropped(envelope)
    return envelope.kind === 'stop' ? super.receive(envelope) : undefined
  }

  #take(envelope: Envelope): Pending {
    this.#atHand = envelope
    const pending = super.receive(envelope)
    if (pending === undefined) this.settle(envelope)
    return pending?.then(() => this.settle(envelope))
  }

  /** Nobody knows what became of it. */
  #takeAgain(message: Cast | Call, receipt: CastReceipt): Pending {
    receipt.isOld = false
    if (this.#isPoison(message, receipt, 'killed')) return undefined
    receipt.attempts++
    this.commits.castTaken(receipt)
    return new Promise((resolve) => {
      const taken = () => resolve(this.current === message ? this.#take(message) : undefined) // 2
      this.commits.whenKept(taken, () => resolve(undefined))
    })
  }

  /** The message has had its effect, if it is still at hand. */
  protected settle(envelope = this.#atHand): void {
    if (envelope === undefined || this.#atHand !== envelope) return
    this.#atHand = undefined
    // Whoever looks may still be at it, and its answer goes with it.
    if (envelope.kind === 'call' && !envelope.settled && this.#onlyLooks(envelope)) return
    const { receipt } = envelope as { receipt: Receipt }
    receipt.settle(this.commits)
  }

  /** What was at hand when it crashed. */
  protected putBackAtHand(): void {
    const taken = this.#atHand
    const receipt = taken?.receipt
    if (!(receipt instanceof CastReceipt) || taken?.kind !== 'cast') {
      this.settle() // 5
      return
    }
    this.#atHand = undefined
    receipt.attempts++
    if (this.#isPoison(taken, receipt, this.lastExit?.reason ?? 'killed')) return
    this.commits.castTaken(receipt)
    // It was told that it is taken, and its number may be another message's by now.
    taken.ticket = 0
    this.mailbox.putBack(taken) // 1
  }

  /** It does not fit the code any more. What was accepted waits for somebody to decide. */
  override refuse(envelope: Envelope, refusal: GenServerError): void {
    const { receipt } = envelope as { receipt?: Receipt | undefined }
    if (receipt instanceof TimerReceipt) receipt.settle(this.commits)
    if (envelope.kind !== 'cast' && !(receipt instanceof CastReceipt)) {
      super.refuse(envelope, refusal)
      return
    }
    this.mailbox.remove(envelope)
    this.node.workLog.dropped(envelope)
    const message = envelope as Cast | Call
    const own = receipt instanceof CastReceipt ? receipt : this.commits.cast(this.id, keptCast(message as Cast))
    this.#setAside(message, own, { error: refusal.message })
  }

  #isPoison(message: Cast | Call, receipt: CastReceipt, reason: Reason): boolean {
    if (receipt.attempts < this.node.maxAttempts) return false
    this.commits.castTaken(receipt)
    this.#setAside(message, receipt, reason)
    return true
  }

  #setAside(message: Cast | Call, receipt: CastReceipt, reason: Reason): void {
    const { id, node } = this
    this.commits.castDead(receipt, node.clock.now(), JSON.stringify(reason))
    const why = `the ${message.kind} ${message.message} of ${id} is set aside after ${receipt.attempts} attempts`
    node.logger.error({ server: id, reason, ...message.origin }, why)
    if (message.kind !== 'call') return
    message.onSettled = undefined
    const failure = new GenServerError('server_crashed', why, { reason })
    this.keepAnswer((message.keyed as { key: AnswerKey }).key, failedText(failure))
    message.fail(failure)
  }
}

/** A call that ends so goes on when its server comes back. */
const NOT_OVER: ReadonlySet<string> = new Set(['draining', 'storage_failed'])
