import { getEventListeners } from 'node:events'
import { defineServer, Type } from 'genservers'
import t from 'tap'
import { makeProbe, probing } from './probe.js'
import { latch, observe, pause, running } from './running.js'

const any = Type.Unknown()

t.test('B14: a reply that comes later reaches its caller, and others are served meanwhile', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const delayed = observe(runtime.call('p', 'delayedAnswer', { ms: 100 }))
  t.equal(await runtime.call('p', 'ping'), 'pong')
  await clock.advance(99)
  t.equal(delayed.outcome, 'pending')
  await clock.advance(1)
  t.equal(delayed.value, 'delayed')
  await close()
})

t.test('B16: a timeout names target, message and time; the server lives and answers the next call', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const short = observe(runtime.call('p', 'slowSet', { ms: 30, value: 1 }, { timeout: 1 }))
  const enough = observe(runtime.call('p', 'slowSet', { ms: 30, value: 2 }, { timeout: 61 }))
  await clock.advance(1)
  t.match(short.error, { code: 'call_timeout', effect: 'unknown', message: /p did not answer slowSet within 1 ms/ })
  await clock.advance(59)
  t.equal(enough.value, 'slow')
  await close()
})

t.test('a call without a timeout of its own waits 5000 ms; one with Infinity waits', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const patient = observe(runtime.call('p', 'delayedAnswer', { ms: 1_000_000 }, { timeout: Number.POSITIVE_INFINITY }))
  const usual = observe(runtime.call('p', 'delayedAnswer', { ms: 5001 }))
  await clock.advance(4999)
  t.equal(usual.outcome, 'pending')
  await clock.advance(1)
  t.match(usual.error, { code: 'call_timeout', effect: 'unknown' })
  await clock.advance(994_999)
  t.equal(patient.outcome, 'pending')
  await clock.advance(1)
  t.equal(patient.value, 'delayed')
  await close()
})

t.test('S:C1: a timeout that is none is refused before anything is sent', async (t) => {
  const { runtime, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  for (const timeout of [-1, Number.NaN, 'soon' as never]) {
    await t.rejects(runtime.call('p', 'set', { value: 1 }, { timeout }), { code: 'invalid_request' })
  }
  t.throws(() => runtime.cast('p', 'note', { note: 'x' }, { delay: -1 }), { code: 'invalid_request' })
  t.equal(runtime.info('p').handled, 0)
  await close()
})

t.test('B17: a late reply reaches nobody, and what the call did stays done', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const late = observe(runtime.call('p', 'slowSet', { ms: 400, value: 1 }, { timeout: 300 }))
  const next = observe(runtime.call('p', 'get'))
  await clock.advance(300)
  t.match(late.error, { code: 'call_timeout', effect: 'unknown' })
  t.equal(next.outcome, 'pending')
  await clock.advance(100)
  t.equal(late.outcome, 'rejected')
  t.equal(next.value, 1)
  await close()
})

t.test('a call whose time passed while it waited never runs', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  runtime.cast('p', 'slowNote', { note: 'slow', ms: 100 })
  const late = observe(runtime.call('p', 'set', { value: 1 }, { timeout: 50 }))
  await clock.advance(50)
  t.match(late.error, { code: 'call_timeout', effect: 'none', message: /p did not take set within 50 ms/ })
  t.equal(runtime.info('p').mailbox.length, 0, 'it has left the mailbox')
  await clock.advance(50)
  t.equal(await runtime.call('p', 'get'), 0)
  t.same(trace, ['init ok', 'note slow'])
  await close()
})

t.test('a call that becomes due in the moment in which it would be taken does not run', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const late = observe(runtime.call('p', 'set', { value: 1 }, { timeout: 0 }))
  await clock.advance(0)
  t.match(late.error, { code: 'call_timeout', effect: 'none' })
  t.equal(await runtime.call('p', 'get'), 0)
  await close()
})

t.test('B19: an unknown message is told to the caller, with a hint, and does the server nothing', async (t) => {
  const { runtime, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  await t.rejects(runtime.call('p', 'nonsense'), {
    code: 'unknown_message',
    effect: 'none',
    message: 'probe has no call nonsense',
  })
  await t.rejects(runtime.call('p', 'note', { note: 'x' }), { code: 'unknown_message', message: /it is a cast/ })
  await t.rejects(runtime.call('p', 'constructor'), { code: 'unknown_message' })
  await t.rejects(runtime.call('p', 'set', { value: 1, more: 2 }), { code: 'invalid_args' })
  t.match(runtime.info('p'), { incarnation: 1, handled: 0 })
  await close()
})

t.test('a call to an implementation that the id is not of finds nobody', async (t) => {
  const { runtime, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  await t.rejects(runtime.call('p', 'ping', {}, { implementation: 'other' }), { code: 'unknown_server' })
  t.equal(await runtime.call('p', 'ping', {}, { implementation: 'probe' }), 'pong')
  await close()
})

for (const way of ['kill', 'stop'] as const) {
  t.test(`B22: a ${way} answers whoever waits without a limit, in the mailbox or for a later reply`, async (t) => {
    const { runtime, clock, close } = probing(t)
    const timeout = Number.POSITIVE_INFINITY
    await runtime.start('probe', {}, { id: 'p' })
    const deferred = observe(runtime.call('p', 'delayedAnswer', { ms: 500 }, { timeout }))
    await clock.advance(0)
    const ended = way === 'stop' ? observe(runtime.stop('p', { reason: 'boom' })) : undefined
    const queued = observe(runtime.call('p', 'ping', {}, { timeout }))
    if (way === 'kill') runtime.kill('p')
    await clock.advance(0)
    const reason = way === 'kill' ? 'killed' : 'boom'
    t.match(deferred.error, { code: 'server_exited', details: { reason } })
    t.match(queued.error, { code: 'server_exited', effect: 'none', details: { reason } })
    if (ended) t.equal(ended.outcome, 'resolved')
    await t.rejects(runtime.call('p', 'ping'), { code: 'server_exited', details: { reason } })
    await close()
  })
}

t.test('B23: the caller of a handler that throws is told; terminate gets the state from before', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p', restartFrom: 'init', restart: 'temporary' })
  await runtime.call('p', 'set', { value: 'good' })
  const crash = observe(runtime.call('p', 'crash'))
  await clock.advance(0)
  t.match(crash.error, {
    code: 'server_crashed',
    effect: 'none',
    message: /p crashed while it handled crash: crashed/,
    details: { reason: { error: 'crashed' } },
  })
  t.same(trace, ['init ok', 'terminate {"error":"crashed"} "good"'])
  t.throws(() => runtime.info('p'), { code: 'server_exited', details: { reason: { error: 'crashed' } } })
  await close()
})

t.test('B25: a quiet stop without a reply tells the caller the reason, and reports nothing', async (t) => {
  const { runtime, clock, reports, close } = probing(t)
  for (const reason of ['shutdown', { shutdown: 'r' }, 'normal']) {
    await runtime.start('probe', {}, { id: 'p' })
    const call = observe(runtime.call('p', 'stopNoReply', { reason }))
    await clock.advance(0)
    t.match(call.error, { code: 'server_exited', effect: 'unknown', details: { reason } })
    t.throws(() => runtime.info('p'), { code: 'server_exited', details: { reason } })
  }
  t.same(reports(), [])
  await close()
})

t.test('B26: the reply of a stop arrives after terminate, and then the id is free', async (t) => {
  const done: string[] = []
  const world = running(t, (clock) => ({
    probe: makeProbe(clock, {
      terminate: async () => {
        await pause(clock, 200)
        done.push('terminated')
      },
    }).probe,
  }))
  const { runtime, clock, close } = world
  await runtime.start('probe', {}, { id: 'p' })
  const bye = observe(runtime.call('p', 'stopReply', { reason: 'normal' }))
  await clock.advance(199)
  t.equal(bye.outcome, 'pending')
  t.equal(runtime.info('p').status, 'stopping')
  const queued = observe(runtime.call('p', 'ping'))
  await clock.advance(1)
  t.equal(bye.value, 'bye')
  t.same(done, ['terminated'])
  t.equal(runtime.whereis('p'), undefined)
  t.match(queued.error, { code: 'server_exited', effect: 'none', details: { reason: 'normal' } })
  await close()
})

t.test('S:D4: the reply of a stop arrives also if terminate fails, which then is the reason', async (t) => {
  const { runtime, clock, reports, close } = probing(t, {
    terminate: () => {
      throw new Error('cannot clean up')
    },
  })
  await runtime.start('probe', {}, { id: 'p' })
  const bye = observe(runtime.call('p', 'stopReply', { reason: 'normal' }))
  await clock.advance(0)
  t.equal(bye.value, 'bye')
  t.throws(() => runtime.info('p'), { code: 'server_exited', details: { reason: { error: 'cannot clean up' } } })
  t.equal(reports().length, 1)
  await close()
})

t.test('the caller of a stop is told if the server is killed while it terminates', async (t) => {
  const { runtime, clock, close } = probing(t, { terminate: () => new Promise(() => {}) })
  await runtime.start('probe', {}, { id: 'p' })
  const bye = observe(runtime.call('p', 'stopReply', { reason: 'normal' }, { timeout: Number.POSITIVE_INFINITY }))
  await clock.advance(0)
  t.equal(bye.outcome, 'pending')
  runtime.kill('p')
  await clock.advance(0)
  t.match(bye.error, { code: 'server_exited', details: { reason: 'killed' } })
  await close()
})

t.test('B28: a reply to a caller that has left is a silent no-op', async (t) => {
  const { runtime, clock, trace, logged, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const timedOut = observe(runtime.call('p', 'delayedAnswer', { ms: 100 }, { timeout: 50 }))
  const request = runtime.sendRequest('p', 'delayedAnswer', { ms: 100 })
  const hungUp = observe(request.response)
  await clock.advance(50)
  request.abandon()
  await clock.advance(0)
  t.match(timedOut.error, { code: 'call_timeout', effect: 'unknown' })
  t.match(hungUp.error, { code: 'call_timeout', effect: 'unknown' })
  await clock.advance(50)
  t.same(trace, ['init ok', 'answered false', 'answered false'])
  t.same(
    logged.filter(({ level }) => level !== 'debug'),
    [],
  )
  t.equal(await runtime.call('p', 'ping'), 'pong')
  await close()
})

t.test('B29: of two replies the first reaches the caller, and the second nobody', async (t) => {
  const said: boolean[] = []
  const { runtime, clock, logged, close } = running(t, {
    twice: defineServer({
      state: Type.Object({ from: Type.String() }),
      calls: { ask: { reply: any }, keep: { reply: any }, inOneTurn: { reply: any }, answerAndReturn: { reply: any } },
      casts: { answer: { args: Type.Object({ value: any }) } },
      init: () => ({ from: '' }),
      handleCall: {
        ask: () => 'asked',
        keep: (state, _args, ctx) => {
          state.from = ctx.from
          return ctx.noReply()
        },
        inOneTurn: (_state, _args, ctx) => {
          said.push(ctx.reply(ctx.from, 1), ctx.reply(ctx.from, 2))
          return ctx.noReply()
        },
        answerAndReturn: (_state, _args, ctx) => {
          said.push(ctx.reply(ctx.from, 'first'))
          return 'second'
        },
      },
      handleCast: { answer: (state, { value }, ctx) => void said.push(ctx.reply(state.from, value)) },
    }),
  })
  await runtime.start('twice', {}, { id: 's' })
  const kept = observe(runtime.call('s', 'keep'))
  runtime.cast('s', 'answer', { value: 1 })
  runtime.cast('s', 'answer', { value: 2 })
  t.equal(await runtime.call('s', 'ask'), 'asked')
  t.equal(kept.value, 1)
  t.same(said.splice(0), [true, false])
  t.equal(await runtime.call('s', 'inOneTurn'), 1)
  t.same(said.splice(0), [true, false])
  t.match(
    logged.filter(({ level }) => level === 'warn'),
    [{ message: 'a second reply to one call' }],
  )
  t.equal(await runtime.call('s', 'answerAndReturn'), 'first')
  await clock.advance(0)
  await close()
})

t.test('any server may give the reply, and it is held to what the called one promises', async (t) => {
  const desk = defineServer({
    state: Type.Object({}),
    calls: { ask: { args: Type.Object({ to: Type.String() }), reply: Type.Integer() } },
    init: () => ({}),
    handleCall: {
      ask: (_state, { to }, ctx) => {
        ctx.cast(to, 'answer', { from: ctx.from })
        return ctx.noReply()
      },
    },
  })
  const { runtime, clock, close } = running(t, {
    desk,
    clerk: defineServer({
      args: Type.Object({ answer: any }),
      state: Type.Object({ answer: any }),
      casts: { answer: { args: Type.Object({ from: Type.String() }) } },
      init: ({ answer }) => ({ answer }),
      handleCast: { answer: ({ answer }, { from }, ctx) => void ctx.reply(from, answer) },
    }),
  })
  await runtime.start('desk', {}, { id: 'd' })
  await runtime.start('clerk', { answer: 7 }, { id: 'good' })
  await runtime.start('clerk', { answer: 'seven' }, { id: 'bad' })
  t.equal(await runtime.call('d', 'ask', { to: 'good' }), 7)
  const unanswered = observe(runtime.call('d', 'ask', { to: 'bad' }))
  await clock.advance(0)
  t.equal(unanswered.outcome, 'pending')
  t.match(runtime.info('bad').lastExit?.reason, { error: /bad reply/ })
  runtime.kill('d')
  await clock.advance(0)
  t.equal(unanswered.outcome, 'rejected')
  await close()
})

t.test('a crash fails those who wait for a later reply, and no reply reaches them any more', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const waiting = observe(runtime.call('p', 'delayedAnswer', { ms: 100 }))
  runtime.cast('p', 'crashCast')
  await clock.advance(0)
  t.match(waiting.error, {
    code: 'server_crashed',
    effect: 'none',
    message: 'p crashed before it replied to delayedAnswer: crashed',
    details: { reason: { error: 'crashed' } },
  })
  await clock.advance(100)
  t.same(trace, ['init ok', 'answered false'])
  await close()
})

t.test('a reply that is not what the interface promises crashes the server, and its caller is told', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const bad = observe(runtime.call('p', 'badReturn'))
  await clock.advance(0)
  t.match(bad.error, { code: 'bad_reply', effect: 'none' })
  t.equal(runtime.info('p').incarnation, 2)
  await close()
})

t.test('B32: a request is asked for its response as often as wanted, and waiting does not give it up', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const request = runtime.sendRequest('p', 'delayedAnswer', { ms: 50 })
  t.equal(await Promise.race([request.response, 'timeout']), 'timeout')
  await clock.advance(49)
  t.equal(await Promise.race([request.response, 'timeout']), 'timeout')
  await clock.advance(1)
  t.equal(await request.response, 'delayed')
  t.equal(await request.response, 'delayed')
  request.abandon()
  t.equal(await request.response, 'delayed', 'to give up what has been answered changes nothing')
  await close()
})

t.test('B32: a request that cannot be sent has the error as its response', async (t) => {
  const { runtime, close } = probing(t)
  await runtime.start('probe', {}, { id: 'dead' })
  runtime.kill('dead')
  const toDead = runtime.sendRequest('dead', 'ping')
  const toNobody = runtime.sendRequest('nobody', 'ping')
  toNobody.whenSettled((error) => void t.match(error, { code: 'unknown_server' }))
  t.throws(() => toNobody.replyText, { code: 'unknown_server' })
  toNobody.abandon()
  await t.rejects(toDead.response, { code: 'server_exited', details: { reason: 'killed' } })
  await t.rejects(toNobody.response, { code: 'unknown_server' })
  t.equal(toNobody.revision, undefined)
  await close()
})

t.test('a response that is asked for late is there, also an error', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const pong = runtime.sendRequest('p', 'ping')
  const crash = runtime.sendRequest('p', 'crash')
  t.equal(pong.revision, undefined)
  await clock.advance(0)
  t.equal(pong.revision, 1)
  t.equal(await pong.response, 'pong')
  await t.rejects(crash.response, { code: 'server_crashed' })
  await close()
})

t.test('B34, B35: of several requests each answers in its time; those given up reach nobody', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const due = [1, 500, 1000].map((ms) => runtime.sendRequest('p', 'delayedAnswer', { ms }))
  const [first, second, third] = due.map(({ response }) => observe(response))
  await clock.advance(100)
  t.same(
    [first, second, third].map((each) => each?.outcome),
    ['resolved', 'pending', 'pending'],
  )
  due[2]?.abandon()
  await clock.advance(900)
  t.equal(second?.value, 'delayed', 'it was waited for before and is delivered later')
  t.match(third?.error, { code: 'call_timeout' })
  t.same(trace, ['init ok', 'answered true', 'answered true', 'answered false'])
  await close()
})

t.test('X3: a caller that leaves takes its call out of the mailbox, and its place is free', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p', mailbox: 1 })
  runtime.cast('p', 'slowNote', { note: 'slow', ms: 10 })
  await clock.advance(0)
  const left = runtime.sendRequest('p', 'set', { value: 1 })
  const response = observe(left.response)
  t.throws(() => runtime.cast('p', 'note', { note: 'no room' }), { code: 'mailbox_full' })
  left.abandon()
  t.equal(runtime.info('p').mailbox.length, 0)
  runtime.cast('p', 'note', { note: 'room' })
  await clock.advance(10)
  t.match(response.error, { code: 'call_timeout', effect: 'none', message: /gave up/ })
  t.equal(await runtime.call('p', 'get'), 0)
  t.same(trace, ['init ok', 'note slow', 'note room'])
  await close()
})

t.test('an abort signal gives a call up, before it is sent, while it waits and while it runs', async (t) => {
  const seen: unknown[] = []
  const door = latch()
  const { runtime, clock, close } = running(t, {
    watcher: defineServer({
      state: Type.Object({ ran: Type.Integer() }),
      calls: { run: { reply: any }, get: { reply: any } },
      init: () => ({ ran: 0 }),
      handleCall: {
        run: async (state, _args, ctx) => {
          ctx.signal.addEventListener('abort', () => seen.push((ctx.signal.reason as Error).message))
          state.ran++
          await door.promise
          return ctx.signal.aborted
        },
        get: (state) => state.ran,
      },
    }),
  })
  await runtime.start('watcher', {}, { id: 'w' })
  const before = observe(runtime.call('w', 'run', {}, { signal: AbortSignal.abort() }))
  await clock.advance(0)
  t.match(before.error, { code: 'call_timeout', effect: 'none' })
  const abort = new AbortController()
  const runs = observe(runtime.call('w', 'run', {}, { signal: abort.signal }))
  const waits = observe(runtime.call('w', 'run', {}, { signal: abort.signal }))
  await clock.advance(0)
  t.same(seen, [])
  abort.abort()
  await clock.advance(0)
  t.match(runs.error, { code: 'call_timeout', effect: 'unknown' })
  t.match(waits.error, { code: 'call_timeout', effect: 'none' })
  t.same(seen, ['the caller is gone'])
  door.open()
  t.equal(await runtime.call('w', 'get'), 1, 'the one that ran was not interrupted')
  const settled = new AbortController()
  t.equal(await runtime.call('w', 'get', {}, { signal: settled.signal }), 1)
  t.same(getEventListeners(settled.signal, 'abort'), [], 'nobody listens to it any more')
  settled.abort()
  await close()
})

t.test('ctx.signal is aborted when the deadline of the caller passes, also for who asks late', async (t) => {
  const { runtime, clock, close } = running(t, (clock) => {
    const aborted: boolean[] = []
    return {
      slow: defineServer({
        state: Type.Object({}),
        calls: { run: { reply: any }, seen: { reply: any } },
        init: () => ({}),
        handleCall: {
          run: async (_state, _args, ctx) => {
            await pause(clock, 20)
            aborted.push(ctx.signal.aborted)
          },
          seen: () => aborted,
        },
      }),
    }
  })
  await runtime.start('slow', {}, { id: 's' })
  const gone = observe(runtime.call('s', 'run', {}, { timeout: 10 }))
  const there = observe(runtime.call('s', 'run', {}, { timeout: 41 }))
  await clock.advance(40)
  t.equal(gone.outcome, 'rejected')
  t.equal(there.outcome, 'resolved')
  t.same(await runtime.call('s', 'seen'), [true, false])
  await close()
})

t.test('X1: handlers of one server never interleave, and another server is not held up', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  await runtime.start('probe', {}, { id: 'q' })
  const first = observe(runtime.call('p', 'slowSet', { ms: 10, value: 1 }))
  const second = observe(runtime.call('p', 'slowSet', { ms: 10, value: 2 }))
  t.equal(await runtime.call('q', 'ping'), 'pong')
  await clock.advance(9)
  t.same(
    trace.filter((line) => line === 'slowSet'),
    ['slowSet'],
  )
  await clock.advance(1)
  t.equal(first.value, 'slow')
  t.equal(second.outcome, 'pending')
  await clock.advance(10)
  t.equal(second.value, 'slow')
  await close()
})

t.test('ifMatch is judged when the message is taken', async (t) => {
  const { runtime, clock, logged, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const first = observe(runtime.call('p', 'set', { value: 1 }, { ifMatch: 1 }))
  const second = observe(runtime.call('p', 'set', { value: 2 }, { ifMatch: 1 }))
  runtime.cast('p', 'crashCast', {}, { ifMatch: 1 })
  const stop = observe(runtime.stop('p', { ifMatch: 1 }))
  await clock.advance(0)
  t.equal(first.value, 'ok')
  t.match(second.error, { code: 'revision_mismatch', effect: 'none', message: /p has revision 2, not 1/ })
  t.match(stop.error, { code: 'revision_mismatch' })
  t.match(logged.at(-1), { level: 'warn', fields: { cast: 'crashCast' }, message: /dropped: .*revision 2/ })
  t.match(runtime.info('p'), { incarnation: 1, revision: 2 })
  t.equal(await runtime.call('p', 'get', {}, { ifMatch: 2 }), 1)
  await runtime.stop('p', { ifMatch: 2 })
  await close()
})

t.test('a request tells the revision after its message had run', async (t) => {
  const { runtime, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const set = runtime.sendRequest('p', 'set', { value: 1 })
  t.equal(set.revision, undefined)
  await set.response
  t.equal(set.revision, 2)
  const get = runtime.sendRequest('p', 'get')
  await get.response
  t.equal(get.revision, 2)
  await close()
})
