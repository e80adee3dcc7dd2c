import { defineServer, Type } from 'genservers'
import t from 'tap'
import { probing } from './probe.js'
import { observe, running } from './running.js'

const any = Type.Unknown()

t.test('X4: a full mailbox refuses what clients send before it is queued, and takes none of it', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p', mailbox: 2 })
  runtime.cast('p', 'slowNote', { note: 'slow', ms: 100 })
  await clock.advance(0)
  runtime.cast('p', 'note', { note: '1' })
  runtime.send('p', 'queued')
  const refused = { code: 'mailbox_full', effect: 'none', details: { retryAfter: 1 } }
  t.throws(() => runtime.cast('p', 'note', { note: '2' }), refused)
  t.throws(() => runtime.send('p', 'queued'), refused)
  await t.rejects(runtime.call('p', 'ping'), refused)
  t.match(runtime.info('p').mailbox, { length: 2, limit: 2 })
  await clock.advance(100)
  t.same(trace, ['init ok', 'note slow', 'note 1', 'queued'])
  t.equal(await runtime.call('p', 'ping'), 'pong', 'there is room again')
  await close()
})

t.test('X4: a timer, a delayed cast and a stop get into a full mailbox', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p', mailbox: 2 })
  const waiting = observe(runtime.call('p', 'delayedAnswer', { ms: 10 }))
  await clock.advance(0)
  runtime.cast('p', 'note', { note: 'delayed' }, { delay: 20 })
  runtime.cast('p', 'slowNote', { note: 'slow', ms: 100 })
  await clock.advance(0)
  runtime.cast('p', 'note', { note: 'almost full' })
  runtime.cast('p', 'note', { note: 'full' })
  await clock.advance(20)
  const stop = observe(runtime.stop('p'))
  t.match(runtime.info('p').mailbox, { length: 5, limit: 2 })
  t.throws(() => runtime.cast('p', 'note', { note: 'late' }), { code: 'mailbox_full' })
  await clock.advance(80)
  t.same(trace, [
    'init ok',
    'note slow',
    'note almost full',
    'note full',
    'answered true',
    'note delayed',
    'terminate "normal" 0',
  ])
  t.equal(waiting.value, 'delayed')
  t.equal(stop.outcome, 'resolved')
  await close()
})

t.test('all mailboxes together are bounded too', async (t) => {
  const { runtime, clock, close } = probing(t, {}, { maxQueued: 3 })
  for (const id of ['a', 'b']) {
    await runtime.start('probe', {}, { id, mailbox: 3 })
    runtime.cast(id, 'slowNote', { note: 'slow', ms: 100 })
  }
  await clock.advance(0)
  t.equal(runtime.queued, 0, 'what has been taken does not wait')
  runtime.cast('a', 'note', { note: '1' })
  runtime.cast('b', 'note', { note: '2' })
  const waits = observe(runtime.call('b', 'ping'))
  t.equal(runtime.queued, 3)
  const refused = { code: 'overloaded', effect: 'none', details: { retryAfter: 1 } }
  t.throws(() => runtime.cast('a', 'note', { note: '3' }), refused)
  await t.rejects(runtime.call('a', 'ping'), refused)
  t.match(runtime.castGroup('nobody', 'note'), { sent: 0 })
  runtime.cast('a', 'note', { note: 'delayed' }, { delay: 10 })
  await clock.advance(10)
  t.match(runtime.info('a').mailbox, { length: 2 }, 'a timer gets in')
  runtime.kill('a')
  t.equal(runtime.queued, 2, 'its places are free')
  runtime.cast('b', 'note', { note: '4' })
  t.throws(() => runtime.cast('b', 'note', { note: '5' }), { code: 'mailbox_full' }, 'its own bound is told first')
  await clock.advance(90)
  t.equal(waits.value, 'pong')
  t.equal(runtime.queued, 0)
  await close()
})

t.test('the bytes of what waits are bounded, as far as they are told: of all mailboxes, and of each', async (t) => {
  const MiB = 1024 * 1024
  const { runtime, clock, close } = probing(t, {}, { maxQueuedBytes: 20 * MiB })
  for (const id of ['a', 'b']) {
    await runtime.start('probe', {}, { id })
    runtime.suspend(id)
  }
  runtime.cast('a', 'note', { note: '1' }, { bytes: 10 * MiB })
  const call = observe(runtime.call('a', 'ping', {}, { bytes: 6 * MiB, timeout: 10 }))
  t.throws(() => runtime.cast('a', 'note', { note: '2' }), {
    code: 'mailbox_full',
    message: /^a has 2 messages waiting/,
  })
  runtime.cast('b', 'note', { note: '3' }, { bytes: 30 * MiB })
  t.throws(() => runtime.cast('b', 'note', { note: '4' }), { code: 'mailbox_full' })
  await runtime.start('probe', {}, { id: 'c' })
  runtime.suspend('c')
  t.throws(() => runtime.cast('c', 'note', { note: '5' }), { code: 'overloaded' }, 'also what is said to be small')
  await clock.advance(10)
  t.match(call.error, { code: 'call_timeout' })
  runtime.kill('b')
  runtime.cast('a', 'note', { note: '6' }, { bytes: 1 })
  runtime.cast('c', 'note', { note: '7' }, { bytes: 9 * MiB })
  runtime.cast('c', 'note', { note: '8' }, { bytes: 2 * MiB })
  t.throws(() => runtime.cast('c', 'note', { note: '9' }), { code: 'overloaded' })
  for (const id of ['a', 'c']) runtime.resume(id)
  await clock.advance(0)
  runtime.suspend('c')
  for (let n = 0; n < 2; n++) runtime.cast('c', 'note', { note: 'n' }, { bytes: 10 * MiB })
  t.throws(
    () => runtime.cast('a', 'note', { note: 'n' }),
    { code: 'overloaded' },
    'what was taken has given its bytes back',
  )
  await close()
})

t.test('who finds a mailbox full is told to come back after as long as the oldest message has waited', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p', mailbox: 1 })
  runtime.cast('p', 'slowNote', { note: 'slow', ms: 100_000 })
  await clock.advance(0)
  runtime.cast('p', 'note', { note: 'waits' })
  for (const [waited, retryAfter] of [
    [0, 1],
    [1000, 1],
    [1500, 3],
    [10_000, 13],
    [60_000, 60],
  ] as const) {
    await clock.advance(waited)
    t.throws(() => runtime.cast('p', 'note', { note: 'more' }), { code: 'mailbox_full', details: { retryAfter } })
  }
  await close()
})

t.test('X4: a kill needs no room', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p', mailbox: 1 })
  runtime.cast('p', 'slowNote', { note: 'slow', ms: 10 })
  await clock.advance(0)
  runtime.cast('p', 'note', { note: 'full' })
  runtime.kill('p')
  t.equal(runtime.whereis('p'), undefined)
  await clock.advance(10)
  await close()
})

/** Casts to another server, twice as many as it has places for, or throws after one. */
function sender() {
  return defineServer({
    state: Type.Object({}),
    calls: { flood: { args: Type.Object({ to: Type.String(), fail: Type.Boolean() }), reply: any } },
    init: () => ({}),
    handleCall: {
      flood: (_state, { to, fail }, ctx) => {
        ctx.cast(to, 'note', { note: 'a' })
        ctx.send(to, 'queued')
        if (fail) throw new Error('after all not')
        try {
          ctx.cast(to, 'note', { note: 'b' })
        } catch (error) {
          return (error as { code: string }).code
        }
        return 'room for all'
      },
    },
  })
}

t.test('places reserved by a handler that throws are given back', async (t) => {
  const heard: string[] = []
  const { runtime, clock, close } = running(t, {
    sender: sender(),
    receiver: defineServer({
      mailbox: 2,
      state: Type.Object({}),
      casts: { note: { args: Type.Object({ note: Type.String() }) } },
      init: () => ({}),
      handleCast: { note: (_state, { note }) => void heard.push(note) },
      handleInfo: { queued: () => void heard.push('queued') },
    }),
  })
  await runtime.start('receiver', {}, { id: 'r' })
  await runtime.start('sender', {}, { id: 's' })
  for (let i = 0; i < 5; i++) {
    const failed = observe(runtime.call('s', 'flood', { to: 'r', fail: true }))
    await clock.advance(0)
    t.match(failed.error, { code: 'server_crashed', message: /after all not/ }, 'not because there is no room')
  }
  t.same(heard, [])
  t.equal(await runtime.call('s', 'flood', { to: 'r', fail: false }), 'mailbox_full')
  await clock.advance(0)
  t.same(heard, ['a', 'queued'], 'what had a place has come')
  runtime.cast('r', 'note', { note: '1' })
  runtime.cast('r', 'note', { note: '2' })
  t.throws(() => runtime.cast('r', 'note', { note: '3' }), { code: 'mailbox_full' })
  await clock.advance(0)
  await close()
})

t.test('a message to a server that ends before it leaves goes nowhere', async (t) => {
  const { runtime, clock, close } = running(t, (clock) => ({
    late: defineServer({
      state: Type.Object({}),
      calls: { go: { reply: any } },
      casts: { note: {} },
      init: () => ({}),
      handleCall: {
        go: async (_state, _args, ctx) => {
          ctx.cast('other', 'note')
          await new Promise<void>((resolve) => void clock.setTimer(10, resolve))
          return 'gone'
        },
      },
      handleCast: { note: () => {} },
    }),
  }))
  await runtime.start('late', {}, { id: 'l' })
  await runtime.start('late', {}, { id: 'other' })
  const call = observe(runtime.call('l', 'go'))
  await clock.advance(0)
  runtime.kill('other')
  await runtime.start('late', {}, { id: 'other' })
  await clock.advance(10)
  t.equal(call.value, 'gone')
  t.equal(runtime.info('other').handled, 0, 'the new holder of the id is somebody else')
  await close()
})
