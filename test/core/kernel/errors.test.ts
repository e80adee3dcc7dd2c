/** The failures of requests. */
import t from 'tap'
import { failures, GenServerError } from '../../../src/core/kernel/errors.js'

t.test('a failure has the effect of its code, unless it says otherwise', async (t) => {
  t.equal(new GenServerError('call_timeout', 'too late').effect, 'unknown')
  t.equal(new GenServerError('call_timeout', 'too late', { effect: 'none' }).effect, 'none')
  t.equal(new GenServerError('mailbox_full', 'full').effect, 'none')
  t.equal(new GenServerError('server_exited', 'gone', { effect: 'unknown' }).effect, 'unknown')
})

t.test('only what may have run, or may be kept, has an unknown effect by its code', async (t) => {
  const unknown = Object.entries(failures).filter(([, effect]) => effect === 'unknown')
  t.same(
    unknown.map(([code]) => code),
    ['storage_failed', 'call_timeout'],
  )
})

t.test('a failure is an error with its code, sentence and details', async (t) => {
  const error = new GenServerError('server_exited', 'c1 has ended', { reason: 'normal', exitedAt: 7 })
  t.ok(error instanceof Error)
  t.match(error, {
    name: 'GenServerError',
    code: 'server_exited',
    message: 'c1 has ended',
    details: { reason: 'normal', exitedAt: 7 },
  })
  t.same(new GenServerError('draining', 'closing').details, {})
})

t.test('an error of another copy of the module is one of this one, and nothing else is', async (t) => {
  const copy = '../../../src/core/kernel/errors.js?copy'
  const other = ((await import(copy)) as { GenServerError: typeof GenServerError }).GenServerError
  t.not(other, GenServerError)
  t.ok(new other('draining', 'soon over') instanceof GenServerError)
  t.ok(new GenServerError('draining', 'soon over') instanceof other)
  for (const thing of [new Error('no'), { code: 'draining' }, null, undefined, 'draining'])
    t.notOk((thing as unknown) instanceof GenServerError)
})
