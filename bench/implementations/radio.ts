/** Tells what it is told. */
import { defineServer, Type } from 'genservers'

export default defineServer({
  state: Type.Object({}),
  events: { news: Type.Object({ n: Type.Integer() }) },
  calls: {
    tell: { args: Type.Object({ n: Type.Integer() }) },
    tellAll: { args: Type.Object({ times: Type.Integer() }) },
  },
  init: () => ({}),
  handleCall: {
    tell: (_state, { n }, ctx) => ctx.publish('news', { n }),
    tellAll: (_state, { times }, ctx) => {
      for (let n = 0; n < times; n++) ctx.publish('news', { n: 100 })
    },
  },
})
