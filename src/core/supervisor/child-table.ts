/**
 * The children of one supervisor, in the order of their start. It is no draft: a supervisor acts at once on servers that are
 * outside its state, so there is nothing to take back, and ten thousand children are not copied for one.
 */
import type { GenServerError } from '../kernel/errors.js'
import type { ChildSpec } from './child-spec.js'
import type { ChildTerms } from './family.js'

/** `stopping`: it has been ordered to end, for good. `stopped`: the spec is kept, and nobody runs. */
export type ChildStatus = 'running' | 'restarting' | 'stopping' | 'stopped'

export interface Child {
  readonly spec: ChildSpec
  readonly terms: ChildTerms
  /** Started by `startChild`, not by the args of the supervisor. */
  readonly isDynamic: boolean
  /** See `ChildTable.mark`. */
  readonly status: ChildStatus
  /** The life that the supervisor knows of: what an earlier one tells is old news. */
  readonly incarnation: number
  /** While it is `stopping`: resolves when it is gone, or why it is not. */
  end?: Promise<GenServerError | undefined> | undefined
}

type Marked = { -readonly [K in keyof Child]: Child[K] }

export class ChildTable {
  readonly #children = new Map<string, Child>()
  // Private, as the children are: what freezes a state, or makes a draft of it, does not reach them.
  #changes = 0

  /** How often it has changed: the supervisor has another state then. */
  get changes(): number {
    return this.#changes
  }

  get size(): number {
    return this.#children.size
  }

  add(child: Child): void {
    this.#changes++
    this.#children.set(child.spec.id, child)
  }

  /** What has become of a child. */
  mark(child: Child, status: ChildStatus, incarnation = child.incarnation): void {
    this.#changes++
    const marked: Marked = child
    marked.status = status
    marked.incarnation = incarnation
  }

  get(id: string): Child | undefined {
    return this.#children.get(id)
  }

  remove(id: string): void {
    this.#changes++
    this.#children.delete(id)
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
