import { defineServer, Type } from 'genservers'

export default defineServer({
  description: 'A last-in, first-out stack.',
  args: Type.Object({ items: Type.Array(Type.Unknown(), { default: [] }) }),
  state: Type.Object({ items: Type.Array(Type.Unknown()) }),
  calls: {
    pop: { reply: Type.Unknown() },
    size: { reply: Type.Integer() },
  },
  casts: {
    push: { args: Type.Object({ element: Type.Unknown() }) },
    reset: {},
  },

  init: ({ items }) => ({ items }),
  handleCall: {
    pop: (state) => state.items.pop() ?? null,
    size: (state) => state.items.length,
  },
  handleCast: {
    push: (state, { element }) => {
      state.items.push(element)
    },
    reset: (state) => {
      state.items = []
    },
  },
})
