// May hold its thread for a moment only, and does not come back from what a test asks it to.
import { defineServer, Type } from 'genservers'

/** Takes no end of time for many an a before anything else. */
const Word = Type.String({ pattern: '^(a+)+$' })
const Place = Type.Union([Type.Literal('redact'), Type.Literal('terminate')])

export default defineServer({
  description: 'May hold its thread for a moment only.',
  handlerLimit: 100,
  args: Type.Object({ loopsIn: Type.Optional(Place), word: Type.Optional(Word) }),
  state: Type.Object({ count: Type.Integer(), loopsIn: Type.Optional(Place), word: Type.Optional(Word) }),
  calls: { add: { reply: Type.Integer() }, say: { args: Type.Object({ word: Word }) } },
  casts: { spell: { args: Type.Object({ word: Word }) } },
  init: ({ loopsIn }) => ({ count: 0, ...(loopsIn && { loopsIn }) }),
  handleCall: { add: (state) => ++state.count, say: () => {} },
  handleCast: { spell: () => {} },
  redact: (state) => (state.loopsIn === 'redact' ? spin() : state),
  terminate: ({ loopsIn }) => {
    if (loopsIn === 'terminate') spin()
  },
})

function spin(): never {
  for (;;);
}
