/** The thread's side: does what the gateway's thread asks, on the servers that are here. */
import type { LocalRuntime } from '../../adapters.js'
import type { CodeChanged, CodeChangeOptions, Request, Watch } from '../../index.js'
import type { BoardLog } from '../wire/board.js'
import { carry } from '../wire/carried-failure.js'
import { carryFailures } from '../wire/carried-groups.js'
import type { Channel } from '../wire/channel.js'
import { definitionData } from '../wire/definition-data.js'
import {
  ASKABLE,
  type Ask,
  type CallMessage,
  type CastMessage,
  type FromNode,
  type InfoMessage,
  type Ping,
  type Reloaded,
  type ReloadMessage,
  type Seen,
  type ToNode,
  type TraceMessage,
  type WatchMessage,
} from '../wire/messages.js'
import type { Elsewhere } from './elsewhere.js'
import { TieService } from './tie-service.js'

/** One of them. */
type Sight = Pick<Seen, 'event' | 'view' | 'trace'>

const askable: ReadonlySet<string> = new Set(ASKABLE)

/** For so many milliseconds messages are handled as they are heard. */
const SLICE_MS = 5

export class NodeService {
  /** Questions that have not been answered and can be abandoned: how. */
  readonly #open = new Map<number, () => void>()
  /** How each watch ends. */
  readonly #watches = new Map<number, () => void>()
  readonly #ties: TieService
  /** What comes now is only put into its mailbox: there is more to be heard, and some of it may be refused. */
  #isLate = false

  constructor(
    private readonly runtime: LocalRuntime,
    private readonly elsewhere: Elsewhere,
    private readonly channel: Channel<FromNode>,
    private readonly board: Pick<BoardLog, 'hears' | 'comesBack'>,
    private readonly reload: (implementation: string, options: CodeChangeOptions) => Promise<CodeChanged>,
  ) {
    this.#ties = new TieService({
      here: (id) => runtime.directory.find(id),
      elsewhere: (id) => elsewhere.find(id),
      tell: (to, tie) => elsewhere.tie(to, tie),
    })
  }

  receive(messages: readonly ToNode[]): void {
    // Where the gateway is quick, one message follows the other and the timer of the beats has no turn between them.
    this.board.comesBack()
    const { node } = this.runtime
    const until = node.tick() + SLICE_MS
    for (const message of messages) {
      // As of the message before the last: nobody reads the clock for this alone.
      this.#isLate = node.recent > until
      this.#take(message)
    }
    this.board.hears(0)
    // Most of it has been answered by now.
    this.channel.flush()
  }

  #take(message: ToNode): void {
    // What is wrong with a question may be found out before it is anybody's message, by a schema that never comes to an end.
    this.board.hears(questionOf(message))
    switch (message.kind) {
      case 'call':
        this.#call(message)
        break
      case 'cast':
        this.#cast(message)
        break
      case 'info':
        this.#info(message)
        break
      case 'ask':
        void this.#ask(message)
        break
      case 'ping':
        this.#ping(message)
        break
      case 'reload':
        void this.#reload(message)
        break
      case 'watch':
        this.#watch(message)
        break
      case 'trace':
        this.#trace(message)
        break
      case 'abandon':
        this.#open.get(message.n)?.()
        this.#open.delete(message.n)
        break
      case 'unwatch':
        this.#watches.get(message.watch)?.()
        this.#watches.delete(message.watch)
        break
      case 'reply':
        this.runtime.peers.replied(message.ref, message.value, message.revision)
        break
      case 'named':
        this.elsewhere.named(message.servers)
        break
      case 'tie':
        this.#ties.hear(message)
        break
      case 'lost':
        this.elsewhere.lost(message.servers)
        break
      case 'unnamed':
        this.elsewhere.unnamed(message)
        break
      case 'ended':
        this.elsewhere.ended(message.exits)
        break
      default:
        this.channel.answered(message)
        break
    }
  }

  #call(said: CallMessage): void {
    const { runtime, channel } = this
    const { n } = said
    if (!this.#isLate) runtime.cork()
    const request = runtime.sendRequest(said.to, said.message, said.args, said)
    request.whenSettled((error) => {
      this.#open.delete(n)
      const failure = error ?? this.#answer(n, request)
      if (failure !== undefined) channel.say({ kind: 'failed', n, failure: carry(failure) })
    })
    runtime.uncork()
    if (!request.settled) this.#open.set(n, () => request.abandon())
  }

  /** An error, where the reply is longer than a string can be. */
  #answer(n: number, request: Request): Error | undefined {
    try {
      const { replyText: reply, revision = 0 } = request
      this.channel.say({ kind: 'answer', n, reply, revision })
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  #cast({ n, to, message, args, ...options }: CastMessage): void {
    if (!this.#isLate) this.runtime.cork()
    this.#tell(n, () => this.runtime.cast(to, message, args, { ...options, ticket: n }))
    this.runtime.uncork()
  }

  #info({ n, to, message, args }: InfoMessage): void {
    this.#tell(n, () => this.runtime.send(to, message, args))
  }

  #tell(n: number, work: () => unknown): void {
    const told = (value: unknown) => this.channel.say({ kind: 'told', n, value })
    try {
      const value = work()
      if (value instanceof Promise) {
        value.then(told, (error) => this.channel.say({ kind: 'failed', n, failure: carry(error) }))
      } else told(value)
    } catch (error) {
      this.channel.say({ kind: 'failed', n, failure: carry(error) })
    }
  }

  async #ask({ n, what, args }: Ask): Promise<void> {
    const { runtime, channel } = this
    const gone = new AbortController()
    try {
      if (!askable.has(what)) throw new Error(`${what} cannot be asked`)
      const member = runtime[what] as (...args: readonly unknown[]) => unknown
      this.#open.set(n, () => gone.abort())
      const given = what === 'callGroup' ? withSignal(args, gone.signal) : args
      const value: unknown = await member.apply(runtime, given as unknown[])
      channel.say({
        kind: 'told',
        n,
        value: what === 'castGroup' || what === 'callGroup' ? carryFailures(value) : value,
      })
    } catch (error) {
      channel.say({ kind: 'failed', n, failure: carry(error) })
    } finally {
      this.#open.delete(n)
    }
  }

  /** By all that answers need: whoever has broken that is found so. */
  #ping({ n }: Ping): void {
    void Promise.resolve().then(() => this.channel.say({ kind: 'told', n, value: undefined }))
  }

  async #reload({ n, implementation, dryRun, timeout }: ReloadMessage): Promise<void> {
    const { channel, runtime } = this
    const gone = new AbortController()
    const agreed = () => channel.ask<void>((m) => ({ kind: 'agree', n: m, implementation }))
    const before = runtime.findProtocol(implementation)
    const data = () => definitionData(runtime.protocol(implementation).definition)
    this.#open.set(n, () => gone.abort())
    try {
      const changed = await this.reload(implementation, { dryRun, timeout, signal: gone.signal, agreed })
      channel.say({ kind: 'told', n, value: { changed, data: data() } satisfies Reloaded })
    } catch (error) {
      const failure = carry(error)
      const isDone = runtime.findProtocol(implementation) !== before
      if (isDone) channel.say({ kind: 'told', n, value: { failure, data: data() } satisfies Reloaded })
      else channel.say({ kind: 'failed', n, failure })
    } finally {
      this.#open.delete(n)
    }
  }

  #watch({ n, watch, id, after, patches }: WatchMessage): void {
    this.#tell(n, () => {
      const made: Watch = this.runtime.watch(id, (event) => this.#seen(watch, { event }), {
        after,
        ...(patches && { onState: (view) => this.#seen(watch, { view }) }),
      })
      this.#watches.set(watch, () => made.close())
      return made.position
    })
  }

  #seen(watch: number, sight: Sight): void {
    const { unsent } = this.channel
    if (unsent?.kind === 'seen' && isSame(unsent, sight)) unsent.watches.push(watch)
    else this.channel.say({ kind: 'seen', watches: [watch], ...sight })
  }

  #trace({ n, watch, id }: TraceMessage): void {
    this.#tell(n, () => {
      const stop = this.runtime.trace(id, (trace) => this.#seen(watch, { trace }))
      this.#watches.set(watch, stop)
      return null
    })
  }
}

function isSame(one: Sight, other: Sight): boolean {
  return one.event === other.event && one.view === other.view && one.trace === other.trace
}

/** By which number the gateway knows it, if it is a question; 0 also of answers, which are to questions of this thread. */
function questionOf(said: ToNode): number {
  switch (said.kind) {
    case 'call':
    case 'cast':
    case 'info':
    case 'ask':
    case 'ping':
    case 'reload':
    case 'watch':
    case 'trace':
      return said.n
    default:
      return 0
  }
}

function withSignal([label, message, args, options]: readonly unknown[], signal: AbortSignal): readonly unknown[] {
  return [label, message, args, { ...(options as object), signal }]
}
