/**
 * Everything that can wait in a mailbox: a closed union. An envelope carries its own place in the queue (see
 * `queued.ts`), so that putting it in, taking it out and withdrawing it cost the same however long the queue is.
 */
import type { Call } from './call.js'
import type { Json } from './json.js'
import { type Origin, Queued } from './queued.js'
import type { Reason } from './reason.js'

/** Fire and forget (OTP: `gen_server:cast/2`). */
export class Cast extends Queued {
  readonly kind = 'cast'
  constructor(
    readonly message: string,
    public args: Json,
    readonly origin: Origin | undefined,
    readonly ifMatch: number | undefined,
    readonly bounded: boolean,
  ) {
    super()
  }
}

/** A plain message: a send, a timer, a piped result, the idle timeout. */
export class Info extends Queued {
  readonly kind = 'info'
  constructor(
    readonly message: string,
    public args: Json,
    readonly bounded: boolean,
  ) {
    super()
  }
}

/** An order to end, which waits its turn like any message (OTP: `sys:terminate`). */
export class StopOrder extends Queued {
  readonly kind = 'stop'
  readonly message = 'stop'
  readonly bounded = false
  constructor(
    readonly reason: Reason,
    readonly ifMatch: number | undefined,
    /** Told how the server ended, or why it did not. */
    readonly done: (refused: Error | undefined) => void,
    /** It will be started again, and its id stays its own. */
    readonly isHold = false,
  ) {
    super()
  }
}

export type Envelope = Call | Cast | Info | StopOrder
