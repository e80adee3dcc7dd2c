import { defineServer, Type } from 'genservers'
import t from 'tap'
import { probing } from './probe.js'
import { observe, pause, running } from './running.js'

t.test('info never waits: it tells of a server that is busy what it does and since when', async (t) => {
  const { runtime, clock, close } = probing(t, { version: 3 })
  await runtime.start('probe', {}, { id: 'p' })
  runtime.cast('p', 'slowNote', { note: 'slow', ms: 100 })
  await clock.advance(30)
  runtime.cast('p', 'note', { note: 'waits' })
  await clock.advance(20)
  t.match(runtime.info('p'), {
    id: 'p',
    implementation: 'probe',
    version: 3,
    status: 'running',
    incarnation: 1,
    revision: 1,
    startedAt: '2026-01-01T00:00:00.000Z',
    restarts: 0,
    handled: 1,
    current: { kind: 'cast', message: 'slowNote', runningFor: 50 },
    mailbox: { length: 1, limit: 1000 },
    lastExit: null,
  })
  await clock.advance(50)
  t.match(runtime.info('p'), { handled: 2, current: null, mailbox: { length: 0, oldestAge: 0 } })
  await close()
})

t.test('servers are listed by id, in pages, by implementation and status', async (t) => {
  const { runtime, close } = probing(t)
  for (const id of ['c', 'a', 'd', 'b']) await runtime.start(id === 'd' ? 'other' : 'probe', {}, { id })
  const ids = (options?: object) => runtime.list(options).servers.map(({ id }) => id)
  t.same(ids(), ['a', 'b', 'c', 'd'])
  t.match(runtime.list({ limit: 3 }), { next: 'c' })
  t.same(ids({ limit: 3, after: 'c' }), ['d'])
  t.notOk(runtime.list({ after: 'c' }).next)
  t.same(ids({ implementation: 'other' }), ['d'])
  t.same(ids({ status: 'stopping' }), [])
  await close()
})

t.test('the state is shown through redact', async (t) => {
  const { runtime, close } = probing(t, { redact: ({ value }) => ({ length: String(value).length }) })
  await runtime.start('probe', {}, { id: 'p' })
  await runtime.call('p', 'set', { value: 'secret' })
  t.same(runtime.state('p'), { state: { length: 6 }, revision: 2, incarnation: 1 })
  await close()
})

t.test(
  'S:M13: a redact that throws shows nothing, neither to operators nor in a report, and harms nobody',
  async (t) => {
    const { runtime, clock, reports, close } = probing(t, {
      redact: () => {
        throw new Error('secret')
      },
    })
    await runtime.start('probe', {}, { id: 'p' })
    await runtime.call('p', 'set', { value: 'secret' })
    t.same(runtime.state('p'), { state: null, redactFailed: true, revision: 2, incarnation: 1 })
    runtime.cast('p', 'crashCast')
    await clock.advance(0)
    t.equal(reports().length, 1)
    t.notMatch(JSON.stringify(reports()), /secret/)
    t.equal(await runtime.call('p', 'get'), 'secret')
    await runtime.stop('p', { reason: 'odd' })
    t.notMatch(JSON.stringify(reports()), /secret/)
    await close()
  },
)

t.test('a redact cannot change the state', async (t) => {
  const { runtime, close } = probing(t, {
    redact: (state) => {
      state.value = 'changed'
    },
  })
  await runtime.start('probe', {}, { id: 'p' })
  t.match(runtime.state('p'), { state: null, redactFailed: true })
  t.equal(await runtime.call('p', 'get'), 0)
  await close()
})

t.test('Maps, Sets, dates and big numbers of a state are shown in a form that JSON has', async (t) => {
  const { runtime, close } = running(t, {
    odd: defineServer({
      state: Type.Unknown(),
      init: () => ({
        byName: new Map([['a', new Set([1, 2])]]),
        byNumber: new Map([[1, 'one']]),
        at: new Date(0),
        big: 12345678901234567890n,
        list: [null, 'x', undefined],
      }),
    }),
  })
  await runtime.start('odd', {}, { id: 'o' })
  t.same((await runtime.state('o')).state, {
    byName: { a: [1, 2] },
    byNumber: [[1, 'one']],
    at: '1970-01-01T00:00:00.000Z',
    big: '12345678901234567890',
    list: [null, 'x', undefined],
  })
  await close()
})

t.test('a state that refers to itself is not shown', async (t) => {
  const { runtime, close } = running(t, {
    knot: defineServer({
      state: Type.Unknown(),
      redact: (state) => {
        const knot: Record<string, unknown> = { state }
        knot.knot = knot
        return knot
      },
      init: () => ({}),
    }),
  })
  await runtime.start('knot', {}, { id: 'k' })
  t.match(runtime.state('k'), { state: null, redactFailed: true })
  await close()
})

t.test('two runtimes in one program know nothing of each other', async (t) => {
  const one = probing(t)
  const two = probing(t)
  await one.runtime.start('probe', {}, { id: 'p' })
  t.equal(two.runtime.whereis('p'), undefined)
  await two.runtime.start('probe', {}, { id: 'p' })
  await one.close()
  t.equal(await two.runtime.call('p', 'ping'), 'pong')
  await two.close()
})

t.test('while there is no state none is shown, and its redactor is not asked', async (t) => {
  const asked: unknown[] = []
  const { runtime, clock, reports, close } = running(t, (clock) => ({
    slow: defineServer({
      restartFrom: 'init',
      state: Type.Object({ list: Type.Array(Type.Integer()) }),
      calls: { crash: {} },
      redact: (state) => {
        asked.push(state)
        return { last: state.list.at(-1) ?? null }
      },
      init: async (_args, ctx) => {
        await pause(clock, 10)
        if (ctx.incarnation === 2) throw new Error('no start')
        return { list: [7] }
      },
      handleCall: { crash: () => Promise.reject(new Error('boom')) },
    }),
  }))
  const views: unknown[] = []
  const starting = observe(runtime.start('slow', {}, { id: 's' }))
  t.same(runtime.state('s'), { state: null, revision: 0, incarnation: 1 })
  const watch = runtime.watch('s', () => {}, { onState: ({ state }) => views.push(state) })
  await clock.advance(10)
  t.equal(starting.outcome, 'resolved')
  t.same(views, [null, { last: 7 }])
  await runtime.call('s', 'crash').catch(() => {})
  t.match(runtime.state('s'), { state: null, revision: 1 })
  await clock.advance(10)
  t.match(reports().at(-1)?.fields, { message: 'init', state: 'null' })
  await clock.advance(200 + 10)
  t.match(runtime.state('s'), { state: { last: 7 }, incarnation: 3 })
  t.ok(
    asked.every((state) => (state as { list?: unknown }).list),
    'only states of its own',
  )
  watch.close()
  await close()
})

t.test('a state that is too deep for another thread is not shown', async (t) => {
  let depth = 0
  const { runtime, close } = running(t, {
    deep: defineServer({
      state: Type.Unknown(),
      redact: () => {
        let state: unknown = []
        for (let level = 1; level < depth; level++) state = [state]
        return state
      },
      init: () => ({}),
    }),
  })
  await runtime.start('deep', {}, { id: 'd' })
  depth = 512
  t.notMatch(runtime.state('d'), { redactFailed: true })
  depth = 513
  t.match(runtime.state('d'), { state: null, redactFailed: true })
  await close()
})
