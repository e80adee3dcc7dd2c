/**
 * Group commit: what the durable servers of a node change is gathered while the last batch is on its way to the store, and goes
 * there as one.
 *
 * 1. What waits for its being kept (`whenKept`) is told so in the order in which it began to wait, and never before.
 * 2. Of several states of one server in a batch only the last is given to the store.
 * 3. A cast that came and had its effect within one batch never comes to the store.
 * 4. What is lost in one batch is lost with all that was built on it. Whoever waits hears so.
 */
import type { Change, KeptCast } from './kept.js'
import { CastReceipt } from './receipt.js'
import { type Store, StoreFull } from './store.js'

/** What is asked for when the batch leaves: some of it is not known before. */
type Made = Change | (() => Change)

interface Waiting {
  readonly kept: () => void
  readonly lost: (error: Error) => void
}

export interface Losses {
  /** The changes of these servers are lost: what they have in memory is not what is kept. */
  lost(ids: ReadonlySet<string>, error: Error): void
  /** Nothing is kept any more. */
  failed(error: Error): void
  /** Whoever was told has failed. */
  stray(error: unknown): void
}

export class GroupCommit {
  #gathering = new Batch()
  #underWay: Batch | undefined = undefined
  #isArmed = false
  #failure: Error | undefined = undefined
  #settled: (() => void)[] = []

  constructor(
    private readonly store: Store,
    private readonly losses: Losses,
  ) {}

  /** Why nothing is kept any more. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Something of the server is on its way. */
  concerns(id: string): boolean {
    return this.#gathering.ids.has(id) || this.#underWay?.ids.has(id) === true
  }

  add(id: string, change: Made): void {
    if (this.#failure !== undefined) return
    this.#gathering.add(id, change)
    this.#arm()
  }

  state(id: string, revision: number, state: string): void {
    if (this.#failure !== undefined) return
    this.#gathering.state(id, { kind: 'state', id, revision, state })
    this.#arm()
  }

  /** A cast for the server `id`, which is to be delivered when this is kept, or at once where that server is here. */
  cast(id: string, cast: Omit<KeptCast, 'seq' | 'attempts'>): CastReceipt {
    const receipt = new CastReceipt(id, 0, undefined)
    if (this.#failure !== undefined) return receipt
    this.#gathering.cast(receipt, () => ({ kind: 'cast', id, cast: { ...cast, attempts: receipt.attempts } }))
    this.#arm()
    return receipt
  }

  /** It has had its effect, or is not to have one. */
  castDone(receipt: CastReceipt): void {
    if (!this.#gathering.forget(receipt)) this.#once(receipt, (seq) => ({ kind: 'castDone', seq })) // 3
  }

  /** It was taken once more. */
  castTaken(receipt: CastReceipt): void {
    const { attempts } = receipt
    // As long as the store has not been told of the cast, it will be told with it.
    if (!this.#gathering.has(receipt)) this.#once(receipt, (seq) => ({ kind: 'castTaken', seq, attempts }))
  }

  /** It is set aside. */
  castDead(receipt: CastReceipt, at: number, reason: string): void {
    const dead = () => this.#once(receipt, (seq) => ({ kind: 'castDead', seq, at, reason }))
    if (this.#gathering.has(receipt)) this.whenKept(dead, () => {})
    else dead()
  }

  /** By the time that the batch leaves, the cast has its number. */
  #once(receipt: CastReceipt, make: (seq: number) => Change): void {
    this.add(receipt.id, () => make(receipt.seq as number))
  }

  /** Everything that was given until now is kept, or lost. */
  whenKept(kept: () => void, lost: (error: Error) => void): void {
    if (this.#failure !== undefined) lost(this.#failure)
    else if (!this.#gathering.isEmpty) this.#gathering.waiting.push({ kept, lost })
    else if (this.#underWay !== undefined) this.#underWay.waiting.push({ kept, lost })
    else kept()
  }

  /** Resolves when nothing is on its way. */
  settled(): Promise<void> {
    if (this.#gathering.isEmpty && this.#underWay === undefined) return Promise.resolve()
    return new Promise((resolve) => void this.#settled.push(resolve))
  }

  #arm(): void {
    if (this.#isArmed || this.#underWay !== undefined || this.#failure !== undefined) return
    this.#isArmed = true
    setImmediate(() => void this.#send())
  }

  async #send(): Promise<void> {
    this.#isArmed = false
    const batch = this.#gathering
    this.#gathering = new Batch()
    this.#underWay = batch
    try {
      const { changes, receipts } = batch.leave()
      const numbers = changes.length === 0 ? [] : await this.store.commit(changes)
      for (const [i, receipt] of receipts.entries()) receipt.seq = numbers[i] as number
      for (const { kept } of batch.waiting) this.#call(kept) // 1
    } catch (error) {
      this.#lose(batch, error as Error)
    }
    this.#underWay = undefined
    if (!this.#gathering.isEmpty) this.#arm()
    else for (const resolve of this.#settled.splice(0)) resolve()
  }

  #call(tell: () => void): void {
    try {
      tell()
    } catch (error) {
      this.losses.stray(error)
    }
  }

  #lose(batch: Batch, error: Error): void {
    const after = this.#gathering
    this.#gathering = new Batch()
    if (!(error instanceof StoreFull)) this.#failure = error
    for (const { lost } of [...batch.waiting, ...after.waiting]) this.#call(() => lost(error)) // 4
    this.losses.lost(new Set([...batch.ids, ...after.ids]), error)
    if (this.#failure !== undefined) this.losses.failed(error)
  }
}

/** What goes to the store together. */
class Batch {
  readonly ids = new Set<string>()
  readonly waiting: Waiting[] = []
  readonly #changes: (Made | undefined)[] = []
  /** Where the last state of a server is among them, and the casts. */
  readonly #states = new Map<string, number>()
  readonly #casts = new Map<CastReceipt, number>()

  get isEmpty(): boolean {
    return this.#changes.length === 0
  }

  add(id: string, change: Made): void {
    this.ids.add(id)
    this.#changes.push(change)
    // What comes later is of another life of the id.
    if (typeof change !== 'function' && (change.kind === 'server' || change.kind === 'end')) this.#states.delete(id)
  }

  state(id: string, change: Change): void {
    const at = this.#states.get(id)
    if (at !== undefined) {
      this.#changes[at] = change // 2
      return
    }
    this.#states.set(id, this.#changes.length)
    this.add(id, change)
  }

  cast(receipt: CastReceipt, change: () => Change): void {
    this.#casts.set(receipt, this.#changes.length)
    this.add(receipt.id, change)
  }

  has(receipt: CastReceipt): boolean {
    return this.#casts.has(receipt)
  }

  /** `false`: it is not here. */
  forget(receipt: CastReceipt): boolean {
    const at = this.#casts.get(receipt)
    if (at === undefined) return false
    this.#changes[at] = undefined
    return this.#casts.delete(receipt)
  }

  leave(): { readonly changes: readonly Change[]; readonly receipts: readonly CastReceipt[] } {
    const changes: Change[] = []
    for (const change of this.#changes) {
      if (change !== undefined) changes.push(typeof change === 'function' ? change() : change)
    }
    return { changes, receipts: [...this.#casts.keys()] }
  }
}
