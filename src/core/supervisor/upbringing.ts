/**
 * What a supervisor does with its children: starts, restarts and ends them. The handlers that ask for it are in
 * `supervisor.ts`.
 *
 * 1. A child that died is restarted with those that its strategy names: they are taken down in the reverse order of their
 *    start, and started in that order. Temporary ones are not started again.
 * 2. A restart that fails is tried again, and counts again. With one too many the supervisor gives up.
 */
import type { GenServerError } from '../kernel/errors.js'
import type { Reason } from '../kernel/reason.js'
import type { ChildSpec } from './child-spec.js'
import { type Child, ChildTable } from './child-table.js'
import type { Family, Shutdown } from './family.js'
import { fallout, type Strategy } from './strategy.js'

/** What came of a start. */
export type Outcome = 'running' | 'ignored' | GenServerError

export class Upbringing {
  readonly table = new ChildTable()

  // Out of reach for whoever freezes the state that it is in.
  readonly #family: Family
  readonly #self: string
  readonly #supervisors: string

  /** For the supervisor `self`; `supervisors` is what the implementation of supervisors is called. */
  constructor(family: Family, self: string, supervisors: string) {
    this.#family = family
    this.#self = self
    this.#supervisors = supervisors
  }

  /** Starts a child that is not in the table, or is `stopped` there. One that cannot be started stays as it was. */
  async start(spec: ChildSpec, isDynamic: boolean): Promise<Outcome> {
    const started = await this.#family.start(this.#self, spec)
    if ('failure' in started) return started.failure
    const runs = 'incarnation' in started
    const child: Child = this.table.get(spec.id) ?? { spec, isDynamic, status: 'stopped', incarnation: 0 }
    this.table.mark(child, runs ? 'running' : 'stopped', runs ? started.incarnation : 0)
    if (runs || spec.restart !== 'temporary') this.table.add(child)
    return runs ? 'running' : 'ignored'
  }

  /** Restarts the child that died, and who falls with it. Gives the id of one whose restart failed: the rest waits for it. */
  async restart(strategy: Strategy, died: string): Promise<string | undefined> {
    const order = this.table.inOrder().map(({ spec }) => spec.id)
    const { stop, start } = fallout(strategy, order, died)
    for (const id of stop) await this.#takeDown(this.table.get(id) as Child)
    for (const id of start) {
      const child = this.table.get(id)
      if (child === undefined || child.status === 'running') continue
      if (!(await this.#bringUp(child))) return id
    }
    return undefined
  }

  async #takeDown(child: Child): Promise<void> {
    if (child.status === 'stopped') return
    if (child.spec.restart === 'temporary' || child.status === 'stopping') return this.end(child)
    this.table.mark(child, 'restarting')
    await this.#family.hold(this.#self, child.spec.id, this.#shutdownOf(child))
  }

  /** `false`: it has to be tried again. */
  async #bringUp(child: Child): Promise<boolean> {
    const { spec } = child
    this.table.mark(child, 'restarting')
    const revived = await this.#family.revive(this.#self, spec.id)
    if (revived === 'absent') return typeof (await this.start(spec, child.isDynamic)) === 'string'
    if (revived === 'ended') this.gone(child)
    else if ('reason' in revived) return false
    else this.table.mark(child, 'running', revived.incarnation)
    return true
  }

  /** A child is no more, and is not to be started again by itself. */
  gone(child: Child): void {
    this.table.mark(child, 'stopped')
    child.end = undefined
    if (child.spec.restart === 'temporary') this.table.remove(child.spec.id)
  }

  /** Ends a child; its spec stays, unless it is temporary. Who asks while it ends waits for that end. */
  async end(child: Child): Promise<void> {
    if (child.status !== 'stopped') child.end ??= this.#end(child)
    await child.end
  }

  async #end(child: Child): Promise<void> {
    this.table.mark(child, 'stopping')
    await this.#family.terminate(this.#self, child.spec.id, this.#shutdownOf(child))
    this.gone(child)
  }

  /** It came later, and its siblings need not mind when and how it ends. */
  isLoose({ isDynamic }: Child, strategy: Strategy): boolean {
    return isDynamic && strategy === 'oneForOne'
  }

  /**
   * Ends all: those that came later and need not mind each other together, which takes as long as the slowest of them; the
   * others one by one, the last that was started first.
   */
  async endAll(strategy: Strategy): Promise<void> {
    const children = this.table.inOrder().reverse()
    await Promise.all(children.filter((child) => this.isLoose(child, strategy)).map((child) => this.end(child)))
    for (const child of children) if (!this.isLoose(child, strategy)) await this.end(child)
  }

  isSupervisor({ spec }: Child): boolean {
    return spec.implementation === this.#supervisors
  }

  #shutdownOf(child: Child): Shutdown {
    return child.spec.shutdown ?? (this.isSupervisor(child) ? 'infinity' : 5000)
  }
}

/** Why a supervisor did not start. */
export function failedToStart(id: string, outcome: GenServerError): Reason {
  const { reason, errors = [] } = outcome.details
  const places = errors.map(({ path, message }) => `; /args${path}: ${message}`)
  return { shutdown: { failedToStartChild: id, reason: reason ?? outcome.message + places.join('') } as never }
}
