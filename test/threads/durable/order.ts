/** A durable server that can be found, wherever it is. */
import { defineServer, Type } from 'genservers'

const Status = Type.Object({ status: Type.Union([Type.Literal('new'), Type.Literal('paid')]) })

export default defineServer({
  durable: true,
  indexes: ['status', 'owner'],
  args: Type.Object({ owner: Type.String() }),
  state: Type.Object({ status: Status.properties.status, owner: Type.Union([Type.String(), Type.Null()]) }),
  calls: { set: { args: Status }, loop: {} },
  init: ({ owner }) => ({ status: 'new' as const, owner }),
  handleCall: {
    set: (state, { status }) => {
      state.status = status
    },
    loop: () => {
      for (;;);
    },
  },
})
