/** Where each server is, who is in which group, and how those ended that are no more. The gateway's thread alone decides who has an id. */
import { type Bond, type Exits, exitFailure, unknownServer } from '../../adapters.js'
import { GenServerError } from '../../index.js'
import type { RegisteredMessage } from '../wire/life-messages.js'
import { Place } from './place.js'
import type { ThreadNode } from './thread-node.js'

const NONE: ReadonlySet<Place> = new Set()

export class Places {
  readonly #places = new Map<string, Place>()
  /** By the ids of supervisors: where durable children of theirs are, or of a tree below them, and how many. */
  readonly #homes = new Map<string, { readonly node: ThreadNode; count: number }>()
  /** By label, for whoever has one. */
  readonly #labelled = new Map<string, Set<Place>>()

  constructor(readonly exits: Exits) {}

  find(id: string): Place | undefined {
    return this.#places.get(id)
  }

  /** As `find`, for whoever starts it if there is none. @throws {GenServerError} `restarting` */
  findOrStart(id: string): Place | undefined {
    const place = this.#places.get(id)
    if (place?.isUnwanted !== true) return place
    throw new GenServerError('restarting', `${id} is not free yet: its node does not come back`, { retryAfter: 1 })
  }

  /** @throws {GenServerError} `unknown_server`, `server_exited` */
  get(id: string): Place {
    const place = this.#places.get(id)
    if (place !== undefined && !place.isUnwanted) return place
    const exit = this.exits.get(id)
    throw exit === undefined ? unknownServer(id) : exitFailure(id, exit.reason, exit.at)
  }

  /** Takes the id, which nobody has, for a server on `node`. */
  take(id: string, implementation: string, node: ThreadNode): Place {
    const place = new Place(id, implementation, node)
    this.#places.set(id, place)
    node.servers++
    return place
  }

  /** Its server is a durable child. */
  bind(place: Place, bond: Bond | undefined): void {
    if (bond === undefined || place.bond !== undefined) return
    place.bond = bond
    for (const id of supervisorsOf(place)) {
      const home = this.#homes.get(id) ?? { node: place.node, count: 0 }
      home.count++
      this.#homes.set(id, home)
    }
  }

  #unbind(place: Place): void {
    for (const id of supervisorsOf(place)) {
      const home = this.#homes.get(id)
      if (home !== undefined && --home.count === 0) this.#homes.delete(id)
    }
  }

  /** Where a supervisor with this id finds the durable children that an earlier one has left, if it has. */
  homeOf(supervisor: string): ThreadNode | undefined {
    return this.#homes.get(supervisor)?.node
  }

  /** Somebody waits for its server to be there: until that is over the id stays its own. */
  hold(place: Place): Place {
    place.holders++
    return place
  }

  /** What somebody waited for is over. If that was a start that failed, the id is free. */
  letGo(place: Place): void {
    place.holders--
    if (place.holders === 0 && place.terms === undefined) this.free(place)
  }

  /** Its server is on its node. */
  registered(place: Place, said: RegisteredMessage): void {
    place.registered(said)
    for (const label of said.terms.labels) {
      const members = this.#labelled.get(label) ?? new Set()
      this.#labelled.set(label, members.add(place))
    }
  }

  free(place: Place): void {
    if (this.#places.get(place.id) !== place) return
    this.#places.delete(place.id)
    this.#unbind(place)
    place.node.servers--
    for (const label of place.terms?.labels ?? []) {
      const members = this.#labelled.get(label)
      members?.delete(place)
      if (members?.size === 0) this.#labelled.delete(label)
    }
  }

  /** Those that have the label. */
  labelled(label: string): ReadonlySet<Place> {
    return this.#labelled.get(label) ?? NONE
  }

  /** Those on a node, in the order in which they came. */
  on(node: ThreadNode): Place[] {
    return [...this.#places.values()].filter((place) => place.node === node)
  }

  all(): IterableIterator<Place> {
    return this.#places.values()
  }
}

/** The one whose child it is, and the one at the top of the tree. */
function supervisorsOf({ bond }: Place): Iterable<string> {
  return new Set(bond === undefined ? [] : [bond.supervisor, bond.tree])
}
