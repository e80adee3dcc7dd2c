// Keeps nothing, and does not come back from what a test asks it to.
import { defineServer, Type } from 'genservers'

export default defineServer({
  description: 'Keeps nothing.',
  state: Type.Object({}),
  calls: { loop: {} },
  init: () => ({}),
  handleCall: {
    loop: () => {
      for (;;);
    },
  },
})
