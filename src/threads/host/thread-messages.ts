/** How servers in threads are started and sent messages. */
import {
  Call,
  checkPlain,
  decideId,
  decideTimeout,
  IdMaker,
  type LocalRuntime,
  OWN_SHARE,
  RefusedRequest,
  SUPERVISOR,
  shuttingDown,
  timedOut,
  unknownImplementation,
  unknownServer,
} from '../../adapters.js'
import {
  type AnswerKey,
  type CastOptions,
  GenServerError,
  type Json,
  type KeptAnswer,
  type LaterCall,
  type Request,
  type RequestOptions,
  type ServerInfo,
  type StartOptions,
} from '../../index.js'
import { GRACE } from '../wire/grace.js'
import { sizeOf } from '../wire/size.js'
import type { Machinery } from './machinery.js'
import type { Place } from './place.js'
import { mustHaveRoom } from './room.js'
import type { ThreadNode } from './thread-node.js'

type Starting = 'start' | 'getOrStart'
type Given = readonly [implementation: string, args: Json | undefined, options: StartOptions]
type Got = Awaited<ReturnType<LocalRuntime['getOrStart']>>

export abstract class ThreadMessages {
  draining = false
  readonly #ids: IdMaker

  constructor(protected readonly machinery: Machinery) {
    this.#ids = new IdMaker(machinery.clock)
  }

  abstract info(id: string): Promise<ServerInfo>

  protected mustBeUp(): void {
    if (this.draining) throw shuttingDown()
  }

  protected nodeOf(id: string): ThreadNode {
    return this.machinery.places.get(id).node
  }

  /** A node for a new server, which has its id when this returns. */
  #take(id: string, implementation: string): Place {
    const { places, nodes, implementations } = this.machinery
    if (!implementations.has(implementation)) {
      throw unknownImplementation(implementation)
    }
    // A supervisor goes to those whom it is to take in.
    const home = implementation === SUPERVISOR ? places.homeOf(id) : undefined
    const node = home ?? nodes.choose(implementation)
    mustHaveRoom(node)
    return places.take(decideId(id), implementation, node)
  }

  /** The id stays the place's own while `work` goes on. */
  async #holding<T>(place: Place, work: () => Promise<T>): Promise<T> {
    const { places } = this.machinery
    places.hold(place)
    try {
      return await work()
    } finally {
      places.letGo(place)
    }
  }

  /** Whoever was told of a revision is told of no earlier one. */
  protected shown<T extends { readonly id: string; readonly revision: number }>(seen: T): T {
    this.machinery.places.find(seen.id)?.shows(seen.revision)
    return seen
  }

  /** What is `asked` of a node, or what stands for that where it does not answer in time. */
  protected async within<T>(timeout: number, asked: Promise<T>, instead: () => T): Promise<T> {
    if (timeout === Number.POSITIVE_INFINITY) return asked
    return new Promise<T>((resolve, reject) => {
      const late = () => {
        try {
          resolve(instead())
        } catch (error) {
          reject(error)
        }
      }
      const timer = this.machinery.clock.setTimer(timeout + GRACE, late)
      asked.finally(() => timer.cancel()).then(resolve, reject)
    })
  }

  async start(implementation: string, args?: unknown, options: StartOptions = {}): Promise<ServerInfo> {
    this.mustBeUp()
    const timeout = decideTimeout(options.timeout)
    const { id = this.#ids.next(), supervisor } = options
    const holder = this.machinery.places.findOrStart(id)
    if (holder !== undefined) {
      const server = await this.info(id)
      throw new GenServerError('already_started', `${id} is taken by a ${holder.implementation}`, { server })
    }
    const given: Given = [implementation, carried(args), { ...options, id }]
    if (supervisor !== undefined) return this.#startChild(supervisor, timeout, 'start', given)
    return this.#begin(this.#take(id, implementation), timeout, 'start', given)
  }

  /** A child is where its supervisor is, which asks for the id itself. */
  async #startChild<T>(supervisor: string, timeout: number, what: Starting, given: Given): Promise<T> {
    const node = this.nodeOf(supervisor)
    mustHaveRoom(node)
    // What the supervisor itself takes comes on top.
    return this.within(timeout + OWN_SHARE, node.askWith<T>(sizeOf(given[1]), what, ...given), () => {
      throw timedOut(`${supervisor} did not start it: its node does not come back; the order stands`, 'unknown')
    })
  }

  /** A thread tells itself that an `init` takes too long. Of one that does not come back nobody else can. */
  #begin<T>(place: Place, timeout: number, what: Starting, given: Given): Promise<T> {
    const { id, node, terms } = place
    const begun = this.#holding(place, () => node.askWith<T>(sizeOf(given[1]), what, ...given))
    return this.within(timeout, begun, () => {
      const isOurs = terms === undefined
      place.isUnwanted = isOurs
      if (isOurs) begun.then(() => node.ask('kill', id, {})).catch(() => {})
      const late = `${id} did not start within ${timeout} ms: its node does not come back`
      throw new GenServerError('init_timeout', isOurs ? late : `${late}; its start goes on`)
    })
  }

  async getOrStart(implementation: string, args: unknown, options: StartOptions & { id: string }): Promise<Got> {
    const { id, supervisor } = options
    const there = this.machinery.places.findOrStart(id)
    if (there === undefined) this.mustBeUp()
    const timeout = decideTimeout(options.timeout)
    const given: Given = [implementation, carried(args), options]
    if (there === undefined && supervisor !== undefined) {
      return this.#startChild(supervisor, timeout, 'getOrStart', given)
    }
    if (there !== undefined) mustHaveRoom(there.node)
    return this.#begin(there ?? this.#take(id, implementation), timeout, 'getOrStart', given)
  }

  isDurable(id: string): boolean {
    const place = this.machinery.places.find(id)
    return place !== undefined && this.machinery.kept.isDurable(place)
  }

  keptAnswer(named: Pick<AnswerKey, 'scope' | 'key'>): Promise<KeptAnswer | undefined> {
    return this.machinery.kept.answer(named, this.machinery.clock.now())
  }

  async keepCall(id: string, message: string, args: unknown, options: LaterCall): Promise<number> {
    this.mustBeUp()
    const node = this.nodeOf(id)
    mustHaveRoom(node)
    const sent = carried(args)
    return node.askWith(sizeOf(sent), 'keepCall', id, message, sent, options)
  }

  sendRequest(id: string, message: string, args?: unknown, options: RequestOptions = {}): Request {
    try {
      this.mustBeUp()
      const timeout = decideTimeout(options.timeout)
      const start = carriedStart(options.start)
      const sent = carried(args) as Json
      const place = this.#placeFor(id, options)
      const call = new Call(place, message, sent, timeout + GRACE, options.origin, options.ifMatch)
      if (options.key !== undefined) call.keyed = { key: options.key, overdue: undefined }
      const { signal } = options
      const isNew = place.terms === undefined
      if (isNew) this.machinery.places.hold(place)
      const giveUp = () => call.abandon()
      if (isNew || signal !== undefined) {
        call.onSettled = () => {
          signal?.removeEventListener('abort', giveUp)
          if (isNew) this.machinery.places.letGo(place)
        }
      }
      signal?.addEventListener('abort', giveUp)
      if (signal?.aborted) giveUp()
      else {
        this.attend(call)
        place.node.call(call, options, start)
      }
      return call
    } catch (error) {
      return new RefusedRequest(error)
    }
  }

  /** Its time runs from now. */
  attend(call: Call): void {
    this.machinery.deadlines.add(call, this.machinery.clock.monotonic())
  }

  /** Where the server is, or is to be started for a message. @throws {GenServerError} also `overloaded` */
  #placeFor(id: string, { start, implementation }: Pick<RequestOptions, 'start' | 'implementation'>): Place {
    const { places } = this.machinery
    const isStarted = start !== undefined && places.findOrStart(id) === undefined
    const isWanted = implementation === undefined || implementation === start?.implementation
    const place = isStarted && isWanted ? this.#take(id, start.implementation) : places.get(id)
    if (implementation !== undefined && implementation !== place.implementation) {
      throw unknownServer(id, implementation)
    }
    mustHaveRoom(place.node)
    return place
  }

  async cast(id: string, message: string, args?: unknown, options: CastOptions = {}): Promise<string | undefined> {
    this.mustBeUp()
    const start = carriedStart(options.start)
    const sent = carried(args)
    const place = this.#placeFor(id, options)
    return this.#holding(place, () => place.node.cast(id, message, sent, { ...options, start }))
  }
}

/** Args that can be cloned, and are not too deep for that. @throws {GenServerError} `invalid_args` */
export function carried(args: unknown): Json | undefined {
  return args === undefined ? undefined : checkPlain(args)
}

function carriedStart(start: RequestOptions['start']): RequestOptions['start'] {
  return start?.args === undefined ? start : { ...start, args: carried(start.args) }
}
