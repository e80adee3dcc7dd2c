/**
 * An order to put another state in the place of the one that is (OTP: `sys:replace_state/3`).
 *
 * 1. It is carried out between two messages: after the one that is being handled and whatever that still has to do, and
 *    before those that wait.
 * 2. Who ordered it hears what came of it as the caller of a call does, at the latest when its time is over. An order
 *    whose time is over is not carried out.
 */
import type { Call } from '../kernel/call.js'
import { GenServerError } from '../kernel/errors.js'
import type { First } from '../kernel/process.js'

/** The server whose state it is. */
interface Owner {
  readonly id: string
  /** What those hear who wait for it, once it has ended. */
  readonly failure: GenServerError | undefined
}

export class Replacement implements First {
  readonly kind = 'replace'
  readonly message = 'replaceState'
  readonly yields = true
  takenAt = 0

  constructor(
    private readonly owner: Owner,
    readonly call: Call,
    /** Gives the next state, which nobody else has. @throws what the caller hears */
    readonly next: (state: object) => object,
  ) {}

  /** The state that it was for is given up. */
  dropped(): void {
    const { id, failure } = this.owner
    const restarts = () => new GenServerError('restarting', `${id} begins anew with its init`, { retryAfter: 1 })
    this.call.fail(failure ?? restarts())
  }
}
