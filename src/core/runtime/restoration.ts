/**
 * How durable servers come out of the store. When the runtime begins they are only known (`Sleeper`); each comes into memory when it
 * has something to do, and so does one of which something was lost.
 *
 * 1. Where the code is another than that of a state that is kept, that state is migrated for trial when the runtime begins. Until all
 *    have succeeded (`goOn`) nobody wakes and nothing is written: a start that fails leaves what is kept to the code that wrote it.
 */

import type { StateView } from '../definition/info.js'
import type { ServerTerms } from '../definition/options.js'
import type { Protocol } from '../definition/protocol.js'
import { DurableServer } from '../durable/durable-server.js'
import { pagesOf } from '../durable/kept-pages.js'
import { restoredTerms } from '../durable/kept-text.js'
import { makeDurable } from '../durable/make-durable.js'
import { NotRestored, notRestored } from '../durable/not-restored.js'
import { restoreExits } from '../durable/restore-exits.js'
import { Sleeper } from '../durable/sleeper.js'
import { notRead, storageFailed } from '../durable/storage-failed.js'
import { Breath } from '../kernel/breath.js'
import type { KeptBrief } from '../kernel/kept.js'
import type { Node } from '../kernel/node.js'
import { type Store, StoreFailed, StoreFull } from '../kernel/store.js'
import type { Keeper } from '../server/keeper.js'
import type { Peers } from '../server/peers.js'
import { viewState } from '../server/state-view.js'
import type { Directory } from './directory.js'
import type { KeptStates } from './kept-states.js'
import type { LocalFamily } from './local-family.js'
import { makeKnown } from './make-known.js'
import type { Neighbours } from './neighbours.js'
import { SupervisorKeeper } from './supervisor-keeper.js'

/** Of whom the store is asked at once: others wait for it meanwhile. */
const PAGE = 500

/** What is known of a server that was on a node that is no more. */
export interface Known extends Pick<KeptBrief, 'id' | 'implementation' | 'incarnation' | 'restarts' | 'revision'> {
  readonly terms: ServerTerms
}

/** Where they come to. */
interface Home {
  readonly node: Node
  readonly directory: Directory
  readonly root: Keeper
  readonly family: Pick<LocalFamily, 'keeperOf'>
  readonly peers: Peers
  readonly neighbours: Neighbours
  findProtocol(implementation: string): Protocol | undefined
}

export class Restoration {
  /** Most servers have the same terms, and share them. */
  readonly #terms = new Map<string, ServerTerms>()
  /** Those that have something to do. */
  #waiting: Sleeper[] = []
  /** There are states of other code. */
  #areOutdated = false

  constructor(
    private readonly store: Store,
    private readonly states: KeptStates,
    private readonly home: Home,
  ) {
    home.directory.wake = (sleeper) => this.#wake(sleeper)
  }

  /** All, who wait for `goOn`. @throws {NotRestored} if one of them could not be brought back. */
  async restore(): Promise<number> {
    let restored = 0
    try {
      for await (const page of pagesOf(this.store)) {
        await this.restoreServers(page.map(({ id }) => id))
        restored += page.length
      }
      await restoreExits(this.store, this.home.directory.exits)
    } catch (error) {
      throw notRestored(error)
    }
    return restored
  }

  /** They are known, and wait for `goOn`. @throws {NotRestored} */
  async restoreServers(ids: readonly string[]): Promise<void> {
    const briefs = await this.store.briefs(ids).catch((error) => {
      throw notRestored(error)
    })
    for (const brief of briefs) this.#register(brief)
    const isOutdated = ({ implementation, version }: KeptBrief) => this.#protocolOf(implementation).version !== version
    const outdated = briefs.filter(isOutdated).map(({ id }) => id)
    this.#areOutdated ||= outdated.length > 0
    await this.#try(outdated)
  }

  #register(brief: KeptBrief): void {
    const { id, implementation, hasCasts, due } = brief
    if (this.home.findProtocol(implementation)?.definition.durable !== true) {
      throw new NotRestored(`${id} is kept, and there is no durable implementation ${implementation}`)
    }
    const sleeper = this.#makeKnown(brief, this.#termsOf(brief.terms))
    if (hasCasts || due !== null) this.#waiting.push(sleeper)
  }

  async #try(ids: readonly string[]): Promise<void> {
    const breath = new Breath(this.home.node.clock)
    for await (const states of this.states.of(ids)) {
      for (const state of states) {
        const { protocol } = this.home.directory.look(state.id) as Sleeper
        try {
          this.states.migrate(state, protocol) // 1
        } catch (error) {
          throw new NotRestored((error as Error).message)
        }
        await breath.due
      }
    }
  }

  /** All that are kept are known, on all nodes, and can run on their code: those that have something to do begin. */
  goOn(): void {
    const { directory } = this.home
    for (const sleeper of this.#waiting) {
      const { id } = sleeper
      if (directory.look(id) === sleeper) sleeper.setAlarm(() => directory.find(id))
    }
    this.#waiting = []
    if (this.#areOutdated) this.states.writeBack.begin()
  }

  #protocolOf(implementation: string): Protocol {
    return this.home.findProtocol(implementation) as Protocol
  }

  #termsOf(text: string): ServerTerms {
    const known = this.#terms.get(text)
    if (known !== undefined) return known
    const terms = restoredTerms(text)
    if (terms.bond === undefined) this.#terms.set(text, terms)
    return terms
  }

  #makeKnown(brief: KeptBrief, terms: ServerTerms): Sleeper {
    const { directory, neighbours, family } = this.home
    const sleeper = new Sleeper(brief, this.home, terms, family.keeperOf(brief.id, terms))
    makeKnown(sleeper, directory, neighbours)
    return sleeper
  }

  /** Servers that were known to a node that is no more, and not in memory there, are known here; what is missing is asked of the store. */
  know(servers: readonly Known[]): void {
    const startedAt = this.home.node.clock.now()
    for (const { id, implementation, terms, incarnation, restarts, revision } of servers) {
      const { version } = this.#protocolOf(implementation)
      const numbers = { startedAt, incarnation, restarts, revision, due: null, hasCasts: false }
      const brief = { id, implementation, version, terms: '', ...numbers }
      this.#makeKnown(brief, terms)
    }
    void this.#learn(servers.map(({ id }) => id))
  }

  async #learn(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += PAGE) await this.#learnPage(ids.slice(from, from + PAGE))
    this.states.writeBack.begin()
  }

  async #learnPage(ids: readonly string[]): Promise<void> {
    try {
      for (const brief of await this.store.briefs(ids)) this.#learned(brief)
    } catch (error) {
      const middle = Math.ceil(ids.length / 2)
      // What is damaged of one is found in the half of the half, and costs the others nothing.
      if (ids.length > 1 && !(error instanceof StoreFailed)) {
        await this.#learnPage(ids.slice(0, middle))
        await this.#learnPage(ids.slice(middle))
      } else this.home.node.logger.error({ server: ids[0], err: error }, 'what is kept could not be read')
    }
  }

  #learned(brief: KeptBrief): void {
    const { directory } = this.home
    const sleeper = directory.look(brief.id)
    if (!(sleeper instanceof Sleeper)) return
    sleeper.brief = brief
    sleeper.setAlarm(() => directory.find(brief.id))
  }

  #wake(sleeper: Sleeper): DurableServer {
    const { brief, protocol, terms, keeper } = sleeper
    sleeper.cancelAlarm()
    const server = this.#make(brief.id, protocol, terms, keeper)
    if (keeper instanceof SupervisorKeeper) keeper.tie(server)
    this.home.directory.registry.replace(brief.id, server)
    this.home.neighbours.slept(brief.id, false)
    server.comeAwake(brief, sleeper.remembered, () => this.states.load(server))
    return server
  }

  #make(id: string, protocol: Protocol, terms: ServerTerms, keeper: Keeper): DurableServer {
    const { peers, node } = this.home
    return makeDurable(id, protocol, null, terms, keeper, peers, node)
  }

  /** A server that had its id on a node that is no more comes out of the store `delay` milliseconds from now. */
  bringBack(known: Known, delay: number): void {
    const { id, implementation, terms } = known
    const { directory, neighbours } = this.home
    const server = this.#make(id, this.#protocolOf(implementation), terms, this.home.family.keeperOf(id, terms))
    directory.registry.register(id, server, implementation)
    directory.labels.add(id, terms.labels)
    neighbours.registered(server)
    server.comeOut(known, () => this.states.load(server), delay)
  }

  /** The state of one that is not in memory, as it will be when it is. */
  async stateOf({ id, protocol }: Pick<Sleeper, 'id' | 'protocol'>): Promise<StateView | undefined> {
    const kept = await this.store.load(id).catch((error) => {
      throw notRead(id, error)
    })
    if (kept === undefined) return undefined
    const { version, revision, incarnation } = kept.server
    try {
      const shown = version === protocol.version ? kept.server : this.states.migrate(kept.server, protocol)
      const view = this.home.node.workLog.during(id, 'redact', () => viewState(protocol, JSON.parse(shown.state)))
      return { ...view, revision: shown.revision, incarnation }
    } catch {
      // Its `redact` knows nothing of a state of other code.
      return { state: null, redactFailed: true, revision, incarnation }
    }
  }

  /** What these servers did could not be kept: they go back to what is. */
  lost(ids: ReadonlySet<string>, error: Error): void {
    for (const id of ids) {
      const server = this.home.directory.look(id)
      if (!(server instanceof DurableServer)) continue
      const failure = storageFailed(id, error)
      if (error instanceof StoreFull) server.fallBack(failure, () => this.states.load(server))
      else server.retire(failure)
    }
  }
}
