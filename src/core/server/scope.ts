/** One turn, as the server sees it: for whom it runs, what it has said so far, and whether it is still on. */
import type { Call } from '../kernel/call.js'
import type { Json } from '../kernel/json.js'
import type { Origin } from '../kernel/queued.js'
import type { Effect } from './effects.js'

const NONE: readonly Effect[] = []

export class Scope {
  #effects: Effect[] | undefined = undefined
  #repliesTo: Set<Call> | undefined = undefined
  #abort: AbortController | undefined = undefined
  /** The turn has ended: its context does nothing any more. */
  over = false
  /** The milliseconds that the idle timeout was armed with when the message was taken: a turn that fails arms it again. */
  idleBefore: number | undefined = undefined

  constructor(
    readonly call: Call | undefined,
    readonly origin: Origin | undefined,
    /** The handler only looks: it has no effects. */
    readonly readOnly: boolean,
  ) {}

  get effects(): readonly Effect[] {
    return this.#effects ?? NONE
  }

  add(effect: Effect): void {
    this.#effects ??= []
    this.#effects.push(effect)
  }

  /** Aborted when the turn is cut off or the caller is gone; made when a handler asks for it. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController()
      this.#abort = abort
      const gone = () => abort.abort(new Error('the caller is gone'))
      if (this.call?.phase === 'settled') gone()
      else if (this.call !== undefined) this.call.onGone = gone
    }
    return this.#abort.signal
  }

  /** Whether this turn replies to `call` already. */
  repliesTo(call: Call): boolean {
    return this.#repliesTo?.has(call) === true
  }

  reply(call: Call, reply: Json): void {
    this.#repliesTo ??= new Set()
    this.#repliesTo.add(call)
    this.add({ kind: 'reply', call, reply })
  }

  /** What still runs of the turn should stop, because of `why`, and is not heard any more. */
  cut(why: string): void {
    this.over = true
    this.#abort?.abort(new Error(why))
  }
}
