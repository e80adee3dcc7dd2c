/**
 * What is kept of crashes, to be read after them (OTP: error reports, and the log in them). They are kept beside the
 * servers, under their ids, so that they can be read whatever the server does, and when it has ended.
 *
 * 1. Of each id the last ten, and of so many ids: those that crashed last. The texts in a record are cut to a length. So
 *    all records together have a bound.
 * 2. A record shares no memory with what was handled.
 */
import type { Reason } from './reason.js'

/** A message that was taken. */
export interface LoggedMessage {
  /** When it was taken: RFC 3339, to the millisecond. */
  readonly at: string
  readonly kind: string
  readonly message: string
}

export interface CrashRecord {
  /** RFC 3339. */
  readonly at: string
  /** The life that crashed, and the revision of the state that it had. */
  readonly incarnation: number
  readonly revision: number
  /**
   * What was being handled: `call`, `cast`, `info`, `continue` and so on; `init` and `terminate`; `redact`, `codeChange` and
   * `reply`, which cost a thread; `crash` for work beside the messages, which is a `readOnly` call or a piped promise.
   */
  readonly kind: string
  readonly message: string
  /** As JSON text, cut; `null` where there are none. Where the implementation has a `redact`, only their shape. */
  readonly args: string | null
  readonly reason: Reason
  /** The stack of what was thrown, cut; `null` if that was no error. */
  readonly stack: string | null
  /** The state before, as operators may see it, as JSON text, cut; `null` when `redactFailed`, and in `init`. */
  readonly state: string | null
  readonly redactFailed?: true
  /** The request that brought the message. */
  readonly requestId?: string
  /** The last messages that were taken, oldest first; the last of them is the one that crashed. */
  readonly log: readonly LoggedMessage[]
}

const MOST_RECORDS = 10
const MOST_IDS = 1000

export class CrashRecords {
  /** Who crashed last comes last. */
  readonly #byId = new Map<string, readonly CrashRecord[]>()

  constructor(private readonly mostIds = MOST_IDS) {}

  add(id: string, record: CrashRecord): void {
    const records = [...this.get(id), record].slice(-MOST_RECORDS)
    this.#byId.delete(id)
    this.#byId.set(id, records)
    for (const oldest of this.#byId.keys()) {
      if (this.#byId.size <= this.mostIds) break
      this.#byId.delete(oldest)
    }
  }

  /** Oldest first. */
  get(id: string): readonly CrashRecord[] {
    return this.#byId.get(id) ?? []
  }

  /** The id begins anew: nothing that was before is known any more. */
  forget(id: string): void {
    this.#byId.delete(id)
  }
}
