/**
 * What a turn may ask of the runtime around it: the other servers.
 *
 * A server is one class, `Server`, and whoever deals with one names only what it needs of it, so that imports go one way
 * and a test needs no whole server:
 *
 * | interface | who needs it | for |
 * |---|---|---|
 * | `Busy`, `Waiter` (`kernel/call.ts`) | `kernel/call-cycle.ts` | who waits for whom |
 * | `Callee` (`kernel/call.ts`) | `Call` | to leave the mailbox, and to say that it has settled |
 * | `Destination` (`kernel/transport.ts`) | the transport | to put an envelope in |
 * | `Addressee` (`effects.ts`) | a turn's effects | a destination with a mailbox that has places |
 * | `Peer`, `Self` | `ctx` | another server, and one's own |
 * | `Source` (`gate.ts`) | the gate | to let the effects out |
 * | `Reported` (`crash.ts`) | the report of a crash | what a report says |
 */

import type { StartOptions } from '../definition/options.js'
import type { Lived } from '../definition/past.js'
import type { Call, Callee, Waiter } from '../kernel/call.js'
import type { Json } from '../kernel/json.js'
import type { Node } from '../kernel/node.js'
import type { Origin } from '../kernel/queued.js'
import type { Reason } from '../kernel/reason.js'
import type { Tied } from '../kernel/ties.js'
import type { Addressee } from './effects.js'
import type { Resting } from './resting.js'
import type { Timers } from './timers.js'

/** Another server, as a turn sees it. */
export interface Peer extends Addressee, Callee, Tied {
  /** It is on another node. */
  readonly isElsewhere: boolean
}

/** The server whose turn it is. */
export interface Self extends Peer, Waiter, Lived {
  kept(): Promise<void> | undefined
  readonly node: Node
  readonly incarnation: number
  readonly timers: Timers
  readonly anyTimers: Timers | undefined
}

export interface CallFromHandler {
  /** Who waits: the server whose turn it is, or the call that only looks. */
  readonly waiter: Waiter
  /** Milliseconds; never longer than until `deadline`. */
  readonly timeout: number | undefined
  /** Who waits for the answer of the handler. */
  readonly chain: readonly string[] | undefined
  /** Until when the caller of the handler waits: the clock's monotonic milliseconds. */
  readonly deadline: number
  readonly origin: Origin | undefined
  /** When what the server has done until now is kept, where it is durable: nobody else is to hear of it before. */
  readonly kept: Promise<void> | undefined
}

export interface Peers {
  /** A life of the server has begun, the first or a further one. */
  began(self: Self): void
  /** A life of the server is over, with its state, and another is to come. */
  lifeOver(self: Self): void
  /** A durable server leaves memory: the store has all of it. */
  fellAsleep(self: Resting): void
  /** A durable server has left with all who had to do with it, and nobody else is to have its id: the store has it. */
  retired(self: Resting): void
  /** The server has ended: its id is free. If it `hasLived`, its exit is remembered. */
  ended(self: Self, reason: Reason, hasLived: boolean): void
  find(id: string): Peer | undefined
  /** The call that waits for an answer to `ref`. */
  waiting(ref: string): Call | undefined
  /** Gives `call` a reply address. */
  address(call: Call): string
  /** The reply address of `call` is of no use any more. */
  forget(call: Call): void
  callFrom(id: string, message: string, args: unknown, options: CallFromHandler): Promise<Json>
  /** `undefined`: its `init` chose to be ignored. */
  startFrom(
    waiter: Waiter,
    implementation: string,
    args: unknown,
    options: StartOptions & { readonly link?: Tied | undefined },
  ): Promise<string | undefined>
}
