/**
 * A queue whose consumers wait for work. Teaches deferred replies: a call that is answered later, by another message.
 *
 * `take` on an empty queue returns `ctx.noReply()` and keeps the caller's address, `ctx.from`, in the state. The
 * mailbox goes on at once, or no `put` could ever come in. The next `put` answers the address with `ctx.reply`, which
 * says whether that caller still waits: one who hung up gets nothing, and the item goes to the next in line. (It is at
 * most once all the same: a connection may break while the reply is on its way.)
 *
 * Whoever waits costs memory, so the line is bounded, and each place in it ends: after `wait` milliseconds a timer
 * answers "nothing". Keep `wait` below the timeout of the call, and no consumer ever sees a 504.
 */
import { defineServer, Type } from 'genservers'

const MAX_WAITING = 1000

export default defineServer({
  description: 'A first-in, first-out queue. Consumers wait for items.',
  args: Type.Object({
    limit: Type.Integer({ default: 1000, minimum: 1, maximum: 100_000, description: 'How many items may be stored.' }),
  }),
  state: Type.Object({
    limit: Type.Integer(),
    items: Type.Array(Type.Unknown()),
    // An address and a timer's ref are plain data: they may be kept in the state.
    waiting: Type.Array(Type.Object({ from: Type.String(), timer: Type.String() })),
  }),
  calls: {
    put: {
      description: 'Hands an item to whoever waits longest, or stores it. Answers `false` if the queue is full.',
      args: Type.Object({ item: Type.Unknown({ description: 'Any JSON.', examples: [{ job: 7 }] }) }),
      reply: Type.Boolean(),
    },
    take: {
      description: 'Takes the oldest item; if there is none, waits for one.',
      args: Type.Object({
        wait: Type.Integer({
          default: 4000,
          minimum: 0,
          maximum: 3_600_000,
          description: 'How many milliseconds to wait; 0 answers at once.',
        }),
      }),
      reply: Type.Object({
        found: Type.Boolean({ description: 'Without it: none came in time, or too many wait already.' }),
        item: Type.Optional(Type.Unknown()),
      }),
    },
    size: { description: 'How many items are stored.', readOnly: true, reply: Type.Integer() },
  },
  infos: {
    giveUp: { args: Type.Object({ from: Type.String() }) },
  },

  init: ({ limit }) => ({ limit, items: [], waiting: [] }),
  handleCall: {
    put: (state, { item }, ctx) => {
      for (let next = state.waiting.shift(); next; next = state.waiting.shift()) {
        ctx.cancelTimer(next.timer)
        if (ctx.reply(next.from, { found: true, item })) return true
      }
      if (state.items.length >= state.limit) return false
      state.items.push(item)
      return true
    },
    take: (state, { wait }, ctx) => {
      if (state.items.length > 0) return { found: true, item: state.items.shift() }
      if (wait === 0 || state.waiting.length >= MAX_WAITING) return { found: false }
      state.waiting.push({ from: ctx.from, timer: ctx.sendAfter(wait, 'giveUp', { from: ctx.from }) })
      return ctx.noReply()
    },
    size: (state) => state.items.length,
  },
  handleInfo: {
    giveUp: (state, { from }, ctx) => {
      const place = state.waiting.findIndex((next) => next.from === from)
      // A timer that has fired cannot be cancelled: this message may have waited in the mailbox while a put was run.
      if (place === -1) return
      state.waiting.splice(place, 1)
      ctx.reply(from, { found: false })
    },
  },
})
