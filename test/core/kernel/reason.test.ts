/** Why a server ended, in its forms and in words. */
import t from 'tap'
import { crashReason, describeReason, isQuiet, printable } from '../../../src/core/kernel/reason.js'

t.test('ordered ends are quiet, all others are not', async (t) => {
  for (const reason of ['normal', 'shutdown', { shutdown: 'later' }, { shutdown: null }]) t.equal(isQuiet(reason), true)
  for (const reason of ['killed', 'stopped', { error: 'boom' }]) t.equal(isQuiet(reason), false)
})

t.test('the reason of a crash is what was thrown, as text', async (t) => {
  t.same(crashReason(new Error('boom')), { error: 'boom' })
  t.same(crashReason(new TypeError()), { error: 'TypeError' })
  t.same(crashReason('bailout'), { error: 'bailout' })
  t.same(crashReason({ code: 7 }), { error: '{"code":7}' })
  t.same(crashReason(undefined), { error: 'undefined' })
  t.same(crashReason(Object.assign(new Error(), { message: { code: 7 } })), { error: '{"code":7}' })
})

t.test('the reason of a crash is told also where the error itself cannot be read', async (t) => {
  const trap = () => {
    throw new Error('trapped')
  }
  t.same(crashReason(Object.defineProperty(new Error(), 'message', { get: trap })), {
    error: 'an error that cannot be read',
  })
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  t.same(crashReason(proxy), { error: 'an error that cannot be read' })
})

t.test('the reason of a crash holds no stack', async (t) => {
  t.notMatch(JSON.stringify(crashReason(new Error('boom'))), /reason\.test|at /)
})

t.test('a value is printed whatever it is', async (t) => {
  const circle: { self?: object } = {}
  circle.self = circle
  t.equal(printable(4711), '4711')
  t.equal(printable(7n), '7')
  t.equal(printable(Symbol('s')), 'Symbol(s)')
  t.equal(printable(circle), '[object Object]')
  t.equal(printable(Object.assign(Object.create(null), { n: 1n })), 'something that cannot be shown')
})

t.test('a long value is cut', async (t) => {
  t.equal(printable('x'.repeat(198)), `"${'x'.repeat(198)}"`)
  t.equal(printable('x'.repeat(199)), `"${'x'.repeat(199)}…`)
  t.equal(printable([1, 2, 3], 3), '[1,…')
})

t.test('a reason is told in words', async (t) => {
  t.equal(describeReason('stopped'), 'stopped')
  t.equal(describeReason({ error: 'boom' }), 'boom')
  t.equal(describeReason({ shutdown: { by: 'ops' } }), 'shutdown: {"by":"ops"}')
})
