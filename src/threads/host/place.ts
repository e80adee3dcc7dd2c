/** What the gateway knows of one server: where it is, and what it takes to start it again elsewhere. */
import { type Bond, type Call, type Callee, type Lived, type ServerTerms, timedOut } from '../../adapters.js'
import type { GenServerError, Json, Reason } from '../../index.js'
import { GRACE } from '../wire/grace.js'
import type { Named, RegisteredMessage } from '../wire/life-messages.js'
import type { ThreadNode } from './thread-node.js'

/** After a node is lost nobody knows how far the revisions had come: they go on from the next multiple of this. */
const REVISIONS = 2 ** 32

export class Place implements Callee {
  readonly waits = undefined
  args: Json = null
  /** Once it is registered on its node. */
  terms: ServerTerms | undefined = undefined
  supervisor: string | undefined = undefined
  /** Of a durable child, also of one that its supervisor has left. */
  bond: Pick<Bond, 'supervisor' | 'tree'> | undefined = undefined
  incarnation = 1
  /** As far as anybody was told. */
  revision = 0
  /** How many wait for it to be registered. */
  holders = 0
  /** Its node has asked for the id, for a server that one of its own starts. */
  isClaimed = false
  /** Its first life has begun. */
  hasBegun = false
  /** It is durable, and not in the memory of its node. */
  isAsleep = false
  /** It has lost its node, and its next life has not begun. */
  isAway = false
  /** When it was started, as far as it has said. */
  startedAt: number | undefined = undefined
  restarts = 0
  crashes = 0
  restartTimes: readonly number[] = []
  /** Milliseconds for which it held up a thread that was given up, or was away for that. */
  wasted = 0
  lastExit: { readonly reason: Reason; readonly at: number } | undefined = undefined
  /** It is to end with its node. */
  isDoomed = false
  /** Whoever started it was told that there is none: it is killed as soon as its node says that it has begun. */
  isUnwanted = false

  constructor(
    readonly id: string,
    readonly implementation: string,
    readonly node: ThreadNode,
  ) {}

  registered({ args, terms, supervisor, incarnation }: RegisteredMessage): void {
    this.args = args
    this.terms = terms
    this.supervisor = supervisor
    this.incarnation = incarnation
  }

  /** Somebody was told of this revision. */
  shows(revision: number): void {
    if (revision > this.revision) this.revision = revision
  }

  began(incarnation: number, lived: Lived | undefined): void {
    this.hasBegun = true
    this.isAway = false
    this.incarnation = incarnation
    if (lived !== undefined) Object.assign(this, lived)
  }

  crashed(reason: Reason, at: number): void {
    this.crashes++
    this.lastExit = { reason, at }
  }

  /** What other nodes are told of it. */
  get name(): Named['servers'][number] {
    return [this.id, this.implementation, this.terms?.mailbox ?? 0]
  }

  /** A revision that it has not had. */
  get nextRevision(): number {
    return (Math.floor(this.revision / REVISIONS) + 1) * REVISIONS
  }

  withdraw(call: Call): boolean {
    return this.node.withdraw(call.ticket)
  }

  /** Its node says so itself, if it can. */
  get grace(): number {
    return GRACE
  }

  /** Its node has not said so itself in time. */
  notTaken({ message, timeout }: Call): GenServerError {
    const waited = `${this.id} did not take ${message} within ${timeout - this.grace} ms`
    return timedOut(`${waited}: its node does not come back`, 'none')
  }

  forget(): void {}
}
