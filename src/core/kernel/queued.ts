/** An envelope's place in a mailbox, which it carries itself. */
import type { Receipt } from './receipt.js'

export abstract class Queued {
  previous: Queued | undefined = undefined
  next: Queued | undefined = undefined
  /** Whether it is in a mailbox: on its way there it is not yet, and once taken not any more. */
  queued = false
  /** When it was put in: the clock's monotonic milliseconds. */
  queuedAt = 0
  /** When it was taken, to be handled. */
  takenAt = 0
  /** How large it is, as far as known. */
  bytes = 0
  /** What whoever sent it, from elsewhere, knows it by; 0 where nobody asks. */
  ticket = 0
  /** What the store knows it by, if it does. */
  receipt: Receipt | undefined = undefined
  /**
   * Whether the mailbox's bound holds for it. Messages that clients and servers send are bounded; a stop and a timer
   * always get in.
   */
  abstract readonly bounded: boolean
}

/** Who asks: for logs, and to pass on. */
export interface Origin {
  readonly requestId?: string
  readonly traceparent?: string
}
