/** The idle timeout of one server. */
import t from 'tap'
import { Info } from '../../../src/core/kernel/envelope.js'
import { Mailbox } from '../../../src/core/kernel/mailbox.js'
import { createSimulatedClock } from '../../../src/core/kernel/simulated-clock.js'
import { IdleTimeout } from '../../../src/core/server/idle-timeout.js'

function setUp() {
  const clock = createSimulatedClock()
  const mailbox = new Mailbox(10)
  const put = (info: Info) => mailbox.push(info, clock.monotonic())
  return { clock, mailbox, put, idle: new IdleTimeout(clock, mailbox, put) }
}

t.test('D50: the timeout comes when no message has come for its time, and not before', async (t) => {
  const { clock, mailbox, idle } = setUp()
  idle.arm(100)
  await clock.advance(99)
  t.equal(mailbox.length, 0)
  await clock.advance(1)
  t.match(mailbox.shift(), { kind: 'info', message: 'timeout', args: {}, bounded: false })
  await clock.advance(1000)
  t.equal(mailbox.length, 0, 'it comes once')
})

t.test('a message that is handled ends it, and is told what it was armed with', async (t) => {
  const { clock, mailbox, idle } = setUp()
  idle.arm(100)
  t.equal(idle.disarm(new Info('a', {}, false)), 100)
  t.equal(clock.pending, 0)
  await clock.advance(1000)
  t.equal(mailbox.length, 0)
  t.equal(idle.disarm(), undefined)
})

t.test('arming it again starts its time over', async (t) => {
  const { clock, mailbox, idle } = setUp()
  idle.arm(100)
  await clock.advance(60)
  idle.arm(200)
  t.equal(clock.pending, 1)
  await clock.advance(199)
  t.equal(mailbox.length, 0)
  await clock.advance(1)
  t.equal(mailbox.length, 1)
})

t.test('D49: a timeout that waits behind another message is taken back when that is handled', async (t) => {
  const { clock, mailbox, put, idle } = setUp()
  put(new Info('queued', {}, false))
  idle.arm(0)
  await clock.advance(0)
  t.equal(mailbox.length, 2)
  t.equal(idle.disarm(mailbox.shift()), 0)
  t.equal(mailbox.length, 0)
})

t.test('the timeout itself is not taken back when it is handled, and can be armed again', async (t) => {
  const { clock, mailbox, put, idle } = setUp()
  idle.arm(10)
  await clock.advance(10)
  put(new Info('behind', {}, false))
  t.equal(idle.disarm(mailbox.shift()), 10)
  t.equal(mailbox.length, 1, 'what waits behind it stays')
  idle.arm(10)
  await clock.advance(10)
  t.equal(mailbox.length, 2)
})
