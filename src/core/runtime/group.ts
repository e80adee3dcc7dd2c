/** What a message to a group may say, and what comes of it: an answer for each server that had the label. */
import type { FailureCode, GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import type { Origin } from '../kernel/queued.js'

export interface GroupOptions {
  readonly origin?: Origin | undefined
}

export interface GroupCallOptions extends GroupOptions {
  /** Milliseconds for all servers together, or `Infinity`. Default 5000. */
  readonly timeout?: number | undefined
  /** Aborting it gives all calls up: those that still wait never run. */
  readonly signal?: AbortSignal | undefined
}

export interface GroupReply {
  readonly id: string
  readonly reply: Json
  /** The revision of that server's state after the message had run. */
  readonly revision: number
}

/** Why one server of the group took no message, or gave no reply. */
export interface GroupFailure {
  readonly id: string
  readonly code: FailureCode
  readonly error: GenServerError
}

/** What became of a group cast. */
export interface GroupSent {
  /** How many servers have the message. */
  readonly sent: number
  /** Ordered by id. */
  readonly failures: readonly GroupFailure[]
}

/** What became of a group call: each server is in one of the two, ordered by id. */
export interface GroupReplies {
  readonly replies: readonly GroupReply[]
  readonly failures: readonly GroupFailure[]
}
