// Keeps a book of all that it has heard of whom, and passes some of it on.
import { defineServer, Type } from 'genservers'
import { hear, type Track } from '../track.js'

const Note = Type.Object({ by: Type.String(), n: Type.Integer() })

export default defineServer({
  description: 'Keeps a book of all that it has heard of whom, and passes some of it on.',
  durable: true,
  state: Type.Object({
    total: Type.Integer(),
    heard: Type.Record(Type.String(), Type.Unknown()),
    sent: Type.Record(Type.String(), Type.Integer()),
  }),
  calls: {
    note: { args: Note, reply: Type.Integer() },
    pass: { args: Type.Object({ by: Type.String(), n: Type.Integer(), to: Type.String() }), reply: Type.Integer() },
  },
  casts: { jot: { args: Note } },
  init: () => ({ total: 0, heard: {} as Record<string, Track>, sent: {} as Record<string, number> }),
  handleCall: {
    note: (state, { by, n }) => {
      hear(state.heard as Record<string, Track>, by, n)
      state.total++
      return state.total
    },
    pass: (state, { by, n, to }, ctx) => {
      hear(state.heard as Record<string, Track>, by, n)
      state.total++
      const passed = (state.sent[to] ?? 0) + 1
      state.sent[to] = passed
      ctx.cast(to, 'jot', { by: ctx.id, n: passed })
      return state.total
    },
  },
  handleCast: {
    jot: (state, { by, n }) => {
      hear(state.heard as Record<string, Track>, by, n)
      state.total++
    },
  },
})
