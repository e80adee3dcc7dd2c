/** Makes a durable server known that is not in memory: it has its id and its labels, and the other nodes hear of it. */

import type { Sleeper } from '../durable/sleeper.js'
import type { Directory } from './directory.js'
import type { Neighbours } from './neighbours.js'

export function makeKnown(sleeper: Sleeper, directory: Directory, neighbours: Neighbours): void {
  const { id, protocol, terms, incarnation } = sleeper
  directory.registry.register(id, sleeper, protocol.name)
  directory.labels.add(id, terms.labels)
  neighbours.registered(sleeper)
  neighbours.began(id, incarnation, undefined)
  neighbours.slept(id, true)
}
