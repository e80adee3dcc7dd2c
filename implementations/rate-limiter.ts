/**
 * A token bucket: `capacity` at once, and one more each `interval`. Teaches timers.
 *
 * `ctx.sendAfter` sends a message to the server itself, later. It fires once; work that repeats sends itself again. The
 * bucket has one timer, and only while it is not full: an idle limiter costs nothing. Timers belong to the state. When
 * the server crashes and restarts from its state its timer is still there, and when it starts from `init` it is gone,
 * so what the state says about its timer (`refill`) is always true.
 *
 * A timer that has fired cannot be called back: `cancelTimer` says `false`, and its message may stand in the mailbox
 * already. So the message carries the `round` in which it was sent, and one of an earlier round is ignored.
 */
import { type Context, defineServer, Type } from 'genservers'

interface Bucket {
  interval: number
  round: number
  refill: { timer: string; at: number } | null
}

/** Sends the next `refill`. Helpers are plain functions: give them the draft and `ctx`. */
function schedule(state: Bucket, ctx: Context): void {
  const timer = ctx.sendAfter(state.interval, 'refill', { round: state.round })
  state.refill = { timer, at: ctx.now() + state.interval }
}

export default defineServer({
  description: 'A token bucket that says who may pass now.',
  args: Type.Object({
    capacity: Type.Integer({ default: 10, minimum: 1, maximum: 1_000_000, description: 'Tokens in a full bucket.' }),
    interval: Type.Integer({
      default: 1000,
      minimum: 1,
      maximum: 86_400_000,
      description: 'After how many milliseconds one token comes back.',
    }),
  }),
  state: Type.Object({
    capacity: Type.Integer(),
    interval: Type.Integer(),
    tokens: Type.Integer(),
    round: Type.Integer(),
    refill: Type.Union([Type.Object({ timer: Type.String(), at: Type.Number() }), Type.Null()]),
  }),
  calls: {
    take: {
      description: 'Takes a token, if there is one.',
      reply: Type.Object({
        allowed: Type.Boolean(),
        tokens: Type.Integer({ description: 'How many are left.' }),
        retryAfter: Type.Integer({ description: 'Milliseconds until a token comes; 0 if there is one.' }),
      }),
    },
  },
  casts: {
    reset: { description: 'Fills the bucket.' },
  },
  infos: {
    refill: { args: Type.Object({ round: Type.Integer() }) },
  },

  init: ({ capacity, interval }) => ({ capacity, interval, tokens: capacity, round: 0, refill: null }),
  handleCall: {
    take: (state, _args, ctx) => {
      const allowed = state.tokens > 0
      if (allowed) state.tokens--
      if (state.refill === null) schedule(state, ctx)
      // The time comes from `ctx.now()`, not from `Date`, so that a test can move it.
      const due = (state.refill?.at ?? ctx.now()) - ctx.now()
      return { allowed, tokens: state.tokens, retryAfter: state.tokens > 0 ? 0 : Math.max(1, Math.ceil(due)) }
    },
  },
  handleCast: {
    reset: (state, _args, ctx) => {
      if (state.refill !== null) ctx.cancelTimer(state.refill.timer)
      state.refill = null
      state.tokens = state.capacity
      state.round++
    },
  },
  handleInfo: {
    refill: (state, { round }, ctx) => {
      if (round !== state.round) return
      state.tokens++
      state.refill = null
      if (state.tokens < state.capacity) schedule(state, ctx)
    },
  },
})
