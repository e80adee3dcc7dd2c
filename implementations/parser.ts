// A server that crashes where its input is not what it expects. It does not defend itself: the message that was bad is the
// only one that is lost. Put one under a supervisor and watch it come back (docs/supervision.md).
import { defineServer, Type } from 'genservers'

export default defineServer({
  description: 'Parses JSON texts and counts them; crashes on what is no JSON.',
  state: Type.Object({ parsed: Type.Integer() }),
  calls: {
    parse: { args: Type.Object({ text: Type.String({ examples: ['[1,2]'] }) }), reply: Type.Unknown() },
    parsed: { reply: Type.Integer(), readOnly: true },
  },

  init: () => ({ parsed: 0 }),
  handleCall: {
    parse: (state, { text }) => {
      state.parsed++
      // No try: what throws here is told to the caller, and the count is what it was before.
      return JSON.parse(text) as unknown
    },
    parsed: (state) => state.parsed,
  },
})
