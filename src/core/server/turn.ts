/**
 * A turn: one message run to its outcome. Pure in shape, (handler, state, args, ctx) to (next state, answer): it knows
 * no mailbox, no HTTP, no store.
 *
 * The handler changes a draft. When it settles the draft becomes the next state; when it throws, the draft is dropped
 * and the state is what it was.
 */

import { NoReply, Stop } from '../definition/answer.js'
import type { Check, Handler } from '../definition/protocol.js'
import type { Json } from '../kernel/json.js'
import { type Draft, draftOf } from './draft.js'

export interface Turned {
  /** The same value as before if the handler changed nothing. */
  readonly state: object
  readonly answer: Json | NoReply | Stop<Json>
}

/** @throws what the handler throws, and `BadReply`. */
export function turn(
  handler: Handler,
  state: object,
  args: Json,
  ctx: unknown,
  checkReply: Check,
): Turned | Promise<Turned> {
  const draft = draftOf(state)
  const result = handler(draft.draft, args, ctx)
  if (isThenable(result)) {
    // A promise of somebody else's make (knex, Bluebird) comes back as one of ours.
    return Promise.resolve(result).then((value) => finish(value, checkReply, draft))
  }
  return finish(result, checkReply, draft)
}

function finish(result: unknown, checkReply: Check, draft: Draft): Turned {
  // First the answer: it may hold drafts, and `finalize` is their end.
  const answer = answerOf(result, checkReply)
  return { state: draft.finalize(), answer }
}

function answerOf(result: unknown, checkReply: Check): Turned['answer'] {
  if (result instanceof NoReply) return result
  if (!(result instanceof Stop)) return checkReply(result)
  return new Stop(result.reason, result.answer && { reply: checkReply(result.answer.reply) })
}

/** For messages that nobody waits for: whatever the handler returns is no answer, unless it is a `Stop`. */
export const noAnswer: Check = () => null

export function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as Promise<unknown>).then === 'function'
}
