/** What goes on being known of a durable server that leaves memory. */

import type { ServerInfo } from '../definition/info.js'
import type { ServerTerms } from '../definition/options.js'
import type { Past } from '../definition/past.js'
import type { Protocol } from '../definition/protocol.js'
import type { KeptBrief } from '../kernel/kept.js'
import type { Keeper } from './keeper.js'

/** What is told of a server beside what is kept of it. */
export interface Remembered extends Pick<ServerInfo, 'handled' | 'replies' | 'crashes'> {
  readonly lastExit: Past['lastExit']
}

/** A durable server that has nothing to do. */
export interface Resting extends Remembered {
  readonly terms: ServerTerms
  readonly keeper: Keeper
  /** What the store has of it. */
  readonly brief: KeptBrief
}

type Awake = Omit<Resting, 'brief'> &
  Omit<KeptBrief, 'implementation' | 'version' | 'terms' | 'due' | 'hasCasts'> & { readonly protocol: Protocol }

/** What is known of one that leaves memory, with nothing to do before something is `due`. */
export function restingUntil(server: Awake, due: number | null): Resting {
  const { id, protocol, terms, keeper, startedAt, incarnation, restarts, revision } = server
  const { handled, replies, crashes, lastExit } = server
  const { name: implementation, version } = protocol
  const numbers = { version, startedAt, incarnation, restarts, revision }
  const brief = { id, implementation, terms: '', ...numbers, due, hasCasts: false }
  return { brief, terms, keeper, handled, replies, crashes, lastExit }
}
