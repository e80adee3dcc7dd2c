/** What turns may ask of the runtime around them, and what servers tell it, on one node (see `peers.ts`). */

import { StartIgnored } from '../definition/answer.js'
import { decideTimeout } from '../definition/decide.js'
import type { StartOptions } from '../definition/options.js'
import { Sleeper } from '../durable/sleeper.js'
import type { Call, Waiter } from '../kernel/call.js'
import { refuseCallCycle, refuseChain } from '../kernel/call-cycle.js'
import { GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import type { Reason } from '../kernel/reason.js'
import type { Tied } from '../kernel/ties.js'
import { crashFailure } from '../server/crash.js'
import type { CallFromHandler, Peer, Peers, Self } from '../server/peers.js'
import type { Resting } from '../server/resting.js'
import { makeCall } from '../server/sending.js'
import type { Server } from '../server/server.js'
import type { Feeds, Watched } from './feeds.js'
import type { LocalFamily } from './local-family.js'
import { makeKnown } from './make-known.js'
import type { Neighbours } from './neighbours.js'
import type { Starter } from './starter.js'

export class LocalPeers implements Peers {
  readonly #starter: Pick<Starter, 'node' | 'directory' | 'makeClaimed' | 'start' | 'findProtocol'>
  readonly #family: LocalFamily
  readonly #feeds: Feeds
  readonly #neighbours: Neighbours
  /** Calls whose reply address is in somebody's hands. */
  readonly #addressed = new Map<string, Call>()

  constructor(starter: Starter, family: LocalFamily, feeds: Feeds, neighbours: Neighbours) {
    this.#starter = starter
    this.#family = family
    this.#feeds = feeds
    this.#neighbours = neighbours
  }

  sendCall(to: Peer, call: Call): void {
    // Whoever brings it there looks after its time.
    if (to.isElsewhere) {
      to.put(call)
      return
    }
    const { deadlines, scheduler, transport } = this.#starter.node
    deadlines.add(call, this.#starter.node.tick())
    transport.deliver(to, call)
    if (!scheduler.busy) deadlines.enterLanes()
  }

  find(id: string): Peer | undefined {
    return this.#starter.directory.find(id) ?? this.#neighbours.find(id)
  }

  async callFrom(id: string, message: string, args: unknown, options: CallFromHandler): Promise<Json> {
    if (options.kept !== undefined) await options.kept
    const now = this.#starter.node.clock.monotonic()
    const timeout = Math.min(decideTimeout(options.timeout), Math.max(0, Math.ceil(options.deadline - now)))
    const to = this.find(id) ?? this.#starter.directory.get(id)
    refuseCallCycle(options.waiter, to)
    const chain = chainOf(options, to)
    const call = makeCall(to, message, args, timeout, { ...options, chain })
    const waits = options.waiter.waitFor(call)
    this.sendCall(to, call)
    try {
      return await call.response
    } finally {
      waits.delete(call)
    }
  }

  async startFrom(
    waiter: Waiter,
    implementation: string,
    args: unknown,
    { link, ...options }: StartOptions & { readonly link?: Tied | undefined },
  ) {
    const { supervisor, timeout } = options
    const patience = decideTimeout(timeout)
    if (supervisor !== undefined && link !== undefined) {
      throw new GenServerError(
        'invalid_request',
        'link: a child is linked to its supervisor when it starts; link it then',
      )
    }
    const isLocal = link !== undefined || (supervisor !== undefined && !this.#neighbours.find(supervisor))
    const elsewhere = isLocal ? undefined : this.#startElsewhere(implementation, args, options)
    if (elsewhere !== undefined) return elsewhere
    const parent = supervisor === undefined ? undefined : this.#starter.directory.get(supervisor)
    // Who is a child, or is called by one, may be what its supervisor waits for.
    if (parent !== undefined) refuseCallCycle(waiter, parent)
    const { id } = options
    const claimed = parent === undefined && id !== undefined ? this.#neighbours.claim(id, implementation) : undefined
    if (claimed !== undefined) await claimed
    const server = parent ?? this.#starter.makeClaimed(implementation, args, options)
    if (link !== undefined && parent === undefined) server.ties.linkToParent(link)
    const wait = { to: server }
    const waits = waiter.waitFor(wait)
    try {
      if (parent !== undefined) return (await this.#starter.start(implementation, args, options)).id
      await server.begin(patience)
      return server.id
    } catch (error) {
      if (error instanceof StartIgnored) return undefined
      throw error
    } finally {
      waits.delete(wait)
    }
  }

  /** Starts it where there is most room; `undefined`: that is here. */
  #startElsewhere(
    implementation: string,
    args: unknown,
    options: StartOptions,
  ): Promise<string | undefined> | undefined {
    return this.#neighbours.start(implementation, args, options)?.then(
      ({ id }) => id,
      (error) => {
        if (error instanceof StartIgnored) return undefined
        throw error
      },
    )
  }

  waiting(ref: string): Call | undefined {
    return this.#addressed.get(ref) ?? this.#neighbours.waiting(ref)
  }

  /** A server of another node has replied to `ref`. It is held to what the one who was asked promises. */
  replied(ref: string, value: unknown, revision: number): void {
    const call = this.#addressed.get(ref)
    if (call === undefined) return
    const { id, protocol } = call.to as Peer
    const check = () => protocol.calls.get(call.message)?.checkReply(value) ?? null
    try {
      call.answer(this.#starter.node.workLog.during(id, 'reply', check), revision)
    } catch (thrown) {
      call.fail(crashFailure(id, call.message, thrown))
    }
  }

  address(call: Call): string {
    if (call.ref === undefined) {
      call.ref = this.#starter.node.makeRef('r')
      if (call.phase !== 'settled') this.#addressed.set(call.ref, call)
    }
    return call.ref
  }

  forget({ ref }: Call): void {
    if (ref !== undefined) this.#addressed.delete(ref)
  }

  began(server: Self & Watched): void {
    const { id, incarnation, restarts, lastExit } = server
    this.#neighbours.began(id, incarnation, restarts > 0 ? lastExit?.reason : undefined, server)
    this.#feeds.began(server)
  }

  lifeOver(server: Self): void {
    this.#family.lifeOver(server as Server)
  }

  fellAsleep({ brief, terms, keeper, handled, replies, crashes, lastExit }: Resting): void {
    const remembered = { handled, replies, crashes, lastExit }
    this.#starter.directory.sleeps(new Sleeper(brief, this.#starter, terms, keeper, remembered))
    this.#neighbours.slept(brief.id, true)
  }

  retired({ brief, terms, keeper }: Resting): void {
    const { directory } = this.#starter
    const { id } = brief
    const sleeper = new Sleeper(brief, this.#starter, terms, keeper)
    this.#family.stays(id, keeper)
    makeKnown(sleeper, directory, this.#neighbours)
    sleeper.setAlarm(() => directory.find(id))
  }

  ended(
    server: Self & Watched & Pick<Server, 'terms' | 'tracer' | 'revision' | 'failure'>,
    reason: Reason,
    hasLived: boolean,
  ): void {
    const { id, protocol, incarnation, revision, terms } = server
    const { registry, labels, exits } = this.#starter.directory
    this.#family.ended(this.#starter.directory.find(id) as Server, hasLived)
    registry.unregister(id, protocol.name)
    labels.remove(id, terms.labels)
    const exit = hasLived ? { id, reason, at: this.#starter.node.clock.now(), incarnation, revision } : undefined
    if (exit !== undefined) exits.add(exit)
    this.#neighbours.unregistered(id, exit)
    server.tracer?.ended(hasLived ? reason : undefined)
    // One that leaves with the runtime has not ended: the next one goes on with it.
    if (server.failure?.code !== 'draining') this.#feeds.ended(server, reason, hasLived)
  }
}

/** Who waits for a call that a handler makes; told only where somebody cannot see it. */
function chainOf({ chain, waiter }: CallFromHandler, to: Peer): readonly string[] | undefined {
  if (chain === undefined && !to.isElsewhere) return undefined
  const whole = [...(chain ?? []), waiter.id]
  if (chain !== undefined) refuseChain(whole, to)
  return whole
}
