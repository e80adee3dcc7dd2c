/** What is kept of crashes: made when something crashes, read whenever it is asked for. */
import { type CrashRecord, defineServer, Type } from 'genservers'
import t from 'tap'
import { probing } from '../probe.js'
import { observe, running } from '../running.js'

t.test('a crash is kept: when, what it was at, why, where, with which state, and what came before', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  t.same(runtime.crashes('p'), [])
  await runtime.call('p', 'set', { value: 7 })
  await clock.advance(1000)
  await t.rejects(runtime.call('p', 'exit', { reason: 'odd' }, { origin: { requestId: 'r1' } }))
  await clock.advance(500)
  await t.rejects(runtime.call('p', 'crash'))
  const [last, first] = runtime.crashes('p') as [CrashRecord, CrashRecord]
  t.same(first, {
    at: '2026-01-01T00:00:01.000Z',
    incarnation: 1,
    revision: 2,
    kind: 'call',
    message: 'exit',
    args: '{"reason":"odd"}',
    reason: { error: 'odd' },
    stack: null,
    state: '{"value":7}',
    requestId: 'r1',
    log: [
      { at: '2026-01-01T00:00:00.000Z', kind: 'call', message: 'set' },
      { at: '2026-01-01T00:00:01.000Z', kind: 'call', message: 'exit' },
    ],
  })
  t.match(last, {
    at: '2026-01-01T00:00:01.500Z',
    incarnation: 2,
    message: 'crash',
    log: [{}, {}, { message: 'crash' }],
  })
  t.match(last.stack, /^Error: crashed\n +at .*probe/)
  t.equal(last.state, '{"value":7}', 'the state before')
  t.match(runtime.info('p'), { crashes: 2, replies: 1, handled: 3 })
  await close()
})

t.test('casts, timers, init, terminate and work beside the messages are kept as what they are', async (t) => {
  const { runtime, clock, close } = running(t, {
    odd: defineServer({
      args: Type.Object({ ok: Type.Boolean({ default: true }) }),
      state: Type.Object({}),
      calls: { look: { readOnly: true, reply: Type.Null() }, init: { reply: Type.Null() } },
      casts: { pipe: {}, continue: {}, timer: {} },
      init: ({ ok }, ctx) => {
        if (ctx.incarnation > 1 || !ok) throw new Error(`init ${ctx.incarnation}`)
        return {}
      },
      handleCall: {
        look: async () => {
          throw new Error('looked')
        },
        init: () => {
          throw new Error('no init')
        },
      },
      handleCast: {
        pipe: (_state, _args, ctx) => ctx.pipe(Promise.reject(new Error('piped')), 'piped'),
        continue: (_state, _args, ctx) => ctx.continue('step', { n: 1 }),
        timer: (_state, _args, ctx) => void ctx.sendAfter(5, 'rings', { n: 2 }),
      },
      handleInfo: {
        rings: () => {
          throw new Error('rang')
        },
        piped: (_state, result) => {
          throw new Error(JSON.stringify(result))
        },
      },
      handleContinue: {
        step: () => {
          throw new Error('stepped')
        },
      },
      terminate: () => {
        throw new Error('terminated')
      },
    }),
  })
  const lastOf = async (id: string, options: object, act: () => unknown) => {
    await runtime.start('odd', {}, { id, ...options })
    const done = observe(Promise.resolve(act()))
    await clock.advance(10)
    await done.promise.catch(() => {})
    return runtime.crashes(id)[0]
  }
  t.match(await lastOf('a', {}, () => runtime.call('a', 'look')), { kind: 'crash', message: 'look', args: null })
  t.match(await lastOf('b', {}, () => runtime.call('b', 'init')), { kind: 'call', message: 'init', args: '{}' })
  t.match(await lastOf('c', {}, () => runtime.cast('c', 'continue')), {
    kind: 'continue',
    message: 'step',
    args: '{"n":1}',
  })
  t.match(await lastOf('d', {}, () => runtime.cast('d', 'timer')), { kind: 'info', message: 'rings', args: '{"n":2}' })
  t.match(await lastOf('e', {}, () => runtime.cast('e', 'pipe')), { kind: 'info', message: 'piped' })
  t.match(await lastOf('f', {}, () => runtime.stop('f')), { kind: 'terminate', message: 'terminate', args: null })
  const restarted = await lastOf('g', { restartFrom: 'init' }, () => runtime.call('g', 'init'))
  t.match(restarted, { kind: 'init', message: 'init', args: '{"ok":true}', state: null, incarnation: 2 })
  t.match(runtime.crashes('g')[1], { kind: 'terminate' })
  t.match(runtime.crashes('g')[2], { kind: 'call', message: 'init' })
  await close()
})

t.test('of each server the last ten are kept, and the log has the last ten messages', async (t) => {
  const { runtime, clock, close } = probing(t, {}, { maxRestarts: 100 })
  await runtime.start('probe', {}, { id: 'p' })
  for (let n = 0; n < 12; n++) {
    runtime.cast('p', 'crashCast')
    await clock.advance(60_000)
  }
  const crashes = runtime.crashes('p')
  t.same(
    crashes.map(({ incarnation }) => incarnation),
    [12, 11, 10, 9, 8, 7, 6, 5, 4, 3],
  )
  t.equal(crashes[0]?.log.length, 10)
  t.equal(crashes[0]?.log.at(-1)?.at, crashes[0]?.at)
  t.equal(runtime.info('p').crashes, 12)
  await close()
})

t.test('they can be read while the server is stuck', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  runtime.cast('p', 'crashCast')
  await clock.advance(0)
  const stuck = observe(runtime.call('p', 'slowSet', { ms: 10_000, value: 1 }, { timeout: 10 }))
  await clock.advance(10)
  t.match(stuck.error, { code: 'call_timeout' })
  t.match(runtime.crashes('p'), [{ message: 'crashCast' }])
  t.match(runtime.info('p'), { current: { message: 'slowSet' } })
  await close()
})

t.test('they outlive the server as long as its end is remembered, and are of the id that goes on', async (t) => {
  const { runtime, clock, close } = probing(t, {}, { rememberExits: 1000 })
  const crashOnce = async () => {
    await runtime.start('probe', {}, { id: 'p', restart: 'temporary' })
    runtime.cast('p', 'crashCast')
    await clock.advance(0)
    t.equal(runtime.whereis('p'), undefined)
  }
  await crashOnce()
  t.match(runtime.crashes('p'), [{ incarnation: 1 }])
  await clock.advance(999)
  t.equal(runtime.crashes('p').length, 1)
  await crashOnce()
  t.match(runtime.crashes('p'), [{ incarnation: 2 }, { incarnation: 1 }])
  await clock.advance(1000)
  t.throws(() => runtime.crashes('p'), { code: 'unknown_server' })
  await runtime.start('probe', {}, { id: 'p' })
  t.same(runtime.crashes('p'), [], 'an id that begins anew has no past')
  t.throws(() => runtime.crashes('nobody'), { code: 'unknown_server' })
  await close()
})

t.test('texts are cut, whatever their length was', async (t) => {
  const long = 'x'.repeat(50_000)
  const { runtime, clock, close } = probing(t, {
    handleInfo: {
      [long]: (_state: unknown, { n }: { n: number }) => {
        if (n === 1) throw new Error(long)
        throw Object.defineProperty(new Error('no stack'), 'stack', {
          get:
            n === 2
              ? () => 5
              : () => {
                  throw new Error('odd')
                },
        })
      },
    },
  })
  await runtime.start('probe', {}, { id: 'p' })
  await runtime.call('p', 'set', { value: long })
  for (const n of [1, 2, 3]) runtime.send('p', long, { n, long })
  await clock.advance(0)
  const [third, second, first] = runtime.crashes('p') as [CrashRecord, CrashRecord, CrashRecord]
  t.equal(first.args?.length, 1025)
  t.equal(first.state?.length, 4097)
  t.equal(first.stack?.length, 4097)
  t.equal((first.reason as { error: string }).error.length, 1025)
  t.equal(first.message.length, 129)
  t.equal(first.log.at(-1)?.message.length, 129)
  t.same([second.stack, third.stack], [null, null])
  await close()
})

t.test('G79: a redactor that throws shows nothing raw: the record says so, and the report too', async (t) => {
  const { runtime, clock, reports, close } = probing(t, {
    redact: ({ value }) => {
      throw new Error(String(value))
    },
  })
  await runtime.start('probe', {}, { id: 'p' })
  await runtime.call('p', 'set', { value: 'secret' })
  t.same(runtime.state('p'), { state: null, redactFailed: true, revision: 2, incarnation: 1 })
  const crash = observe(runtime.call('p', 'crash'))
  await clock.advance(0)
  t.match(crash.error, { code: 'server_crashed' })
  t.match(runtime.crashes('p'), [{ state: null, redactFailed: true, args: '{}', reason: { error: 'crashed' } }])
  t.match(reports(), [{ fields: { state: null, redactFailed: true } }])
  await runtime.stop('p', { reason: 'odd' })
  t.match(reports()[1], { fields: { reason: 'odd', redactFailed: true } })
  t.notMatch(JSON.stringify([runtime.crashes('p'), reports()]), /secret/)
  await close()
})

t.test('a redactor hides args too: of them only the shape is kept', async (t) => {
  const { runtime, clock, close } = probing(t, { redact: () => 'hidden' })
  await runtime.start('probe', {}, { id: 'p' })
  await t.rejects(runtime.call('p', 'exit', { reason: 'open' }))
  t.match(runtime.crashes('p'), [{ args: '{"reason":"string"}', state: '"hidden"', reason: { error: 'open' } }])
  await clock.advance(0)
  await close()
})
