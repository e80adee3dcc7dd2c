/** What can be seen of a server from outside, without asking it (OTP: `process_info`): it works while it is stuck. */
import type { Json } from '../kernel/json.js'
import type { Reason } from '../kernel/reason.js'
import type { Restart, RestartFrom } from './options.js'

/**
 * `starting`: `init` runs; `running`; `restarting`: its last life is over and the next has not begun, because it waits for
 * it or `init` runs; `stopping`: `terminate` runs.
 */
export type Status = 'starting' | 'running' | 'restarting' | 'stopping'

/** How many servers of one implementation have one status. */
export interface ServerCount {
  readonly implementation: string
  readonly status: SeenStatus
  readonly count: number
}

/** As seen from outside. `suspended`: it would be `running`, but an operator lets it take no message. */
export type SeenStatus = Status | 'suspended'

export interface ServerInfo {
  readonly id: string
  /** The node that it is on. */
  readonly node: string
  readonly implementation: string
  readonly version: number
  readonly status: SeenStatus
  /** Which life of this id this is; only grows. */
  readonly incarnation: number
  /** Counts the changes of the state; only grows. */
  readonly revision: number
  /** When it was first started: RFC 3339. */
  readonly startedAt: string
  /** How often it was restarted: after a crash, or because it is `permanent` and stopped itself. */
  readonly restarts: number
  /** While it is `restarting`: how many restarts in a row this is. 0 otherwise. */
  readonly attempts: number
  readonly restart: Restart
  readonly restartFrom: RestartFrom
  /** The id of the supervisor that keeps it; `null` if it stands alone. */
  readonly supervisor: string | null
  /** The groups it is in, as its starter named them. */
  readonly labels: readonly string[]
  readonly mailbox: {
    /** Messages that wait. */
    readonly length: number
    /** How many may wait. */
    readonly limit: number
    /** How long the oldest has waited, in milliseconds; 0 when none waits. */
    readonly oldestAge: number
  }
  /** Messages taken so far. */
  readonly handled: number
  /** Replies that its handlers gave so far. */
  readonly replies: number
  /** How often it crashed so far. */
  readonly crashes: number
  /** The message that is being run, and for how many milliseconds. */
  readonly current: { readonly kind: string; readonly message: string; readonly runningFor: number } | null
  /** Why it last crashed or was restarted, or why a restart failed. */
  readonly lastExit: { readonly reason: Reason; readonly at: string } | null
}

/** One node: a thread that runs servers. */
export interface NodeInfo {
  readonly node: string
  /** Whether it is at work: not while its thread is replaced, which takes as long as its implementations cannot be loaded. */
  readonly ready: boolean
  /** When it began, or was last replaced: RFC 3339. */
  readonly startedAt: string
  /** How often it was given up and replaced. */
  readonly restarts: number
  readonly servers: number
  /** Messages that wait in all its mailboxes together; timers and orders, which are always taken, do not count. */
  readonly queued: number
  /** How many bytes they have, as far as known. */
  readonly queuedBytes: number
  /** The message that holds it up at this moment, and for how many milliseconds; `null` where none does. */
  readonly current: { readonly server: string; readonly message: string; readonly runningFor: number } | null
}

/** A page of servers, ordered by id. */
export interface ServerPage {
  readonly servers: readonly ServerInfo[]
  /** Give it as `after` to get the next page; absent on the last one. */
  readonly next?: string
}

/** The last committed state, as operators may see it. */
export interface StateView {
  /** `null` when `redactFailed`, and while there is none: before `init` has given one. */
  readonly state: unknown
  readonly revision: number
  readonly incarnation: number
  /** `redact` threw, or the state itself cannot be shown, so nothing is. */
  readonly redactFailed?: true
}

/** A timer that is due: one of the server's own (`info`), or a delayed cast (`cast`). */
export interface TimerInfo {
  readonly ref: string
  readonly kind: 'info' | 'cast'
  readonly message: string
  /** When it fires: RFC 3339. */
  readonly dueAt: string
  /** Milliseconds until it fires. */
  readonly dueIn: number
}

/** A cast that crashed its durable server too often, and was set aside. */
export interface DeadLetterInfo {
  readonly ref: string
  readonly message: string
  readonly args: Json
  /** How often it was taken. */
  readonly attempts: number
  /** When it was set aside: RFC 3339. */
  readonly at: string
  /** What it crashed with the last time. */
  readonly reason: Reason
}

export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetterInfo[]
  /** Give it as `after` for the next page. */
  readonly next?: string
}

/** Something that happened to a server, or to one of all: see `Runtime.watch`. */
export interface FeedEvent {
  /** Where it is in its feed. Give it as `after` to go on from here. */
  readonly position: string
  /** What was published, or one of `RUNTIME_EVENTS`. */
  readonly event: string
  readonly data: Json
  /** The data as JSON: written once, for all who send it on. */
  readonly json: string
}

/** What the runtime and the gateway tell of a server themselves. No implementation may publish by these names. */
export const RUNTIME_EVENTS = ['start', 'restart', 'exit', 'gap', 'state', 'patch'] as const

/** Something that a server published. */
export interface PublishedEvent {
  readonly id: string
  readonly event: string
  readonly data: Json
}
