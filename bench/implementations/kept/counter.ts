/** A counter that is kept where the gateway has a store, so that one and the same is measured on both sides. */
import { defineServer, Type } from 'genservers'

export default defineServer({
  description: 'Counts.',
  durable: process.env['GENSERVERS_DATA'] !== undefined,
  args: Type.Object({ start: Type.Integer({ default: 0 }) }),
  state: Type.Object({ value: Type.Integer() }),
  calls: { increment: { args: Type.Object({ by: Type.Integer({ default: 1 }) }), reply: Type.Integer() } },
  casts: { count: {} },
  init: ({ start }) => ({ value: start }),
  handleCall: {
    increment: (state, { by }) => {
      state.value += by
      return state.value
    },
  },
  handleCast: {
    count: (state) => {
      state.value++
    },
  },
})
