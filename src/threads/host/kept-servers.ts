/**
 * The servers that are kept, wherever they are: the store is opened when the first thread needs it, and each generation of a node
 * has a connection of its own.
 *
 * 1. What a thread that was given up still says to the store is not committed: it is fenced off before the next one begins.
 * 2. A server that is kept is brought back once, on one node, before anything else is started. None of them does anything before all
 *    nodes have said that theirs can run on the code that there is.
 * 3. The durable children of one tree are on one node, where their supervisor will be.
 */
import {
  type Change,
  DeadLetters,
  Finder,
  type KeptExit,
  type KeptSupervisor,
  notRestored,
  pagesOf,
  restoredTerms,
  restoreExits,
  SUPERVISOR,
  Sweeper,
  storageFailed,
  topsOf,
} from '../../adapters.js'
import type { AnswerKey, Clock, DefinitionData, KeptAnswer, Logger, Store } from '../../index.js'
import { type OpenedStore, openStore, type StoreConnection } from '../../stores/open-store.js'
import type { Place } from './place.js'
import type { Places } from './places.js'
import type { ThreadNode } from './thread-node.js'
import type { ThreadNodes } from './thread-nodes.js'

interface KeptServersTerms {
  /** Where the store is. */
  readonly directory: string
  readonly places: Places
  readonly nodes: () => ThreadNodes
  readonly implementations: ReadonlyMap<string, DefinitionData>
  readonly logger: Logger
  readonly clock: Clock
  readonly execArgv: readonly string[] | undefined
  /** The thread of the node is no use: its servers cannot be kept. */
  readonly unfit: (node: ThreadNode, why: Error) => void
}

export class KeptServers {
  #opening: Promise<OpenedStore> | undefined = undefined
  #store: OpenedStore | undefined = undefined
  #sweeper: Sweeper | undefined = undefined
  readonly #connections = new Map<ThreadNode, StoreConnection>()
  readonly finder: Finder

  constructor(private readonly terms: KeptServersTerms) {
    this.finder = new Finder(
      () => this.#store?.client,
      () => terms.implementations,
    )
  }

  /** `undefined`: no thread has needed it. */
  get store(): OpenedStore | undefined {
    return this.#store
  }

  /** The thread of the node is to have a connection. */
  async connect(node: ThreadNode): Promise<void> {
    const { directory, execArgv } = this.terms
    const give = node.giver
    this.#opening ??= openStore(directory, execArgv === undefined ? {} : { execArgv })
    try {
      this.#store = await this.#opening
      const connection = this.#store.connect()
      // It may have been given up meanwhile.
      if (give(connection.port)) this.#connections.set(node, connection)
      else fenceOff(connection)
    } catch (error) {
      this.terms.unfit(node, error as Error)
    }
  }

  /** The thread of the node has been given up. */
  fence(node: ThreadNode): void {
    const connection = this.#connections.get(node)
    if (connection !== undefined) fenceOff(connection) // 1
    this.#connections.delete(node)
  }

  isDurable({ implementation }: Place): boolean {
    return this.terms.implementations.get(implementation)?.durable === true
  }

  /** The server has ended with its node. */
  async ended(exit: KeptExit): Promise<void> {
    await this.#store?.client.commit([{ kind: 'end', exit }])
  }

  /** A supervisor, or a child that is not kept itself, has ended with its node for good. */
  async forget({ id, implementation, supervisor }: Place): Promise<void> {
    const changes: Change[] = []
    if (implementation === SUPERVISOR) changes.push({ kind: 'supervisorGone', id })
    if (supervisor !== undefined) changes.push({ kind: 'childStopped', id })
    if (changes.length > 0) await this.#store?.client.commit(changes)
  }

  /**
   * `except`: supervisors that are started anew later.
   * @throws {NotRestored} if a server that is kept cannot be brought back.
   */
  async restore(except: Iterable<string>): Promise<void> {
    const client = this.#store?.client
    if (client === undefined) return
    try {
      await this.#restore(client, new Set(except))
    } catch (error) {
      throw notRestored(error)
    }
    this.#sweeper = new Sweeper(client, this.terms.clock, () => this.terms.places.exits.since)
    this.#sweeper.begin()
  }

  async #restore(client: Store, except: ReadonlySet<string>): Promise<void> {
    const { places, nodes, logger } = this.terms
    let restored = 0
    for await (const page of pagesOf(client)) {
      const ids = new Map<ThreadNode, string[]>()
      for (const { id, implementation, terms } of page) {
        const { bond } = restoredTerms(terms)
        const home = bond && (places.homeOf(bond.tree) ?? nodes().choose(SUPERVISOR)) // 3
        const node = home ?? nodes().choose(implementation)
        places.bind(places.take(id, implementation, node), bond)
        ids.set(node, [...(ids.get(node) ?? []), id])
      }
      await Promise.all([...ids].map(([node, own]) => node.ask('restoreServers', own))) // 2
      restored += page.length
    }
    await restoreExits(client, places.exits)
    for (const node of nodes().all) node.channel.say({ kind: 'ended', exits: places.exits.all })
    await this.finder.begin(logger)
    await Promise.all(nodes().all.map((node) => node.ask('goOn'))) // 2
    if (restored > 0) logger.info({ servers: restored }, 'durable servers are back')
    for (const top of await topsOf(client)) if (!except.has(top.id)) await this.#raise(top)
  }

  /** Where those are whom it takes in. What keeps it from beginning is told of in the log. */
  async #raise(supervisor: KeptSupervisor): Promise<void> {
    const { places, nodes, logger } = this.terms
    const { id } = supervisor
    try {
      const holder = places.find(id)
      if (holder !== undefined) throw new Error(`it is taken by a ${holder.implementation}`)
      const place = places.hold(places.take(id, SUPERVISOR, places.homeOf(id) ?? nodes().choose(SUPERVISOR)))
      await place.node.ask('raise', [supervisor]).finally(() => places.letGo(place))
    } catch (error) {
      const { message } = error as Error
      logger.error({ server: id, err: error }, `${id} is kept, and could not be started again: ${message}`)
    }
  }

  /** @throws {GenServerError} `storage_failed` */
  async answer({ scope, key }: Pick<AnswerKey, 'scope' | 'key'>, now: number): Promise<KeptAnswer | undefined> {
    try {
      return await this.#store?.client.answer(scope, key, now)
    } catch (error) {
      throw storageFailed(scope, error as Error)
    }
  }

  /** Also of servers whose thread does not come back. */
  get deadLetters(): DeadLetters {
    return new DeadLetters(this.#store?.client, (id) => this.terms.places.get(id))
  }

  async close(): Promise<void> {
    this.#sweeper?.end()
    await this.#store?.close()
  }
}

function fenceOff(connection: StoreConnection): void {
  // A store that has failed needs no fence.
  connection.fence().catch(() => {})
}
