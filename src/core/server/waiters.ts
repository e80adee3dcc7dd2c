/**
 * Those who wait for a server beyond its mailbox: callers whose reply comes later, and whoever ordered it to stop.
 */
import type { Call } from '../kernel/call.js'
import type { StopOrder } from '../kernel/envelope.js'
import { GenServerError } from '../kernel/errors.js'
import type { Mailbox } from '../kernel/mailbox.js'
import type { Reason } from '../kernel/reason.js'
import type { WorkLog } from '../kernel/work-log.js'

export class Waiters {
  readonly #deferred = new Set<Call>()
  /** The order that is being carried out. */
  #stopping: StopOrder | undefined = undefined

  get areNone(): boolean {
    return this.#deferred.size === 0 && this.#stopping === undefined
  }

  defer(call: Call): void {
    this.#deferred.add(call)
  }

  forget(call: Call): void {
    this.#deferred.delete(call)
  }

  stopOrdered(order: StopOrder): void {
    this.#stopping = order
  }

  /** The order to take it down for a while is carried out. */
  held(order: StopOrder): void {
    if (this.#stopping === order) this.#stopping = undefined
    order.done(undefined)
  }

  /** Somebody's order to end for good is being carried out. */
  get areForTheEnd(): boolean {
    return this.#stopping?.isHold === false
  }

  failDeferred(failureOf: (call: Call) => GenServerError): void {
    for (const call of this.#deferred) call.fail(failureOf(call))
  }

  /** All who wait hear `failure`, and whatever else waits is dropped. The server has not ended. */
  giveUp(failure: GenServerError, mailbox: Mailbox, log: WorkLog): void {
    this.failDeferred(() => failure)
    for (let left = mailbox.shift(); left !== undefined; left = mailbox.shift()) {
      log.dropped(left)
      if (left.kind === 'call') left.fail(failure)
      else if (left.kind === 'stop') left.done(failure)
    }
    this.#stopping?.done(failure)
    this.#stopping = undefined
  }

  /** The server `id` has ended because of `reason`; without one it has never begun. Nobody goes on waiting. */
  ended(id: string, reason: Reason | undefined, failure: GenServerError, mailbox: Mailbox, log: WorkLog): void {
    this.failDeferred(() => failure)
    for (let left = mailbox.shift(); left !== undefined; left = mailbox.shift()) {
      log.dropped(left)
      if (left.kind === 'call') left.fail(failure)
      else if (left.kind === 'stop') answerStop(left, id, reason, failure)
    }
    if (this.#stopping !== undefined) answerStop(this.#stopping, id, reason, failure)
  }
}

/** A stop has succeeded if the server ended for the reason that was ordered. */
function answerStop(order: StopOrder, id: string, reason: Reason | undefined, failure: GenServerError): void {
  if (JSON.stringify(order.reason) === JSON.stringify(reason)) order.done(undefined)
  else if (typeof reason === 'object' && 'error' in reason) {
    order.done(new GenServerError('server_crashed', `${id} crashed while it stopped: ${reason.error}`, { reason }))
  } else order.done(failure)
}
