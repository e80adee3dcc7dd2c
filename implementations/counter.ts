/**
 * An integer that many clients count with. Teaches the typed call, and what `readOnly` is for.
 *
 * Two increments never interleave, so none is lost. `get` only looks: it makes no revision, and the next message does
 * not wait for it. The revision is the HTTP `ETag`, so a client that has to read, think and write asks `get`, keeps the
 * ETag, and sends `set` with `If-Match`: if anybody counted in between, it is told 412 and nothing has changed.
 */
import { defineServer, Type } from 'genservers'

// A number in JSON loses its last digits beyond 2^53. A bound in the schema is a 400 before the handler runs.
const range = { minimum: -1_000_000_000, maximum: 1_000_000_000 }

export default defineServer({
  description: 'An integer to count with.',
  // A property with a `default` may be left out by the client; the handler always finds it filled in.
  args: Type.Object({ start: Type.Integer({ ...range, default: 0, description: 'The first value.', examples: [10] }) }),
  state: Type.Object({ count: Type.Integer() }),
  calls: {
    increment: {
      description: 'Adds `by` and answers the new value. Negative values count down.',
      args: Type.Object({ by: Type.Integer({ ...range, default: 1, examples: [2] }) }),
      reply: Type.Integer({ examples: [2] }),
    },
    get: {
      description: 'Answers the value; changes nothing.',
      readOnly: true,
      reply: Type.Integer({ examples: [2] }),
    },
    set: {
      description:
        'Sets the value and answers the one before. Send it with `If-Match` to overwrite only what you read.',
      args: Type.Object({ to: Type.Integer({ ...range, examples: [100] }) }),
      reply: Type.Integer({ examples: [2] }),
    },
  },
  casts: {
    reset: { description: 'Back to zero. A cast: nobody waits for it.' },
  },

  init: ({ start }) => ({ count: start }),
  handleCall: {
    increment: (state, { by }) => {
      state.count += by
      return state.count
    },
    get: (state) => state.count,
    set: (state, { to }) => {
      const before = state.count
      state.count = to
      return before
    },
  },
  handleCast: {
    reset: (state) => {
      state.count = 0
    },
  },
})
