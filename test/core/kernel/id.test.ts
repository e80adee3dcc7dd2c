/** How servers may be named. */
import t from 'tap'
import { ID_PATTERN, isId } from '../../../src/core/kernel/id.js'

t.test('an id is 1 to 128 of the characters that a path needs not encode', async (t) => {
  for (const id of ['a', 'cart-17', 'user:7', 'A.b_c~d', '...', '.a', 'x'.repeat(128)]) t.equal(isId(id), true, id)
  for (const id of ['', 'x'.repeat(129), 'a b', 'a/b', 'a%2F', 'é', 'a\n', '\na', 'a?b', 'a#b', '@']) {
    t.equal(isId(id), false, JSON.stringify(id))
  }
})

t.test('a dot segment is no id, since clients resolve it away', async (t) => {
  t.equal(isId('.'), false)
  t.equal(isId('..'), false)
})

t.test('the pattern that clients are shown is the one that is checked', async (t) => {
  const shown = new RegExp(ID_PATTERN)
  for (const id of ['a', '..', 'a/b', '']) t.equal(shown.test(id), isId(id), JSON.stringify(id))
})
