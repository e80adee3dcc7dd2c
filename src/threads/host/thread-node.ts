/**
 * One thread of servers, as the gateway's thread sees it. When the thread is lost another one takes its place: its next
 * generation. The node stays the same, and what is said to it meanwhile waits for that one.
 *
 * 1. What is still said by a thread that was given up is not heard.
 * 2. A cast that its node has accepted is known here until it is taken, so that it is not lost with a mailbox.
 */
import type { MessagePort } from 'node:worker_threads'
import type { Call } from '../../adapters.js'
import type { CastOptions, RequestOptions } from '../../index.js'
import type { Board } from '../wire/board.js'
import { uncarry } from '../wire/carried-failure.js'
import { type Asker, Channel, promised, type Question } from '../wire/channel.js'
import { GRACE } from '../wire/grace.js'
import type {
  Askable,
  CallMessage,
  CastMessage,
  FromNode,
  InfoMessage,
  Response,
  Seen,
  ToNode,
} from '../wire/messages.js'
import type { Bounds, GivenStore } from '../wire/thread-data.js'
import { type Activity, activityOf } from './activity.js'
import { Caller } from './caller.js'
import type { Generation } from './generation.js'
import type { StandBy } from './stand-by.js'
import { type Watcher, Watchers } from './watchers.js'

export interface ThreadNodeEvents {
  /** Something has been said. */
  heard(node: ThreadNode, said: readonly FromNode[]): void
  /** The thread has ended, or could not begin, by itself. */
  ended(node: ThreadNode, error: Error | undefined): void
  /** A message that nobody waits for could not be taken. */
  dropped(to: string, message: string, why: Error): void
  /** What was said is about to be sent. */
  leaving(): void
}

export interface OpenQuestion extends Question<ToNode> {
  /** Its message has been taken from the mailbox, as far as can be known from outside. */
  readonly isTaken: boolean
  /** The thread was looking at it, and did not come back from that. */
  readonly isHeard: boolean
}

/** What a lost thread leaves behind. */
export interface Remains {
  /** What was asked and is not over, in the order in which it was asked. */
  readonly open: readonly OpenQuestion[]
  readonly activity: Activity | undefined
  /** Whether the thread was at work: one that cannot begin does not become one that can by being asked again. */
  readonly hadBegun: boolean
}

export class ThreadNode {
  startedAt = 0
  restarts = 0
  servers = 0
  /** Resolves when the last thread that was given up is no more. */
  gone: Promise<unknown> = Promise.resolve()
  /** Whether its thread has begun and is at work. */
  isReady = false
  /** Whether its thread is loading the implementations. */
  isBeginning = false
  readonly channel: Channel<ToNode>
  #generation: Generation
  /** How many casts were accepted and not taken. */
  #accepted = 0
  readonly #watchers = new Watchers()

  constructor(
    readonly name: string,
    /** What may be on its way to it. */
    private readonly most: Pick<Bounds, 'maxQueued' | 'maxQueuedBytes'>,
    private readonly standBy: StandBy,
    private readonly events: ThreadNodeEvents,
  ) {
    this.#generation = standBy.take()
    this.channel = new Channel(
      () => events.leaving(),
      ({ said }, { kind }) => {
        const isAccepted = said.kind === 'cast' && said.delay === undefined && kind === 'told' // 2
        if (isAccepted) this.#accepted++
        return isAccepted
      },
    )
  }

  get board(): Board {
    return this.#generation.board
  }

  /** It may have answered, and nobody has heard it yet. */
  get isUnheard(): boolean {
    return this.#generation.isUnheard
  }

  get activity(): Activity | undefined {
    const { lastTaken, question } = this.board
    if (question === 0 || lastTaken?.phase === 'running') return lastTaken
    const said = this.channel.said(question)
    return (said && activityOf(said)) ?? lastTaken
  }

  /** Begins its thread, or goes on with the one that has begun meanwhile. */
  begin(now: number): void {
    this.startedAt = now
    this.isBeginning = true
    this.#generation.adopt(this.name, {
      heard: (said) => this.events.heard(this, said),
      ended: (error) => this.events.ended(this, error),
    })
  }

  /** Its thread is there, and hears what has been said meanwhile. */
  ready(): void {
    this.isReady = true
    this.isBeginning = false
    this.channel.attach(this.#generation.begin())
  }

  /** Ends this generation, whatever it is doing, and gives what it leaves. What is said from now on is for the next one. */
  giveUp(): Remains {
    const { board, activity, isReady: hadBegun } = this
    this.isReady = false
    this.isBeginning = false
    this.gone = this.#generation.giveUp()
    const open = this.channel.detach().map(({ n, question }) => ({
      ...question,
      isTaken: board.isTaken(n) || n === board.question,
      isHeard: n === board.question && activity?.phase === 'heard',
    }))
    this.#generation = this.standBy.take()
    this.#accepted = 0
    this.#watchers.keepOnly(open)
    return { open, activity, hadBegun }
  }

  /** Resolves when all its servers have stopped, or the thread has ended by itself. */
  async close(timeout: number): Promise<void> {
    await Promise.race([this.ask<void>('close', { timeout }), this.#generation.ended()])
  }

  /** Brings the call to its server. `call` has the node's number for it as its ticket. */
  call(call: Call, { implementation, bytes, chain, key, seq }: RequestOptions, start?: RequestOptions['start']): void {
    const { id: to, message, args, origin, ifMatch } = call
    const timeout = call.timeout - GRACE
    this.channel.question(new Caller(call), (n) => {
      this.board.clear(n)
      const said: Mutable<CallMessage> = { kind: 'call', n, to, message, args, timeout, origin, bytes, ticket: n }
      // What is left out is not cloned, and most is left out of most.
      if (start !== undefined) said.start = start
      if (implementation !== undefined) said.implementation = implementation
      if (ifMatch !== undefined) said.ifMatch = ifMatch
      if (chain !== undefined) said.chain = chain
      if (key !== undefined) said.key = key
      if (seq !== undefined) said.seq = seq
      return said
    })
  }

  /** Gives the ref of its timer, if it has one, when its server has accepted it. */
  cast(to: string, message: string, args: unknown, options: CastOptions): Promise<string | undefined> {
    return new Promise((resolve, reject) =>
      this.carry(promised(resolve, reject), { kind: 'cast', n: 0, to, message, args, ...options }),
    )
  }

  /** Brings a message, of which it will be known whether it has been taken. */
  carry(asker: Asker, said: CallMessage | CastMessage): void {
    this.channel.question(asker, (n) => {
      this.board.clear(n)
      return { ...said, n, ticket: n }
    })
  }

  /** A plain message, of which nobody hears whether it was taken. */
  info({ to, message, args, bytes }: Omit<InfoMessage, 'kind' | 'n'>): void {
    const answered = (response: Response) => {
      if (response.kind === 'failed') this.events.dropped(to, message, uncarry(response.failure))
    }
    this.channel.question({ answered }, (n) => ({ kind: 'info', n, to, message, args, bytes }))
  }

  /** As many messages, or bytes, are on their way to it as may wait there. */
  get isFull(): boolean {
    if (!this.#hasMost) return false
    this.sweep()
    return this.#hasMost
  }

  get #hasMost(): boolean {
    const { channel, most } = this
    return channel.messages >= most.maxQueued || channel.bytes >= most.maxQueuedBytes
  }

  /** How many messages for a server have not been taken, as far as can be known from outside. */
  waitingFor(id: string): number {
    let waiting = 0
    for (const [n, said] of this.channel.open()) if ('to' in said && said.to === id && !this.board.isTaken(n)) waiting++
    return waiting
  }

  /** Forgets the casts that have been taken. */
  sweep(): void {
    if (this.#accepted === 0) return
    this.channel.release((n) => {
      const isTaken = this.board.isTaken(n)
      if (isTaken) this.#accepted--
      return isTaken
    })
  }

  /** How whoever has asked something from there is answered: the next generation, whose questions have the same numbers, hears nothing of it. */
  get asker(): (answer: Response) => void {
    const generation = this.#generation
    return (answer) => {
      if (this.#generation === generation) this.channel.say(answer)
    }
  }

  /** Gives its thread a port, and tells whether it is still the same thread. */
  get giver(): (store: MessagePort) => boolean {
    const generation = this.#generation
    return (store) => {
      if (this.#generation !== generation) return false
      generation.begin().postMessage({ store } satisfies GivenStore, [store])
      return true
    }
  }

  ask<T>(what: Askable, ...args: readonly unknown[]): Promise<T> {
    return this.channel.ask((n) => ({ kind: 'ask', n, what, args }))
  }

  /** As `ask`, with so many bytes that a client has given for it. */
  askWith<T>(bytes: number, what: Askable, ...args: readonly unknown[]): Promise<T> {
    return this.channel.ask((n) => ({ kind: 'ask', n, what, args, bytes }))
  }

  /** As `ask`, until the signal is aborted: then it is to end at once, with what it has. */
  async askUntil<T>(gone: AbortSignal | undefined, make: (n: number) => ToNode): Promise<T> {
    let abandon = () => {}
    const answered = new Promise<T>((resolve, reject) => {
      const n = this.channel.question(promised(resolve, reject), make)
      abandon = () => this.abandon(n)
    })
    if (gone?.aborted) abandon()
    gone?.addEventListener('abort', abandon)
    try {
      return await answered
    } finally {
      // Its number may be another question's from now on.
      gone?.removeEventListener('abort', abandon)
    }
  }

  /** Asks to be told of all that `make` asks for. Gives the number of the watch, and what the answer is. */
  async watch<T>(
    make: (n: number, number: number) => ToNode,
    watcher: Watcher,
  ): Promise<{ readonly number: number; readonly value: T }> {
    const number = this.#watchers.add(watcher)
    try {
      return { number, value: await this.channel.ask<T>((n) => make(n, number)) }
    } catch (error) {
      this.#watchers.delete(number)
      throw error
    }
  }

  seen(seen: Seen): void {
    this.#watchers.hear(seen)
  }

  unwatch(watch: number): void {
    if (this.#watchers.delete(watch)) this.channel.say({ kind: 'unwatch', watch })
  }

  abandon(n: number): void {
    this.channel.say({ kind: 'abandon', n })
  }

  /** A call is not to be taken any more. `false`: it may have been. */
  withdraw(n: number): boolean {
    this.abandon(n)
    return this.board.withdraw(n)
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
