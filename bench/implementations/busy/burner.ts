/** A server that keeps its thread busy, for as long as it is told, or for ever. */
import { defineServer, Type } from 'genservers'

const Time = Type.Object({ ms: Type.Number() })

export default defineServer({
  description: 'Holds its thread.',
  state: Type.Object({ burnt: Type.Number() }),
  calls: { burn: { args: Time, reply: Type.Number() }, loop: {} },
  init: () => ({ burnt: 0 }),
  handleCall: {
    burn: (state, { ms }) => {
      const end = performance.now() + ms
      while (performance.now() < end);
      state.burnt += ms
      return state.burnt
    },
    loop: () => {
      for (;;);
    },
  },
})
