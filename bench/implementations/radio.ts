/** Tells what it is told. */
import { defineServer, Type } from 'genservers'

export default defineServer({
  state: Type.Object({}),
  events: { news: Type.Object({ n: Type.Integer() }) },
  calls: { tell: { args: Type.Object({ n: Type.Integer() }) } },
  init: () => ({}),
  handleCall: { tell: (_state, { n }, ctx) => ctx.publish('news', { n }) },
})
