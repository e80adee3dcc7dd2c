/** The runtime of one node: every server is here (see `runtime.ts` for what each member promises). */
import type { Call, Waiter } from '../kernel/call.js'
import { refuseCallCycle } from '../kernel/call-cycle.js'
import { type Envelope, StopOrder } from '../kernel/envelope.js'
import { GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import type { Node } from '../kernel/node.js'
import type { Reason } from '../kernel/reason.js'
import type { Tied } from '../kernel/ties.js'
import { StartIgnored } from './answer.js'
import { decideDelay, decideReason, decideTimeout } from './decide.js'
import type { AnyDefinition } from './definition.js'
import type { Directory } from './directory.js'
import type { PublishedEvent, ServerInfo, ServerPage, StateView, TimerInfo } from './info.js'
import type { Keeper } from './keeper.js'
import type { StartOptions } from './options.js'
import type { CallFromHandler, Peers, Self } from './peers.js'
import type { Protocol } from './protocol.js'
import { RefusedRequest } from './refused-request.js'
import type { CastOptions, ListOptions, Request, RequestOptions, StopOptions } from './runtime.js'
import { callOperation, castOperation, makeCall, makeCast, makeInfo } from './sending.js'
import type { Server } from './server.js'
import { shutDown } from './shut-down.js'
import type { Start } from './starter.js'
import { viewState } from './state-view.js'
import { Sys } from './sys.js'

export class LocalRuntime extends Sys implements Peers {
  readonly implementations: ReadonlyMap<string, AnyDefinition>
  /** Calls whose reply address is in somebody's hands. */
  readonly #addressed = new Map<string, Call>()
  #closed: Promise<void> | undefined = undefined

  protected readonly peers = this

  constructor(node: Node, protocols: ReadonlyMap<string, Protocol>, directory: Directory, root: Keeper) {
    super(node, protocols, directory, root)
    this.implementations = new Map([...protocols].map(([name, { definition }]) => [name, definition]))
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
    this.mustBeUp()
    const timeout = decideTimeout(options.timeout)
    const start = this.toStart(id, options)
    const to =
      start === undefined
        ? this.directory.get(id, options.implementation)
        : this.#startForCall(id, start, message, args)
    const call = makeCall(to, message, args, timeout, options)
    if (options.signal !== undefined) watch(options.signal, call)
    this.#send(to, call)
    return call
  }

  #send(to: Server, call: Call): void {
    const { deadlines, scheduler, transport } = this.node
    deadlines.add(call, this.node.tick())
    transport.deliver(to, call)
    if (!scheduler.busy) deadlines.enterLanes()
  }

  #startForCall(id: string, start: Start, message: string, args: unknown): Server {
    return this.startFor(id, start, (protocol) => callOperation(protocol, message).check(args))
  }

  cast(id: string, message: string, args?: unknown, options: CastOptions = {}): string | undefined {
    this.mustBeUp()
    const delay = options.delay === undefined ? undefined : decideDelay(options.delay)
    const start = this.toStart(id, options)
    const to =
      start === undefined
        ? this.directory.get(id, options.implementation)
        : this.#startForCast(id, start, message, args, options)
    if (delay !== undefined) return this.#castLater(to, message, args, delay, options)
    this.#deliver(to, makeCast(to, message, args, options))
    return undefined
  }

  #startForCast(id: string, start: Start, message: string, args: unknown, { origin }: CastOptions): Server {
    const check = (protocol: Protocol) => castOperation(protocol, message).check(args)
    return this.startFor(id, start, check, (error) =>
      this.node.logger.warn({ server: id, cast: message, ...origin }, `dropped: ${error.message}`),
    )
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
    this.mustBeUp()
    const to = this.directory.get(id)
    this.#deliver(to, makeInfo(to, message, args))
  }

  #deliver(to: Server, envelope: Envelope): void {
    this.node.tick()
    this.node.transport.deliver(to, envelope)
  }

  cork(): void {
    this.node.scheduler.cork()
  }

  uncork(): void {
    this.node.scheduler.uncork()
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

  async startFrom(
    waiter: Waiter,
    implementation: string,
    args: unknown,
    { link, ...options }: StartOptions & { readonly link?: Tied | undefined },
  ) {
    const timeout = decideTimeout(options.timeout)
    const server = this.make(implementation, args, options)
    if (link !== undefined) server.ties.linkToParent(link)
    const wait = { to: server }
    const waits = waiter.waitFor(wait)
    try {
      await server.begin(timeout)
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

  ended(
    { id, protocol, incarnation, revision, tracer }: Self & Pick<Server, 'revision' | 'tracer'>,
    reason: Reason | undefined,
  ): void {
    this.directory.registry.unregister(id, protocol.name)
    tracer?.ended(reason)
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
