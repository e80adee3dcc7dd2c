/**
 * What a signed-in user has, for as long as they are there. Teaches the idle timeout, and how a server ends itself.
 *
 * `ctx.idleTimeout(ms)` asks for the message `timeout` if nothing else comes for that long. It is asked for once, and
 * any message ends it: `init` and each handler ask again. (A `readOnly` call starts the time over by itself; a look at
 * the server from outside is no message.) The end is an ordinary one, with reason `normal`, so nothing is restarted or
 * reported, and the next request to this id is told 410.
 */
import { defineServer, Type } from 'genservers'

export default defineServer({
  description: 'A session that ends when nobody has used it for a while.',
  args: Type.Object({
    user: Type.String({ minLength: 1, maxLength: 200, examples: ['ada'] }),
    idle: Type.Integer({
      default: 900_000,
      minimum: 1000,
      maximum: 86_400_000,
      description: 'After how many idle milliseconds it ends.',
    }),
  }),
  state: Type.Object({
    user: Type.String(),
    idle: Type.Integer(),
    since: Type.Number(),
    data: Type.Unknown(),
  }),
  calls: {
    get: {
      description: 'What is kept; counts as a visit.',
      reply: Type.Object({ user: Type.String(), data: Type.Unknown() }),
      readOnly: true,
    },
    put: {
      description: 'Replaces what is kept.',
      args: Type.Object({ data: Type.Unknown({ description: 'Any JSON.', examples: [{ theme: 'dark' }] }) }),
    },
    signOut: {
      description: 'Ends the session; answers how many milliseconds it lasted.',
      reply: Type.Integer(),
    },
  },
  casts: {
    touch: { description: 'The user is still there.' },
  },

  init: ({ user, idle }, ctx) => {
    ctx.idleTimeout(idle)
    return { user, idle, since: ctx.now(), data: null }
  },
  handleCall: {
    get: ({ user, data }) => ({ user, data }),
    put: (state, { data }, ctx) => {
      ctx.idleTimeout(state.idle)
      state.data = data
    },
    // The caller gets the reply when the server has ended, so that after it the id is free again.
    signOut: (state, _args, ctx) => ctx.stop('normal', Math.max(0, Math.round(ctx.now() - state.since))),
  },
  handleCast: {
    touch: (state, _args, ctx) => {
      ctx.idleTimeout(state.idle)
    },
  },
  handleInfo: {
    timeout: (_state, _args, ctx) => ctx.stop('normal'),
  },
  // What a user keeps is theirs: operators see that there is a session, and whose.
  redact: ({ user, idle, since }) => ({ user, idle, since }),
})
