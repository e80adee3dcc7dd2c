/** What goes to the store together. */
import type { Change, KeptCast } from './kept.js'
import type { CastReceipt } from './receipt.js'

/** Some of what leaves is not known before. */
type Made = Change | (() => Change)

interface Waiting {
  readonly kept: () => void
  readonly lost: (error: Error) => void
}

export class Batch {
  /** Of the servers that it concerns. */
  readonly ids = new Set<string>()
  /** Who waits for its being kept. */
  readonly waiting: Waiting[] = []
  /** Once it has left: resolves when all who waited have heard. */
  over: Promise<void> | undefined = undefined
  readonly #changes: (Made | undefined)[] = []
  /** Where the last state of a server is among them, and the casts. */
  readonly #states = new Map<string, number>()
  readonly #casts = new Map<CastReceipt, number>()
  /** Casts of earlier batches that are named in this one. */
  readonly #named: CastReceipt[] = []

  get isEmpty(): boolean {
    return this.#changes.length === 0
  }

  add(id: string, change: Change): void {
    this.#push(id, change)
    // What comes later is of another life of the id.
    if (change.kind === 'server' || change.kind === 'end') this.#states.delete(id)
  }

  /** What is to be told of a cast of an earlier batch, when that has its number. */
  addLater(receipt: CastReceipt, make: (seq: number) => Change): void {
    this.#named.push(receipt)
    this.#push(receipt.id, () => make(receipt.seq as number))
  }

  /** It cannot leave before an earlier one is kept. */
  get needsNumbers(): boolean {
    return this.#named.some(({ seq }) => seq === undefined)
  }

  #push(id: string, change: Made): void {
    this.ids.add(id)
    this.#changes.push(change)
  }

  /** It takes the place of an earlier one. */
  state(id: string, change: Change): void {
    const at = this.#states.get(id)
    if (at !== undefined) {
      this.#changes[at] = change
      return
    }
    this.#states.set(id, this.#changes.length)
    this.#push(id, change)
  }

  /** How often it was taken is known when it leaves. */
  cast(receipt: CastReceipt, cast: Omit<KeptCast, 'seq' | 'attempts'>): void {
    const { id } = receipt
    this.#casts.set(receipt, this.#changes.length)
    this.#push(id, () => ({ kind: 'cast', id, cast: { ...cast, attempts: receipt.attempts } }))
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

  /** Its changes, and the casts that will get the numbers. */
  leave(): { readonly changes: readonly Change[]; readonly receipts: readonly CastReceipt[] } {
    const changes: Change[] = []
    for (const change of this.#changes) {
      if (change !== undefined) changes.push(typeof change === 'function' ? change() : change)
    }
    return { changes, receipts: [...this.#casts.keys()] }
  }
}
