/** What holds where a request may say something or nothing. */
import { type AnyDefinition, type StartOptions, Type } from 'genservers'
import t from 'tap'
import { decideDelay, decideId, decideReason, decideTerms, decideTimeout } from '../../../src/core/definition/decide.js'
import { compileProtocol } from '../../../src/core/definition/protocol.js'
import { printable } from '../../../src/core/kernel/reason.js'
import { thrownBy } from '../thrown-by.js'

const terms = (options: StartOptions, said: Partial<AnyDefinition> = {}) =>
  decideTerms(compileProtocol('probe', { state: Type.Object({}), init: () => ({}), ...said }), options)

const fault = (path: string) => ({ code: 'invalid_request', effect: 'none', details: { errors: [{ path }] } })

t.test('without a word the defaults hold', async (t) => {
  t.same(terms({}), { restart: 'transient', restartFrom: 'state', shutdown: 5000, mailbox: 1000, labels: [] })
})

t.test('a definition speaks for its servers, and whoever starts one may say otherwise', async (t) => {
  const said = { restart: 'permanent', restartFrom: 'init', shutdown: 7, mailbox: 3 } as const
  t.same(terms({}, said), { ...said, labels: [] })
  const asked = { restart: 'temporary', restartFrom: 'state', shutdown: 0, mailbox: 1 } as const
  t.same(terms(asked, said), { ...asked, labels: [] })
})

t.test('a mailbox holds at least one message, and whole ones', async (t) => {
  for (const mailbox of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '9' as never]) {
    t.match(
      thrownBy(() => terms({ mailbox })),
      fault('/mailbox'),
      String(mailbox),
    )
  }
})

t.test('how a server restarts is one of the words for it', async (t) => {
  for (const options of [{ restart: 'always' }, { restartFrom: 'scratch' }] as never[]) {
    const [key] = Object.keys(options)
    t.match(
      thrownBy(() => terms(options)),
      fault(`/${key}`),
    )
  }
})

t.test('the time to shut down is milliseconds, or for ever', async (t) => {
  t.equal(terms({ shutdown: Number.POSITIVE_INFINITY }).shutdown, Number.POSITIVE_INFINITY)
  for (const shutdown of [-1, Number.NaN, 'soon' as never]) {
    t.match(
      thrownBy(() => terms({ shutdown })),
      fault('/shutdown'),
      String(shutdown),
    )
  }
})

t.test('an id that was asked for is taken or refused, and one is made where none was', async (t) => {
  t.equal(decideId('cart-17'), 'cart-17')
  for (const id of ['', '..', 'a/b']) {
    t.match(
      thrownBy(() => decideId(id)),
      fault('/id'),
      id,
    )
  }
})

t.test('E55: a timeout is milliseconds or Infinity, 5000 if nothing is said', async (t) => {
  t.equal(decideTimeout(undefined), 5000)
  for (const timeout of [0, 1, 2.5, Number.POSITIVE_INFINITY]) t.equal(decideTimeout(timeout), timeout)
  for (const timeout of [-1, Number.NaN, Number.NEGATIVE_INFINITY, '5' as never, null as never]) {
    t.match(
      thrownBy(() => decideTimeout(timeout)),
      fault('/timeout'),
      String(timeout),
    )
  }
})

t.test('a delay is milliseconds, and ends', async (t) => {
  for (const delay of [0, 1, 2.5]) t.equal(decideDelay(delay), delay)
  for (const delay of [-1, Number.NaN, Number.POSITIVE_INFINITY, '5' as never]) {
    t.match(
      thrownBy(() => decideDelay(delay)),
      fault('/delay'),
      String(delay),
    )
  }
})

t.test('a reason to stop is a word, a shutdown or an error, and normal if nothing is said', async (t) => {
  t.equal(decideReason(undefined), 'normal')
  for (const reason of ['done', { shutdown: 'later' }, { shutdown: null }, { error: 'boom' }]) {
    t.strictSame(decideReason(reason), reason)
  }
  const said = { shutdown: { by: 'ops' } }
  t.not((decideReason(said) as typeof said).shutdown, said.shutdown, 'it is a copy')
  for (const reason of [
    null,
    7,
    {},
    [],
    { error: 7 },
    { shutdown: 1, error: 'x' },
    { shutdown: 1n },
    { because: 'x' },
  ]) {
    t.match(
      thrownBy(() => decideReason(reason)),
      fault('/reason'),
      printable(reason),
    )
  }
})
