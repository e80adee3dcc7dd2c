/**
 * Port: which process has which id (OTP: registered names). A name is unique, is taken before `init` runs and is free
 * in the very tick in which its holder ends. Processes are of kinds, so that the few of one kind are found among very many.
 */
import { merge } from './merge.js'
import { SortedIds } from './sorted-ids.js'

export interface Registry<P> {
  readonly size: number
  whereis(id: string): P | undefined
  /** Takes the id for `process`. `false`: it is taken already, and nothing changes. */
  register(id: string, process: P, kind: string): boolean
  /** `process` has the id instead of the one of the same kind that has it. */
  replace(id: string, process: P): void
  /** Frees the id, which is held by a process of `kind`. */
  unregister(id: string, kind: string): void
  /** The processes whose ids are greater than `id`, in the order of their ids; only those of `kind`, if that is given. */
  after(id?: string, kind?: string): Iterable<P>
}

const NONE = new SortedIds()

/** The registry of one node. */
export class MemoryRegistry<P> implements Registry<P> {
  readonly #processes = new Map<string, P>()
  readonly #kinds = new Map<string, SortedIds>()

  get size(): number {
    return this.#processes.size
  }

  whereis(id: string): P | undefined {
    return this.#processes.get(id)
  }

  register(id: string, process: P, kind: string): boolean {
    if (this.#processes.has(id)) return false
    this.#processes.set(id, process)
    let ids = this.#kinds.get(kind)
    if (ids === undefined) {
      ids = new SortedIds()
      this.#kinds.set(kind, ids)
    }
    ids.add(id)
    return true
  }

  replace(id: string, process: P): void {
    this.#processes.set(id, process)
  }

  unregister(id: string, kind: string): void {
    if (this.#processes.delete(id)) this.#kinds.get(kind)?.remove(id)
  }

  *after(id?: string, kind?: string): Generator<P, void, undefined> {
    const some = kind === undefined ? [...this.#kinds.values()] : [this.#kinds.get(kind) ?? NONE]
    for (const next of merge(some.map((ids) => ids.after(id)))) yield this.#processes.get(next) as P
  }
}
