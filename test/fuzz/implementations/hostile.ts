/**
 * An implementation by somebody who does everything wrong, on demand. The gateway has to answer for it all the same, and
 * to keep its secret: `CANARY` is in the state, and in each stack, and must not be in any answer.
 */
import { type Context, defineServer, type From, Type } from 'genservers'

export const CANARY = 'canary7f3a'

const Word = <const W extends readonly string[]>(words: W) =>
  Type.Unsafe<W[number]>({ type: 'string', enum: words as unknown as string[] })

const throwables: Record<string, () => unknown> = {
  error: () => new Error('boom'),
  typeError: () => (null as unknown as { x: { y: 1 } }).x.y,
  text: () => 'boom',
  nothing: () => undefined,
  null: () => null,
  symbol: () => Symbol('boom'),
  bigint: () => 10n,
  function: () => () => {},
  frozen: () => Object.freeze(new Error('boom')),
  trap: () => ({
    get message() {
      throw new Error('trapped')
    },
    toString() {
      throw new Error('trapped')
    },
    toJSON() {
      throw new Error('trapped')
    },
  }),
  proxy: () => new Proxy(new Error('boom'), { get: () => 'odd' }),
  bare: () => Object.create(null),
  long: () => new Error('x'.repeat(100_000)),
  odd: () => Object.assign(new Error('boom'), { message: { not: 'a text' }, code: 'FST_ERR_BAD_URL', statusCode: 200 }),
  validation: () => Object.assign(new Error('boom'), { validation: [], statusCode: 299 }),
}

const replies: Record<string, () => unknown> = {
  nan: () => Number.NaN,
  infinity: () => Number.POSITIVE_INFINITY,
  bigint: () => 10n,
  function: () => () => {},
  symbol: () => Symbol('x'),
  cyclic: () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    return cycle
  },
  deep: () => JSON.parse('['.repeat(5000) + ']'.repeat(5000)),
  date: () => new Date(0),
  map: () => new Map([[1, 2]]),
  throwing: () => ({
    get x() {
      throw new Error('trapped')
    },
  }),
  toJson: () => ({
    toJSON: () => {
      throw new Error('trapped')
    },
  }),
  proto: () => JSON.parse('{"__proto__":{"polluted":true}}'),
  proxy: () => new Proxy({}, { ownKeys: () => ['a', 'a'] }),
  // biome-ignore lint/suspicious/noThenProperty: that is the point of it
  thenable: () => ({ then: 1 }),
  never: () => {
    const rejected = Promise.reject(new Error('rejected'))
    // Put into the state it would be nobody's, and that is the program's business (`stray-errors.ts`), not ours.
    rejected.catch(() => {})
    return rejected
  },
  surrogate: () => '\ud800',
  large: () => 'x'.repeat(500_000),
  buffer: () => Buffer.from('x'),
  nothing: () => undefined,
  response: () => ({ statusCode: 500, code: 'internal_error', status: 'ignored' }),
}

type State = { secret: string; kept: unknown[]; atTheEnd: string; seen: string }

const keys = (table: object) => Object.keys(table)
const chosen = (table: Record<string, () => unknown>, key: string) => (table[key] as () => unknown)()

/** Its name is in each stack that begins here. */
function canary7f3a(what: string): never {
  throw chosen(throwables, what)
}

async function relay(ctx: Context, to: string, then: readonly string[]): Promise<unknown> {
  const [next, ...rest] = then
  return next === undefined ? ctx.call(to, 'echo', { value: 1 }) : ctx.call(to, 'relay', { to: next, via: rest })
}

export default defineServer({
  description: 'Does everything wrong, on demand.',
  args: Type.Object({
    init: Word(['ok', 'ignore', 'refuse', 'throw', 'hang', 'badState', 'leave']),
    thrown: Type.Optional(Word(keys(throwables))),
    atTheEnd: Type.Optional(Word(['nothing', 'throw', 'hang'])),
    seen: Type.Optional(Word(['plain', 'throw', 'notJson', 'cyclic'])),
  }),
  state: Type.Object({
    secret: Type.String(),
    kept: Type.Array(Type.Unknown()),
    atTheEnd: Type.String(),
    seen: Type.String(),
  }),
  calls: {
    echo: { args: Type.Object({ value: Type.Unknown() }), reply: Type.Unknown() },
    look: { readOnly: true, reply: Type.Integer() },
    throwIt: { args: Type.Object({ what: Word(keys(throwables)), late: Type.Boolean() }) },
    throwReading: { readOnly: true, args: Type.Object({ what: Word(keys(throwables)) }) },
    replyWith: { args: Type.Object({ what: Word(keys(replies)) }), reply: Type.Unknown() },
    badReply: { args: Type.Object({ what: Word(keys(replies)) }), reply: Type.Integer() },
    spoilState: { args: Type.Object({ what: Word(keys(replies)) }) },
    keep: { description: 'Is answered by `release`.', reply: Type.Unknown() },
    soon: { args: Type.Object({ ms: Type.Integer({ minimum: 0, maximum: 20 }) }), reply: Type.Unknown() },
    block: { description: 'Holds the mailbox until the caller gives up.' },
    hang: { description: 'Holds the mailbox for good.' },
    relay: {
      args: Type.Object({ to: Type.String(), via: Type.Array(Type.String(), { maxItems: 3 }) }),
      reply: Type.Unknown(),
    },
    leave: { args: Type.Object({ reason: Type.Unknown(), answer: Type.Boolean() }), reply: Type.Unknown() },
    spawn: { args: Type.Object({ id: Type.String(), implementation: Type.String() }), reply: Type.Unknown() },
    misuse: { args: Type.Object({ how: Word(['from', 'timer', 'negative', 'name', 'reply', 'links', 'event']) }) },
  },
  casts: {
    release: {},
    crash: { args: Type.Object({ what: Word(keys(throwables)) }) },
    spin: { args: Type.Object({ times: Type.Integer({ minimum: 0, maximum: 50 }) }) },
    flood: { args: Type.Object({ to: Type.String(), times: Type.Integer({ minimum: 0, maximum: 50 }) }) },
    remind: { args: Type.Object({ ms: Type.Integer({ minimum: 0, maximum: 10 }), crash: Type.Boolean() }) },
  },
  mailbox: 20,
  shutdown: 20,

  init: ({ init, thrown, atTheEnd = 'nothing', seen = 'plain' }, ctx): State | Promise<State> => {
    const state = { secret: CANARY, kept: [], atTheEnd, seen }
    if (init === 'ignore') return ctx.ignore() as never
    if (init === 'refuse') return ctx.refuse('not with me') as never
    if (init === 'leave') return ctx.stop('had enough') as never
    if (init === 'badState') return { secret: CANARY, kept: 'none' } as never
    if (init === 'throw') canary7f3a(thrown ?? 'error')
    return init === 'hang' ? new Promise(() => {}) : state
  },
  handleCall: {
    echo: (_state, { value }) => value,
    look: (state) => state.kept.length,
    throwIt: async (state, { what, late }) => {
      state.kept.push('half done')
      if (late) await null
      canary7f3a(what)
    },
    throwReading: (_state, { what }) => canary7f3a(what),
    replyWith: (_state, { what }) => chosen(replies, what),
    badReply: (_state, { what }) => chosen(replies, what) as number,
    spoilState: (state, { what }) => {
      state.secret = chosen(replies, what) as string
      state.kept.push(chosen(replies, what))
    },
    keep: (state, _args, ctx) => {
      state.kept.push(ctx.from)
      return ctx.noReply()
    },
    soon: (_state, { ms }, ctx) => {
      ctx.sendAfter(ms, 'answer', { from: ctx.from })
      return ctx.noReply()
    },
    block: (_state, _args, ctx) => new Promise<void>((done) => ctx.signal.addEventListener('abort', () => done())),
    hang: () => new Promise<void>(() => {}),
    relay: (_state, { to, via }, ctx) => relay(ctx, to, via),
    leave: (_state, { reason, answer }, ctx) =>
      answer ? ctx.stop(reason as string, 'bye') : ctx.stop(reason as string),
    spawn: (_state, { id, implementation }, ctx) => ctx.start(implementation, { init: 'ok' }, { id }),
    misuse: (state, { how }, ctx) => {
      if (how === 'from') state.kept.push(ctx.reply('nobody', 1), ctx.reply('' as From, {}))
      if (how === 'timer') ctx.cancelTimer('nothing')
      if (how === 'negative') ctx.sendAfter(-1, 'answer')
      if (how === 'name') ctx.sendAfter(Number.NaN, '__proto__')
      if (how === 'reply') ctx.reply(ctx.from, 1)
      if (how === 'links') ctx.cast('nobody', 'release')
      if (how === 'event') ctx.publish('no such event' as never, {} as never)
    },
  },
  handleCast: {
    release: (state, _args, ctx) => {
      for (const from of state.kept) if (typeof from === 'string') ctx.reply(from, 'released')
      state.kept = []
    },
    crash: (_state, { what }) => canary7f3a(what),
    spin: (_state, { times }, ctx) => {
      if (times > 0) ctx.cast(ctx.id, 'spin', { times: times - 1 })
    },
    flood: (_state, { to, times }, ctx) => {
      for (let i = 0; i < times; i++) ctx.cast(to, 'spin', { times: 0 })
    },
    remind: (_state, { ms, crash }, ctx) => {
      ctx.sendAfter(ms, crash ? 'fall' : 'unheard of')
    },
  },
  handleInfo: {
    answer: (_state, { from }: { from: From }, ctx) => {
      ctx.reply(from, 'at last')
    },
    fall: () => canary7f3a('error'),
  },
  terminate: (state) => {
    if (state.atTheEnd === 'throw') canary7f3a('error')
    return state.atTheEnd === 'hang' ? new Promise<void>(() => {}) : undefined
  },
  redact: ({ seen, kept }) => {
    if (seen === 'throw') canary7f3a('error')
    if (seen === 'notJson') return { seen: () => {} }
    if (seen === 'cyclic') return replies['cyclic']?.()
    return { kept: kept.length }
  },
})
