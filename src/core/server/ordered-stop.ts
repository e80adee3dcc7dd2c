/** An order to end that is not waited for longer than the server may take (OTP: `shutdown` of a child specification). */
import { StopOrder } from '../kernel/envelope.js'
import type { Reason } from '../kernel/reason.js'
import type { Server } from './server.js'

interface Order {
  readonly reason: Reason
  /** Milliseconds, or `Infinity`. */
  readonly patience: number
  /** It will be started again. */
  readonly isHold?: boolean
  /** What is done when patience ends. */
  readonly tooLate: () => void
}

/** Resolves when the server has carried the order out, or it was too late. */
export function orderToStop(server: Server, { reason, patience, isHold, tooLate }: Order): Promise<void> {
  const { clock, transport } = server.node
  return new Promise((resolve) => {
    const done = () => {
      limit.cancel()
      resolve()
    }
    const order = new StopOrder(reason, undefined, done, isHold)
    const late = () => {
      server.mailbox.remove(order)
      tooLate()
      resolve()
    }
    const limit = clock.setTimer(patience, late)
    server.heed(order)
    transport.deliver(server, order)
  })
}
