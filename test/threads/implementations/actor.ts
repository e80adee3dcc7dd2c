// Does what a test asks of it.
import { execSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { defineServer, Type } from 'genservers'

const To = Type.Object({ to: Type.String() })

export default defineServer({
  description: 'Does what a test asks of it.',
  args: Type.Object({
    init: Type.Optional(
      Type.Union([
        Type.Literal('throw'),
        Type.Literal('refuse'),
        Type.Literal('ignore'),
        Type.Literal('loop'),
        Type.Literal('loopAgain'),
      ]),
    ),
    /** A path: it loops if there is such a file. */
    loopsBeside: Type.Optional(Type.String()),
    count: Type.Integer({ default: 0 }),
  }),
  state: Type.Object({
    count: Type.Integer(),
    heard: Type.Array(Type.Unknown()),
    waiting: Type.Array(Type.String()),
  }),
  calls: {
    add: { args: Type.Object({ by: Type.Integer({ default: 1 }) }), reply: Type.Integer() },
    look: { reply: Type.Object({ count: Type.Integer(), heard: Type.Array(Type.Unknown()) }), readOnly: true },
    crash: {},
    never: {},
    defer: { reply: Type.Unknown() },
    askLater: { args: To, reply: Type.Unknown() },
    askNumberLater: { args: To, reply: Type.Integer() },
    stop: { args: Type.Object({ reason: Type.String() }), reply: Type.String() },
    ask: {
      args: Type.Object({ to: Type.String(), message: Type.String(), args: Type.Optional(Type.Unknown()) }),
      reply: Type.Unknown(),
    },
    start: {
      args: Type.Object({ implementation: Type.String(), args: Type.Unknown(), options: Type.Unknown() }),
      reply: Type.Union([Type.String(), Type.Null()]),
    },
    whereis: { args: To, reply: Type.Union([Type.String(), Type.Null()]) },
    link: { args: To },
    unlink: { args: To },
    monitor: { args: To, reply: Type.String() },
    demonitor: { args: Type.Object({ ref: Type.String() }) },
    trapExit: {},
    exit: { args: Type.Object({ to: Type.String(), reason: Type.String() }) },
    publish: { args: Type.Object({ n: Type.Integer() }) },
    tick: { args: Type.Object({ ms: Type.Integer() }) },
    loop: {},
    regex: {},
    wait: {},
    native: { args: Type.Object({ seconds: Type.Number() }) },
    leave: {},
    reject: {},
    hog: {},
    burn: { args: Type.Object({ ms: Type.Number() }) },
    askAndBurn: { args: Type.Object({ to: Type.String(), ms: Type.Integer() }) },
    askAndLeave: { args: To },
    lookAndLeave: { args: To, readOnly: true },
    tellOften: { args: Type.Object({ to: Type.String(), times: Type.Integer() }) },
    log: { args: Type.Object({ times: Type.Integer() }) },
    takeParentPort: {},
    deafen: {},
  },
  casts: {
    hear: { args: Type.Object({ text: Type.String() }) },
    tell: { args: Type.Object({ to: Type.String(), text: Type.String() }) },
    send: { args: Type.Object({ to: Type.String(), text: Type.String() }) },
    answer: { args: Type.Object({ from: Type.String(), value: Type.Unknown() }) },
  },
  events: { news: Type.Object({ n: Type.Integer() }) },

  init: ({ init, loopsBeside, count }, ctx) => {
    if (init === 'throw') throw new Error('init failed')
    if (init === 'refuse') return ctx.refuse('not today')
    if (init === 'ignore') return ctx.ignore()
    if (init === 'loop' || (init === 'loopAgain' && ctx.incarnation > 1)) spin()
    if (loopsBeside !== undefined && existsSync(loopsBeside)) spin()
    return { count, heard: [], waiting: [] }
  },
  handleCall: {
    add: (state, { by }) => {
      state.count += by
      return state.count
    },
    look: ({ count, heard }) => ({ count, heard: [...heard] }),
    crash: (state) => {
      state.count = -1
      throw new Error('boom')
    },
    never: () => new Promise<never>(() => {}),
    defer: (state, _args, ctx) => {
      state.waiting.push(ctx.from)
      return ctx.noReply()
    },
    // The reply is given by another server.
    askLater: (_state, { to }, ctx) => {
      ctx.cast(to, 'answer', { from: ctx.from, value: `from ${to}` })
      return ctx.noReply()
    },
    askNumberLater: (_state, { to }, ctx) => {
      ctx.cast(to, 'answer', { from: ctx.from, value: 'no number' })
      return ctx.noReply()
    },
    stop: (_state, { reason }, ctx) => ctx.stop(reason, 'stopped'),
    ask: (_state, { to, message, args }, ctx) => ctx.call(to, message, args),
    start: async (_state, { implementation, args, options }, ctx) =>
      (await ctx.start(implementation, args, options as object)) ?? null,
    whereis: (_state, { to }, ctx) => ctx.whereis(to) ?? null,
    link: (_state, { to }, ctx) => {
      ctx.link(to)
    },
    unlink: (_state, { to }, ctx) => {
      ctx.unlink(to)
    },
    monitor: (_state, { to }, ctx) => ctx.monitor(to),
    demonitor: (_state, { ref }, ctx) => {
      ctx.demonitor(ref)
    },
    trapExit: (_state, _args, ctx) => {
      ctx.trapExit()
    },
    exit: (_state, { to, reason }, ctx) => {
      ctx.exit(to, reason)
    },
    publish: (_state, { n }, ctx) => {
      ctx.publish('news', { n })
    },
    tick: (_state, { ms }, ctx) => {
      ctx.sendAfter(ms, 'tick')
    },
    loop: () => spin(),
    regex: () => {
      ;/^(a+)+$/.test(`${'a'.repeat(60)}!`)
    },
    wait: () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    },
    native: (_state, { seconds }) => {
      execSync(`sleep ${seconds}`)
    },
    leave: () => process.exit(3),
    reject: () => {
      void Promise.reject(new Error('nobody hears this'))
      return new Promise<never>(() => {})
    },
    hog: () => {
      const all: string[][] = []
      for (;;) all.push(new Array<string>(100_000).fill(String(all.length)))
    },
    burn: (_state, { ms }) => {
      const end = performance.now() + ms
      while (performance.now() < end);
    },
    askAndBurn: async (_state, { to, ms }, ctx) => {
      await ctx.call(to, 'add', {})
      const end = performance.now() + ms
      while (performance.now() < end);
    },
    askAndLeave: async (_state, { to }, ctx) => {
      await ctx.call(to, 'add', {})
      process.exit(3)
    },
    lookAndLeave: async (_state, { to }, ctx) => {
      await ctx.call(to, 'add', {})
      process.exit(3)
    },
    tellOften: (_state, { to, times }, ctx) => {
      for (let i = 0; i < times; i++) ctx.cast(to, 'hear', { text: 'x' })
    },
    log: (_state, { times }, ctx) => {
      for (let i = 0; i < times; i++) ctx.log.info({ i }, 'said')
    },
    deafen: () => {
      Array.prototype.push = () => 0
    },
    takeParentPort: () => {
      parentPort?.on('message', () => process.exit(4))
      parentPort?.postMessage('no message of ours')
      parentPort?.postMessage([null, { kind: 'unregistered', id: 'a' }])
      parentPort?.close()
    },
  },
  handleCast: {
    hear: (state, { text }) => {
      state.heard.push(text)
    },
    tell: (_state, { to, text }, ctx) => ctx.cast(to, 'hear', { text }),
    send: (_state, { to, text }, ctx) => ctx.send(to, 'word', { text }),
    answer: (_state, { from, value }, ctx) => void ctx.reply(from, value),
  },
  handleInfo: {
    word: (state, { text }) => {
      state.heard.push(text)
    },
    tick: (state) => {
      state.heard.push('tick')
    },
    EXIT: (state, { id, reason, restarting }) => {
      state.heard.push({ EXIT: id, reason, restarting })
    },
    DOWN: (state, { ref, id, reason, restarting }) => {
      state.heard.push({ DOWN: id, ref, reason, restarting })
    },
  },
})

function spin(): never {
  for (;;);
}
