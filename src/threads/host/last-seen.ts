/** How a server was last seen whose thread is lost. */
import type { Known, ServerTerms } from '../../adapters.js'
import type { Activity } from './activity.js'
import type { Place } from './place.js'
import type { OpenQuestion } from './thread-node.js'

/** It waits to be started, and the thread had not begun with that. */
export function isYetToCome({ id, terms, isClaimed }: Place, activity: Activity | undefined): boolean {
  return terms === undefined && !isClaimed && activity?.server !== id
}

/** It, or one below it, was obeying an order to stop, from which that did not come back. */
export function isStopping({ id }: Place, activity: Activity | undefined, open: readonly OpenQuestion[]): boolean {
  if (activity?.kind !== 'stop') return false
  return open.some(({ said }) => said.kind === 'ask' && said.what === 'stop' && said.args[0] === id)
}

export function isAsleep({ isAsleep, isDoomed }: Place): boolean {
  return isAsleep && !isDoomed
}

export function knownOf({ id, implementation, incarnation, restarts, revision, terms }: Place): Known {
  return { id, implementation, incarnation, restarts, revision, terms: terms as ServerTerms }
}
