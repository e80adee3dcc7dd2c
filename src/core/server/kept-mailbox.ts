/**
 * The mailbox of a durable server: which messages the store has, and what becomes of them.
 *
 * 1. A cast that was accepted comes to its end: if its handler crashes it is the next message again, and after `MOST_ATTEMPTS`
 *    it is set aside.
 * 2. One that comes out of the store may have been taken before. So that is counted before it runs: one that ends the whole
 *    process comes to its end too.
 * 3. A cast has its effect once, also where it comes from its sender when it is here already.
 * 4. When nothing is kept any more nothing is done either.
 */
import type { Cast, Envelope } from '../kernel/envelope.js'
import type { GroupCommit } from '../kernel/group-commit.js'
import type { Json } from '../kernel/json.js'
import type { Kept } from '../kernel/kept.js'
import type { Node } from '../kernel/node.js'
import type { Pending } from '../kernel/process.js'
import type { Reason } from '../kernel/reason.js'
import { CastReceipt, type Receipt } from '../kernel/receipt.js'
import type { Keeper } from './keeper.js'
import { keptCast, restoredEnvelope } from './kept-text.js'
import type { ServerTerms } from './options.js'
import type { Peers } from './peers.js'
import type { Protocol } from './protocol.js'
import { Server } from './server.js'
import { storageFailed } from './storage-failed.js'
import type { Urgent } from './urgent.js'

/** A cast that was taken so often, and crashed its server each time, is set aside. */
const MOST_ATTEMPTS = 5

export abstract class KeptMailbox extends Server {
  /** The message that is being handled, if the store has it. */
  #atHand: Envelope | undefined = undefined
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
    for (const envelope of this.mailbox.waiting()) if (this.#isHere(envelope)) this.mailbox.remove(envelope) // 3
    for (const kept of [...casts].reverse()) {
      const cast = restoredEnvelope({ kind: 'cast', ...kept }, true)
      const receipt = new CastReceipt(this.id, kept.attempts, kept.seq)
      receipt.isOld = true
      cast.receipt = receipt
      this.mailbox.putBack(cast)
    }
  }

  /** It came out of the store with the server, or has had its effect. */
  #isHere({ receipt }: Envelope): boolean {
    if (!(receipt instanceof CastReceipt) || receipt.isOld || !receipt.seq) return false
    return receipt.seq <= this.#upTo
  }

  /** A cast from outside. Resolves when it is kept. @throws {GenServerError} `storage_failed` */
  override accept(cast: Cast, seq?: number): Promise<void> | undefined {
    if (seq !== undefined && seq > 0) {
      cast.receipt = new CastReceipt(this.id, 0, seq)
      this.node.transport.deliver(this, cast)
      return undefined
    }
    const begun = this.begun(Number.POSITIVE_INFINITY)
    // What is not there yet has nothing that could be kept; if it does not begin, whoever has started it hears so.
    if (begun !== undefined) {
      return begun.then(
        () => this.accept(cast),
        () => this.mailbox.release(cast.bytes),
      )
    }
    cast.receipt = this.commits.cast(this.id, keptCast(cast))
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
    if (this.#isHere(envelope))
      this.mailbox.release(envelope.bytes) // 3
    else super.put(envelope)
  }

  protected forgetAtHand(): void {
    this.#atHand = undefined
  }

  protected override receive(envelope: Envelope | Urgent): Pending {
    const receipt = 'receipt' in envelope ? envelope.receipt : undefined
    if (this.commits.failure !== undefined) return this.#refuse(envelope, this.commits.failure) // 4
    if (receipt === undefined) return super.receive(envelope)
    if (receipt instanceof CastReceipt && receipt.isOld) return this.#takeAgain(envelope as Cast, receipt)
    return this.#take(envelope as Envelope)
  }

  /** Nothing of what it does can be kept any more. */
  #refuse(envelope: Envelope | Urgent, why: Error): Pending {
    if (envelope.kind === 'call') envelope.fail(storageFailed(this.id, why))
    return envelope.kind === 'stop' ? super.receive(envelope) : undefined
  }

  #take(envelope: Envelope): Pending {
    this.#atHand = envelope
    const pending = super.receive(envelope)
    if (pending === undefined) this.settle(envelope)
    return pending?.then(() => this.settle(envelope))
  }

  /** Nobody knows what became of it. */
  #takeAgain(cast: Cast, receipt: CastReceipt): Pending {
    receipt.isOld = false
    if (this.#isPoison(receipt, 'killed')) return undefined
    receipt.attempts++
    this.commits.castTaken(receipt)
    return new Promise((resolve) => {
      const taken = () => resolve(this.current === cast ? this.#take(cast) : undefined) // 2
      this.commits.whenKept(taken, () => resolve(undefined))
    })
  }

  /** The message has had its effect, if it is still at hand. */
  protected settle(envelope = this.#atHand): void {
    if (envelope === undefined || this.#atHand !== envelope) return
    this.#atHand = undefined
    const { receipt } = envelope as { receipt: Receipt }
    receipt.settle(this.commits)
  }

  /** What was at hand when it crashed. */
  protected putBackAtHand(): void {
    const taken = this.#atHand
    const receipt = taken?.receipt
    if (!(receipt instanceof CastReceipt)) {
      this.settle()
      return
    }
    this.#atHand = undefined
    receipt.attempts++
    if (this.#isPoison(receipt, this.lastExit?.reason ?? 'killed')) return
    this.commits.castTaken(receipt)
    this.mailbox.putBack(taken as Envelope) // 1
  }

  /** It is set aside. */
  #isPoison(receipt: CastReceipt, reason: Reason): boolean {
    if (receipt.attempts < MOST_ATTEMPTS) return false
    this.commits.castTaken(receipt)
    this.commits.castDead(receipt, this.node.clock.now(), JSON.stringify(reason))
    this.node.logger.error({ server: this.id, attempts: receipt.attempts }, `a cast to ${this.id} is set aside`)
    return true
  }
}
