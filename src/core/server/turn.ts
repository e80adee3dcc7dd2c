/**
 * A turn: one message run to its outcome. Pure in shape, (handler, state, args, ctx) to (next state, answer): it knows
 * no mailbox, no HTTP, no store.
 *
 * The handler changes a draft. When it settles the draft becomes the next state; when it throws, the draft is dropped
 * and the state is what it was.
 */
import { create } from 'mutative'
import type { Json } from '../kernel/json.js'
import { NoReply, Stop } from './answer.js'
import type { Handler, Take } from './protocol.js'

export interface Turned {
  /** The same value as before if the handler changed nothing. */
  readonly state: unknown
  readonly answer: Json | NoReply | Stop<Json>
}

/** @throws what the handler throws, and `BadReply`. */
export function turn(handler: Handler, state: object, args: Json, ctx: unknown, reply: Take): Turned | Promise<Turned> {
  const [draft, finalize] = create(state)
  const result = handler(draft, args, ctx)
  if (isThenable(result)) {
    // A promise of somebody else's make (knex, Bluebird) comes back as one of ours.
    return Promise.resolve(result).then((value) => ({ answer: answerOf(value, reply), state: finalize() }))
  }
  return { answer: answerOf(result, reply), state: finalize() }
}

/** Takes the reply out of what a handler returned, while the drafts in it are alive. */
function answerOf(result: unknown, reply: Take): Turned['answer'] {
  if (result instanceof NoReply) return result
  if (!(result instanceof Stop)) return reply(result)
  return new Stop(result.reason, result.answer && { reply: reply(result.answer.reply) })
}

/** For messages that nobody waits for: whatever the handler returns is not looked at. */
export const noAnswer: Take = () => null

/**
 * The state as a `readOnly` handler gets it: whoever changes it is told so by an exception. What cannot be frozen, since
 * it refers to itself or has a getter that throws, is taken as it is: to look at a state must not fail.
 */
export function freeze(state: object): object {
  try {
    return create(state, () => {}, { enableAutoFreeze: true })
  } catch {
    return state
  }
}

export function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as Promise<unknown>).then === 'function'
}
