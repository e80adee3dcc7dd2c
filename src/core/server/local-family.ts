/**
 * What a supervisor does with its children, on one node (see `supervisor/family.ts`).
 *
 * 1. A supervisor is linked to each child that runs, and to none that it takes down itself: of what it does it need not hear.
 * 2. While it waits for a child, who is called by that child cannot call the supervisor: it would wait for itself.
 */
import type { GenServerError } from '../kernel/errors.js'
import type { Reason } from '../kernel/reason.js'
import type { ChildSpec } from '../supervisor/child-spec.js'
import type { Family, Revived, Shutdown, Started } from '../supervisor/family.js'
import { SUPERVISOR } from '../supervisor/supervisor.js'
import { StartIgnored } from './answer.js'
import type { Directory } from './directory.js'
import type { Keeper } from './keeper.js'
import type { StartOptions } from './options.js'
import { orderToStop } from './ordered-stop.js'
import type { Server } from './server.js'
import { SupervisorKeeper } from './supervisor-keeper.js'

type Make = (implementation: string, args: unknown, options: StartOptions, keeper: Keeper) => Server

export class LocalFamily implements Family {
  readonly #keepers = new Map<Server, SupervisorKeeper>()

  constructor(
    private readonly directory: Directory,
    private readonly make: Make,
  ) {}

  found(supervisor: string): void {
    const parent = this.directory.get(supervisor)
    this.#clear(parent)
    // At once, and not when its `init` has succeeded: children may die before.
    parent.ties.trapsExits = true
    this.#keepers.set(parent, new SupervisorKeeper(parent))
  }

  /** What a life before, which a signal has ended, has left: its ids must be free for the children of this one. */
  #clear(parent: Server): void {
    for (const child of this.#keepers.get(parent)?.children ?? []) {
      this.#clear(child)
      child.kill()
    }
  }

  async start(supervisor: string, spec: ChildSpec): Promise<Started> {
    const { implementation, args, shutdown, timeout = Number.POSITIVE_INFINITY, ...terms } = spec
    // One that gives up has ended quietly, and yet is to be restarted: so a fault goes up the tree.
    const isToReturn = implementation === SUPERVISOR && spec.significant !== true
    const restart = terms.restart ?? (isToReturn ? 'permanent' : undefined)
    const parent = this.directory.get(supervisor)
    const keeper = this.#keepers.get(parent) as SupervisorKeeper
    const options = { ...terms, restart, shutdown: shutdown && patienceOf(shutdown) }
    try {
      const child = this.make(implementation, args, options, keeper)
      keeper.add(child)
      child.ties.linkToParent(parent)
      await waitFor(parent, child, async () => child.begin(timeout))
      return { incarnation: child.incarnation }
    } catch (error) {
      if (error instanceof StartIgnored) return { ignored: true }
      return { failure: error as GenServerError }
    }
  }

  async hold(supervisor: string, id: string, shutdown: Shutdown): Promise<void> {
    await this.#takeDown(supervisor, id, shutdown, true, (child, reason) => child.hold(reason))
  }

  async terminate(supervisor: string, id: string, shutdown: Shutdown): Promise<void> {
    const child = this.#child(supervisor, id)
    // Who died already keeps its own reason.
    child?.stayAway(child.lastExit?.reason ?? 'shutdown')
    await this.#takeDown(supervisor, id, shutdown, false, (child) => child.kill())
  }

  async #takeDown(
    supervisor: string,
    id: string,
    shutdown: Shutdown,
    isHold: boolean,
    atOnce: (child: Server, reason: Reason) => void,
  ): Promise<void> {
    const parent = this.directory.get(supervisor)
    const child = this.#child(supervisor, id)
    if (child === undefined || child.isAway) return
    parent.ties.unlink(id)
    if (shutdown === 'brutalKill') atOnce(child, 'killed')
    else {
      const patience = patienceOf(shutdown)
      const tooLate = () => atOnce(child, 'killed')
      await waitFor(parent, child, () => orderToStop(child, { reason: 'shutdown', patience, isHold, tooLate }))
    }
  }

  async revive(supervisor: string, id: string): Promise<Revived> {
    const parent = this.directory.get(supervisor)
    const child = this.#child(supervisor, id)
    if (child === undefined) return 'absent'
    child.ties.linkToParent(parent)
    const reason = await waitFor(parent, child, () => child.revive())
    if (child.ended) return 'ended'
    return reason === undefined ? { incarnation: child.incarnation } : { reason }
  }

  /** The server has ended: as a supervisor, as a child, or as neither. */
  ended(server: Server): void {
    const { keeper } = server
    if (keeper instanceof SupervisorKeeper) keeper.remove(server)
    this.#keepers.get(server)?.end()
    this.#keepers.delete(server)
  }

  /** The child with this id, if it is one of this supervisor. */
  #child(supervisor: string, id: string): Server | undefined {
    const server = this.directory.find(id)
    return server?.keeper.supervisor === supervisor ? server : undefined
  }
}

/** Milliseconds. */
function patienceOf(shutdown: Shutdown): number {
  if (shutdown === 'infinity') return Number.POSITIVE_INFINITY
  return shutdown === 'brutalKill' ? 0 : shutdown
}

/** The supervisor waits for the child. */
async function waitFor<T>(parent: Server, child: Server, work: () => Promise<T>): Promise<T> {
  const wait = { to: child }
  const waits = parent.waitFor(wait)
  try {
    return await work()
  } finally {
    waits.delete(wait)
  }
}
