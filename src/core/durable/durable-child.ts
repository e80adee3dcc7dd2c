/**
 * A durable server that is the child of a supervisor. What befalls that one does not end it: it goes on with what is kept, by itself
 * until it is taken in again.
 *
 * 1. Whoever takes it down to let it live again later (a strategy) does not make it give its state up.
 * 2. It ends when it chooses to, or is ordered to; never because its supervisor does.
 */
import type { StopOrder } from '../kernel/envelope.js'
import type { GenServerError } from '../kernel/errors.js'
import type { Pending } from '../kernel/process.js'
import type { Reason } from '../kernel/reason.js'
import { DurableServer } from './durable-server.js'

export class DurableChild extends DurableServer {
  /** No supervisor has it. */
  private get isAlone(): boolean {
    return this.keeper.supervisor === undefined
  }

  /** It is taken down, unless whoever wanted that is no more. */
  override hold(reason: Reason): void {
    if (!this.isAlone) super.hold(reason)
  }

  protected override held(reason: Reason): Pending {
    return this.terms.restartFrom === 'state' ? this.goOn('held', reason) : super.held(reason) // 1
  }

  protected override holdOnOrder(order: StopOrder): Pending {
    if (!this.isAlone && this.terms.restartFrom === 'init') return super.holdOnOrder(order)
    this.hold(order.reason)
    order.done(undefined)
    return undefined
  }

  /** Its supervisor is no more, and does not say when it lives again. */
  left(): void {
    queueMicrotask(() => {
      if (this.isAway && this.anyAbsence?.left === 0) void this.anyAbsence.liveNow() // 2
    })
  }

  override async revive(timeout: number): Promise<Reason | undefined> {
    const reason = await super.revive(timeout)
    await this.coming
    return reason
  }

  /** Its supervisor need not hear of that: it has not ended. */
  override unload(failure: GenServerError): void {
    this.anyTies?.leaveParent()
    super.unload(failure)
  }
}
