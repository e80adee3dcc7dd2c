/** The runtime of one node: every server is here (see `runtime.ts` for what each member promises). */
import type { Call, Waiter } from '../kernel/call.js'
import { refuseCallCycle } from '../kernel/call-cycle.js'
import { type Envelope, StopOrder } from '../kernel/envelope.js'
import { GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import type { Node } from '../kernel/node.js'
import type { Reason } from '../kernel/reason.js'
import { StartIgnored } from './answer.js'
import { decideDelay, decideId, decideReason, decideTerms, decideTimeout } from './decide.js'
import type { AnyDefinition } from './definition.js'
import { alreadyStarted, type Directory } from './directory.js'
import type { PublishedEvent, ServerInfo, ServerPage, StateView, TimerInfo } from './info.js'
import type { StartOptions } from './options.js'
import type { CallFromHandler, Peers, Self } from './peers.js'
import type { Protocol } from './protocol.js'
import { RefusedRequest } from './refused-request.js'
import type { RestartBudget } from './restart-budget.js'
import type { CastOptions, ListOptions, Request, RequestOptions, StopOptions } from './runtime.js'
import { callOperation, castOperation, makeCall, makeCast, makeInfo } from './sending.js'
import { Server } from './server.js'
import { shutDown } from './shut-down.js'
import { viewState } from './state-view.js'

type Start = NonNullable<RequestOptions['start']>

export class LocalRuntime implements Peers {
  draining = false
  readonly implementations: ReadonlyMap<string, AnyDefinition>
  /** Calls whose reply address is in somebody's hands. */
  readonly #addressed = new Map<string, Call>()
  #closed: Promise<void> | undefined = undefined

  constructor(
    readonly node: Node,
    readonly protocols: ReadonlyMap<string, Protocol>,
    readonly directory: Directory,
    readonly budget: RestartBudget,
  ) {
    this.implementations = new Map([...protocols].map(([name, { definition }]) => [name, definition]))
  }

  async start(implementation: string, args?: unknown, options: StartOptions = {}): Promise<ServerInfo> {
    this.#mustBeUp()
    const { server, begin } = this.#make(implementation, args, options)
    await begin()
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
  #make(implementation: string, args: unknown, options: StartOptions): { server: Server; begin(): Promise<void> } {
    const protocol = this.#protocol(implementation)
    const id = decideId(options.id)
    const timeout = decideTimeout(options.timeout)
    const terms = decideTerms(protocol, options, this.budget)
    const checked = protocol.checkStartArgs(args)
    const holder = this.directory.find(id)
    if (holder !== undefined) throw alreadyStarted(holder)
    const server = new Server(id, protocol, checked, terms, this, this.node)
    const last = this.directory.exits.get(id)
    if (last !== undefined) {
      server.incarnation = last.incarnation + 1
      server.revision = last.revision
    }
    this.directory.registry.register(id, server)
    return { server, begin: () => server.begin(timeout) }
  }

  #protocol(implementation: string): Protocol {
    const protocol = this.protocols.get(implementation)
    if (protocol !== undefined) return protocol
    throw new GenServerError('unknown_implementation', `there is no implementation ${implementation}`)
  }

  call(id: string, message: string, args?: unknown, options: RequestOptions = {}): Promise<unknown> {
    return this.sendRequest(id, message, args, options).response
  }

  sendRequest(id: string, message: string, args?: unknown, options?: RequestOptions): Request {
    try {
      return this.#request(id, message, args, options)
    } catch (error) {
      return new RefusedRequest(error)
    }
  }

  #request(id: string, message: string, args: unknown, options: RequestOptions = {}): Call {
    this.#mustBeUp()
    const timeout = decideTimeout(options.timeout)
    const to = this.#reach(id, options, (protocol) => callOperation(protocol, message).check(args))
    const call = makeCall(to, message, args, timeout, options)
    this.#send(to, call)
    if (options.signal !== undefined) watch(options.signal, call)
    return call
  }

  #send(to: Server, call: Call): void {
    const { deadlines, scheduler, transport } = this.node
    deadlines.addFresh(call, call.timeout, this.node.tick())
    transport.deliver(to, call)
    if (!scheduler.busy) deadlines.enterLanes()
  }

  /** The server with the id; with `start`, and after the message has passed `check`, a new one if there is none. */
  #reach(
    id: string,
    { start, implementation }: { start?: Start | undefined; implementation?: string | undefined },
    check: (protocol: Protocol) => unknown,
    notStarted?: (error: Error) => void,
  ): Server {
    const isOther = implementation !== undefined && implementation !== start?.implementation
    if (start === undefined || isOther || this.directory.find(id) !== undefined) {
      return this.directory.get(id, implementation)
    }
    check(this.#protocol(start.implementation))
    const { server, begin } = this.#make(start.implementation, start.args, { id })
    // The callers whose messages wait in the mailbox hear how it began.
    begin().catch((error) => notStarted?.(error))
    return server
  }

  cast(id: string, message: string, args?: unknown, options: CastOptions = {}): string | undefined {
    this.#mustBeUp()
    const delay = options.delay === undefined ? undefined : decideDelay(options.delay)
    const check = (protocol: Protocol) => castOperation(protocol, message).check(args)
    const to = this.#reach(id, options, check, (error) =>
      this.node.logger.warn({ server: id, cast: message, ...options.origin }, `dropped: ${error.message}`),
    )
    if (delay !== undefined) return this.#castLater(to, message, args, delay, options)
    this.#deliver(to, makeCast(to, message, args, options))
    return undefined
  }

  #castLater(to: Server, message: string, args: unknown, delay: number, { origin, ifMatch }: CastOptions): string {
    const checked = castOperation(to.protocol, message).check(args)
    const timers = to.anyTimers?.size ?? 0
    if (timers >= to.mailbox.limit) {
      throw new GenServerError('mailbox_full', `${to.id} has ${timers} timers and takes no more`, { retryAfter: 1 })
    }
    const ref = this.node.makeRef('t')
    // It may have been started for this cast and have failed at once: nobody would ever clear the timer.
    if (!to.ended) to.timers.cast(ref, delay, { message, args: checked, origin, ifMatch })
    return ref
  }

  send(id: string, message: string, args?: unknown): void {
    this.#mustBeUp()
    const to = this.directory.get(id)
    this.#deliver(to, makeInfo(to, message, args))
  }

  #deliver(to: Server, envelope: Envelope): void {
    this.node.tick()
    this.node.transport.deliver(to, envelope)
  }

  stop(id: string, options: StopOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const timeout = decideTimeout(options.timeout)
      const reason = decideReason(options.reason)
      const server = this.directory.get(id)
      const tooLate = () =>
        reject(new GenServerError('call_timeout', `${id} did not stop within ${timeout} ms; the order stands`))
      const timer = timeout === Number.POSITIVE_INFINITY ? undefined : this.node.clock.setTimer(timeout, tooLate)
      const order = new StopOrder(reason, options.ifMatch, (refused) => {
        timer?.cancel()
        if (refused === undefined) resolve()
        else reject(refused)
      })
      this.#deliver(server, order)
    })
  }

  kill(id: string, { ifMatch }: { readonly ifMatch?: number | undefined } = {}): void {
    const server = this.directory.get(id)
    const mismatch = server.mismatch(ifMatch)
    if (mismatch !== undefined) throw mismatch
    server.kill()
  }

  whereis(id: string): string | undefined {
    return this.directory.find(id)?.id
  }

  info(id: string): ServerInfo {
    return this.directory.get(id).info
  }

  list(options: ListOptions = {}): ServerPage {
    return this.directory.page(options)
  }

  state(id: string): StateView {
    const { protocol, committed, revision, incarnation } = this.directory.get(id)
    return { ...viewState(protocol, committed), revision, incarnation }
  }

  timers(id: string): TimerInfo[] {
    return this.directory.get(id).anyTimers?.list() ?? []
  }

  cancelTimer(id: string, ref: string): number | false {
    return this.directory.get(id).anyTimers?.cancel(ref) ?? false
  }

  subscribe(id: string, listener: (event: PublishedEvent) => void): () => void {
    return this.directory.get(id).subscribe(listener)
  }

  drain(): void {
    this.draining = true
  }

  close({ timeout = 10_000 }: { readonly timeout?: number } = {}): Promise<void> {
    this.drain()
    this.#closed ??= shutDown(this.directory.registry, this.node, timeout)
    return this.#closed
  }

  #mustBeUp(): void {
    if (this.draining) throw new GenServerError('draining', 'the gateway is shutting down', { retryAfter: 1 })
  }

  // What turns may ask (`peers.ts`)

  find(id: string): Server | undefined {
    return this.directory.find(id)
  }

  async callFrom(id: string, message: string, args: unknown, options: CallFromHandler): Promise<Json> {
    const now = this.node.clock.monotonic()
    const timeout = Math.min(decideTimeout(options.timeout), Math.max(0, Math.ceil(options.deadline - now)))
    const to = this.directory.get(id)
    refuseCallCycle(options.waiter, to)
    const call = makeCall(to, message, args, timeout, options)
    const waits = options.waiter.waitFor(call)
    this.#send(to, call)
    try {
      return await call.response
    } finally {
      waits.delete(call)
    }
  }

  async startFrom(waiter: Waiter, implementation: string, args: unknown, options: StartOptions = {}) {
    const { server, begin } = this.#make(implementation, args, options)
    const wait = { to: server }
    const waits = waiter.waitFor(wait)
    try {
      await begin()
      return server.id
    } catch (error) {
      if (error instanceof StartIgnored) return undefined
      throw error
    } finally {
      waits.delete(wait)
    }
  }

  waiting(ref: string): Call | undefined {
    return this.#addressed.get(ref)
  }

  address(call: Call): string {
    if (call.ref === undefined) {
      call.ref = this.node.makeRef('r')
      if (call.phase !== 'settled') this.#addressed.set(call.ref, call)
    }
    return call.ref
  }

  forget({ ref }: Call): void {
    if (ref !== undefined) this.#addressed.delete(ref)
  }

  ended({ id, incarnation, revision }: Self & { readonly revision: number }, reason: Reason | undefined): void {
    this.directory.registry.unregister(id)
    if (reason !== undefined) this.directory.exits.add({ id, reason, at: this.node.clock.now(), incarnation, revision })
  }
}

/** Gives the call up when `signal` is aborted. */
function watch(signal: AbortSignal, call: Call): void {
  const abandon = () => call.abandon()
  call.onSettled = () => signal.removeEventListener('abort', abandon)
  if (signal.aborted) abandon()
  else signal.addEventListener('abort', abandon)
}
