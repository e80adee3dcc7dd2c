/**
 * What one life of a supervisor does with its children, on one node (see `supervisor/family.ts`).
 *
 * 1. The supervisor is linked to each child that runs, and to none that it takes down itself: of what it does it need not hear.
 * 2. While it waits for a child, nobody whom that child waits for can call the supervisor: that would be a cycle.
 * 3. A life that is over does nothing any more, however far its handlers had come: the next one has children of its own, and
 *    they may have the same ids.
 */

import { StartIgnored } from '../definition/answer.js'
import type { Bond } from '../definition/bond.js'
import type { Restart, ServerTerms, StartOptions } from '../definition/options.js'
import { DurableChild } from '../durable/durable-child.js'
import { Sleeper } from '../durable/sleeper.js'
import { storageFailed } from '../durable/storage-failed.js'
import { GenServerError } from '../kernel/errors.js'
import type { KeptFamily } from '../kernel/kept.js'
import type { Reason } from '../kernel/reason.js'
import { StoreFull } from '../kernel/store.js'
import type { Keeper } from '../server/keeper.js'
import { orderToStop } from '../server/ordered-stop.js'
import type { Server } from '../server/server.js'
import type { ChildSpec } from '../supervisor/child-spec.js'
import type { ChildTerms, Chronicle, Household, Recalled, Revived, Shutdown, Started } from '../supervisor/family.js'
import { SUPERVISOR } from '../supervisor/supervisor.js'
import type { Directory } from './directory.js'
import type { Neighbours } from './neighbours.js'
import type { Orphans } from './orphans.js'
import type { SupervisorKeeper } from './supervisor-keeper.js'

export type Make = (
  implementation: string,
  args: unknown,
  options: StartOptions & { readonly bond: Bond },
  keeper: Keeper,
) => Server

/** Where the households of a node are. */
export interface Families {
  readonly directory: Directory
  readonly make: Make
  readonly neighbours: Neighbours
  leave(id: string, keeper: SupervisorKeeper): boolean
  kept(supervisor: string): Promise<KeptFamily | undefined>
  orphansOf(supervisor: string): Orphans
}

export class LocalHousehold implements Household {
  readonly #parent: Server

  constructor(
    private readonly families: Families,
    private readonly keeper: SupervisorKeeper,
    private readonly isOn: () => boolean,
  ) {
    this.#parent = keeper.parent
  }

  get now(): number {
    return this.#parent.node.clock.monotonic()
  }

  lives(id: string, incarnation: number): boolean {
    const child = this.#seen(id)
    if (child?.incarnation !== incarnation) return false
    return child instanceof Sleeper || !child.isAway
  }

  get left(): readonly ChildSpec[] {
    this.#mustBeOn()
    const { directory } = this.families
    const orphans = [...this.#orphans.ids].map((id) => directory.look(id) as Sleeper | DurableChild)
    const inOrder = orphans.sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1))
    return inOrder.map(({ terms }) => (terms.bond as Bond).spec as ChildSpec)
  }

  get chronicle(): Chronicle | undefined {
    return this.keeper.record
  }

  over(): void {
    this.keeper.record?.over()
  }

  async recall(): Promise<Recalled | undefined> {
    const parent = this.#parent
    const kept = this.keeper.isRecalling ? await this.families.kept(parent.id) : undefined
    this.#mustBeOn()
    if (kept === undefined) return undefined
    parent.startedAt = kept.supervisor.startedAt
    parent.incarnation = Math.max(parent.incarnation, kept.supervisor.incarnation + 1)
    const children = kept.children.map(({ spec, terms, ...entry }) => {
      return { ...entry, spec: JSON.parse(spec), terms: JSON.parse(terms) }
    })
    return { flags: JSON.parse(kept.supervisor.flags), children }
  }

  leave(id: string): boolean {
    this.#mustBeOn()
    return this.families.leave(id, this.keeper)
  }

  get #orphans(): Orphans {
    return this.families.orphansOf(this.#parent.id)
  }

  async start(spec: ChildSpec): Promise<Started> {
    this.#mustBeOn()
    const orphan = await this.#orphan(spec)
    if (orphan !== undefined) return this.#takeIn(orphan, spec)
    const { implementation, args, shutdown, timeout = Number.POSITIVE_INFINITY, ...terms } = spec
    const { make, neighbours } = this.families
    const { keeper } = this
    const restart = terms.restart ?? usualRestart(spec)
    const bond = { supervisor: keeper.supervisor, tree: keeper.tree, spec }
    const options = { ...terms, restart, shutdown: shutdown && patienceOf(shutdown), bond }
    let child: Server | undefined
    try {
      const claimed = neighbours.claim(spec.id, implementation, keeper.supervisor)
      if (claimed !== undefined) {
        await claimed
        if (!this.isOn()) neighbours.unclaim(spec.id)
        this.#mustBeOn()
      }
      child = make(implementation, args, options, keeper)
      keeper.add(child.id)
      keeper.tie(child)
      await this.#waitFor(child, async (server) => server.begin(timeout))
      return { incarnation: child.incarnation, terms: termsOf(spec, child) }
    } catch (error) {
      if (error instanceof StartIgnored && child !== undefined) return { ignored: true, terms: termsOf(spec, child) }
      if (error instanceof GenServerError) return { failure: error }
      throw error
    }
  }

  /** Whom an earlier life has left with this id, if it is of this implementation. One that is about to end is waited for. */
  async #orphan({ id, implementation }: ChildSpec): Promise<Sleeper | DurableChild | undefined> {
    const seen = this.families.directory.look(id)
    if (seen?.keeper !== this.#orphans || seen.protocol.name !== implementation) return undefined
    if (seen instanceof Sleeper || (seen as DurableChild).isThere) return seen as Sleeper | DurableChild
    await endOf(seen)
    this.#mustBeOn()
    return undefined
  }

  /** It stays as it is, unless it waits for its next life: that begins now. */
  async #takeIn(orphan: Sleeper | DurableChild, spec: ChildSpec): Promise<Started> {
    const { id } = spec
    this.#orphans.remove(id)
    this.keeper.add(id)
    orphan.keeper = this.keeper
    this.families.neighbours.registered(orphan)
    if (orphan instanceof Sleeper) return { incarnation: orphan.incarnation, terms: termsOf(spec, orphan) }
    this.keeper.tie(orphan)
    const reason = await this.#waitFor(orphan, (child) => child.revive(spec.timeout ?? Number.POSITIVE_INFINITY))
    this.#mustBeOn()
    if (reason === undefined) return { incarnation: orphan.incarnation, terms: termsOf(spec, orphan) }
    this.leave(id)
    return { failure: new GenServerError('init_crashed', `${id} could not begin its next life`, { reason }) }
  }

  async hold(id: string, shutdown: Shutdown): Promise<void> {
    await this.#takeDown(id, shutdown, true, (child, reason) => child.hold(reason))
  }

  async terminate(id: string, shutdown: Shutdown): Promise<GenServerError | undefined> {
    const child = this.#child(id)
    if (child === undefined) return undefined
    // Who died already keeps its own reason.
    child.endIfAway(child.lastExit?.reason ?? 'shutdown')
    await this.#takeDown(id, shutdown, false, (child) => child.kill())
    if (child.ended) return undefined
    await endOf(child)
    if (child.ended) return undefined
    this.#mustBeOn()
    this.keeper.tie(child)
    return storageFailed(id, new StoreFull('there is no room for its end'))
  }

  async #takeDown(
    id: string,
    shutdown: Shutdown,
    isHold: boolean,
    atOnce: (child: Server, reason: Reason) => void,
  ): Promise<void> {
    const child = this.#child(id)
    // It may be on its way into memory.
    if (child instanceof DurableChild) await child.whenHere(() => undefined)
    if (child === undefined || child.isAway) return
    this.#mustBeOn()
    this.#parent.ties.unlink(id)
    const tooLate = () => {
      if (this.isOn()) atOnce(child, 'killed')
    }
    if (shutdown === 'brutalKill') tooLate()
    else {
      const order = { reason: 'shutdown', patience: patienceOf(shutdown), isHold, tooLate }
      await this.#waitFor(child, (server) => orderToStop(server, order))
    }
  }

  async revive(id: string, timeout: number): Promise<Revived> {
    const child = this.#child(id)
    if (child === undefined) return 'absent'
    this.keeper.tie(child)
    const reason = await this.#waitFor(child, (server) => server.revive(timeout))
    const { incarnation, hasIgnored: isIgnored } = child
    return reason === undefined || isIgnored ? { incarnation, isIgnored } : { reason }
  }

  /** The child with this id, if it is one of this supervisor. */
  #child(id: string): Server | undefined {
    return this.#seen(id) && this.families.directory.find(id)
  }

  #seen(id: string): Server | Sleeper | undefined {
    this.#mustBeOn()
    const server = this.families.directory.look(id)
    return server?.keeper === this.keeper ? server : undefined
  }

  #mustBeOn(): void {
    if (!this.isOn()) throw new Error(`this life of the supervisor ${this.#parent.id} is over`) // 3
  }

  /** The supervisor waits for the child. */
  async #waitFor<T>(child: Server, work: (child: Server) => Promise<T>): Promise<T> {
    const wait = { to: child }
    const waits = this.#parent.waitFor(wait)
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

/** Resolves when the end of `child` is kept, or cannot be. */
async function endOf(child: Server): Promise<void> {
  await child.kept()?.catch(() => {})
}

function termsOf({ shutdown }: ChildSpec, { terms }: { readonly terms: ServerTerms }): ChildTerms {
  const patience = terms.shutdown === Number.POSITIVE_INFINITY ? 'infinity' : terms.shutdown
  return { restart: terms.restart, shutdown: shutdown ?? patience }
}

/** Milliseconds. */
function patienceOf(shutdown: Shutdown): number {
  if (shutdown === 'infinity') return Number.POSITIVE_INFINITY
  return shutdown === 'brutalKill' ? 0 : shutdown
}
