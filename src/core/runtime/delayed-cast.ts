/** A cast from outside that is put into its mailbox later. */

import type { Awaitable } from '../definition/definition.js'
import { outcomeText } from '../durable/outcome.js'
import { GenServerError } from '../kernel/errors.js'
import type { AnswerKey } from '../kernel/kept.js'
import type { Node } from '../kernel/node.js'
import { castOperation } from '../server/sending.js'
import type { Server } from '../server/server.js'
import type { DelayedCast } from '../server/timers.js'

interface Given extends Pick<DelayedCast, 'message'>, Partial<Omit<DelayedCast, 'message' | 'args'>> {
  readonly args: unknown
  /** That it was accepted is to be kept under this. */
  readonly key?: AnswerKey | undefined
}

/**
 * Gives the ref of its timer; of a durable server, when that is kept.
 * @throws {GenServerError} `unknown_message`, `invalid_args`, `mailbox_full`
 */
export function castLater(
  node: Node,
  to: Server,
  { message, args, origin, ifMatch, key }: Given,
  delay: number,
): Awaitable<string> {
  const cast = { message, args: castOperation(to.protocol, message).check(args), origin, ifMatch }
  const ref = node.makeRef('t')
  const arm = (): Awaitable<string> => {
    const timers = to.anyTimers?.size ?? 0
    if (timers >= to.mailbox.limit) {
      throw new GenServerError('mailbox_full', `${to.id} has ${timers} timers and takes no more`, { retryAfter: 1 })
    }
    // It may have been started for this cast and have failed at once: nobody would ever clear the timer.
    if (!to.ended) {
      to.timers.cast(ref, delay, cast)
      if (key !== undefined) to.keepAnswer(key, outcomeText({ kind: 'accepted', timer: ref }))
    }
    return to.kept()?.then(() => ref) ?? ref
  }
  // The timer of one that is not there yet could not be kept.
  const begun = to.protocol.definition.durable ? to.begun(Number.POSITIVE_INFINITY) : undefined
  return begun?.then(arm) ?? arm()
}
