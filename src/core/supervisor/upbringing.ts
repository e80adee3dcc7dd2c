/**
 * What a supervisor does with its children: starts, restarts and ends them. The handlers that ask for it are in
 * `supervisor.ts`.
 *
 * 1. A child that died is restarted with those that its strategy names: they are taken down in the reverse order of their
 *    start, and started in that order. Temporary ones are not started again.
 * 2. A restart that fails is tried again, and counts again. With one too many the supervisor gives up.
 * 3. Of one that came by `startChild`, and whose `init` chooses at a restart not to start, nothing is left (Elixir: `DynamicSupervisor`).
 */
import type { GenServerError } from '../kernel/errors.js'
import type { Reason } from '../kernel/reason.js'
import type { ChildSpec, Flags, SupervisorArgs } from './child-spec.js'
import { type Child, ChildTable } from './child-table.js'
import type { Entry, Household } from './family.js'
import { fallout, type Strategy } from './strategy.js'

/** What came of a start. */
export type StartOutcome = 'running' | 'ignored' | GenServerError

/** A child that could not be started, and why. */
export interface NotBegun {
  readonly id: string
  readonly why: GenServerError
}

export type Begun = { readonly flags: Flags; readonly isRecalled: boolean } | NotBegun

export class Upbringing {
  readonly table = new ChildTable()

  // Private: what freezes a state, or makes a draft of it, does not reach them.
  readonly #household: Household
  readonly #supervisors: string
  /** As they are to be kept. */
  #flags: Flags = {}

  /** `supervisors` is what the implementation of supervisors is called. */
  constructor(household: Household, supervisors: string) {
    this.#household = household
    this.#supervisors = supervisors
  }

  /** The clock's monotonic milliseconds. */
  get now(): number {
    return this.#household.now
  }

  /** Whether the life of the child that the table knows of still goes on. */
  lives({ spec, incarnation }: Child): boolean {
    return this.#household.lives(spec.id, incarnation)
  }

  /** Starts a child that is not in the table, or is `stopped` there. One that cannot be started stays as it was. */
  async start(spec: ChildSpec, isDynamic: boolean): Promise<StartOutcome> {
    const started = await this.#household.start(spec)
    if ('failure' in started) return started.failure
    const runs = 'incarnation' in started
    const { terms } = started
    const place = this.table.nextPlace
    const fresh: Child = { spec, terms, place, isDynamic, isStopped: true, status: 'stopped', incarnation: 0 }
    const child = this.table.get(spec.id) ?? fresh
    this.table.mark(child, runs ? 'running' : 'stopped', runs ? started.incarnation : 0)
    if (runs || terms.restart !== 'temporary') this.table.add(child)
    return runs ? 'running' : 'ignored'
  }

  /** Starts a child, and keeps that it has one. What cannot be kept is not started. */
  async startKept(spec: ChildSpec, isDynamic: boolean): Promise<StartOutcome> {
    const isNew = this.table.get(spec.id) === undefined
    const outcome = await this.start(spec, isDynamic)
    const lost = typeof outcome === 'string' ? await this.kept() : undefined
    const child = this.table.get(spec.id)
    if (lost === undefined || child === undefined) return lost ?? outcome
    await this.end(child)
    if (isNew && child.status === 'stopped') this.table.remove(spec.id)
    return lost
  }

  /**
   * The supervisor begins: starts the children of its args, or those that it had when its process ended, and takes in whom earlier
   * lives have left. Gives the flags that hold, or what came of the first child that could not be started.
   */
  async begin({ children: declared, ...given }: SupervisorArgs): Promise<Begun> {
    const recalled = await this.#household.recall()
    const failed = await (recalled === undefined ? this.#startAll(declared) : this.#startAgain(recalled.children))
    if (failed !== undefined) return failed
    // One that cannot begin goes on alone.
    for (const spec of this.#household.left) await this.start(spec, true)
    return { flags: recalled?.flags ?? given, isRecalled: recalled !== undefined }
  }

  async #startAll(declared: readonly ChildSpec[]): Promise<NotBegun | undefined> {
    for (const spec of declared) {
      const outcome = await this.start(spec, false)
      if (typeof outcome !== 'string') return { id: spec.id, why: outcome }
    }
    return undefined
  }

  /** As they were. One that came by `startChild` and cannot be started keeps nobody from it: it is as one that has ended. */
  async #startAgain(entries: readonly Entry[]): Promise<NotBegun | undefined> {
    for (const { spec, terms, place, isDynamic, isStopped } of entries) {
      if (isStopped && terms.restart === 'temporary') continue
      this.table.add({ spec, terms, place, isDynamic, isStopped: true, status: 'stopped', incarnation: 0 })
      if (isStopped) continue
      const outcome = await this.#startOver(spec, isDynamic)
      if (typeof outcome !== 'string' && !isDynamic) return { id: spec.id, why: outcome }
    }
    return undefined
  }

  /** From now on what changes is kept, beginning with what there is. */
  keep(flags: Flags, isRecalled: boolean): Promise<GenServerError | undefined> {
    this.#flags = flags
    const { chronicle } = this.#household
    chronicle?.begin(() => ({ flags: this.#flags, children: this.table.inOrder() }), isRecalled)
    this.table.keepBy(chronicle)
    return this.kept()
  }

  /** These are the flags now, if they can be kept. */
  async keepFlags(flags: Flags): Promise<GenServerError | undefined> {
    const before = this.#flags
    this.#flags = flags
    this.#household.chronicle?.flags()
    const lost = await this.kept()
    if (lost !== undefined) this.#flags = before
    return lost
  }

  /** As `end`, and it is kept that the child has ended. */
  async endKept(child: Child): Promise<GenServerError | undefined> {
    return (await this.end(child)) ?? this.kept()
  }

  /** When all that has changed is kept; or why it is not. */
  async kept(): Promise<GenServerError | undefined> {
    return this.#household.chronicle?.kept()
  }

  /** Restarts the child that died, and who falls with it. Gives the id of one whose restart failed: the rest waits for it. */
  async restart(strategy: Strategy, died: string): Promise<string | undefined> {
    const order = this.table.inOrder().map(({ spec }) => spec.id)
    const { stop, start } = fallout(strategy, order, died)
    for (const id of stop) await this.#takeDown(this.table.get(id) as Child)
    return this.bringUp(start)
  }

  /**
   * Starts those that are named, and whoever is held of an earlier try, in the order of the table. Gives the id of the first
   * that could not be started: the rest waits for it.
   */
  async bringUp(ids: readonly string[] = []): Promise<string | undefined> {
    for (const child of this.table.inOrder()) {
      const { id } = child.spec
      const isWanted = child.status === 'restarting' || (ids.includes(id) && child.status === 'stopped')
      if (isWanted && !(await this.#bringUp(child))) return id
    }
    return undefined
  }

  async #takeDown(child: Child): Promise<void> {
    if (child.status === 'stopped') return
    if (child.status === 'stopping') {
      await this.end(child)
      return
    }
    if (child.terms.restart === 'temporary') return this.#leave(child)
    this.table.mark(child, 'restarting')
    await this.#household.hold(child.spec.id, child.terms.shutdown)
  }

  /** As `start`, of one that has lived before. */
  async #startOver(spec: ChildSpec, isDynamic: boolean): Promise<StartOutcome> {
    const outcome = await this.start(spec, isDynamic)
    if (outcome === 'ignored' && isDynamic) this.table.remove(spec.id) // 3
    return outcome
  }

  /** `false`: it has to be tried again. */
  async #bringUp(child: Child): Promise<boolean> {
    const { spec } = child
    // One that does not run, or could not be started, has no life that could be held.
    const isHeld = child.status === 'restarting' && child.incarnation > 0
    this.table.mark(child, 'restarting', isHeld ? child.incarnation : 0)
    const revived = await this.#household.revive(spec.id, spec.timeout ?? Number.POSITIVE_INFINITY)
    if (revived === 'absent' && !isHeld) return typeof (await this.#startOver(spec, child.isDynamic)) === 'string'
    // Held, and not there any more: somebody has ordered it to end.
    if (revived === 'absent') this.gone(child)
    else if ('reason' in revived) return false
    else {
      this.table.mark(child, 'running', revived.incarnation)
      child.isIgnored = revived.isIgnored
    }
    return true
  }

  /** A child is no more, and is not to be started again by itself. */
  gone(child: Child): void {
    this.table.mark(child, 'stopped')
    child.end = undefined
    // 3
    if (child.terms.restart === 'temporary' || (child.isDynamic && child.isIgnored)) this.table.remove(child.spec.id)
  }

  /**
   * Ends a child; its spec stays, unless it is temporary. Who asks while it ends waits for that end. Gives why it has not ended: what is
   * not kept has not been.
   */
  async end(child: Child): Promise<GenServerError | undefined> {
    if (child.status !== 'stopped') child.end ??= this.#end(child)
    return child.end
  }

  async #end(child: Child): Promise<GenServerError | undefined> {
    this.table.mark(child, 'stopping')
    const failure = await this.#household.terminate(child.spec.id, child.terms.shutdown)
    if (failure === undefined) this.gone(child)
    else this.table.mark(child, 'running')
    child.end = undefined
    return failure
  }

  /** A child is to be there no more, and nobody has ordered it to end: a durable one goes on alone. */
  async #leave(child: Child): Promise<void> {
    const isUp = child.status === 'running' || child.status === 'restarting'
    if (isUp && this.#household.leave(child.spec.id)) this.gone(child)
    else await this.end(child)
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
    this.#household.over()
    const children = this.table.inOrder().reverse()
    await Promise.all(children.filter((child) => this.isLoose(child, strategy)).map((child) => this.#leave(child)))
    for (const child of children) if (!this.isLoose(child, strategy)) await this.#leave(child)
  }

  isSupervisor({ spec }: Child): boolean {
    return spec.implementation === this.#supervisors
  }
}

/** Why a supervisor did not start. */
export function failedToStart(id: string, outcome: GenServerError): Reason {
  const { reason, errors = [] } = outcome.details
  const places = errors.map(({ path, message }) => `; /args${path}: ${message}`)
  return { shutdown: { failedToStartChild: id, reason: reason ?? outcome.message + places.join('') } as never }
}
