/** Links, monitors and exit signals between servers (conformance E and F, semantics I). */
import { type AnyDefinition, defineServer, type GenServerError, Type } from 'genservers'
import t, { type Test } from 'tap'
import { latch, observe, running } from './running.js'

const any = Type.Unknown()

/** Does what it is told with its ties, and keeps what it hears of them. */
function makeTied(extra: Partial<AnyDefinition> = {}) {
  const terminated: unknown[] = []
  const waiting = latch()
  const usual = defineServer({
    args: Type.Object({ traps: Type.Boolean({ default: false }) }),
    state: Type.Object({ heard: Type.Array(any), count: Type.Integer() }),
    calls: {
      heard: { reply: any },
      count: { reply: Type.Integer() },
      stop: { args: Type.Object({ reason: any }) },
      crash: {},
      wait: { reply: any },
      tie: { args: Type.Object({ how: Type.String(), to: any }), reply: any },
      exit: { args: Type.Object({ id: Type.String(), reason: any }), reply: any },
      linkAndCrash: { args: Type.Object({ to: Type.String() }) },
      startLinked: { args: Type.Object({ id: Type.String(), traps: Type.Boolean() }), reply: any },
    },
    init: ({ traps }, ctx) => {
      if (traps) ctx.trapExit()
      return { heard: [], count: 0 }
    },
    handleCall: {
      heard: (state) => state.heard,
      count: (state) => ++state.count,
      stop: (_state, { reason }, ctx) => ctx.stop(reason as never),
      crash: () => {
        throw new Error('oops')
      },
      wait: () => waiting.promise.then(() => 'waited'),
      tie: (_state, { how, to }, ctx) => ctx[how as 'monitor'](to as string) ?? null,
      exit: (_state, { id, reason }, ctx) => {
        ctx.exit(id, reason as never)
        return 'sent'
      },
      linkAndCrash: (_state, { to }, ctx) => {
        ctx.link(to)
        throw new Error('oops')
      },
      startLinked: (_state, { id, traps }, ctx) => ctx.start('tied', { traps }, { id, link: true }),
    },
    handleInfo: {
      EXIT: (state, args) => {
        state.heard.push(['EXIT', args])
      },
      DOWN: (state, args) => {
        state.heard.push(['DOWN', args])
      },
    },
    terminate: (_state, reason, ctx) => {
      terminated.push([ctx.id, reason])
    },
  })
  const definition = { ...usual, ...extra } as AnyDefinition
  return { definition, terminated, waiting }
}

async function tied(t: Test, traps: Record<string, boolean>, extra: Partial<AnyDefinition> = {}) {
  const { definition, terminated, waiting } = makeTied(extra)
  const run = running(t, { tied: definition })
  for (const [id, isTrapping] of Object.entries(traps)) await run.runtime.start('tied', { traps: isTrapping }, { id })
  const tie = (from: string, how: string, to: string) => run.runtime.call(from, 'tie', { how, to })
  const crash = (id: string) => run.runtime.call(id, 'crash').catch(() => {})
  return { ...run, tie, crash, terminated, waiting }
}

const oops = { error: 'oops' }

t.test('I4: who is linked to a server that crashes dies too, without terminate, and comes back', async (t) => {
  const { runtime, clock, tie, crash, terminated, close } = await tied(t, { a: false, b: false, c: false })
  await tie('a', 'link', 'b')
  await tie('b', 'link', 'c')
  await runtime.call('c', 'count')
  await crash('a')
  await clock.advance(0)
  for (const id of ['a', 'b', 'c'])
    t.match(runtime.info(id), { incarnation: 2, status: 'running', lastExit: { reason: oops } })
  t.equal(await runtime.call('c', 'count'), 2, 'from its state')
  t.same(terminated, [])
  await crash('a')
  await clock.advance(0)
  t.match(runtime.info('b'), { incarnation: 2 }, 'the next life has no ties')
  await close()
})

t.test('I4, I5: who traps exits lives on and hears EXIT, also of normal', async (t) => {
  const { runtime, clock, tie, crash, close } = await tied(t, { a: false, b: true, n: false })
  await tie('b', 'link', 'a')
  await tie('b', 'link', 'n')
  await crash('a')
  await runtime.call('n', 'stop', { reason: 'normal' }).catch(() => {})
  await clock.advance(0)
  t.same(await runtime.call('b', 'heard'), [
    ['EXIT', { id: 'a', incarnation: 1, reason: oops, restarting: true }],
    ['EXIT', { id: 'n', incarnation: 1, reason: 'normal', restarting: false }],
  ])
  await close()
})

t.test('a link that a handler made before it threw was never made', async (t) => {
  const { runtime, clock, close } = await tied(t, { a: false, b: false })
  await runtime.call('a', 'linkAndCrash', { to: 'b' }).catch(() => {})
  await clock.advance(0)
  t.match(runtime.info('b'), { incarnation: 1 })
  await close()
})

t.test('F68: monitors are independent, a cancelled one is silent, a dead id is down at once', async (t) => {
  const { runtime, clock, tie, crash, close } = await tied(t, { w: false, m: false })
  const refs = [await tie('w', 'monitor', 'm'), await tie('w', 'monitor', 'm'), await tie('w', 'monitor', 'm')]
  await tie('w', 'demonitor', refs[0] as string)
  await crash('m')
  await clock.advance(0)
  const down = { id: 'm', incarnation: 1, reason: oops, restarting: true }
  t.same(await runtime.call('w', 'heard'), [
    ['DOWN', { ref: refs[1], ...down }],
    ['DOWN', { ref: refs[2], ...down }],
  ])
  const ref = await tie('w', 'monitor', 'nobody')
  t.same(((await runtime.call('w', 'heard')) as unknown[])[2], [
    'DOWN',
    { ref, id: 'nobody', incarnation: 0, reason: 'noproc', restarting: false },
  ])
  await close()
})

t.test('A11: who starts a server tied to it hears of its end once; a start that fails leaves no tie', async (t) => {
  const starter = defineServer({
    state: Type.Object({ heard: Type.Array(any) }),
    calls: {
      begin: { args: Type.Object({ id: Type.String(), how: Type.String() }), reply: any },
      heard: { reply: any },
    },
    init: (_args, ctx) => {
      ctx.trapExit()
      return { heard: [] }
    },
    handleCall: {
      begin: async (_state, { id, how }, ctx) => {
        try {
          await ctx.start('tied', {}, { id, link: how === 'link' })
        } catch (error) {
          return (error as GenServerError).code
        }
        if (how === 'monitor') ctx.monitor(id)
        return 'started'
      },
      heard: (state) => state.heard,
    },
    handleInfo: {
      EXIT: (state, { id, reason }) => void state.heard.push(['EXIT', id, reason]),
      DOWN: (state, { id, reason }) => void state.heard.push(['DOWN', id, reason]),
    },
  })
  const { runtime, clock, close } = running(t, { tied: makeTied().definition, starter })
  await runtime.start('starter', {}, { id: 's' })
  await runtime.start('tied', {}, { id: 'taken' })
  const begin = (id: string, how: string) => runtime.call('s', 'begin', { id, how })
  t.equal(await begin('linked', 'link'), 'started')
  t.equal(await begin('watched', 'monitor'), 'started')
  for (const how of ['link', 'monitor']) t.equal(await begin('taken', how), 'already_started')
  for (const id of ['linked', 'watched', 'taken']) await runtime.call(id, 'stop', { reason: 'stopped' }).catch(() => {})
  await clock.advance(0)
  t.same(await runtime.call('s', 'heard'), [
    ['EXIT', 'linked', 'stopped'],
    ['DOWN', 'watched', 'stopped'],
  ])
  t.match(runtime.info('s'), { incarnation: 1, mailbox: { length: 0 } })
  await close()
})

t.test('I3: when DOWN is delivered the name of a server that ended is free', async (t) => {
  const { runtime, clock, tie, close } = await tied(
    t,
    { w: false, m: false },
    {
      handleInfo: {
        DOWN: (state: { heard: unknown[] }, { id }: { id: string }, ctx: { whereis(id: string): unknown }) => {
          state.heard.push(ctx.whereis(id) ?? 'free')
        },
      },
    },
  )
  await tie('w', 'monitor', 'm')
  await runtime.stop('m')
  await clock.advance(0)
  t.same(await runtime.call('w', 'heard'), ['free'])
  await close()
})

t.test('E64: an exit signal from the parent ends a child that traps exits, one from a stranger does not', async (t) => {
  const { runtime, clock, crash, terminated, close } = await tied(t, { parent: false, stranger: false })
  await runtime.call('parent', 'startLinked', { id: 'child', traps: true })
  await runtime.call('stranger', 'exit', { id: 'child', reason: 'why' })
  await clock.advance(0)
  t.same(await runtime.call('child', 'heard'), [
    ['EXIT', { id: 'stranger', incarnation: 1, reason: 'why', restarting: false }],
  ])
  await crash('parent')
  await clock.advance(0)
  t.same(terminated, [['child', oops]])
  t.throws(() => runtime.info('child'), { code: 'server_exited', details: { reason: oops } })
  await close()
})

t.test('E65: of a parent that ends normally dies who traps exits, and nobody else', async (t) => {
  const { runtime, clock, terminated, close } = await tied(t, { parent: false })
  await runtime.call('parent', 'startLinked', { id: 'traps', traps: true })
  await runtime.call('parent', 'startLinked', { id: 'orphan', traps: false })
  await runtime.stop('parent')
  await clock.advance(0)
  t.same(terminated, [
    ['parent', 'normal'],
    ['traps', 'normal'],
  ])
  t.match(runtime.info('orphan'), { status: 'running', incarnation: 1 })
  await close()
})

t.test('E67: a normal signal is ignored by another, and ends oneself', async (t) => {
  const { runtime, clock, close } = await tied(t, { a: false, b: false })
  await runtime.call('a', 'exit', { id: 'b', reason: 'normal' })
  await clock.advance(0)
  t.match(runtime.info('b'), { incarnation: 1, status: 'running' })
  t.equal(await runtime.call('b', 'exit', { id: 'b', reason: 'normal' }), 'sent', 'it leaves with its last reply')
  await clock.advance(0)
  t.throws(() => runtime.info('b'), { code: 'server_exited', details: { reason: 'normal' } })
  await close()
})

t.test('I6, I7: a signal cuts off what runs, and kill is heard as killed', async (t) => {
  const { runtime, clock, tie, waiting, close } = await tied(t, { a: true, b: true, c: false })
  await tie('a', 'link', 'b')
  const stuck = observe(runtime.call('b', 'wait'))
  const queued = observe(runtime.call('b', 'count'))
  await clock.advance(0)
  await runtime.call('c', 'exit', { id: 'b', reason: 'kill' })
  await clock.advance(0)
  t.match(stuck.error, { code: 'server_crashed', effect: 'none', details: { reason: 'killed' } })
  t.equal(queued.value, 1, 'what was not taken yet is handled by the next life')
  t.same(await runtime.call('a', 'heard'), [['EXIT', { id: 'b', incarnation: 1, reason: 'killed', restarting: true }]])
  const next = observe(runtime.call('b', 'wait'))
  await clock.advance(0)
  waiting.open()
  await clock.advance(0)
  t.equal(next.value, 'waited')
  t.equal(await runtime.call('b', 'count'), 2, 'the old turn changes nothing when it settles')
  await close()
})

t.test('a signal ends an init: a first one is a failed start, and one of a restart is tried again', async (t) => {
  const hanging = latch<object>()
  const { runtime, clock, close } = await tied(
    t,
    { killer: true, x: false },
    {
      restartFrom: 'init',
      init: (_args: unknown, ctx: { id: string; incarnation: number }) =>
        ctx.id === 'slow' || (ctx.id === 'x' && ctx.incarnation === 2) ? hanging.promise : { heard: [], count: 0 },
    },
  )
  const starting = observe(runtime.start('tied', {}, { id: 'slow' }))
  await runtime.call('killer', 'exit', { id: 'slow', reason: 'kill' })
  await clock.advance(0)
  t.match(starting.error, { code: 'init_crashed', details: { reason: 'killed' } })
  await runtime.call('x', 'crash').catch(() => {})
  t.match(runtime.info('x'), { status: 'restarting', incarnation: 2 })
  await runtime.call('killer', 'exit', { id: 'x', reason: 'why' })
  await clock.advance(0)
  t.match(runtime.info('x'), { status: 'restarting', attempts: 2, lastExit: { reason: 'why' } })
  await runtime.call('killer', 'exit', { id: 'x', reason: 'nobody is there to hear this' })
  await clock.advance(200)
  t.match(runtime.info('x'), { status: 'running', incarnation: 3, attempts: 0 })
  await close()
})

t.test('a quiet signal ends a transient server for good, and one in terminate ends it at once', async (t) => {
  const hanging = latch()
  const { runtime, clock, reports, close } = await tied(
    t,
    { a: false, b: false, c: false },
    { terminate: () => hanging.promise },
  )
  await runtime.call('a', 'exit', { id: 'b', reason: 'shutdown' })
  await clock.advance(0)
  t.throws(() => runtime.info('b'), { code: 'server_exited', details: { reason: 'shutdown' } })
  t.same(reports(), [])
  const stopping = observe(runtime.stop('c'))
  await clock.advance(0)
  await runtime.call('a', 'exit', { id: 'c', reason: 'now' })
  await clock.advance(0)
  t.equal(stopping.outcome, 'rejected')
  t.throws(() => runtime.info('c'), { code: 'server_exited', details: { reason: 'now' } })
  hanging.open()
  await close()
})

t.test('a crash that comes before the signal is the one that counts', async (t) => {
  const { runtime, clock, waiting, close } = await tied(t, { a: false, b: false })
  const stuck = observe(runtime.call('b', 'wait'))
  await clock.advance(0)
  waiting.fail(new Error('first'))
  const sent = runtime.call('a', 'exit', { id: 'b', reason: 'second' })
  await clock.advance(0)
  await sent
  t.equal(stuck.outcome, 'rejected')
  t.equal(await runtime.call('b', 'count'), 1)
  await close()
})

t.test('I8: after unlink the other may die as it likes', async (t) => {
  const { runtime, clock, tie, crash, close } = await tied(t, { a: false, b: false })
  await tie('a', 'link', 'b')
  await tie('b', 'unlink', 'a')
  await crash('a')
  await clock.advance(0)
  t.match(runtime.info('b'), { incarnation: 1 })
  await close()
})

t.test(
  'who dies of a signal and restarts from init begins anew, without terminate and without what it trapped',
  async (t) => {
    const { runtime, clock, tie, terminated, close } = await tied(t, { a: true, b: false }, { restartFrom: 'init' })
    await runtime.call('b', 'count')
    await tie('b', 'trapExit', true as never)
    await runtime.call('a', 'exit', { id: 'b', reason: 'kill' })
    await clock.advance(0)
    t.match(runtime.info('b'), { incarnation: 2, restarts: 1, lastExit: { reason: 'killed' } })
    t.equal(await runtime.call('b', 'count'), 1)
    t.same(terminated, [])
    await runtime.call('a', 'exit', { id: 'b', reason: 'why' })
    await clock.advance(0)
    t.match(runtime.info('b'), { incarnation: 3 }, 'it traps no more')
    await close()
  },
)

t.test('two that link each other in init and die of one crash come back once each, and linked', async (t) => {
  const linking = (other: string) =>
    defineServer({
      restartFrom: 'init',
      state: Type.Object({}),
      calls: { crash: {} },
      init: (_args, ctx) => {
        ctx.link(other)
        return {}
      },
      handleCall: {
        crash: () => {
          throw new Error('oops')
        },
      },
    })
  const lonely = { ...linking('b'), init: () => ({}) }
  const { runtime, clock, close } = running(t, { a: linking('b'), b: linking('a'), lonely })
  await runtime.start('lonely', {}, { id: 'b' })
  await runtime.start('a', {}, { id: 'a' })
  await t.rejects(runtime.call('a', 'crash'), { code: 'server_crashed' })
  await clock.advance(0)
  for (const id of ['a', 'b']) t.match(runtime.info(id), { status: 'running', restarts: 1, incarnation: 2 })
  await t.rejects(runtime.call('b', 'crash'), { code: 'server_crashed' })
  await clock.advance(0)
  for (const id of ['a', 'b']) t.match(runtime.info(id), { status: 'running', restarts: 2 })
  await close()
})

t.test('what a signal brings has waited since then, however long nothing had happened before', async (t) => {
  const { runtime, clock, close } = running(t, {
    idle: defineServer({ state: Type.Object({}), init: () => ({}) }),
    linking: defineServer({
      state: Type.Object({}),
      init: (_args, ctx) => {
        ctx.trapExit()
        ctx.link(ctx.whereis('other') ?? 'nobody')
        return {}
      },
      handleInfo: { EXIT: () => {} },
    }),
  })
  await clock.advance(60_000)
  t.match(await runtime.start('linking'), { mailbox: { length: 1, oldestAge: 0 } })
  await runtime.start('idle', {}, { id: 'other' })
  await runtime.start('linking', {}, { id: 'b' })
  runtime.suspend('b')
  await clock.advance(60_000)
  runtime.kill('other')
  t.match(runtime.info('b'), { mailbox: { length: 1, oldestAge: 0 } })
  await close()
})

t.test('a kill or a signal between two lives is the end, and nothing lives on after it', async (t) => {
  const inits: string[] = []
  const events: string[] = []
  const { runtime, clock, close } = running(t, {
    tied: defineServer({
      restartFrom: 'init',
      state: Type.Object({}),
      calls: { crash: {} },
      init: (_args, ctx) => {
        inits.push(ctx.id)
        ctx.sendAfter(1000, 'tick')
        ctx.monitor('nobody')
        return {}
      },
      handleCall: {
        crash: () => {
          throw new Error('oops')
        },
      },
      handleInfo: { DOWN: () => {}, tick: () => {} },
    }),
  })
  runtime.watchAll(({ event, data }) => void events.push(`${event} ${(data as { id: string }).id}`))
  await runtime.start('tied', {}, { id: 'a' })
  await runtime.call('a', 'crash').catch(() => runtime.kill('a'))
  await clock.advance(0)
  t.same(inits, ['a'])
  t.same(events, ['start a', 'exit a'])
  t.equal(clock.pending, 0)
  await close()
})

t.test('who hears of a death and kills the one that died does not give it two lives', async (t) => {
  let inits = 0
  const { runtime, clock, close } = running(t, {
    mortal: defineServer({
      restartFrom: 'init',
      state: Type.Object({}),
      calls: { crash: {} },
      init: (_args, ctx) => {
        inits++
        ctx.link('killer')
        ctx.sendAfter(1000, 'tick')
        return {}
      },
      handleCall: {
        crash: () => {
          throw new Error('oops')
        },
      },
      handleInfo: { tick: () => {} },
    }),
    killer: defineServer({
      state: Type.Object({}),
      init: (_args, ctx) => {
        ctx.trapExit()
        return {}
      },
      handleInfo: { EXIT: (_state, { id }, ctx) => ctx.exit(id, 'kill') },
    }),
  })
  await runtime.start('killer', {}, { id: 'killer' })
  await runtime.start('mortal', {}, { id: 'm' })
  await t.rejects(runtime.call('m', 'crash'))
  await clock.advance(0)
  const { restarts = 0 } = runtime.whereis('m') === undefined ? {} : runtime.info('m')
  t.equal(inits, restarts + 1)
  t.equal((await runtime.timers('m')).length, 1)
  runtime.kill('m')
  t.equal(clock.pending, 0)
  await close()
})

t.test('a signal during the terminate of a crash changes the reason, not what was decided', async (t) => {
  const { runtime, clock, close } = running(t, {
    slow: defineServer({
      restartFrom: 'init',
      state: Type.Object({}),
      calls: { crash: {}, leave: {} },
      init: () => ({}),
      handleCall: {
        crash: () => {
          throw new Error('oops')
        },
        leave: (_state, _args, ctx) => ctx.stop('shutdown'),
      },
      terminate: () => new Promise(() => {}),
    }),
    enemy: defineServer({
      state: Type.Object({}),
      casts: { kill: { args: Type.Object({ id: Type.String() }) } },
      init: () => ({}),
      handleCast: { kill: (_state, { id }, ctx) => ctx.exit(id, 'kill') },
    }),
  })
  await runtime.start('enemy', {}, { id: 'enemy' })
  for (const [id, message, restart, comesBack] of [
    ['crashes', 'crash', 'transient', true],
    ['stays', 'leave', 'permanent', true],
    ['leaves', 'leave', 'transient', false],
  ] as const) {
    await runtime.start('slow', {}, { id, restart })
    runtime.call(id, message).catch(() => {})
    await clock.advance(0)
    t.match(runtime.info(id), { status: 'stopping' })
    runtime.cast('enemy', 'kill', { id })
    await clock.advance(0)
    if (comesBack) t.match(runtime.info(id), { status: 'running', incarnation: 2, lastExit: { reason: 'killed' } }, id)
    else t.throws(() => runtime.info(id), { code: 'server_exited', details: { reason: 'killed' } }, id)
    if (comesBack) runtime.kill(id)
  }
  await close()
})

t.test('the parent of one life is nobody special to the next', async (t) => {
  const { runtime, clock, crash, tie, close } = await tied(t, { parent: false })
  await runtime.call('parent', 'startLinked', { id: 'child', traps: false })
  await crash('child')
  await clock.advance(0)
  await tie('child', 'trapExit', true as never)
  await tie('child', 'link', 'parent')
  await crash('parent')
  await clock.advance(0)
  t.match(await runtime.call('child', 'heard'), [['EXIT', { id: 'parent' }]])
  await close()
})

t.test('who starts a child of a supervisor cannot be linked to it by that', async (t) => {
  const { runtime, close } = running(t, {
    starter: defineServer({
      state: Type.Object({}),
      calls: { go: { reply: Type.Unknown() } },
      init: () => ({}),
      handleCall: { go: (_state, _args, ctx) => ctx.start('starter', {}, { supervisor: 'sup', link: true }) },
    }),
  })
  await runtime.start('supervisor', {}, { id: 'sup' })
  await runtime.start('starter', {}, { id: 's' })
  await t.rejects(runtime.call('s', 'go'), {
    code: 'server_crashed',
    message: /link: a child is linked to its supervisor/,
  })
  await close()
})

t.test('a server that monitors itself does not hear of its own last life', async (t) => {
  const { runtime, clock, tie, crash, close } = await tied(t, { a: false })
  await tie('a', 'monitor', 'a')
  await crash('a')
  await clock.advance(0)
  t.match(runtime.info('a'), { incarnation: 2, handled: 2 })
  t.same(await runtime.call('a', 'heard'), [])
  await close()
})
