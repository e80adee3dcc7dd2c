/**
 * The children of one supervisor, in the order of their start. It is no draft: a supervisor acts at once on servers that are
 * outside its state, so there is nothing to take back, and ten thousand children are not copied for one.
 */
import type { GenServerError } from '../kernel/errors.js'
import type { Chronicle, Entry } from './family.js'

/** `stopping`: it has been ordered to end, for good. `stopped`: the spec is kept, and nobody runs. */
export type ChildStatus = 'running' | 'restarting' | 'stopping' | 'stopped'

export interface Child extends Entry {
  /** See `ChildTable.mark`. */
  readonly status: ChildStatus
  /** The life that the supervisor knows of: what an earlier one tells is old news. */
  readonly incarnation: number
  /** The `init` of that life chose not to start. */
  isIgnored?: boolean
  /** While it is `stopping`: resolves when it is gone, or why it is not. */
  end?: Promise<GenServerError | undefined> | undefined
}

type Marked = { -readonly [K in keyof Child]: Child[K] }

export class ChildTable {
  readonly #children = new Map<string, Child>()
  // Private, as the children are: what freezes a state, or makes a draft of it, does not reach them.
  #changes = 0
  #places = 0
  /** Once there is something to be kept. */
  #chronicle: Chronicle | undefined = undefined

  /** How often it has changed: the supervisor has another state then. */
  get changes(): number {
    return this.#changes
  }

  get size(): number {
    return this.#children.size
  }

  /** From now on changes are kept. */
  keepBy(chronicle: Chronicle | undefined): void {
    this.#chronicle = chronicle
  }

  add(child: Child): void {
    this.#changes++
    this.#places = Math.max(this.#places, child.place)
    this.#children.set(child.spec.id, child)
    this.#chronicle?.child(child)
  }

  /** Behind all that are here. */
  get nextPlace(): number {
    return this.#places + 1
  }

  /** What has become of a child. */
  mark(child: Child, status: ChildStatus, incarnation = child.incarnation): void {
    this.#changes++
    const marked: Marked = child
    marked.status = status
    marked.isStopped = status === 'stopped'
    marked.incarnation = incarnation
  }

  get(id: string): Child | undefined {
    return this.#children.get(id)
  }

  remove(id: string): void {
    this.#changes++
    this.#children.delete(id)
    this.#chronicle?.gone(id)
  }

  inOrder(): Child[] {
    return [...this.#children.values()]
  }

  count(test: (child: Child) => boolean): number {
    let count = 0
    for (const child of this.#children.values()) if (test(child)) count++
    return count
  }
}
