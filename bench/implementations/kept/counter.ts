/** The counter that is bundled, durable. */
import { defineServer, Type } from 'genservers'

export default defineServer({
  description: 'Counts, and is kept.',
  durable: true,
  args: Type.Object({ start: Type.Integer({ default: 0 }) }),
  state: Type.Object({ value: Type.Integer() }),
  calls: { increment: { args: Type.Object({ by: Type.Integer({ default: 1 }) }), reply: Type.Integer() } },
  casts: { reset: {} },
  init: ({ start }) => ({ value: start }),
  handleCall: {
    increment: (state, { by }) => {
      state.value += by
      return state.value
    },
  },
  handleCast: {
    reset: (state) => {
      state.value = 0
    },
  },
})
