/**
 * Port: which process has which id (OTP: registered names). A name is unique, is taken before `init` runs and is free
 * in the very tick in which its holder ends.
 */
import { SortedIds } from './sorted-ids.js'

export interface Registry<P> {
  readonly size: number
  whereis(id: string): P | undefined
  /** Takes the id for `process`. `false`: it is taken already, and nothing changes. */
  register(id: string, process: P): boolean
  unregister(id: string): void
  /** The processes whose ids are greater than `after`, in the order of their ids. */
  after(id?: string): Iterable<P>
}

/** The registry of one node. */
export class MemoryRegistry<P> implements Registry<P> {
  readonly #processes = new Map<string, P>()
  readonly #ids = new SortedIds()

  get size(): number {
    return this.#processes.size
  }

  whereis(id: string): P | undefined {
    return this.#processes.get(id)
  }

  register(id: string, process: P): boolean {
    if (this.#processes.has(id)) return false
    this.#processes.set(id, process)
    this.#ids.add(id)
    return true
  }

  unregister(id: string): void {
    if (this.#processes.delete(id)) this.#ids.remove(id)
  }

  *after(id?: string): Generator<P, void, undefined> {
    for (const next of this.#ids.after(id)) yield this.#processes.get(next) as P
  }
}
