/**
 * The stock of one article, for `checkout` to call. Teaches messages that may safely come twice.
 *
 * Who calls over a network, or after a crash, cannot always know whether a message has run. So a reservation has a
 * name: to reserve the same one again changes nothing, and neither does releasing one that is not there. A caller in
 * doubt just sends the message again.
 */
import { defineServer, Type } from 'genservers'

const reservation = Type.String({
  // Begins with a letter or digit: a key of a table, as in `kv`.
  pattern: '^[A-Za-z0-9]',
  maxLength: 200,
  description: 'A name that the caller chooses.',
  examples: ['0/order-1'],
})

export default defineServer({
  description: 'The stock of one article.',
  args: Type.Object({ quantity: Type.Integer({ default: 0, minimum: 0, maximum: 1_000_000_000, examples: [10] }) }),
  state: Type.Object({ left: Type.Integer(), reserved: Type.Record(Type.String(), Type.Integer()) }),
  calls: {
    reserve: {
      description: 'Sets `quantity` aside. Answers `false`, and changes nothing, if there is not enough.',
      args: Type.Object({ reservation, quantity: Type.Integer({ minimum: 1, maximum: 1_000_000, examples: [2] }) }),
      reply: Type.Boolean(),
    },
    left: { description: 'How much is neither sold nor set aside.', reply: Type.Integer(), readOnly: true },
  },
  casts: {
    release: { description: 'Puts what was set aside back.', args: Type.Object({ reservation }) },
    collect: { description: 'What was set aside is sold.', args: Type.Object({ reservation }) },
  },

  init: ({ quantity }) => ({ left: quantity, reserved: {} }),
  handleCall: {
    reserve: (state, { reservation, quantity }) => {
      if (Object.hasOwn(state.reserved, reservation)) return true
      if (state.left < quantity) return false
      state.left -= quantity
      state.reserved[reservation] = quantity
      return true
    },
    left: (state) => state.left,
  },
  handleCast: {
    release: (state, { reservation }) => {
      if (!Object.hasOwn(state.reserved, reservation)) return
      state.left += state.reserved[reservation] ?? 0
      delete state.reserved[reservation]
    },
    collect: (state, { reservation }) => {
      delete state.reserved[reservation]
    },
  },
})
