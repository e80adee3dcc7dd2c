/** A server whose handler holds the thread for as long as it is told. */
import { defineServer, Type } from 'genservers'

export const spinner = defineServer({
  state: Type.Object({}),
  calls: { spin: { args: Type.Object({ ms: Type.Integer() }) } },
  init: () => ({}),
  handleCall: {
    spin: (_state, { ms }) => {
      const until = performance.now() + ms
      while (performance.now() < until);
    },
  },
})
