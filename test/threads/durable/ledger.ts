// Keeps a sum, and sends amounts to others.
import { defineServer, Type } from 'genservers'

const Amount = Type.Object({ amount: Type.Integer() })

export default defineServer({
  description: 'Keeps a sum, and sends amounts to others.',
  durable: true,
  args: Type.Object({ init: Type.Optional(Type.Literal('loop')) }),
  state: Type.Object({ sum: Type.Integer() }),
  calls: {
    add: { args: Amount, reply: Type.Integer() },
    look: { reply: Type.Integer(), readOnly: true },
    pay: { args: Type.Object({ to: Type.String(), amount: Type.Integer() }), reply: Type.Integer() },
    loop: {},
  },
  casts: { credit: { args: Amount }, loopOnce: {} },
  init: ({ init }) => {
    if (init === 'loop') for (;;);
    return { sum: 0 }
  },
  handleCall: {
    add: (state, { amount }) => {
      state.sum += amount
      return state.sum
    },
    look: ({ sum }) => sum,
    pay: (state, { to, amount }, ctx) => {
      state.sum -= amount
      ctx.cast(to, 'credit', { amount })
      return state.sum
    },
    loop: (state) => {
      state.sum = -1
      for (;;);
    },
  },
  handleCast: {
    credit: (state, { amount }) => {
      state.sum += amount
    },
    loopOnce: () => {
      for (;;);
    },
  },
})
