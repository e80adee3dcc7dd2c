import { defineServer, type TimerRef, Type } from 'genservers'
import t from 'tap'
import { probing } from './probe.js'
import { latch, observe, pause, running } from './running.js'

const any = Type.Unknown()

t.test('C37: a cast is taken at once and shows its effect later; a cast that stops runs terminate', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  t.equal(runtime.cast('p', 'note', { note: 'one' }), undefined)
  t.same(trace, ['init ok'])
  await clock.advance(0)
  t.same(trace, ['init ok', 'note one'])
  runtime.cast('p', 'stopCast', { reason: 'enough' })
  t.equal(runtime.whereis('p'), 'p')
  await clock.advance(0)
  t.same(trace.at(-1), 'terminate "enough" 0')
  t.throws(() => runtime.cast('p', 'note', { note: 'late' }), { code: 'server_exited', details: { reason: 'enough' } })
  await close()
})

t.test('C38: a call sees the casts of the same sender that came before', async (t) => {
  const { runtime, close } = running(t, {
    stack: defineServer({
      state: Type.Array(any),
      calls: { pop: { reply: any } },
      casts: { push: { args: Type.Object({ element: any }) } },
      init: () => [],
      handleCall: { pop: (state) => state.pop() ?? null },
      handleCast: { push: (state, { element }) => void state.push(element) },
    }),
  })
  await runtime.start('stack', {}, { id: 's' })
  runtime.cast('s', 'push', { element: 'x' })
  t.equal(await runtime.call('s', 'pop'), 'x')
  t.equal(await runtime.call('s', 'pop'), null)
  await close()
})

t.test('C40: casts to a busy server are taken at once and handled in order afterwards', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  runtime.cast('p', 'slowNote', { note: 'slow', ms: 5000 })
  await clock.advance(0)
  for (let i = 0; i < 100; i++) runtime.cast('p', 'note', { note: String(i) })
  t.equal(runtime.info('p').mailbox.length, 100)
  await clock.advance(4999)
  t.equal(runtime.info('p').mailbox.oldestAge, 4999)
  t.same(trace, ['init ok'])
  await clock.advance(1)
  t.same(trace, ['init ok', 'note slow', ...Array.from({ length: 100 }, (_, i) => `note ${i}`)])
  await close()
})

t.test('C41: an unknown cast is refused and does the server nothing', async (t) => {
  const { runtime, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  t.throws(() => runtime.cast('p', 'nonsense'), { code: 'unknown_message', message: 'probe has no cast nonsense' })
  t.throws(() => runtime.cast('p', 'ping'), { code: 'unknown_message', message: /it is a call/ })
  t.throws(() => runtime.cast('p', 'note', { note: 1 }), { code: 'invalid_args' })
  t.throws(() => runtime.cast('nobody', 'note', { note: 'x' }), { code: 'unknown_server' })
  t.throws(() => runtime.cast('p', 'note', { note: 'x' }, { implementation: 'other' }), { code: 'unknown_server' })
  t.match(runtime.info('p'), { handled: 0, mailbox: { length: 0 } })
  await close()
})

t.test('C43: a stray message is logged once and dropped', async (t) => {
  const { runtime, clock, logged, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  runtime.send('p', 'stray', { x: 1 })
  await clock.advance(0)
  t.match(logged, [{ level: 'warn', fields: { server: 'p', info: 'stray' }, message: /dropped/ }])
  t.match(runtime.info('p'), { incarnation: 1, revision: 1, handled: 1 })
  await close()
})

t.test('C44: an error inside handleInfo or terminate is not taken for a missing callback', async (t) => {
  const { runtime, clock, reports, close } = probing(t, {
    terminate: () => (undefined as unknown as () => void)(),
  })
  await runtime.start('probe', {}, { id: 'p' })
  runtime.send('p', 'undefinedFunction')
  await clock.advance(0)
  t.match(runtime.info('p'), { incarnation: 2, lastExit: { reason: { error: /not a function/ } } })
  await t.rejects(runtime.stop('p'), { code: 'server_crashed', message: /not a function/ })
  t.equal(reports().length, 2)
  await close()
})

t.test('a message is a copy: what the sender does to it afterwards is not seen', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const value = { list: [1] }
  const set = runtime.sendRequest('p', 'set', { value })
  value.list.push(2)
  await set.response
  const got = (await runtime.call('p', 'get')) as typeof value
  t.same(got, { list: [1] })
  got.list.push(3)
  t.same(await runtime.call('p', 'get'), { list: [1] })
  await clock.advance(0)
  await close()
})

t.test('a delayed cast comes when it is due, is listed meanwhile, and can be cancelled', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const later = runtime.cast('p', 'note', { note: 'later' }, { delay: 100 }) as string
  const never = runtime.cast('p', 'note', { note: 'never' }, { delay: 50 }) as string
  t.match(runtime.timers('p'), [
    { ref: never, kind: 'cast', message: 'note', dueIn: 50 },
    { ref: later, kind: 'cast', message: 'note', dueIn: 100, dueAt: '2026-01-01T00:00:00.100Z' },
  ])
  await clock.advance(20)
  t.equal(runtime.cancelTimer('p', never), 30)
  t.equal(runtime.cancelTimer('p', never), false)
  await clock.advance(79)
  t.same(trace, ['init ok'])
  await clock.advance(1)
  t.same(trace, ['init ok', 'note later'])
  t.equal(runtime.cancelTimer('p', later), false)
  t.throws(() => runtime.cast('p', 'note', { note: 1 }, { delay: 5 }), { code: 'invalid_args' })
  await close()
})

t.test('a server takes as many delayed casts as its mailbox takes messages', async (t) => {
  const { runtime, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p', mailbox: 2 })
  runtime.cast('p', 'note', { note: '1' }, { delay: 10 })
  runtime.cast('p', 'note', { note: '2' }, { delay: 10 })
  t.throws(() => runtime.cast('p', 'note', { note: '3' }, { delay: 10 }), { code: 'mailbox_full' })
  t.equal((await runtime.timers('p')).length, 2)
  await close()
})

t.test('D46: what init continues with runs before what it sent itself, and after the start was answered', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  const started = observe(runtime.start('probe', { mode: 'continue' }, { id: 'p' }))
  await clock.advance(0)
  t.equal(started.outcome, 'resolved')
  t.same(trace, ['init continue', 'continue of init', 'queued'])
  await close()
})

t.test('D47: a continue precedes what is queued, and its caller has the reply before it has run', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const order: string[] = trace
  const call = runtime.call('p', 'continueWith', { note: 'of call' }).then(() => order.push('call answered'))
  runtime.cast('p', 'note', { note: '1' })
  runtime.cast('p', 'continueCast', { note: 'of cast' })
  runtime.cast('p', 'note', { note: '2' })
  runtime.send('p', 'continueInfo', { note: 'of info' })
  runtime.cast('p', 'note', { note: '3' })
  await clock.advance(0)
  await call
  t.same(
    order.filter((line) => line !== 'call answered'),
    [
      'init ok',
      'continue of call',
      'note 1',
      'continueCast',
      'continue of cast',
      'note 2',
      'continueInfo',
      'continue of info',
      'note 3',
    ],
  )
  await close()
})

t.test('D47: the reply is on its way before a slow continue has ended', async (t) => {
  const door = latch()
  const { runtime, clock, close } = running(t, {
    stepper: defineServer({
      state: Type.Object({ steps: Type.Array(Type.String()) }),
      calls: { begin: { reply: any }, steps: { reply: any } },
      init: () => ({ steps: [] }),
      handleCall: {
        begin: (state, _args, ctx) => {
          state.steps.push('begin')
          ctx.continue('one')
          ctx.continue('two', { last: true })
          return 'begun'
        },
        steps: (state) => state.steps,
      },
      handleContinue: {
        one: async (state, _args, ctx) => {
          await door.promise
          state.steps.push('one')
          ctx.continue('three')
        },
        two: (state, { last }) => void state.steps.push(`two ${last}`),
        three: (state) => void state.steps.push('three'),
      },
    }),
  })
  await runtime.start('stepper', {}, { id: 's' })
  t.equal(await runtime.call('s', 'begin'), 'begun')
  const steps = observe(runtime.call('s', 'steps'))
  await clock.advance(0)
  t.equal(steps.outcome, 'pending')
  t.match(runtime.info('s').current, { kind: 'continue', message: 'one' })
  door.open()
  await clock.advance(0)
  t.same(steps.value, ['begin', 'one', 'two true', 'three'])
  await close()
})

t.test('a continue that nobody handles is a mistake of the one who asks for it', async (t) => {
  const { runtime, clock, close } = running(t, {
    wrong: defineServer({
      state: Type.Object({}),
      casts: { go: {} },
      init: () => ({}),
      handleCast: { go: (_state, _args, ctx) => ctx.continue('nowhere') },
    }),
  })
  await runtime.start('wrong', {}, { id: 'w' })
  runtime.cast('w', 'go')
  await clock.advance(0)
  t.match(runtime.info('w').lastExit?.reason, { error: 'there is no handleContinue.nowhere' })
  await close()
})

/** A server that writes down what comes, with the time, and does what it is told in `then`. */
function timerServer() {
  const heard: string[] = []
  let refs: TimerRef[] = []
  const started = { at: 0 }
  return {
    heard,
    server: defineServer({
      state: Type.Object({ n: Type.Integer() }),
      calls: {
        after: { args: Type.Object({ ms: any, word: Type.String() }), reply: any },
        cancel: { args: Type.Object({ ref: Type.String() }), reply: any },
        both: { reply: any },
        idle: { args: Type.Object({ ms: any }), reply: any },
        idleAndSend: { reply: any },
        ping: { reply: any },
        look: { reply: any, readOnly: true },
      },
      casts: { crash: {}, idleThenCrash: {}, continueThenCrash: {}, idleThenContinueAndCrash: {} },
      init: (_args, ctx) => {
        started.at = ctx.now()
        refs = []
        return { n: 0 }
      },
      handleCall: {
        after: (state, { ms, word }, ctx) => {
          state.n++
          const ref = ctx.sendAfter(ms as number, 'word', { word })
          refs.push(ref)
          return ref
        },
        cancel: (_state, { ref }, ctx) => [ctx.cancelTimer(ref), ctx.cancelTimer(ref)],
        both: (_state, _args, ctx) => {
          const ref = ctx.sendAfter(70, 'word', { word: 'never' })
          return [ctx.cancelTimer(ref), ctx.cancelTimer(ref)]
        },
        idle: (_state, { ms }, ctx) => {
          ctx.idleTimeout(ms as number)
          return 'ok'
        },
        idleAndSend: (_state, _args, ctx) => {
          ctx.send(ctx.id, 'word', { word: 'queued' })
          ctx.idleTimeout(0)
          return 'ok'
        },
        ping: () => 'pong',
        look: () => 'seen',
      },
      handleCast: {
        crash: (_state, _args, ctx) => {
          ctx.sendAfter(1, 'word', { word: 'of the crashed turn' })
          throw new Error('crash')
        },
        idleThenCrash: (_state, _args, ctx) => {
          ctx.idleTimeout(1)
          throw new Error('crash')
        },
        continueThenCrash: (_state, _args, ctx) => ctx.continue('crash'),
        idleThenContinueAndCrash: (_state, _args, ctx) => {
          ctx.idleTimeout(30)
          ctx.continue('crash')
        },
      },
      handleContinue: {
        crash: () => {
          throw new Error('crash in continue')
        },
      },
      handleInfo: {
        word: (_state, { word }, ctx) => void heard.push(`${word} ${ctx.now() - started.at}`),
        timeout: (_state, _args, ctx) => void heard.push(`timeout ${ctx.now() - started.at}`),
      },
    }),
  }
}

t.test('a timer brings its message once, when it is due', async (t) => {
  const { server, heard } = timerServer()
  const { runtime, clock, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  const ref = await runtime.call('s', 'after', { ms: 50, word: 'due' })
  t.match(runtime.timers('s'), [{ ref, kind: 'info', message: 'word', dueIn: 50 }])
  await clock.advance(49)
  t.same(heard, [])
  await clock.advance(1)
  t.same(heard, ['due 50'])
  t.same(runtime.timers('s'), [])
  await clock.advance(1000)
  t.same(heard, ['due 50'])
  await close()
})

t.test('to cancel a timer gives what was left, then false; also in the turn that set it', async (t) => {
  const { server, heard } = timerServer()
  const { runtime, clock, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  const ref = await runtime.call('s', 'after', { ms: 50, word: 'never' })
  await clock.advance(20)
  t.same(await runtime.call('s', 'cancel', { ref }), [30, false])
  t.same(await runtime.call('s', 'cancel', { ref }), [false, false])
  t.same(await runtime.call('s', 'both'), [70, false])
  await clock.advance(1000)
  t.same(heard, [])
  await close()
})

t.test('D52: milliseconds that are none are a bad return value, of which the caller is told', async (t) => {
  const { server } = timerServer()
  const { runtime, close } = running(t, { server }, { maxRestarts: 100 })
  await runtime.start('server', {}, { id: 's' })
  for (const ms of [-1, 'soon', null]) {
    await t.rejects(runtime.call('s', 'idle', { ms }), { code: 'server_crashed', message: /bad_return_value/ })
    await t.rejects(runtime.call('s', 'after', { ms, word: 'x' }), {
      code: 'server_crashed',
      message: /bad_return_value/,
    })
  }
  t.same(runtime.timers('s'), [])
  await close()
})

t.test('D49: an idle timeout of 0 is dropped if a message waits already', async (t) => {
  const { server, heard } = timerServer()
  const { runtime, clock, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  await runtime.call('s', 'idleAndSend')
  await clock.advance(10)
  t.same(heard, ['queued 0'])
  await runtime.call('s', 'idle', { ms: 0 })
  await clock.advance(0)
  t.same(heard, ['queued 0', 'timeout 10'])
  await close()
})

t.test('a message that comes before the idle timeout is handled takes the timeout back', async (t) => {
  const { server, heard } = timerServer()
  const { runtime, clock, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  await runtime.call('s', 'idle', { ms: 10 })
  clock.setTimer(10, () => void observe(runtime.call('s', 'ping')))
  await clock.advance(9)
  await clock.advance(1)
  t.same(heard, ['timeout 10'], 'it was first here')
  await runtime.call('s', 'idle', { ms: 10 })
  await clock.advance(9)
  t.equal(await runtime.call('s', 'ping'), 'pong')
  await clock.advance(100)
  t.same(heard, ['timeout 10'], 'any message ends it')
  await close()
})

t.test('a message that was queued before the idle timeout fired is handled instead of it', async (t) => {
  const heard: string[] = []
  const { runtime, clock, close } = running(t, (clock) => ({
    server: defineServer({
      state: Type.Object({}),
      casts: { first: {}, second: {} },
      init: () => ({}),
      handleCast: {
        first: async (_state, _args, ctx) => {
          ctx.idleTimeout(0)
          await pause(clock, 10)
        },
        second: async () => {
          heard.push('second')
          await pause(clock, 10)
        },
      },
      handleInfo: { timeout: () => void heard.push('timeout') },
    }),
  }))
  await runtime.start('server', {}, { id: 's' })
  runtime.cast('s', 'first')
  await clock.advance(0)
  runtime.cast('s', 'second')
  await clock.advance(30)
  t.same(heard, ['second'])
  await close()
})

t.test('an idle timeout that waits behind another message is taken back when that is handled', async (t) => {
  const heard: string[] = []
  const { runtime, clock, close } = running(t, (clock) => ({
    server: defineServer({
      state: Type.Object({}),
      casts: { first: {}, second: {} },
      init: () => ({}),
      handleCast: {
        first: (_state, _args, ctx) => {
          ctx.idleTimeout(5)
          ctx.continue('slowly')
        },
        second: () => void heard.push('second'),
      },
      handleContinue: { slowly: () => pause(clock, 10) },
      handleInfo: { timeout: () => void heard.push('timeout') },
    }),
  }))
  await runtime.start('server', {}, { id: 's' })
  runtime.cast('s', 'first')
  runtime.cast('s', 'second')
  await clock.advance(5)
  t.equal(runtime.info('s').mailbox.length, 2)
  await clock.advance(5)
  t.same(heard, ['second'])
  t.equal(runtime.info('s').mailbox.length, 0)
  await close()
})

t.test('D50: an idle server ends after its time, and lives as long as it is called', async (t) => {
  const { runtime, clock, trace, reports, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  for (let i = 0; i < 3; i++) {
    await runtime.call('p', 'setTimeout', { ms: 5000 })
    await clock.advance(2000)
  }
  t.equal(await runtime.call('p', 'setTimeout', { ms: 5000 }), 'ok')
  await clock.advance(4999)
  t.equal(runtime.whereis('p'), 'p')
  await clock.advance(1)
  t.same(trace.slice(-2), ['timeout', 'terminate "normal" 0'])
  await t.rejects(runtime.call('p', 'ping'), { code: 'server_exited', details: { reason: 'normal' } })
  t.same(reports(), [])
  await close()
})

t.test(
  'S:F2: neither looking at a server from outside, nor a stray message, counts for its idle timeout',
  async (t) => {
    const { server, heard } = timerServer()
    const { runtime, clock, close } = running(t, { server })
    await runtime.start('server', {}, { id: 's' })
    await runtime.call('s', 'idle', { ms: 100 })
    await clock.advance(70)
    runtime.info('s')
    runtime.state('s')
    runtime.timers('s')
    runtime.send('s', 'stray')
    await clock.advance(30)
    t.same(heard, ['timeout 100'])
    await close()
  },
)

t.test('a readOnly call starts the idle time over', async (t) => {
  const { server, heard } = timerServer()
  const { runtime, clock, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  await runtime.call('s', 'idle', { ms: 100 })
  await clock.advance(70)
  t.equal(await runtime.call('s', 'look'), 'seen')
  await clock.advance(99)
  t.same(heard, [])
  await clock.advance(1)
  t.same(heard, ['timeout 170'])
  await close()
})

t.test('a crash keeps timers and the idle timeout, and what the crashed turn had set is gone', async (t) => {
  const { server, heard } = timerServer()
  const { runtime, clock, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  await runtime.call('s', 'after', { ms: 50, word: 'kept' })
  await runtime.call('s', 'idle', { ms: 30 })
  runtime.cast('s', 'crash')
  runtime.cast('s', 'idleThenCrash')
  await clock.advance(0)
  t.equal(runtime.info('s').incarnation, 3)
  await clock.advance(29)
  t.same(heard, [])
  await clock.advance(1)
  t.same(heard, ['timeout 30'])
  await clock.advance(20)
  t.same(heard, ['timeout 30', 'kept 50'])
  await close()
})

t.test('a crash in a continue leaves the idle timeout as the turn before it has left it', async (t) => {
  const { server, heard } = timerServer()
  const { runtime, clock, close } = running(t, { server })
  await runtime.start('server', {}, { id: 's' })
  await runtime.call('s', 'idle', { ms: 10 })
  runtime.cast('s', 'continueThenCrash')
  await clock.advance(100)
  t.same(heard, [], 'the cast had ended it')
  await runtime.call('s', 'idle', { ms: 10 })
  runtime.cast('s', 'idleThenContinueAndCrash')
  await clock.advance(29)
  t.same(heard, [], 'the cast had set it anew')
  await clock.advance(1)
  t.same(heard, ['timeout 130'])
  await close()
})

t.test('timers and the idle timeout are gone with a fresh init, a stop and a kill', async (t) => {
  const { server, heard } = timerServer()
  const { runtime, clock, close } = running(t, { server })
  const ends = {
    fresh: () => runtime.cast('s', 'crash'),
    stop: () => void runtime.stop('s'),
    kill: () => runtime.kill('s'),
  }
  for (const [name, end] of Object.entries(ends)) {
    await runtime.start('server', {}, { id: 's', restartFrom: 'init' })
    await runtime.call('s', 'after', { ms: 50, word: 'never' })
    await runtime.call('s', 'idle', { ms: 30 })
    end()
    await clock.advance(0)
    t.equal(clock.pending <= 1, true, `${name}: but for the lane of the calls no timer is set`)
    await clock.advance(100)
    t.same(heard, [], name)
    if (name === 'fresh') await runtime.stop('s')
  }
  await close()
})

t.test('F71: timers end with their server, and whoever has its id when they were due hears nothing', async (t) => {
  const { server, heard } = timerServer()
  const { runtime, clock, close } = running(t, { server })
  for (const end of [() => runtime.stop('s'), () => runtime.kill('s')]) {
    await runtime.start('server', {}, { id: 's' })
    const ref = await runtime.call('s', 'after', { ms: 50, word: 'never' })
    runtime.cast('s', 'crash', {}, { delay: 50 })
    await end()
    await runtime.start('server', {}, { id: 's' })
    t.same(runtime.timers('s'), [])
    t.equal(runtime.cancelTimer('s', ref as string), false)
    await clock.advance(100)
    t.same(heard, [])
    t.match(runtime.info('s'), { handled: 0, crashes: 0 })
    await runtime.stop('s')
  }
  await close()
})

t.test('the idle timeout that a fresh init asks for is its own, whatever the old one was', async (t) => {
  const heard: number[] = []
  const { runtime, clock, close } = running(t, {
    server: defineServer({
      restartFrom: 'init',
      state: Type.Object({}),
      calls: { idle: { args: Type.Object({ ms: Type.Integer() }) } },
      casts: { crash: {} },
      init: (_args, ctx) => {
        if (ctx.incarnation === 2) ctx.idleTimeout(50)
        return {}
      },
      handleCall: { idle: (_state, { ms }, ctx) => ctx.idleTimeout(ms) },
      handleCast: {
        crash: () => {
          throw new Error('crash')
        },
      },
      handleInfo: { timeout: (_state, _args, ctx) => void heard.push(ctx.incarnation) },
    }),
  })
  await runtime.start('server', {}, { id: 's' })
  await runtime.call('s', 'idle', { ms: 10 })
  runtime.cast('s', 'crash')
  await clock.advance(49)
  t.same(heard, [])
  await clock.advance(1)
  t.same(heard, [2])
  await close()
})

t.test(
  'what is piped is held to the schema of its info: a misfit is an error, and an error that is none crashes',
  async (t) => {
    const heard: unknown[] = []
    const work = { value: Type.Optional(Type.Integer()), error: Type.Optional(Type.String()) }
    let outcome: Promise<unknown> = Promise.resolve()
    const { runtime, clock, close } = running(t, {
      worker: defineServer({
        state: Type.Object({}),
        calls: { wait: { args: Type.Object({ info: Type.String() }), reply: any } },
        infos: { either: { args: Type.Object(work) }, value: { args: Type.Object({ value: Type.Integer() }) } },
        init: () => ({}),
        handleCall: {
          wait: (_state, { info }, ctx) => {
            ctx.pipe(outcome, info)
            return ctx.noReply()
          },
        },
        handleInfo: {
          either: (_state, args) => void heard.push(args),
          value: (_state, args) => void heard.push(args),
        },
      }),
    })
    await runtime.start('worker', {}, { id: 'w' })
    const pipe = async (piped: Promise<unknown>, info: string) => {
      outcome = piped
      const call = observe(runtime.call('w', 'wait', { info }))
      await clock.advance(0)
      return call
    }
    await pipe(Promise.resolve(1), 'either')
    await pipe(Promise.resolve('one'), 'either')
    await pipe(Promise.reject(new Error('none')), 'either')
    const patient = await pipe(Promise.resolve(2), 'value')
    t.same(heard, [
      { value: 1 },
      { error: 'the args of either are not what it takes' },
      { error: 'none' },
      { value: 2 },
    ])
    t.equal(patient.outcome, 'pending')
    t.equal(runtime.info('w').incarnation, 1)
    await pipe(Promise.resolve('two'), 'value')
    t.match(runtime.info('w').lastExit?.reason, { error: 'the args of value are not what it takes' })
    t.match(patient.error, { code: 'server_crashed' }, 'whoever waited for the outcome hears so')
    const rejected = await pipe(Promise.reject(new Error('no rows')), 'value')
    t.match(runtime.info('w'), { incarnation: 3, lastExit: { reason: { error: 'no rows' } } })
    t.match(rejected.error, { code: 'server_crashed', message: /no rows/ })
    t.equal(heard.length, 4)
    await close()
  },
)

t.test('pipe takes a promise of any make, and what is piped by a life that is over harms no other', async (t) => {
  const heard: unknown[] = []
  const late = latch<unknown>()
  const { runtime, clock, close } = running(t, {
    worker: defineServer({
      restartFrom: 'init',
      state: Type.Object({}),
      casts: { foreign: {}, late: {}, crash: {} },
      infos: { done: { args: Type.Object({ value: Type.Integer() }) } },
      init: () => ({}),
      handleCast: {
        foreign: (_state, _args, ctx) => {
          // biome-ignore lint/suspicious/noThenProperty: a promise that has nothing but what makes it one
          ctx.pipe({ then: (tell: (value: number) => void) => tell(7) } as Promise<number>, 'done')
        },
        late: (_state, _args, ctx) => ctx.pipe(late.promise, 'done'),
        crash: () => {
          throw new Error('crash')
        },
      },
      handleInfo: { done: (_state, { value }) => void heard.push(value) },
    }),
  })
  await runtime.start('worker', {}, { id: 'w' })
  runtime.cast('w', 'foreign')
  await clock.advance(0)
  t.same(heard, [7])
  runtime.cast('w', 'late')
  runtime.cast('w', 'crash')
  await clock.advance(0)
  t.equal(runtime.info('w').incarnation, 2)
  late.fail(new Error('too late'))
  await clock.advance(0)
  t.equal(runtime.info('w').incarnation, 2)
  await close()
})

t.test('pipe brings the outcome of slow work as a message, and the mailbox does not wait for it', async (t) => {
  const heard: unknown[] = []
  const work = [latch<unknown>(), latch<unknown>(), latch<unknown>(), latch<unknown>()] as const
  const { runtime, clock, close } = running(t, {
    worker: defineServer({
      restartFrom: 'init',
      state: Type.Object({}),
      calls: { work: { args: Type.Object({ n: Type.Integer() }) }, ping: { reply: any } },
      casts: { crash: {} },
      init: () => ({}),
      handleCall: {
        work: (_state, { n }, ctx) => ctx.pipe(work[n as 0].promise, 'done'),
        ping: () => 'pong',
      },
      handleCast: {
        crash: (_state, _args, ctx) => {
          ctx.pipe(Promise.reject(new Error('nobody hears this')), 'done')
          throw new Error('crash')
        },
      },
      handleInfo: { done: (_state, outcome) => void heard.push(outcome) },
    }),
  })
  await runtime.start('worker', {}, { id: 'w' })
  for (const n of [0, 1, 2, 3]) await runtime.call('w', 'work', { n })
  t.equal(await runtime.call('w', 'ping'), 'pong')
  t.same(heard, [])
  work[0].open({ rows: 1 })
  await clock.advance(0)
  work[1].fail(new Error('no rows'))
  await clock.advance(0)
  work[2].open(() => 'not JSON')
  await clock.advance(0)
  t.match(heard, [{ value: { rows: 1 } }, { error: 'no rows' }, { error: /not JSON/ }])
  runtime.cast('w', 'crash')
  await clock.advance(0)
  work[3].open('for the state before')
  await clock.advance(0)
  t.equal(heard.length, 3, 'what belonged to the state that was given up does not come')
  await close()
})

t.test('subscribers hear what is published, in order, until they leave; one that fails harms nobody', async (t) => {
  const { runtime, clock, logged, close } = running(t, {
    station: defineServer({
      state: Type.Object({}),
      events: { news: Type.Object({ n: Type.Integer() }) },
      casts: { tell: { args: Type.Object({ n: any, fail: Type.Optional(Type.Boolean()) }) }, wrong: {} },
      init: () => ({}),
      handleCast: {
        tell: (_state, { n, fail }, ctx) => {
          ctx.publish('news', { n: n as number })
          if (fail) throw new Error('after all not')
        },
        wrong: (_state, _args, ctx) => ctx.publish('olds' as never, {} as never),
      },
    }),
  })
  await runtime.start('station', {}, { id: 's' })
  runtime.cast('s', 'tell', { n: 0 })
  await clock.advance(0)
  const heard: unknown[] = []
  const leaveBroken = runtime.subscribe('s', () => {
    throw new Error('broken ear')
  })
  const leave = runtime.subscribe('s', (event) => heard.push(event))
  runtime.cast('s', 'tell', { n: 1 })
  runtime.cast('s', 'tell', { n: 2, fail: true })
  runtime.cast('s', 'tell', { n: 3 })
  await clock.advance(0)
  t.same(heard, [
    { id: 's', event: 'news', data: { n: 1 } },
    { id: 's', event: 'news', data: { n: 3 } },
  ])
  t.equal(logged.filter(({ message }) => message === 'a subscriber failed').length, 2)
  leave()
  leaveBroken()
  runtime.cast('s', 'tell', { n: 4 })
  await clock.advance(0)
  t.equal(heard.length, 2)
  runtime.cast('s', 'tell', { n: 'not an integer' })
  await clock.advance(0)
  t.match(runtime.info('s').lastExit?.reason, {
    error: /^bad event: what was published as news is not what it promises/,
  })
  runtime.cast('s', 'wrong')
  await clock.advance(0)
  t.match(runtime.info('s').lastExit?.reason, { error: 'station declares no event olds' })
  t.throws(() => runtime.subscribe('nobody', () => {}), { code: 'unknown_server' })
  await close()
})
