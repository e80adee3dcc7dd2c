// Is kept: a sum, and a text that may be large.
import { defineServer, Type } from 'genservers'

export default defineServer({
  description: 'Is kept: a sum, and a text that may be large.',
  durable: true,
  state: Type.Object({ sum: Type.Integer(), text: Type.String() }),
  calls: {
    pay: { args: Type.Object({ amount: Type.Integer() }), reply: Type.Integer() },
    write: { args: Type.Object({ text: Type.String() }), reply: Type.Integer() },
    look: { reply: Type.Integer(), readOnly: true },
  },
  casts: { credit: { args: Type.Object({ amount: Type.Integer() }) } },
  init: () => ({ sum: 0, text: '' }),
  handleCall: {
    pay: (state, { amount }) => (state.sum += amount),
    write: (state, { text }) => {
      state.text = text
      return ++state.sum
    },
    look: ({ sum }) => sum,
  },
  handleCast: {
    credit: (state, { amount }) => {
      state.sum += amount
    },
  },
})
