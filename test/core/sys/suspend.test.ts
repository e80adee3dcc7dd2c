/** A server that an operator holds: nothing of its mailbox is taken, and nothing is lost. */
import t from 'tap'
import { probing } from '../probe.js'
import { observe } from '../running.js'

t.test('G74: a suspended server takes no message; after resume what waits is handled in order', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  runtime.suspend('p')
  runtime.suspend('p')
  t.equal(runtime.info('p').status, 'suspended')
  const timedOut = observe(runtime.call('p', 'set', { value: 1 }, { timeout: 100 }))
  runtime.cast('p', 'note', { note: '1' })
  const patient = observe(runtime.call('p', 'ping', {}, { timeout: 1000 }))
  runtime.cast('p', 'note', { note: '2' })
  await clock.advance(99)
  t.equal(timedOut.outcome, 'pending')
  await clock.advance(1)
  t.match(timedOut.error, { code: 'call_timeout', effect: 'none', message: /within 100 ms: it is suspended$/ })
  t.match(runtime.info('p'), { status: 'suspended', handled: 0, current: null, mailbox: { length: 3 } })
  t.same(trace, ['init ok'])
  runtime.resume('p')
  runtime.resume('p')
  await clock.advance(0)
  t.match(runtime.info('p'), { status: 'running', handled: 3, mailbox: { length: 0 } })
  t.same(trace, ['init ok', 'note 1', 'note 2'])
  t.equal(patient.value, 'pong')
  t.equal(await runtime.call('p', 'get'), 0, 'the call whose time was over never ran')
  await close()
})

t.test('the message that is being handled is finished, with its second step', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const slow = observe(runtime.call('p', 'slowSet', { ms: 50, value: 7 }))
  runtime.cast('p', 'note', { note: 'waits' })
  await clock.advance(10)
  runtime.suspend('p')
  t.match(runtime.info('p'), { status: 'suspended', current: { message: 'slowSet' } })
  await clock.advance(40)
  t.equal(slow.value, 'slow')
  t.match(runtime.info('p'), { current: null, mailbox: { length: 1 } })
  runtime.resume('p')
  await clock.advance(0)
  runtime.cast('p', 'continueCast', { note: 'step' })
  runtime.suspend('p')
  await clock.advance(0)
  t.same(trace.slice(2), ['note waits'], 'a message that was only put in waits')
  runtime.resume('p')
  await clock.advance(0)
  t.same(trace.slice(2), ['note waits', 'continueCast', 'continue step'])
  await close()
})

t.test('a second step belongs to its message: it runs also if the server was suspended in between', async (t) => {
  const { runtime, clock, trace, close } = probing(t, {
    handleContinue: {
      later: async (_state, { note }) => {
        await Promise.resolve()
        trace.push(`later ${note}`)
      },
    },
    handleInfo: {
      queued: (_state, _args, ctx) => {
        runtime.suspend('p')
        ctx.continue('later', { note: 'first' })
        ctx.continue('later', { note: 'second' })
      },
    },
  })
  await runtime.start('probe', {}, { id: 'p' })
  runtime.send('p', 'queued')
  runtime.cast('p', 'note', { note: 'waits' })
  await clock.advance(0)
  t.same(trace, ['init ok', 'later first', 'later second'])
  t.match(runtime.info('p'), { status: 'suspended', mailbox: { length: 1 } })
  await close()
})

t.test('a stop waits its turn; a kill does not', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  await runtime.start('probe', {}, { id: 'k' })
  runtime.suspend('p')
  runtime.suspend('k')
  const stop = observe(runtime.stop('p', { timeout: 100 }))
  await clock.advance(100)
  t.match(stop.error, { code: 'call_timeout' })
  t.equal(runtime.info('p').status, 'suspended')
  runtime.kill('k')
  t.equal(runtime.whereis('k'), undefined)
  runtime.resume('p')
  await clock.advance(0)
  t.same(trace.slice(2), ['terminate "normal" 0'], 'the order stands')
  t.equal(runtime.whereis('p'), undefined)
  await close()
})

t.test('timers and the idle timeout of a suspended server wait in its mailbox', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  await runtime.start('probe', {}, { id: 'i' })
  const answer = observe(runtime.call('p', 'delayedAnswer', { ms: 10 }, { timeout: 1000 }))
  await runtime.call('i', 'setTimeout', { ms: 20 })
  runtime.suspend('p')
  runtime.suspend('i')
  await clock.advance(500)
  t.equal(answer.outcome, 'pending')
  t.match(runtime.info('p').mailbox, { length: 1 })
  t.match(runtime.info('i'), { status: 'suspended', mailbox: { length: 1 } })
  runtime.resume('p')
  runtime.resume('i')
  await clock.advance(0)
  t.equal(answer.value, 'delayed')
  t.same(trace.slice(2), ['answered true', 'timeout', 'terminate "normal" 0'])
  await close()
})

t.test('a crash of the message that was being handled leaves the server suspended', async (t) => {
  const { runtime, clock, trace, close } = probing(t, {
    handleInfo: {
      queued: async () => {
        await Promise.resolve()
        runtime.suspend('p')
        throw new Error('crashed')
      },
    },
  })
  await runtime.start('probe', {}, { id: 'p' })
  runtime.send('p', 'queued')
  runtime.cast('p', 'note', { note: 'waits' })
  await clock.advance(0)
  t.match(runtime.info('p'), { status: 'suspended', incarnation: 2, mailbox: { length: 1 } })
  runtime.resume('p')
  await clock.advance(0)
  t.same(trace, ['init ok', 'note waits'])
  await close()
})

t.test('an exit signal ends the suspension together with the life that was suspended', async (t) => {
  const { runtime, clock, trace, close } = probing(t, {
    handleInfo: { queued: (_state, _args, ctx) => ctx.link('p') },
  })
  await runtime.start('probe', {}, { id: 'p' })
  await runtime.start('probe', {}, { id: 'q', restart: 'temporary' })
  runtime.send('q', 'queued')
  await clock.advance(0)
  runtime.suspend('p')
  runtime.cast('p', 'note', { note: 'waits' })
  runtime.cast('q', 'crashCast')
  await clock.advance(0)
  t.match(runtime.info('p'), { status: 'running', incarnation: 2 })
  t.ok(trace.includes('note waits'))
  await close()
})

t.test('a server is suspended while it starts, and takes nothing when it has', async (t) => {
  const { runtime, clock, close } = probing(t)
  const start = observe(runtime.start('probe', { mode: 'sleep', ms: 50 }, { id: 'p' }))
  await clock.advance(0)
  runtime.suspend('p')
  t.equal(runtime.info('p').status, 'starting')
  runtime.cast('p', 'note', { note: 'waits' })
  await clock.advance(50)
  t.match(start.value, { status: 'suspended', handled: 0 })
  t.match(runtime.list({ status: 'suspended' }).servers, [{ id: 'p' }])
  t.same(runtime.list({ status: 'running' }).servers, [])
  await close()
})

t.test('when the runtime closes, suspended servers finish what they have and terminate', async (t) => {
  const { runtime, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  runtime.suspend('p')
  runtime.cast('p', 'note', { note: 'waits' })
  const closed = runtime.close()
  t.throws(() => runtime.suspend('p'), { code: 'draining' })
  await closed
  t.same(trace, ['init ok', 'note waits', 'terminate "shutdown" 0'])
  await close()
})

t.test('who is not there cannot be suspended or resumed', async (t) => {
  const { runtime, close } = probing(t)
  t.throws(() => runtime.suspend('nobody'), { code: 'unknown_server' })
  t.throws(() => runtime.resume('nobody'), { code: 'unknown_server' })
  await runtime.start('probe', {}, { id: 'p' })
  runtime.kill('p')
  t.throws(() => runtime.suspend('p'), { code: 'server_exited' })
  await runtime.start('probe', {}, { id: 'p' })
  t.equal(runtime.info('p').status, 'running', 'a server with an id that was suspended is its own')
  await close()
})
