/**
 * What one life of a supervisor does with its children, on one node (see `supervisor/family.ts`).
 *
 * 1. The supervisor is linked to each child that runs, and to none that it takes down itself: of what it does it need not hear.
 * 2. While it waits for a child, nobody whom that child waits for can call the supervisor: that would be a cycle.
 * 3. A life that is over does nothing any more, however far its handlers had come: the next one has children of its own, and
 *    they may have the same ids.
 */
import { GenServerError } from '../kernel/errors.js'
import type { Reason } from '../kernel/reason.js'
import type { ChildSpec } from '../supervisor/child-spec.js'
import type { ChildTerms, Household, Revived, Shutdown, Started } from '../supervisor/family.js'
import { SUPERVISOR } from '../supervisor/supervisor.js'
import { StartIgnored } from './answer.js'
import type { Directory } from './directory.js'
import type { Keeper } from './keeper.js'
import type { Neighbours } from './neighbours.js'
import type { Restart, StartOptions } from './options.js'
import { orderToStop } from './ordered-stop.js'
import type { Server } from './server.js'
import type { SupervisorKeeper } from './supervisor-keeper.js'

export type Make = (implementation: string, args: unknown, options: StartOptions, keeper: Keeper) => Server

export class LocalHousehold implements Household {
  constructor(
    private readonly directory: Directory,
    private readonly make: Make,
    private readonly parent: Server,
    private readonly keeper: SupervisorKeeper,
    private readonly isOn: () => boolean,
    private readonly neighbours: Neighbours,
  ) {}

  get now(): number {
    return this.parent.node.clock.monotonic()
  }

  lives(id: string, incarnation: number): boolean {
    const child = this.#child(id)
    return child !== undefined && !child.isAway && child.incarnation === incarnation
  }

  async start(spec: ChildSpec): Promise<Started> {
    this.#mustBeOn()
    const { implementation, args, shutdown, timeout = Number.POSITIVE_INFINITY, ...terms } = spec
    const restart = terms.restart ?? usualRestart(spec)
    const options = { ...terms, restart, shutdown: shutdown && patienceOf(shutdown) }
    let child: Server | undefined
    try {
      const claimed = this.neighbours.claim(spec.id, implementation)
      if (claimed !== undefined) {
        await claimed
        if (!this.isOn()) this.neighbours.unclaim(spec.id)
        this.#mustBeOn()
      }
      child = this.make(implementation, args, options, this.keeper)
      this.keeper.add(child)
      child.ties.linkToParent(this.parent, true)
      await this.#waitFor(child, async (server) => server.begin(timeout))
      return { incarnation: child.incarnation, terms: termsOf(spec, child) }
    } catch (error) {
      if (error instanceof StartIgnored && child !== undefined) return { ignored: true, terms: termsOf(spec, child) }
      if (error instanceof GenServerError) return { failure: error }
      throw error
    }
  }

  async hold(id: string, shutdown: Shutdown): Promise<void> {
    await this.#takeDown(id, shutdown, true, (child, reason) => child.hold(reason))
  }

  async terminate(id: string, shutdown: Shutdown): Promise<void> {
    const child = this.#child(id)
    // Who died already keeps its own reason.
    child?.endIfAway(child.lastExit?.reason ?? 'shutdown')
    await this.#takeDown(id, shutdown, false, (child) => child.kill())
  }

  async #takeDown(
    id: string,
    shutdown: Shutdown,
    isHold: boolean,
    atOnce: (child: Server, reason: Reason) => void,
  ): Promise<void> {
    const child = this.#child(id)
    if (child === undefined || child.isAway) return
    this.parent.ties.unlink(id)
    const tooLate = () => atOnce(child, 'killed')
    if (shutdown === 'brutalKill') tooLate()
    else {
      const order = { reason: 'shutdown', patience: patienceOf(shutdown), isHold, tooLate }
      await this.#waitFor(child, (server) => orderToStop(server, order))
    }
  }

  async revive(id: string, timeout: number): Promise<Revived> {
    const child = this.#child(id)
    if (child === undefined) return 'absent'
    child.ties.linkToParent(this.parent, true)
    const reason = await this.#waitFor(child, (server) => server.revive(timeout))
    return reason === undefined ? { incarnation: child.incarnation } : { reason }
  }

  /** The child with this id, if it is one of this supervisor. */
  #child(id: string): Server | undefined {
    this.#mustBeOn()
    const server = this.directory.find(id)
    return server?.keeper === this.keeper ? server : undefined
  }

  #mustBeOn(): void {
    if (!this.isOn()) throw new Error(`this life of the supervisor ${this.parent.id} is over`) // 3
  }

  /** The supervisor waits for the child. */
  async #waitFor<T>(child: Server, work: (child: Server) => Promise<T>): Promise<T> {
    const wait = { to: child }
    const waits = this.parent.waitFor(wait)
    try {
      return await work(child)
    } finally {
      waits.delete(wait)
    }
  }
}

/** What a child does whose spec says nothing; `undefined`: what its implementation says. */
function usualRestart({ implementation, significant }: ChildSpec): Restart | undefined {
  // Its end by itself is to mean something, which it would not if it came back.
  if (significant === true) return 'transient'
  // One that gives up has ended quietly, and yet is to come back: so a fault goes up the tree.
  return implementation === SUPERVISOR ? 'permanent' : undefined
}

function termsOf({ shutdown }: ChildSpec, { terms }: Server): ChildTerms {
  const patience = terms.shutdown === Number.POSITIVE_INFINITY ? 'infinity' : terms.shutdown
  return { restart: terms.restart, shutdown: shutdown ?? patience }
}

/** Milliseconds. */
function patienceOf(shutdown: Shutdown): number {
  if (shutdown === 'infinity') return Number.POSITIVE_INFINITY
  return shutdown === 'brutalKill' ? 0 : shutdown
}
