/** How servers come to be on a node: started, got, or started for a message that nobody could take. */
import { GenServerError } from '../kernel/errors.js'
import type { Node } from '../kernel/node.js'
import { decideId, decideTerms, decideTimeout } from './decide.js'
import { alreadyStarted, type Directory } from './directory.js'
import type { ServerInfo } from './info.js'
import type { StartOptions } from './options.js'
import type { Peers } from './peers.js'
import type { Protocol } from './protocol.js'
import type { RestartBudget } from './restart-budget.js'
import type { RequestOptions } from './runtime.js'
import { Server } from './server.js'

/** What to start for a message. */
export type Start = NonNullable<RequestOptions['start']>

export abstract class Starter {
  /** Nothing new is taken. */
  draining = false

  constructor(
    readonly node: Node,
    readonly protocols: ReadonlyMap<string, Protocol>,
    readonly directory: Directory,
    readonly budget: RestartBudget,
  ) {}

  /** What the turns of its servers may ask. */
  protected abstract readonly peers: Peers

  async start(implementation: string, args?: unknown, options: StartOptions = {}): Promise<ServerInfo> {
    this.mustBeUp()
    const { server, begin } = this.make(implementation, args, options)
    // Most have begun by now, and an `await` costs as much as an `init`.
    const begun = begin()
    if (begun !== undefined) await begun
    return server.info
  }

  async getOrStart(implementation: string, args: unknown, options: StartOptions & { id: string }) {
    const protocol = this.#protocol(implementation)
    const running = this.directory.find(decideId(options.id))
    const timeout = decideTimeout(options.timeout)
    if (running === undefined) return { started: true, info: await this.start(implementation, args, options) }
    if (running.protocol !== protocol) throw alreadyStarted(running)
    await running.begun(timeout)
    return { started: false, info: running.info }
  }

  /** The id is taken when this returns. `begin` runs `init` and settles when that has. */
  protected make(
    implementation: string,
    args: unknown,
    options: StartOptions,
  ): { server: Server; begin(): Promise<void> | undefined } {
    const protocol = this.#protocol(implementation)
    const id = decideId(options.id)
    const timeout = decideTimeout(options.timeout)
    const terms = decideTerms(protocol, options, this.budget)
    const checked = protocol.checkStartArgs(args)
    const holder = this.directory.find(id)
    if (holder !== undefined) throw alreadyStarted(holder)
    const server = new Server(id, protocol, checked, terms, this.peers, this.node)
    const last = this.directory.exits.get(id)
    if (last !== undefined) {
      server.incarnation = last.incarnation + 1
      server.revision = last.revision
    }
    this.directory.registry.register(id, server, implementation)
    return { server, begin: () => server.begin(timeout) }
  }

  /** What a message to `id` starts first, if anything. */
  protected toStart(
    id: string,
    { start, implementation }: Pick<RequestOptions, 'start' | 'implementation'>,
  ): Start | undefined {
    if (start === undefined || this.directory.find(id) !== undefined) return undefined
    return implementation === undefined || implementation === start.implementation ? start : undefined
  }

  /** Starts a server for a message that passes `check`. The callers whose messages wait in the mailbox hear how it began. */
  protected startFor(
    id: string,
    { implementation, args }: Start,
    check: (protocol: Protocol) => unknown,
    notStarted?: (error: Error) => void,
  ): Server {
    check(this.#protocol(implementation))
    const { server, begin } = this.make(implementation, args, { id })
    begin()?.catch((error) => notStarted?.(error))
    return server
  }

  #protocol(implementation: string): Protocol {
    const protocol = this.protocols.get(implementation)
    if (protocol !== undefined) return protocol
    throw new GenServerError('unknown_implementation', `there is no implementation ${implementation}`)
  }

  protected mustBeUp(): void {
    if (this.draining) throw new GenServerError('draining', 'the gateway is shutting down', { retryAfter: 1 })
  }
}
