/** What threads say to the gateway's thread: of their servers, and for those on other nodes. */
import { Call, type CrashRecords, nobody } from '../../adapters.js'
import { GenServerError, type Logger, type ServerInfo, type StartOptions } from '../../index.js'
import { carry, uncarry } from '../wire/carried-failure.js'
import { GRACE } from '../wire/grace.js'
import type {
  BeganMessage,
  CrashedMessage,
  RegisteredMessage,
  SleptMessage,
  UnregisteredMessage,
} from '../wire/life-messages.js'
import type {
  CallMessage,
  CastMessage,
  Claim,
  FromNode,
  InfoMessage,
  Logged,
  Ready,
  ReplyMessage,
  TieMessage,
} from '../wire/messages.js'
import type { Lives } from './lives.js'
import type { Places } from './places.js'
import { mustHaveRoom } from './room.js'
import type { ThreadNode } from './thread-node.js'

export interface RouterTerms {
  readonly places: Places
  readonly nodes: () => readonly ThreadNode[]
  readonly lives: Lives
  readonly crashes: CrashRecords
  readonly logger: Logger
  /** Its time runs from now, until it settles. */
  attend(call: Call): void
  start(implementation: string, args: unknown, options: StartOptions): Promise<ServerInfo>
  ready(node: ThreadNode, said: Ready): void
  unfit(node: ThreadNode, why: Error): void
  needsStore(node: ThreadNode): void
  storeHasFailed(error: Error): void
  /** The node could change its code. */
  agree(node: ThreadNode, n: number): void
}

export class Router {
  /** The calls of each node to others, by its own numbers. */
  readonly #calls = new Map<ThreadNode, Map<number, Call>>()

  constructor(private readonly terms: RouterTerms) {}

  hear(node: ThreadNode, said: readonly FromNode[]): void {
    for (const each of said) this.#take(node, each)
  }

  /** Nobody waits any more for what the node has asked others. */
  forget(node: ThreadNode): void {
    for (const call of this.#calls.get(node)?.values() ?? []) call.abandon()
    this.#calls.delete(node)
  }

  #take(node: ThreadNode, said: FromNode): void {
    switch (said.kind) {
      case 'answer':
      case 'failed':
      case 'told':
        node.channel.answered(said)
        break
      case 'registered':
        this.#registered(node, said)
        break
      case 'began':
        this.#began(node, said)
        break
      case 'crashed':
        this.#crashed(node, said)
        break
      case 'slept':
        this.#slept(node, said)
        break
      case 'unregistered':
        this.#unregistered(node, said)
        break
      case 'seen':
        node.seen(said)
        break
      case 'call':
        this.#call(node, said)
        break
      case 'cast':
        void this.#cast(node, said)
        break
      case 'info':
        this.#info(node, said)
        break
      case 'reply':
        this.#reply(said)
        break
      case 'tie':
        this.#tie(node, said)
        break
      case 'abandon':
        this.#calls.get(node)?.get(said.n)?.abandon()
        break
      case 'claim':
        this.#claim(node, said)
        break
      case 'unclaim':
        this.#unclaim(node, said.id)
        break
      case 'agree':
        this.terms.agree(node, said.n)
        break
      case 'startElsewhere':
        void this.#tell(node, said.n, () =>
          this.terms.start(said.implementation, said.args, said.options as StartOptions),
        )
        break
      case 'log':
        log(this.terms.logger, node, said)
        node.board.lineHeard()
        break
      case 'unfit':
        this.terms.unfit(node, uncarry(said.failure))
        break
      case 'needsStore':
        this.terms.needsStore(node)
        break
      case 'storeHasFailed':
        this.terms.storeHasFailed(new Error(said.message))
        break
      case 'ready':
        this.terms.ready(node, said)
        break
    }
  }

  #registered(node: ThreadNode, said: RegisteredMessage): void {
    const { id, implementation } = said
    const { places, crashes } = this.terms
    const place = places.find(id) ?? places.take(id, implementation, node)
    if (place.node !== node) {
      // Whoever it was started for gave up when its thread did not answer, and since then the id has gone to another.
      void node.ask('kill', id, {}).catch(() => {})
      node.channel.say({ kind: 'named', servers: [place.name] })
      return
    }
    // An id that begins anew has no past.
    if (place.terms === undefined && places.exits.get(id) === undefined) crashes.forget(id)
    places.registered(place, said)
    places.bind(place, said.terms.bond)
    this.#others(node, (other) => other.channel.say({ kind: 'named', servers: [place.name] }))
  }

  #began(node: ThreadNode, { id, incarnation, last, lived }: BeganMessage): void {
    const { places, lives } = this.terms
    const place = places.find(id)
    if (place?.node !== node) return
    // One that is known again, as it was, begins nothing.
    const isNews = last !== undefined || !place.hasBegun
    place.began(incarnation, lived)
    if (isNews) lives.began(place, incarnation, last)
  }

  #crashed(node: ThreadNode, { id, record }: CrashedMessage): void {
    const { places, crashes } = this.terms
    const place = places.find(id)
    if (place?.node !== node) return
    place.crashed(record.reason, Date.parse(record.at))
    crashes.add(id, record)
  }

  #slept(node: ThreadNode, { id, isAsleep }: SleptMessage): void {
    const place = this.terms.places.find(id)
    if (place?.node === node) place.isAsleep = isAsleep
  }

  #unregistered(node: ThreadNode, { id, exit }: UnregisteredMessage): void {
    const { places, lives } = this.terms
    const place = places.find(id)
    if (place?.node !== node) return
    places.free(place)
    if (exit !== undefined) places.exits.add(exit)
    lives.ended(place, exit)
    this.#others(node, (other) => other.channel.say({ kind: 'unnamed', id, exit }))
  }

  #others(node: ThreadNode, tell: (other: ThreadNode) => void): void {
    for (const other of this.terms.nodes()) if (other !== node) tell(other)
  }

  #call(node: ThreadNode, said: CallMessage): void {
    const { n, to, message, args, timeout = 0, origin, ifMatch, chain, bytes } = said
    const { asker: answer } = node
    try {
      const place = this.terms.places.get(to)
      mustHaveRoom(place.node)
      const call = new Call(place, message, args as never, timeout + GRACE, origin, ifMatch)
      const calls = this.#calls.get(node) ?? new Map<number, Call>()
      this.#calls.set(node, calls.set(n, call))
      call.whenSettled((error) => {
        calls.delete(n)
        answer(
          error === undefined
            ? { kind: 'answer', n, reply: call.replyText, revision: call.revision ?? 0 }
            : { kind: 'failed', n, failure: carry(error) },
        )
      })
      this.terms.attend(call)
      place.node.call(call, { chain, bytes })
    } catch (error) {
      answer({ kind: 'failed', n, failure: carry(error) })
    }
  }

  async #cast(node: ThreadNode, { n, to, message, args, origin, seq, bytes }: CastMessage): Promise<void> {
    const { asker: answer } = node
    try {
      const place = this.terms.places.get(to)
      if (!seq) mustHaveRoom(place.node)
      await place.node.cast(to, message, args, { origin, seq, bytes })
      answer({ kind: 'told', n, value: undefined })
    } catch (error) {
      // Nobody waits for what a handler sends: what is wrong with it is told where it is read.
      answer({ kind: 'failed', n, failure: carry(error) })
      // The store has it, and the next life of its server will find it there.
      if (seq && (error as GenServerError).effect === 'unknown') return
      this.terms.logger.warn({ server: to, cast: message, ...origin }, `dropped: ${(error as Error).message}`)
    }
  }

  #info(node: ThreadNode, { n, to, message, args, bytes }: InfoMessage): void {
    node.channel.say({ kind: 'told', n, value: undefined })
    const place = this.terms.places.find(to)
    if (place?.node.isFull === false) place.node.info({ to, message, args, bytes })
    else this.terms.logger.debug({ server: to, message }, 'dropped: there is nobody, or no room')
  }

  #tie(node: ThreadNode, said: TieMessage): void {
    const { to, tie } = said
    const place = this.terms.places.find(to)
    if (place !== undefined) place.node.channel.say(said)
    else if (tie.what === 'link') {
      node.channel.say({ kind: 'tie', to: tie.by, tie: { what: 'died', death: nobody(to) } })
    } else if (tie.what === 'monitor') {
      node.channel.say({ kind: 'tie', to: tie.by, tie: { what: 'down', ref: tie.ref, death: nobody(to) } })
    }
  }

  /** The mark of a reference begins with the name of the node that gave it. */
  #reply(said: ReplyMessage): void {
    const name = said.ref.slice(1).split('.', 1)[0]
    const asker = this.terms.nodes().find((node) => node.name === name)
    asker?.channel.say(said)
  }

  #claim(node: ThreadNode, { n, id, implementation, supervisor }: Claim): void {
    const { places } = this.terms
    const holder = places.find(id)
    if (holder === undefined) {
      const place = places.hold(places.take(id, implementation, node))
      place.isClaimed = true
      place.supervisor = supervisor
      node.channel.say({ kind: 'told', n, value: undefined })
    } else {
      const taken = new GenServerError('already_started', `${id} is taken by a ${holder.implementation}`)
      node.channel.say({ kind: 'failed', n, failure: carry(taken) })
    }
  }

  #unclaim(node: ThreadNode, id: string): void {
    const place = this.terms.places.find(id)
    if (place?.node === node && place.terms === undefined) this.terms.places.letGo(place)
  }

  async #tell({ asker: answer }: ThreadNode, n: number, work: () => Promise<unknown>): Promise<void> {
    try {
      answer({ kind: 'told', n, value: await work() })
    } catch (error) {
      answer({ kind: 'failed', n, failure: carry(error) })
    }
  }
}

function log(logger: Logger, { name }: ThreadNode, { level, fields, message }: Logged): void {
  logger[level]({ node: name, ...fields }, message)
}
