// Is in memory only.
import { defineServer, Type } from 'genservers'

export default defineServer({
  description: 'Is in memory only.',
  state: Type.Object({ count: Type.Integer() }),
  calls: { step: { reply: Type.Integer() } },
  init: () => ({ count: 0 }),
  handleCall: { step: (state) => ++state.count },
})
