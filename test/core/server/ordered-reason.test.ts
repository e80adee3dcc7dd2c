/** Reasons that authors and operators give. */
import t from 'tap'
import { checkReason } from '../../../src/core/definition/ordered-reason.js'

t.test('a reason is taken in each of its forms, without what else hangs on it', async (t) => {
  for (const reason of ['stopped', '', { shutdown: { by: ['ops'] } }, { error: 'boom' }]) {
    t.strictSame(checkReason(reason), reason)
  }
  const error = Object.assign(Object.create({ inherited: true }), { error: 'boom' })
  t.equal(Object.getPrototypeOf(checkReason(error)), Object.prototype)
})

t.test('D52: what is no reason is a bad return value, and is shown', async (t) => {
  for (const [reason, shown] of [
    [null, 'null'],
    [7, '7'],
    [undefined, 'undefined'],
    [{}, '{}'],
    [['normal'], '["normal"]'],
    [{ error: new Error('x') }, '{"error":{}}'],
  ]) {
    t.throws(() => checkReason(reason), { message: `bad_return_value: ${shown} is no reason` })
  }
  t.throws(() => checkReason({ shutdown: () => 1 }), { message: 'the value is a function, not JSON' })
})
