/** An implementation that does on demand whatever can happen to a server. */
import { defineServer, Type } from 'genservers'

export const probe = defineServer({
  description: 'Does whatever it is told to.',
  args: Type.Object({
    init: Type.String({ default: 'ok', description: 'ok, ignore, refuse, crash, hang' }),
    secret: Type.String({ default: 'hush' }),
  }),
  state: Type.Object({ n: Type.Integer(), secret: Type.String() }),
  calls: {
    ping: { description: 'Answers pong.', reply: Type.String() },
    echo: { args: Type.Object({ value: Type.Unknown() }), reply: Type.Unknown() },
    add: { args: Type.Object({ by: Type.Integer() }), reply: Type.Integer() },
    nothing: {},
    crash: {},
    badReply: { reply: Type.Integer() },
    block: { description: 'Holds the mailbox until the caller gives up.' },
    later: { description: 'Is answered by nobody.' },
    callSelf: { reply: Type.Unknown() },
    leave: { args: Type.Object({ reason: Type.String() }) },
  },
  casts: {
    add: { args: Type.Object({ by: Type.Integer() }) },
    crashSoon: {},
  },
  redact: (state) => ({ n: state.n }),

  init: ({ init, secret }, ctx) => {
    if (init === 'ignore') return ctx.ignore()
    if (init === 'refuse') return ctx.refuse('not today')
    if (init === 'crash') throw new Error('init broke')
    const state = { n: 0, secret }
    return init === 'hang' ? new Promise<typeof state>(() => {}) : state
  },
  handleCall: {
    ping: () => 'pong',
    echo: (_state, { value }) => value,
    add: (state, { by }) => {
      state.n += by
      return state.n
    },
    nothing: () => {},
    crash: () => {
      throw new Error('boom')
    },
    badReply: () => 'many' as unknown as number,
    block: (_state, _args, ctx) =>
      new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve())),
    later: (_state, _args, ctx) => ctx.noReply(),
    callSelf: (_state, _args, ctx) => ctx.call(ctx.id, 'ping'),
    leave: (_state, { reason }, ctx) => ctx.stop(reason),
  },
  handleCast: {
    add: (state, { by }) => {
      state.n += by
    },
    crashSoon: () => {
      throw new Error('boom')
    },
  },
})
