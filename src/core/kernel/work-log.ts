/**
 * What the processes of a node are at, and have been. Who looks on from outside, as the board of a thread, overrides what it wants to
 * hear of; here only the last messages that were taken are kept, for the records of crashes (OTP: `sys:log/2`, which is in the
 * error report too). That is always on, so one array for all of them is written round, short enough to stay in a cache, and of
 * each message no more is kept than whose it was, its kind, its name and when. A log in each process would cost memory for
 * each, and a way through memory that nothing else has used for long, at each message: a sixth of what a call costs.
 *
 * So a process finds in it its last ten messages, or as many of them as are among the last `MOST` of the node.
 */
import type { LoggedMessage } from './crash-records.js'
import { cutText } from './reason.js'

const MOST = 2048

/** So many of one process are told. */
const TOLD = 10

/** Places in the array for one message: id, kind, name, time. */
const FIELDS = 4

/** A message has any name where `handleInfo` takes any. */
const MOST_NAME = 128

/** A message that is taken. */
export interface Taken {
  readonly kind: string
  readonly message: string
  readonly ticket?: number
}

export class WorkLog {
  readonly #fields: (string | number)[] = []
  readonly #size: number
  /** Where the next message goes, once the array is full. */
  #next = 0

  constructor(most = MOST) {
    this.#size = most * FIELDS
  }

  /** The process of `id` takes a message. `at`: the clock's monotonic milliseconds. */
  add(id: string, { kind, message }: Taken, at: number): void {
    const fields = this.#fields
    const name = message.length > MOST_NAME ? cutText(message, MOST_NAME) : message
    // A whole number costs no memory of its own.
    const when = Math.trunc(at)
    if (fields.length < this.#size) {
      fields.push(id, kind, name, when)
      return
    }
    const next = this.#next
    fields[next] = id
    fields[next + 1] = kind
    fields[next + 2] = name
    fields[next + 3] = when
    this.#next = next + FIELDS === this.#size ? 0 : next + FIELDS
  }

  /** Whether a call is still wanted that is about to be taken. From then on it counts as taken. */
  claims(_call: Pick<Taken, 'ticket'>): boolean {
    return true
  }

  /** The process of `id` is at something that is no message: its `init`, or what others want to know of it. */
  begins(_id: string, _what: string): void {}

  /** What the process of `id` was at has given the thread back. If that is `underWay` it goes on later, until it is `over`. */
  returned(_id: string, _underWay: boolean): void {}

  /** What the process of `id` is at goes on beside whatever else it does, until that is `over`. */
  beside(_id: string, _look: object): void {}

  /** What a process had under way, or what went on beside. */
  over(_what: string | object): void {}

  /** Does `work` for the process of `id`. */
  during<T>(id: string, what: string, work: () => T): T {
    this.begins(id, what)
    try {
      return work()
    } finally {
      this.returned(id, false)
    }
  }

  /** The message is not taken any more: its process has ended, or it does not fit new code. */
  dropped(_message: Pick<Taken, 'ticket'>): void {}

  /** The last messages of the process of `id`, oldest first. `now` and `monotonic` are what the clock says at the moment. */
  of(id: string, now: number, monotonic: number): LoggedMessage[] {
    const fields = this.#fields
    const { length } = fields
    const found: LoggedMessage[] = []
    for (let back = FIELDS; back <= length && found.length < TOLD; back += FIELDS) {
      const place = (this.#next - back + length) % length
      if (fields[place] !== id) continue
      const [kind, message, when] = fields.slice(place + 1, place + FIELDS) as [string, string, number]
      found.push({ at: new Date(now - Math.max(0, monotonic - when)).toISOString(), kind, message })
    }
    return found.reverse()
  }
}
