/**
 * Group commit: what the durable servers of a node change is gathered while batches are on their way to the store, and goes there as
 * one.
 *
 * 1. What waits for its being kept (`whenKept`) is told so in the order in which it began to wait, and never before.
 * 2. Of several states of one server in a batch only the last is given to the store.
 * 3. A cast that came and had its effect within one batch never comes to the store.
 * 4. What is lost in one batch is lost with all that was built on it. Whoever waits hears so.
 * 5. A batch leaves while the one before it is written, so that the disk need not wait for what is told in between. One that says
 *    what became of a cast waits until that has its number.
 */
import { Batch } from './batch.js'
import type { Change, KeptCast } from './kept.js'
import { CastReceipt } from './receipt.js'
import { CommitChain, type Store, StoreFull } from './store.js'

/** One is written, and one is there when the disk is free again. With more of them each is smaller. */
const MOST_UNDER_WAY = 2

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
  /** In the order in which they have left. */
  #underWay: Batch[] = []
  #chain = new CommitChain()
  #isArmed = false
  #failure: Error | undefined = undefined
  /** While those hear who wait for what is lost. */
  #losing: Error | undefined = undefined
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
    return this.#gathering.ids.has(id) || this.#underWay.some(({ ids }) => ids.has(id))
  }

  add(id: string, change: Change): void {
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
    this.#gathering.cast(receipt, cast)
    this.#arm()
    return receipt
  }

  /** It has had its effect, or is not to have one. */
  castDone(receipt: CastReceipt): void {
    if (!this.#gathering.forget(receipt)) this.#tellOf(receipt, (seq) => ({ kind: 'castDone', seq })) // 3
  }

  /** It was taken once more. */
  castTaken(receipt: CastReceipt): void {
    const { attempts } = receipt
    // As long as the store has not been told of the cast, it will be told with it.
    if (!this.#gathering.has(receipt)) this.#tellOf(receipt, (seq) => ({ kind: 'castTaken', seq, attempts }))
  }

  /** It is set aside. */
  castDead(receipt: CastReceipt, at: number, reason: string): void {
    const dead = () => this.#tellOf(receipt, (seq) => ({ kind: 'castDead', seq, at, reason }))
    if (this.#gathering.has(receipt)) this.whenKept(dead, () => {})
    else dead()
  }

  /** The store is told of a cast that it has, or that is on its way there: then it has no number yet. */
  #tellOf(receipt: CastReceipt, make: (seq: number) => Change): void {
    if (this.#failure !== undefined) return
    if (receipt.seq === undefined)
      this.#gathering.addLater(receipt, make) // 5
    else this.#gathering.add(receipt.id, make(receipt.seq))
    this.#arm()
  }

  /** Everything that was given until now is kept, or lost. */
  whenKept(kept: () => void, lost: (error: Error) => void): void {
    const last = this.#gathering.isEmpty ? this.#underWay.at(-1) : this.#gathering
    const failure = this.#failure ?? this.#losing
    if (failure !== undefined) lost(failure)
    else if (last !== undefined) last.waiting.push({ kept, lost })
    else kept()
  }

  /** Resolves when nothing is on its way. */
  settled(): Promise<void> {
    if (this.#isSettled) return Promise.resolve()
    return new Promise((resolve) => void this.#settled.push(resolve))
  }

  get #isSettled(): boolean {
    return this.#gathering.isEmpty && this.#underWay.length === 0
  }

  #arm(): void {
    if (this.#isArmed || this.#failure !== undefined) return
    this.#isArmed = true
    setImmediate(() => this.#send())
  }

  get #mayLeave(): boolean {
    const { length } = this.#underWay
    return length === 0 || (length < MOST_UNDER_WAY && !this.#gathering.needsNumbers) // 5
  }

  #send(): void {
    this.#isArmed = false
    // It leaves when the one that it waits for is over.
    if (!this.#mayLeave) return
    const batch = this.#gathering
    this.#gathering = new Batch()
    const before = this.#underWay.at(-1)
    this.#underWay.push(batch)
    batch.over = this.#conclude(batch, before?.over)
  }

  async #conclude(batch: Batch, before: Promise<void> | undefined): Promise<void> {
    const { changes, receipts } = batch.leave()
    const outcome = await this.#commit(changes)
    await before // 1
    const isLost = this.#underWay[0] !== batch
    if (outcome instanceof Error) {
      // It may be lost already, with the one before it: but not all that is given from now on.
      if (!isLost || !(outcome instanceof StoreFull)) this.#lose(outcome)
    } else if (!isLost) {
      for (const [i, receipt] of receipts.entries()) receipt.seq = outcome[i] as number
      // Whoever hears may begin to wait for something, and hears of that too.
      for (const { kept } of batch.waiting) this.#call(kept) // 1
      this.#underWay.shift()
    }
    if (!this.#gathering.isEmpty) this.#arm()
    else if (this.#isSettled) for (const resolve of this.#settled.splice(0)) resolve()
  }

  /** Gives the numbers of the casts among them, or why nothing is kept of them. */
  async #commit(changes: readonly Change[]): Promise<readonly number[] | Error> {
    try {
      return changes.length === 0 ? [] : await this.store.commit(changes, this.#chain)
    } catch (error) {
      return error as Error
    }
  }

  #call(tell: () => void): void {
    try {
      tell()
    } catch (error) {
      this.losses.stray(error)
    }
  }

  /** All that is not kept yet. */
  #lose(error: Error): void {
    if (this.#failure !== undefined) return
    const batches = [...this.#underWay, this.#gathering]
    this.#underWay = []
    this.#gathering = new Batch()
    this.#chain = new CommitChain()
    if (!(error instanceof StoreFull)) this.#failure = error
    this.#losing = error
    for (const { lost } of batches.flatMap(({ waiting }) => waiting)) this.#call(() => lost(error)) // 4
    this.#losing = undefined
    this.losses.lost(new Set(batches.flatMap(({ ids }) => [...ids])), error)
    if (this.#failure !== undefined) this.losses.failed(error)
  }
}
