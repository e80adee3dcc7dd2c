/**
 * Port: the other nodes, where there are some. A node asks before it takes an id that somebody has chosen, tells of the lives of
 * its servers, and reaches the servers that are elsewhere. A node that is alone has nobody to ask or tell.
 */

import type { ServerInfo } from '../definition/info.js'
import type { ServerTerms, StartOptions } from '../definition/options.js'
import type { Lived } from '../definition/past.js'
import type { Call } from '../kernel/call.js'
import type { Exit } from '../kernel/exits.js'
import type { Json } from '../kernel/json.js'
import type { Reason } from '../kernel/reason.js'
import type { Peer } from '../server/peers.js'

/** A server that has taken its id. */
export interface Registered {
  readonly id: string
  readonly incarnation: number
  readonly protocol: { readonly name: string }
  readonly args: Json
  readonly terms: ServerTerms
  readonly keeper: { readonly supervisor: string | undefined }
}

export interface Neighbours {
  /**
   * Takes the id on all nodes, for a server that is about to start here, maybe as a child. `undefined`: nobody else can have it.
   * @throws {GenServerError} `already_started`
   */
  claim(id: string, implementation: string, supervisor?: string): Promise<void> | undefined
  /** It was claimed, and its server was not made. */
  unclaim(id: string): void
  /** A server has its id. */
  registered(server: Registered): void
  /** A life of it has begun; the first one, unless there is a reason why the last one ended. */
  began(id: string, incarnation: number, last: Reason | undefined, lived?: Lived): void
  /** It is not in memory any more, or is again. */
  slept(id: string, isAsleep: boolean): void
  /** Its id is free. With an `exit`, that is to be remembered. */
  unregistered(id: string, exit: Exit | undefined): void
  /** The server that has the id on another node. */
  find(id: string): Peer | undefined
  /** Starts a server where there is most room; `undefined`: that is here. */
  start(implementation: string, args: unknown, options: StartOptions): Promise<ServerInfo> | undefined
  /** The call on another node that waits for an answer to `ref`, as far as can be known here. */
  waiting(ref: string): Call | undefined
}

export const noNeighbours: Neighbours = {
  claim: () => undefined,
  unclaim() {},
  registered() {},
  began() {},
  slept() {},
  unregistered() {},
  find: () => undefined,
  start: () => undefined,
  waiting: () => undefined,
}
