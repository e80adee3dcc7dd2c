/** One callback of an implementation, run without a runtime. */
import { type Context, defineServer, GenServerError, Type } from 'genservers'
import { createSimulatedClock, runCallback } from 'genservers/testing'
import t from 'tap'
import stack from '../../implementations/stack.js'

const any = Type.Unknown()
const To = Type.Object({ to: Type.String() })

const escaped: Context[] = []

const versatile = defineServer({
  args: Type.Object({ how: Type.String({ default: 'ok' }) }),
  state: Type.Object({ n: Type.Integer(), list: Type.Array(Type.Integer()) }),
  events: { changed: Type.Object({ n: Type.Integer() }) },
  calls: {
    add: { args: Type.Object({ by: Type.Integer({ default: 1 }) }), reply: Type.Integer() },
    look: { reply: Type.Array(Type.Integer()), readOnly: true },
    spoil: { readOnly: true },
    crash: {},
    badReply: { reply: Type.Integer() },
    wait: { reply: any },
    leave: { args: Type.Object({ reply: Type.Optional(Type.String()) }), reply: Type.String() },
    ask: { args: To, reply: any },
    begin: { args: Type.Object({ linked: Type.Boolean() }), reply: any },
    who: { reply: any },
    escape: {},
  },
  casts: { say: { args: To }, answer: { args: Type.Object({ from: Type.String() }) }, end: {} },
  infos: { tick: { args: Type.Object({ ms: Type.Integer() }) } },
  init: ({ how }, ctx) => {
    if (how === 'ignore') return ctx.ignore()
    if (how === 'refuse') return ctx.refuse('not today')
    if (how === 'stop') return ctx.stop('shutdown')
    ctx.sendAfter(100, 'tick', { ms: 100 })
    return { n: 0, list: [] }
  },
  handleCall: {
    add: (state, { by }, ctx) => {
      state.n += by
      state.list.push(by)
      ctx.publish('changed', { n: state.n })
      return state.n
    },
    look: ({ list }) => list,
    spoil: ({ list }) => {
      list.push(1)
    },
    crash: (state) => {
      state.n = -1
      throw new Error('boom')
    },
    badReply: () => 'many' as never,
    wait: (_state, _args, ctx) => {
      ctx.sendAfter(10, 'tick', { ms: 10 })
      ctx.continue('later', { from: ctx.from })
      return ctx.noReply()
    },
    leave: (_state, { reply }, ctx) =>
      reply === undefined ? (ctx.stop('normal') as never) : ctx.stop('normal', reply),
    ask: async (_state, { to }, ctx) => ctx.call(to, 'size', { deep: true }),
    begin: async (_state, { linked }, ctx) =>
      (await ctx.start('stack', { items: [] }, { id: 's', link: linked })) ?? null,
    who: (_state, _args, ctx) => [ctx.id, ctx.incarnation, ctx.now(), ctx.whereis('x') ?? null, ctx.signal.aborted],
    escape: (_state, _args, ctx) => {
      escaped.push(ctx as unknown as Context)
    },
  },
  handleCast: {
    say: (state, { to }, ctx) => {
      state.n++
      ctx.cast(to, 'hear', { n: state.n })
      ctx.send(to, 'note', 'x')
    },
    answer: (state, { from }, ctx) => {
      state.list = [ctx.reply(from, 'one'), ctx.reply(from, 'two')].map(Number)
    },
    end: (_state, _args, ctx) => ctx.stop({ shutdown: 'done' }),
  },
  handleInfo: {
    tick: (state, { ms }) => {
      state.n = ms
    },
  },
  handleContinue: {
    later: (_state, { from }, ctx) => void ctx.reply(from, 'late'),
  },
  terminate: (_state, reason, ctx) => ctx.cast('heir', 'inherit', { reason }),
})

const state = { n: 1, list: [7] }

t.test('a call gives its reply and the next state, and changes nothing that it was given', async (t) => {
  const before = { items: [1, 2] }
  const ran = await runCallback(stack, { call: 'pop', state: before })
  t.same(ran, { reply: 2, state: { items: [1] }, stop: undefined, notStarted: undefined, said: [] })
  t.same(before, { items: [1, 2] })
  const added = await runCallback(versatile, { call: 'add', args: { by: 2 }, state })
  const reply: number | undefined = added.reply
  t.equal(reply, 3)
  t.same(added.state.list, [7, 2])
  t.same(added.said, [{ kind: 'publish', event: 'changed', data: { n: 3 } }])
  t.equal((await runCallback(versatile, { call: 'add', state })).reply, 2, 'defaults are filled in')
  t.same(state, { n: 1, list: [7] })
})

t.test('what a server would refuse is refused, and what is thrown is thrown', async (t) => {
  const run = (callback: object) => runCallback(versatile as unknown, callback as never)
  await t.rejects(run({ call: 'crash', state }), { message: 'boom' })
  await t.rejects(run({ call: 'badReply', state }), { message: /Expected integer/ })
  await t.rejects(run({ call: 'add', args: { by: '2' }, state }), { code: 'invalid_args' })
  await t.rejects(run({ call: 'say', state }), { code: 'unknown_message', message: /it is a cast/ })
  await t.rejects(run({ cast: 'nothing', state }), { code: 'unknown_message' })
  await t.rejects(run({ info: 'tick', args: {}, state }), { code: 'invalid_args' })
  await t.rejects(run({ init: { how: 1 } }), { code: 'invalid_args' })
  await t.rejects(run({ info: 'nothing', state }), { message: 'there is no handleInfo.nothing' })
  await t.rejects(run({ continue: 'nothing', state }), { message: 'there is no handleContinue.nothing' })
  await t.rejects(runCallback(stack, { terminate: 'normal', state: { items: [] } }), {
    message: 'there is no terminate',
  })
  t.same(state, { n: 1, list: [7] })
})

t.test('a readOnly call gets the frozen state, and leaves that which the test has as it was', async (t) => {
  t.same((await runCallback(versatile, { call: 'look', state })).reply, [7])
  await t.rejects(runCallback(versatile, { call: 'spoil', state }), TypeError)
  t.notOk(Object.isFrozen(state.list))
})

t.test('init gives the first state, or says why there is none', async (t) => {
  t.match(await runCallback(versatile, { init: { how: 'ok' } }), {
    state: { n: 0, list: [] },
    said: [{ kind: 'timer', ms: 100, message: 'tick' }],
  })
  t.match(await runCallback(versatile, { init: { how: 'ignore' } }), { state: undefined, notStarted: 'ignored' })
  t.match(await runCallback(versatile, { init: { how: 'refuse' } }), { notStarted: { refused: 'not today' } })
  t.match(await runCallback(versatile, { init: { how: 'stop' } }), { state: undefined, stop: 'shutdown' })
})

t.test('casts, infos, second steps and terminate run as well; what they say is listed in order', async (t) => {
  const said = await runCallback(versatile, { cast: 'say', args: { to: 'b' }, state })
  t.match(said, { reply: undefined, state: { n: 2 } })
  t.same(said.said, [
    { kind: 'cast', to: 'b', message: 'hear', args: { n: 2 } },
    { kind: 'send', to: 'b', message: 'note', args: 'x' },
  ])
  t.same((await runCallback(versatile, { cast: 'end', state })).stop, { shutdown: 'done' })
  t.equal((await runCallback(versatile, { info: 'tick', args: { ms: 5 }, state })).state.n, 5)
  const later = await runCallback(versatile, { continue: 'later', args: { from: 'r7' }, state })
  t.same(later.said, [{ kind: 'reply', to: 'r7', reply: 'late' }])
  const ended = await runCallback(versatile, { terminate: 'shutdown', state })
  t.same(ended.said, [{ kind: 'cast', to: 'heir', message: 'inherit', args: { reason: 'shutdown' } }])
})

t.test('a reply may come later, with the end of the server, or never', async (t) => {
  const waits = await runCallback(versatile, { call: 'wait', state }, { from: 'r9' })
  t.equal(waits.reply, undefined)
  t.match(waits.said, [
    { kind: 'timer', ms: 10 },
    { kind: 'continue', name: 'later', args: { from: 'r9' } },
  ])
  t.match(await runCallback(versatile, { call: 'leave', args: { reply: 'bye' }, state }), {
    reply: 'bye',
    stop: 'normal',
  })
  t.match(await runCallback(versatile, { call: 'leave', state }), { reply: undefined, stop: 'normal' })
  const answer = { cast: 'answer', args: { from: 'r1' }, state } as const
  t.same((await runCallback(versatile, answer)).state.list, [1, 0], 'a second reply reaches nobody')
  const gone = await runCallback(versatile, answer, { waits: (from) => from !== 'r1' })
  t.same(gone.state.list, [0, 0])
  t.same(gone.said, [])
})

t.test('what ctx.call and ctx.start do at once the test says itself; without that nobody is there', async (t) => {
  const ask = { call: 'ask', args: { to: 'b' }, state } as const
  await t.rejects(runCallback(versatile, ask), { code: 'unknown_server' })
  const asked: unknown[] = []
  const call = (...question: unknown[]) => {
    asked.push(question)
    return 3
  }
  t.equal((await runCallback(versatile, ask, { call })).reply, 3)
  t.same(asked, [['b', 'size', { deep: true }]])
  const failing = { call: () => Promise.reject(new GenServerError('call_timeout', 'late')) }
  await t.rejects(runCallback(versatile, ask, failing), { code: 'call_timeout' })
  const begin = { call: 'begin', args: { linked: true }, state } as const
  await t.rejects(runCallback(versatile, begin), { code: 'unknown_implementation' })
  const started: unknown[] = []
  const start = (...what: unknown[]) => {
    started.push(what)
    return undefined
  }
  t.equal((await runCallback(versatile, begin, { start })).reply, null)
  t.equal((await runCallback(versatile, { ...begin, args: { linked: false } }, { start: () => 's' })).reply, 's')
  t.same(started, [['stack', { items: [] }, { id: 's', link: true }]])
})

t.test('ctx tells what the test says of the server, and is of no use when the turn is over', async (t) => {
  const clock = createSimulatedClock(5000)
  const { reply } = await runCallback(versatile, { call: 'who', state }, { id: 'cart-1', incarnation: 3, clock })
  t.same(reply, ['cart-1', 3, 5000, 'x', false])
  t.match((await runCallback(versatile, { call: 'who', state })).reply, ['me', 1])
  await runCallback(versatile, { call: 'escape', state })
  t.throws(() => escaped[0]?.cast('b', 'hear'), { message: /this turn is over/ })
})
