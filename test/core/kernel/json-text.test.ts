/** A reply that only passes through. */
import t from 'tap'
import { JsonText } from '../../../src/core/kernel/json-text.js'

t.test('what came as text is read when somebody asks for the value', async (t) => {
  const reply = new JsonText('{"sum":[1,2]}')
  t.equal(reply.text, '{"sum":[1,2]}')
  t.same(reply.value, { sum: [1, 2] })
})
