/**
 * What the gateway's thread and the threads of servers say to each other. All of it is data that can be cloned. Replies travel
 * as JSON text, since the gateway only passes them on.
 */
import type { LocalRuntime, TraceEvent } from '../../adapters.js'
import type {
  CastOptions,
  CodeChanged,
  Death,
  DefinitionData,
  FeedEvent,
  Json,
  RequestOptions,
  StateView,
} from '../../index.js'
import type { CarriedFailure } from './carried-failure.js'
import type {
  BeganMessage,
  CrashedMessage,
  Ended,
  Named,
  RegisteredMessage,
  SleptMessage,
  Unnamed,
  UnregisteredMessage,
} from './life-messages.js'
import type { NeedsStore, StoreHasFailed } from './thread-data.js'

/** Whoever asks knows its question, and everything that is said to it, by a number. */
interface Numbered {
  readonly n: number
}

export interface CallMessage extends Numbered, Omit<RequestOptions, 'signal'> {
  readonly kind: 'call'
  readonly to: string
  readonly message: string
  readonly args: unknown
}

/** Answered with the ref of its timer, if it has one. */
export interface CastMessage extends Numbered, Omit<CastOptions, 'ticket'> {
  readonly kind: 'cast'
  readonly to: string
  readonly message: string
  readonly args: unknown
}

/** A plain message. That it has come is told, so that it is known how many are on their way. */
export interface InfoMessage extends Numbered {
  readonly kind: 'info'
  readonly to: string
  readonly message: string
  readonly args: Json
  readonly bytes?: number | undefined
}

/** What a node can be asked: a member of its runtime, with its arguments. */
export const ASKABLE = [
  'start',
  'getOrStart',
  'adopt',
  'adoptSupervisor',
  'bringBack',
  'know',
  'restoreServers',
  'raise',
  'goOn',
  'stop',
  'kill',
  'castGroup',
  'callGroup',
  'info',
  'infos',
  'list',
  'countServers',
  'state',
  'timers',
  'cancelTimer',
  'keepCall',
  'replayDeadLetter',
  'suspend',
  'resume',
  'replaceState',
  'close',
] as const satisfies readonly (keyof LocalRuntime)[]

export type Askable = (typeof ASKABLE)[number]

export interface Ask extends Numbered {
  readonly kind: 'ask'
  readonly what: Askable
  readonly args: readonly unknown[]
  /** What clients have given for it. */
  readonly bytes?: number
}

/** Asks for nothing but an answer. */
export interface Ping extends Numbered {
  readonly kind: 'ping'
}

/** Asks for an implementation to be loaded again, when all nodes could change over. */
export interface ReloadMessage extends Numbered {
  readonly kind: 'reload'
  readonly implementation: string
  readonly dryRun: boolean
  readonly timeout: number | undefined
}

/** What came of it here. */
export type Reloaded = { readonly data: DefinitionData } & (
  | { readonly changed: CodeChanged; readonly failure?: undefined }
  /** It was done, and something of it could not be kept. */
  | { readonly changed?: undefined; readonly failure: CarriedFailure }
)

/** All servers of the implementation could change over here. Answered when they can everywhere. */
export interface Agree extends Numbered {
  readonly kind: 'agree'
  readonly implementation: string
}

/** Goes on when its question is over, and has a number of its own, which no other one ever has. */
interface Watching {
  readonly watch: number
}

interface BeginToWatch extends Numbered, Watching {
  readonly id: string
  /** It is not the watch of another thread that goes on here: who has one asks again by himself where a thread is lost. */
  readonly isFirst: boolean
}

/** Asks for all that happens to a server. */
export interface WatchMessage extends BeginToWatch {
  readonly kind: 'watch'
  readonly after: string | undefined
  readonly patches: boolean
}

export interface TraceMessage extends BeginToWatch {
  readonly kind: 'trace'
}

/** Whoever watches or traces does not want to know any more. */
export interface Unwatch extends Watching {
  readonly kind: 'unwatch'
}

/** Whoever asked does not want to know any more. */
export interface Abandon extends Numbered {
  readonly kind: 'abandon'
}

export interface Answer extends Numbered {
  readonly kind: 'answer'
  readonly reply: string
  readonly revision: number
}

export interface Told extends Numbered {
  readonly kind: 'told'
  readonly value: unknown
}

export interface Failed extends Numbered {
  readonly kind: 'failed'
  readonly failure: CarriedFailure
}

/** What those who watch, or trace, are told. */
export interface Seen {
  readonly kind: 'seen'
  /** By their numbers. Whoever is told the same next is added while this has not left: an event has very many readers. */
  readonly watches: number[]
  readonly event?: FeedEvent
  readonly view?: StateView
  readonly trace?: TraceEvent
}

/** A deferred reply to a call of another node. */
export interface ReplyMessage {
  readonly kind: 'reply'
  readonly ref: string
  readonly value: Json
  /** Of the server that replied. */
  readonly revision: number
}

/** Asks for an id, or gives it back. */
export interface Claim extends Numbered {
  readonly kind: 'claim'
  readonly id: string
  readonly implementation: string
  /** Whose child it is to be: the thread may be lost before it can say more. */
  readonly supervisor: string | undefined
}

export interface Unclaim {
  readonly kind: 'unclaim'
  readonly id: string
}

/** Asks for a server to be started on whichever node. */
export interface StartElsewhere extends Numbered {
  readonly kind: 'startElsewhere'
  readonly implementation: string
  readonly args: unknown
  readonly options: object
}

export interface Logged {
  readonly kind: 'log'
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string | undefined
}

/** The thread cannot serve its implementations. */
export interface Unfit {
  readonly kind: 'unfit'
  readonly failure: CarriedFailure
}

/** The thread has loaded its implementations. */
export interface Ready {
  readonly kind: 'ready'
  readonly implementations: readonly (readonly [name: string, data: DefinitionData])[]
}

/** What one end of a link or of a monitor tells the other: the server `to`. `by` and `death.id` are on the node that says so. */
export type Tie =
  | { readonly what: 'link' | 'unlink'; readonly by: string }
  | { readonly what: 'monitor'; readonly by: string; readonly ref: string }
  | { readonly what: 'demonitor'; readonly ref: string }
  | { readonly what: 'exit' | 'died'; readonly death: Death }
  | { readonly what: 'down'; readonly ref: string; readonly death: Death }
  | { readonly what: 'kill' }

export interface TieMessage {
  readonly kind: 'tie'
  readonly to: string
  readonly tie: Tie
}

/** These servers have lost their node. */
export interface Lost {
  readonly kind: 'lost'
  readonly servers: readonly { readonly id: string; readonly incarnation: number; readonly restarting: boolean }[]
}

type Question = CallMessage | CastMessage | InfoMessage | Abandon | ReplyMessage | TieMessage

export type Response = Answer | Told | Failed

/** From the gateway's thread to a thread of servers. */
export type ToNode =
  | Question
  | Response
  | Ask
  | Ping
  | ReloadMessage
  | WatchMessage
  | TraceMessage
  | Unwatch
  | Named
  | Unnamed
  | Ended
  | Lost

/** From a thread of servers to that of the gateway. */
export type FromNode =
  | Question
  | Response
  | Seen
  | Claim
  | Unclaim
  | StartElsewhere
  | Agree
  | RegisteredMessage
  | BeganMessage
  | CrashedMessage
  | SleptMessage
  | UnregisteredMessage
  | Logged
  | Unfit
  | NeedsStore
  | StoreHasFailed
  | Ready
