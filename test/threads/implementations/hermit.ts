// Has a thread of its own, and may hold it for a moment only.
import { defineServer, Type } from 'genservers'

export default defineServer({
  description: 'Lives alone.',
  isolate: true,
  handlerLimit: 300,
  state: Type.Object({ count: Type.Integer() }),
  calls: {
    add: { reply: Type.Integer() },
    loop: {},
    ask: { args: Type.Object({ to: Type.String() }), reply: Type.Unknown() },
  },
  init: () => ({ count: 0 }),
  handleCall: {
    add: (state) => ++state.count,
    ask: (_state, { to }, ctx) => ctx.call(to, 'add', {}),
    loop: () => {
      for (;;);
    },
  },
})
