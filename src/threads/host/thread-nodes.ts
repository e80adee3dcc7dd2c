/**
 * The nodes of a host: so many threads for all implementations, and one more for each that is to be alone.
 *
 * 1. A server goes where there are the fewest, of those that are at work; its place is its own until it ends.
 */
import type { Clock, DefinitionData } from '../../index.js'
import type { Bounds } from '../wire/thread-data.js'
import type { StandBy } from './stand-by.js'
import { ThreadNode, type ThreadNodeEvents } from './thread-node.js'

export interface NodesTerms {
  readonly threads: number
  readonly clock: Clock
  /** Where their threads come from. */
  readonly standBy: StandBy
  /** What may be on its way to a node. */
  readonly most: Pick<Bounds, 'maxQueued' | 'maxQueuedBytes'>
  /** Tells a node that is about to begin what it is to know first. */
  readonly introduce: (node: ThreadNode) => void
}

export class ThreadNodes {
  readonly #shared: ThreadNode[] = []
  readonly #alone = new Map<string, ThreadNode>()

  constructor(
    private readonly terms: NodesTerms,
    private readonly events: ThreadNodeEvents,
    private readonly implementations: ReadonlyMap<string, DefinitionData>,
  ) {}

  /** Begins those that are shared. */
  begin(): void {
    for (let i = 1; i <= this.terms.threads; i++) this.#shared.push(this.#make(String(i)))
  }

  get all(): ThreadNode[] {
    return [...this.#shared, ...this.#alone.values()]
  }

  /** The node for a new server of an implementation. */
  choose(implementation: string): ThreadNode {
    if (this.implementations.get(implementation)?.isolate === true) return this.#aloneFor(implementation)
    const ready = this.#shared.filter(({ isReady }) => isReady)
    const all = ready.length > 0 ? ready : this.#shared
    return all.reduce((best, node) => (node.servers < best.servers ? node : best)) // 1
  }

  /** The names of the implementations whose servers may be on the node. */
  implementationsOn(node: ThreadNode): string[] {
    for (const [name, alone] of this.#alone) if (alone === node) return [name]
    return [...this.implementations].flatMap(([name, { isolate }]) => (isolate ? [] : name))
  }

  #aloneFor(implementation: string): ThreadNode {
    let node = this.#alone.get(implementation)
    if (node === undefined) {
      node = this.#make(`${implementation}-alone`)
      this.#alone.set(implementation, node)
    }
    return node
  }

  #make(node: string): ThreadNode {
    const { standBy, most, clock, introduce } = this.terms
    const made = new ThreadNode(node, most, standBy, this.events)
    introduce(made)
    made.begin(clock.now())
    return made
  }
}
