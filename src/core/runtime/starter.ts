/** How servers come to be on a node: started, got, or started for a message that nobody could take. */

import { StartIgnored } from '../definition/answer.js'
import type { Bond } from '../definition/bond.js'
import { asksNothing, decideId, decideTerms, decideTimeout } from '../definition/decide.js'
import type { AnyDefinition } from '../definition/definition.js'
import type { ServerInfo } from '../definition/info.js'
import type { ServerTerms, StartOptions } from '../definition/options.js'
import type { Protocol } from '../definition/protocol.js'
import { makeDurable } from '../durable/make-durable.js'
import type { Sleeper } from '../durable/sleeper.js'
import { type FailureCode, failures, GenServerError, unknownImplementation } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import type { Node } from '../kernel/node.js'
import type { Reason } from '../kernel/reason.js'
import type { EarlierLife } from '../server/earlier-life.js'
import type { Keeper } from '../server/keeper.js'
import type { Peers } from '../server/peers.js'
import { Server } from '../server/server.js'
import { SUPERVISOR } from '../supervisor/supervisor.js'
import { alreadyStarted, type Directory } from './directory.js'
import type { Neighbours } from './neighbours.js'
import type { RequestOptions } from './runtime.js'
import { shuttingDown } from './shutting-down.js'

/** What to start for a message. */
export type Start = NonNullable<RequestOptions['start']>

/** How a server is to be made. */
export interface MakeOptions extends StartOptions {
  /** With its supervisor, where a durable one is to be a child. */
  readonly bond?: Bond
}

/** Milliseconds that a start may wait for a supervisor that has other work. */
export const OWN_SHARE = 1000

/** Milliseconds. There is no JSON for what never ends. */
const LONGEST_IDLE = 2 ** 31 - 1

type StartChildReply =
  | { readonly status: 'running' | 'ignored' }
  | { readonly error: { readonly code: string; readonly message: string; readonly reason?: Reason } }

export abstract class Starter {
  /** Nothing new is taken. */
  draining = false
  readonly #usualTerms = new WeakMap<Protocol, ServerTerms>()
  readonly #implementations: Map<string, AnyDefinition>

  constructor(
    readonly node: Node,
    private readonly protocols: Map<string, Protocol>,
    readonly directory: Directory,
    /** Keeps all servers that no supervisor keeps. */
    readonly root: Keeper,
    readonly neighbours: Neighbours,
  ) {
    this.#implementations = new Map([...protocols].map(([name, { definition }]) => [name, definition]))
  }

  protected abstract call(id: string, message: string, args: unknown, options: RequestOptions): Promise<unknown>
  /** What the turns of its servers may ask. */
  protected abstract readonly peers: Peers
  /** `server` is about to begin. */
  protected abstract made(server: Server): void

  async start(implementation: string, args?: unknown, options: StartOptions = {}): Promise<ServerInfo> {
    this.mustBeUp()
    if (options.supervisor !== undefined) return this.#startChild(options.supervisor, implementation, args, options)
    const timeout = decideTimeout(options.timeout)
    const server = this.make(implementation, args, options)
    const begun = server.begin(timeout)
    // Most have begun by now, and an `await` costs as much as an `init`.
    if (begun !== undefined) await begun
    return server.info
  }

  /** Has a supervisor start it, and tells what came of that as if it had been started here. */
  async #startChild(
    supervisor: string,
    implementation: string,
    args: unknown,
    { id = this.node.ids.next(), restart, restartFrom, shutdown, mailbox, labels, idle, timeout }: StartOptions,
  ): Promise<ServerInfo> {
    const protocol = this.protocol(implementation)
    protocol.checkStartArgs(args)
    const named = {
      id: decideId(id),
      implementation,
      args,
      restart,
      restartFrom,
      mailbox,
      labels: labels && [...labels],
      idle: idle && Math.min(idle, LONGEST_IDLE),
      timeout: decideTimeout(timeout),
    }
    const spec = { ...named, shutdown: shutdown === Number.POSITIVE_INFINITY ? 'infinity' : shutdown }
    // Its `init` may take all of its time; what the supervisor itself takes comes on top.
    const options = { implementation: SUPERVISOR, timeout: named.timeout + OWN_SHARE }
    const reply = (await this.call(supervisor, 'startChild', spec, options)) as StartChildReply
    if ('error' in reply) throw refusal(reply.error, this.directory.find(id))
    if (reply.status === 'ignored') throw new StartIgnored(`${id}: init chose to be ignored`)
    return this.directory.get(id).info
  }

  /**
   * A server that had its id on a node that is no more lives on here, from its `init`: with its ordinary restarts if that
   * fails, and its mailbox open for what waits.
   */
  adopt(implementation: string, args: unknown, options: StartOptions, life: EarlierLife, delay: number): void {
    this.make(implementation, args, options, this.root, life).comeFrom(life, delay)
  }

  async getOrStart(implementation: string, args: unknown, options: StartOptions & { id: string }) {
    const protocol = this.protocol(implementation)
    const id = decideId(options.id)
    const timeout = decideTimeout(options.timeout)
    if (this.directory.find(id) === undefined) {
      try {
        return { started: true, info: await this.start(implementation, args, options) }
      } catch (error) {
        // Whoever was first with its supervisor has started it meanwhile.
        if (!isTaken(error) || this.directory.find(id) === undefined) throw error
      }
    }
    const running = this.directory.get(id)
    if (running.protocol.name !== protocol.name) throw alreadyStarted(running)
    await running.begun(timeout)
    return { started: false, info: running.info }
  }

  /** A server that is to `begin`. Its id is taken when this returns. */
  make(implementation: string, args: unknown, options: MakeOptions, keeper = this.root, life?: EarlierLife): Server {
    const protocol = this.protocol(implementation)
    const id = options.id === undefined ? this.node.ids.next() : decideId(options.id)
    const terms = this.#termsFor(protocol, options, keeper)
    const server = this.#serverOf(id, protocol, protocol.checkStartArgs(args), terms, keeper)
    const { registry, labels, exits } = this.directory
    if (!registry.register(id, server, implementation)) throw alreadyStarted(registry.whereis(id) as Server | Sleeper)
    labels.add(id, terms.labels)
    if (options.key !== undefined) server.startedUnder(options.key)
    const last = exits.get(id)
    if (last === undefined) this.node.crashes.forget(id)
    else {
      server.incarnation = last.incarnation + 1
      server.revision = last.revision
    }
    // Whoever is told of it counts its lives from there on.
    if (life !== undefined) server.incarnation = life.incarnation
    this.neighbours.registered(server)
    this.made(server)
    return server
  }

  #serverOf(id: string, protocol: Protocol, args: Json, terms: ServerTerms, keeper: Keeper): Server {
    const { peers, node } = this
    if (!protocol.definition.durable) return new Server(id, protocol, args, terms, keeper, peers, node)
    return makeDurable(id, protocol, args, terms, keeper, peers, node)
  }

  /** As `make`, for an id that this node has claimed. */
  makeClaimed(implementation: string, args: unknown, options: MakeOptions, keeper = this.root): Server {
    try {
      return this.make(implementation, args, options, keeper)
    } catch (error) {
      if (options.id !== undefined) this.neighbours.unclaim(options.id)
      throw error
    }
  }

  #termsFor(protocol: Protocol, options: MakeOptions, keeper: Keeper): ServerTerms {
    // The state of a supervisor is its children, and no children survive it.
    if (protocol.name === SUPERVISOR) return decideTerms(protocol, { ...options, restartFrom: 'init' })
    const { bond } = options
    if (bond !== undefined && protocol.definition.durable) return { ...decideTerms(protocol, options), bond }
    // What a supervisor restarts is to come back to a known start.
    if (keeper !== this.root) return decideTerms(protocol, options, 'init')
    return asksNothing(options) ? this.#usual(protocol) : decideTerms(protocol, options)
  }

  /** The terms of servers that nothing special is asked for. Most are such, and share them. */
  #usual(protocol: Protocol): ServerTerms {
    let terms = this.#usualTerms.get(protocol)
    if (terms === undefined) {
      terms = decideTerms(protocol, {})
      this.#usualTerms.set(protocol, terms)
    }
    return terms
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
    check(this.protocol(implementation))
    const server = this.make(implementation, args, { id })
    server.begin(decideTimeout(undefined))?.catch((error) => notStarted?.(error))
    return server
  }

  /** What can be started. */
  get implementations(): ReadonlyMap<string, AnyDefinition> {
    return this.#implementations
  }

  /** From now on servers of its name are started with it. */
  protected useProtocol(protocol: Protocol): void {
    this.protocols.set(protocol.name, protocol)
    this.#implementations.set(protocol.name, protocol.definition)
  }

  findProtocol(implementation: string): Protocol | undefined {
    return this.protocols.get(implementation)
  }

  protocol(implementation: string): Protocol {
    const protocol = this.findProtocol(implementation)
    if (protocol !== undefined) return protocol
    throw unknownImplementation(implementation)
  }

  protected mustBeUp(): void {
    if (this.draining) throw shuttingDown()
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof GenServerError && error.code === 'already_started'
}

/** In the words of the runtime, which has fewer. */
function refusal(
  { code, message, reason }: { code: string; message: string; reason?: Reason },
  holder?: Server,
): Error {
  if (code === 'already_present') return new GenServerError('already_started', message)
  if (!(code in failures)) return new GenServerError('init_refused', message, { reason: reason ?? code })
  return new GenServerError(code as FailureCode, message, {
    ...(reason !== undefined && { reason }),
    ...(code === 'already_started' && holder !== undefined && { server: holder.info }),
  })
}
