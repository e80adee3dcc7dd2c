/** One call, until its caller has an answer. */
import t from 'tap'
import { Call, type Callee } from '../../../src/core/kernel/call.js'
import { GenServerError } from '../../../src/core/kernel/errors.js'

function setUp({ isOut = true } = {}) {
  const log: string[] = []
  const callee: Callee = {
    id: 'c1',
    waits: undefined,
    withdraw: ({ message }) => {
      log.push(`withdraw ${message}`)
      return isOut
    },
    notTaken: () => new GenServerError('restarting', 'c1 restarts'),
    forget: ({ ref }) => log.push(`forget ${ref}`),
  }
  const call = new Call(callee, 'pop', {}, 100, undefined, undefined)
  return { call, log }
}

t.test('a reply that comes before or after it is asked for reaches its caller', async (t) => {
  const early = setUp().call
  early.answer(1, 7)
  t.equal(await early.response, 1)
  t.equal(early.revision, 7)
  const late = setUp().call
  const { response } = late
  late.answer(2, 8)
  t.equal(await response, 2)
  t.equal(late.response, response)
})

t.test('a failure that comes before or after it is asked for reaches its caller', async (t) => {
  const early = setUp().call
  early.fail(new Error('boom'))
  await t.rejects(early.response, { message: 'boom' })
  const late = setUp().call
  const { response } = late
  late.fail(new Error('boom'))
  await t.rejects(response, { message: 'boom' })
})

t.test('B29: the first answer counts, and no later one changes anything', async (t) => {
  const { call } = setUp()
  let settled = 0
  call.onSettled = () => settled++
  call.onGone = () => t.fail('its caller is not gone')
  call.answer('first', 1)
  call.answer('second', 2)
  call.fail(new Error('third'))
  call.expire()
  call.abandon()
  t.equal(await call.response, 'first')
  t.equal(call.revision, 1)
  t.equal(settled, 1)
})

t.test('a reply after a failure reaches nobody', async (t) => {
  const { call } = setUp()
  call.fail(new Error('boom'))
  call.answer('late', 9)
  await t.rejects(call.response, { message: 'boom' })
  t.equal(call.revision, undefined)
})

t.test('a call that waits when its deadline passes leaves the mailbox, and the callee says why', async (t) => {
  const { call, log } = setUp()
  call.expire()
  t.same(log, ['withdraw pop'])
  await t.rejects(call.response, { code: 'restarting' })
})

t.test('B16: a call that runs when its deadline passes may have had an effect', async (t) => {
  const { call, log } = setUp()
  call.phase = 'taken'
  call.onGone = () => log.push('gone')
  call.expire()
  t.same(log, ['gone'])
  await t.rejects(call.response, {
    code: 'call_timeout',
    effect: 'unknown',
    message: 'c1 did not answer pop within 100 ms',
  })
})

t.test('X3: a call that is given up while it waits leaves the mailbox, and had no effect', async (t) => {
  const { call, log } = setUp()
  call.abandon()
  t.same(log, ['withdraw pop'])
  await t.rejects(call.response, { code: 'call_timeout', effect: 'none' })
})

t.test('a call of which nobody knows here whether it was taken may have had an effect', async (t) => {
  const late = setUp({ isOut: false }).call
  late.expire()
  await t.rejects(late.response, { code: 'call_timeout', effect: 'unknown' })
  const left = setUp({ isOut: false }).call
  left.abandon()
  await t.rejects(left.response, { code: 'call_timeout', effect: 'unknown' })
})

t.test('a call that is given up while it runs may have an effect, and its handler is told', async (t) => {
  const { call, log } = setUp()
  call.phase = 'taken'
  call.onGone = () => log.push('gone')
  call.abandon()
  t.same(log, ['gone'])
  await t.rejects(call.response, { code: 'call_timeout', effect: 'unknown' })
})

t.test('a call that is worked on beside the turns of its server waits for others itself', async (t) => {
  const { call } = setUp()
  t.equal(call.id, 'c1')
  t.equal(call.waits, undefined)
  const [wait, next] = [{ to: setUp().call.to }, { to: call.to }]
  const waits = call.waitFor(wait)
  t.equal(call.waitFor(next), waits)
  t.same([...(call.waits ?? [])], [wait, next])
})

t.test('the reply address of a call is forgotten when it settles, if it has one', async (t) => {
  const { call, log } = setUp()
  call.ref = 'r1'
  call.answer(1, 1)
  t.same(log, ['forget r1'])
  const other = setUp()
  other.call.answer(1, 1)
  t.same(other.log, [])
})
