/** For how long whatever it is at may hold a thread. */
import type { DefinitionData } from '../../index.js'
import type { Places } from './places.js'
import type { ThreadNode } from './thread-node.js'
import type { ThreadNodes } from './thread-nodes.js'

interface LimitsTerms {
  readonly places: Pick<Places, 'find'>
  readonly nodes: Pick<ThreadNodes, 'implementationsOn'>
  readonly implementations: ReadonlyMap<string, Pick<DefinitionData, 'handlerLimit'>>
  /** Of implementations that say nothing. Milliseconds. */
  readonly usual: number
}

export class Limits {
  constructor(private readonly terms: LimitsTerms) {}

  of(node: ThreadNode): number {
    const { activity } = node
    const { places, nodes } = this.terms
    const id = activity?.phase === 'running' || activity?.phase === 'heard' ? activity.server : undefined
    const place = id === undefined ? undefined : places.find(id)
    if (place !== undefined) return this.#of(place.implementation)
    // What goes on after it has waited for something may be any of them.
    return nodes.implementationsOn(node).reduce((most, name) => Math.max(most, this.#of(name)), 0) || this.terms.usual
  }

  #of(implementation: string): number {
    const { implementations, usual } = this.terms
    return implementations.get(implementation)?.handlerLimit ?? usual
  }
}
