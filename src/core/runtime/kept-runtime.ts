/** What a runtime has of its store: durable servers that come back, casts that were set aside, and answers that are asked for again. */

import type { DeadLetterPage, ServerInfo, ServerPage, StateView } from '../definition/info.js'
import type { StartOptions } from '../definition/options.js'
import type { Protocol } from '../definition/protocol.js'
import { topsOf } from '../durable/kept-pages.js'
import { restoredTerms } from '../durable/kept-text.js'
import type { Sleeper } from '../durable/sleeper.js'
import { storageFailed } from '../durable/storage-failed.js'
import { unknownServer } from '../kernel/errors.js'
import type { AnswerKey, KeptAnswer, KeptSupervisor } from '../kernel/kept.js'
import { logError } from '../kernel/logger.js'
import type { Node } from '../kernel/node.js'
import type { Store } from '../kernel/store.js'
import type { EarlierLife } from '../server/earlier-life.js'
import type { Keeper } from '../server/keeper.js'
import type { Peers } from '../server/peers.js'
import type { Server } from '../server/server.js'
import { SUPERVISOR } from '../supervisor/supervisor.js'
import { DeadLetters } from './dead-letters.js'
import type { Directory } from './directory.js'
import { Finder } from './finder.js'
import { keepCall } from './keep-call.js'
import type { DeadLetterOptions, FindOptions, Keeping, LaterCall, Where } from './keeping.js'
import { KeptStates } from './kept-states.js'
import type { LocalFamily } from './local-family.js'
import type { Neighbours } from './neighbours.js'
import { type Known, Restoration } from './restoration.js'
import type { RestoreOptions } from './runtime.js'
import { Sweeper } from './sweeper.js'
import { Sys } from './sys.js'

/** How long a tree may take to be there again. Milliseconds. */
const RAISED_WITHIN = 60_000

export abstract class KeptRuntime extends Sys implements Keeping {
  abstract override readonly peers: Peers
  protected readonly keptStates: KeptStates | undefined
  readonly #restoration: Restoration | undefined
  readonly #deadLetters: DeadLetters
  readonly #sweeper: Sweeper | undefined
  readonly #finder: Finder

  constructor(
    node: Node,
    protocols: Map<string, Protocol>,
    directory: Directory,
    root: Keeper,
    readonly family: LocalFamily,
    neighbours: Neighbours,
    private readonly store: Store | undefined,
  ) {
    super(node, protocols, directory, root, neighbours)
    this.keptStates = store && new KeptStates(store, node, directory)
    this.#restoration = store && new Restoration(store, this.keptStates as KeptStates, this)
    this.#sweeper = store && new Sweeper(store, node.clock, () => directory.exits.since)
    this.#deadLetters = new DeadLetters(store, (id) => directory.see(id))
    this.#finder = new Finder(
      () => store,
      () => this.implementations,
    )
  }

  async restore({ except = [] }: RestoreOptions = {}): Promise<number> {
    const restored = (await this.#restoration?.restore()) ?? 0
    // Where they cannot come back the store stays as it is.
    await this.#finder.begin(this.node.logger)
    this.goOn()
    this.#sweeper?.begin()
    const not = new Set(except)
    if (this.store !== undefined) await this.raise((await topsOf(this.store)).filter(({ id }) => !not.has(id)))
    return restored
  }

  /**
   * Starts supervisors that are kept as they were, and so those below them. One that cannot be started is told of in the log: its
   * durable children stand alone, and what is kept of it stays for the next process, or until another one has its id.
   */
  async raise(supervisors: readonly KeptSupervisor[]): Promise<void> {
    for (const { id, args, terms } of supervisors) {
      const { labels, mailbox, restart, shutdown } = restoredTerms(terms)
      this.family.recallNext(id)
      try {
        await this.start(SUPERVISOR, JSON.parse(args), {
          id,
          labels,
          mailbox,
          restart,
          shutdown,
          timeout: RAISED_WITHIN,
        })
      } catch (error) {
        const { message } = error as Error
        logError(
          this.node.logger,
          { server: id, err: error },
          `${id} is kept, and could not be started again: ${message}`,
        )
      }
    }
  }

  /** When it is kept that the server has ended, where somebody would start it again. */
  protected whenEndKept(server: Server): Promise<void> | undefined {
    const { commits } = this.node
    const isOfTree = server.protocol.name === SUPERVISOR || server.keeper.supervisor !== undefined
    if (commits === undefined || !isOfTree) return server.kept()
    return new Promise((resolve, reject) =>
      commits.whenKept(resolve, (error) => reject(storageFailed(server.id, error))),
    )
  }

  /** As `adopt`, for a supervisor: it begins with the children that it had. */
  adoptSupervisor(
    args: unknown,
    options: StartOptions & { readonly id: string },
    life: EarlierLife,
    delay: number,
  ): void {
    if (this.store !== undefined) this.family.recallNext(options.id)
    this.adopt(SUPERVISOR, args, options, life, delay)
  }

  /** Those that are kept and are to be here. They wait for `goOn`. @throws {NotRestored} */
  async restoreServers(ids: readonly string[]): Promise<void> {
    await this.#restoration?.restoreServers(ids)
  }

  /** All that are kept are where they are to be, on all nodes. */
  goOn(): void {
    this.#restoration?.goOn()
  }

  /** A durable server that had its id on a node that is no more goes on here, as it was last kept. */
  bringBack(known: Known, delay: number): void {
    this.#restoration?.bringBack(known, delay)
  }

  /** Durable servers that were not in memory on a node that is no more are known here. */
  know(servers: readonly Known[]): void {
    this.#restoration?.know(servers)
  }

  /** What these servers did could not be kept. */
  lost(ids: ReadonlySet<string>, error: Error): void {
    this.#restoration?.lost(ids, error)
  }

  protected endSweeping(): void {
    this.#sweeper?.end()
    void this.keptStates?.writeBack.stop()
  }

  /** The state of one that is in the store only. It is not woken for that. */
  protected async storedState(server: Pick<Sleeper, 'id' | 'protocol'>): Promise<StateView> {
    const view = await this.#restoration?.stateOf(server)
    if (view !== undefined) return view
    throw unknownServer(server.id)
  }

  isDurable(id: string): boolean {
    return this.directory.look(id)?.protocol.definition.durable === true
  }

  async keptAnswer({ scope, key }: Pick<AnswerKey, 'scope' | 'key'>): Promise<KeptAnswer | undefined> {
    try {
      return await this.store?.answer(scope, key, this.node.clock.now())
    } catch (error) {
      throw storageFailed(scope, error as Error)
    }
  }

  async keepCall(id: string, message: string, args: unknown, options: LaterCall): Promise<number> {
    this.mustBeUp()
    return keepCall(this.store, this.directory.get(id, options.implementation), message, args, options)
  }

  find(implementation: string, where: Where, options: FindOptions = {}): Promise<ServerPage> {
    return this.#finder.find(implementation, where, options, (ids) => this.infos(ids))
  }

  /** Of those that are here. */
  infos(ids: readonly string[]): ServerInfo[] {
    return ids.flatMap((id) => this.directory.look(id)?.info ?? [])
  }

  async deadLetters(id: string, options: DeadLetterOptions = {}): Promise<DeadLetterPage> {
    return this.#deadLetters.list(id, options)
  }

  async replayDeadLetter(id: string, ref: string): Promise<void> {
    this.mustBeUp()
    return this.#deadLetters.replay(id, ref, (to) => this.directory.get(to))
  }

  async discardDeadLetter(id: string, ref: string): Promise<void> {
    return this.#deadLetters.discard(id, ref)
  }
}
