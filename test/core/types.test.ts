/**
 * What TypeScript infers and what it refuses. The compiler holds this file to its word: an error that is expected and does
 * not come is an error. A definition that it refuses is refused by the runtime too, for authors who write JavaScript.
 */
import {
  type AnyDefinition,
  type Context,
  createRuntime,
  defineServer,
  isDefinition,
  type Runtime,
  type ServerId,
  serverId,
  Type,
} from 'genservers'
import t from 'tap'
import stack from '../../implementations/stack.js'

const counter = defineServer({
  args: Type.Object({ start: Type.Optional(Type.Integer()) }),
  state: Type.Object({ count: Type.Integer() }),
  calls: {
    increment: { args: Type.Object({ by: Type.Integer() }), reply: Type.Integer() },
    get: { reply: Type.Integer(), readOnly: true },
    name: { reply: Type.String() },
    touch: {},
  },
  casts: { add: { args: Type.Object({ n: Type.Integer() }) }, reset: {} },
  events: { changed: Type.Object({ n: Type.Integer() }) },
  init: ({ start }, ctx) => {
    ctx.publish('changed', { n: 1 })
    // @ts-expect-error an event that is not declared
    const undeclared = () => ctx.publish('gone', {})
    // @ts-expect-error the wrong data
    const wrong = () => ctx.publish('changed', { n: 'x' })
    return { count: start ?? [undeclared, wrong].length - 2 }
  },
  handleCall: {
    increment: (state, { by }, ctx) => {
      if (by > 1000) return ctx.noReply()
      if (by > 100) return ctx.stop('overrun', 3)
      state.count += by
      return state.count
    },
    get: (state) => state.count,
    name: async () => 'counter',
    touch: (state) => {
      state.count++
    },
  },
  handleCast: {
    add: (state, { n }) => {
      state.count += n
    },
    reset: (_state, _args, ctx) => ctx.stop(),
  },
  handleInfo: {
    tick: (state, { a }: { a: number }) => {
      state.count = a
    },
  },
})

/** Never run: it is there to be compiled. */
export async function messages(ctx: Context, runtime: Runtime, id: ServerId<typeof counter>) {
  const increment: number = await ctx.call(id, 'increment', { by: 1 })
  const name: string = await ctx.call(id, 'name')
  const touch: null = await ctx.call(id, 'touch')
  const get: number = await ctx.call(id, 'get', {}, { timeout: 4 })
  const untyped: unknown = await ctx.call('plain', 'foo', { a: 1 }, { timeout: 3 })
  const typed: string | number | null = await ctx.call<typeof counter>('plain', 'increment', { by: 3 })
  const fromOutside: number = await runtime.call(id, 'increment', { by: 1 }, { timeout: 3 })
  // @ts-expect-error the reply is a number
  const wrong: string = await ctx.call(id, 'increment', { by: 1 })
  // @ts-expect-error an unknown message
  await ctx.call(id, 'nope')
  // @ts-expect-error an unknown message
  await ctx.call<typeof counter>('plain', 'nope')
  // @ts-expect-error an unknown message
  await runtime.call(id, 'nope')
  // @ts-expect-error wrong args
  await ctx.call(id, 'increment', { by: 'x' })
  // @ts-expect-error wrong args
  await ctx.call<typeof counter>('plain', 'increment', { by: 'x' })
  // @ts-expect-error an arg that it does not take
  await ctx.call(id, 'increment', { by: 1, and: 2 })
  // @ts-expect-error missing args
  await ctx.call(id, 'increment')
  // @ts-expect-error args for a message that takes none
  await ctx.call(id, 'name', { a: 1 })
  // @ts-expect-error a cast sent as a call
  await ctx.call(id, 'reset')
  ctx.cast('plain', 'foo', 1)
  ctx.cast(id, 'reset')
  ctx.cast(id, 'add', { n: 1 })
  ctx.cast<typeof stack>('plain', 'push', { element: 1 })
  // @ts-expect-error a call sent as a cast
  ctx.cast(id, 'get')
  // @ts-expect-error a call sent as a cast
  ctx.cast<typeof stack>('plain', 'pop')
  // @ts-expect-error wrong args
  ctx.cast(id, 'add', { n: 'x' })
  // @ts-expect-error a call sent as a cast
  runtime.cast(id, 'get')
  const { id: started } = await runtime.start<typeof counter>('counter', { start: 1 })
  const remembered: number = await runtime.call(started, 'get')
  // @ts-expect-error wrong args
  await runtime.start<typeof counter>('counter', { start: 'x' })
  return [increment, name, touch, get, untyped, typed, fromOutside, wrong, remembered]
}

/** What compiles: properties that have one plain value, or may lack it. */
export const indexed = defineServer({
  durable: true,
  indexes: ['count', 'status', 'owner'],
  state: Type.Object({
    count: Type.Integer(),
    status: Type.Union([Type.Literal('new'), Type.Literal('paid')]),
    owner: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
  init: () => ({ count: 0, status: 'new' as const }),
})

const Count = Type.Object({ count: Type.Integer() })

/** Definitions that do not compile, and that the runtime refuses as well. */
const contradictions = [
  defineServer({
    state: Count,
    calls: { a: { reply: Type.Integer() }, b: {} },
    init: () => ({ count: 0 }),
    // @ts-expect-error a missing handler
    handleCall: { a: () => 1 },
  }),
  defineServer({
    state: Count,
    calls: { a: { reply: Type.Integer() } },
    init: () => ({ count: 0 }),
    handleCall: {
      a: () => 1,
      // @ts-expect-error an unknown message
      c: () => 1,
    },
  }),
  // @ts-expect-error no handlers at all
  defineServer({
    state: Count,
    calls: { a: { reply: Type.Integer() } },
    init: () => ({ count: 0 }),
  }),
  defineServer({
    state: Count,
    init: () => ({ count: 0 }),
    // @ts-expect-error a key that no definition has
    handlecast: {},
  }),
  defineServer({
    state: Count,
    // @ts-expect-error a property that the state does not have
    indexes: ['colour'],
    init: () => ({ count: 0 }),
  }),
  defineServer({
    state: Type.Object({ items: Type.Array(Type.String()) }),
    // @ts-expect-error a property that nobody can be found by
    indexes: ['items'],
    init: () => ({ items: [] }),
  }),
]

/** Definitions that do not compile, and whose fault shows when they run. */
const wrongReply = defineServer({
  state: Count,
  calls: { a: { reply: Type.Integer() } },
  init: () => ({ count: 0 }),
  handleCall: {
    // @ts-expect-error a wrong reply
    a: () => 'x',
  },
})
const readOnly = defineServer({
  state: Count,
  calls: { a: { reply: Type.Integer(), readOnly: true } },
  init: () => ({ count: 0 }),
  handleCall: {
    // @ts-expect-error a call that only looks cannot answer later
    a: (_state, _args, ctx) => ctx.noReply(),
  },
})
export const wrongState = defineServer({
  state: Count,
  // @ts-expect-error a state that is not what the schema says
  init: () => ({ count: 'a' }),
})

t.test('what does not compile because it contradicts itself is refused by the runtime too', async (t) => {
  for (const definition of contradictions as unknown as AnyDefinition[]) {
    t.throws(() => createRuntime({ implementations: { wrong: definition } }), { message: /^wrong: / })
  }
})

t.test('a reply that does not compile is a bad reply when it is given', async (t) => {
  const implementations = { wrongReply: wrongReply as AnyDefinition, readOnly: readOnly as AnyDefinition }
  const runtime = createRuntime({ implementations })
  for (const implementation of Object.keys(implementations)) {
    const { id } = await runtime.start(implementation)
    await t.rejects(runtime.call(id, 'a'), { code: 'bad_reply', effect: 'none' })
  }
  await runtime.close()
})

t.test('a definition is known from anything else that a module may export', async (t) => {
  t.equal(isDefinition(counter), true)
  for (const other of [undefined, null, 'counter', {}, { state: Count, init: () => ({}) }, () => counter]) {
    t.equal(isDefinition(other), false)
  }
  t.equal(Object.isFrozen(counter), true)
})

t.test('what compiles does what its types say', async (t) => {
  const runtime = createRuntime({ implementations: { counter, stack } })
  const { id } = await runtime.start<typeof counter>('counter', { start: 1 })
  t.equal(await runtime.call(id, 'increment', { by: 2 }), 3)
  t.equal(await runtime.call(id, 'touch'), null)
  runtime.cast(id, 'add', { n: 3 })
  t.equal(await runtime.call<typeof counter>(id, 'get'), 7)
  t.equal(await runtime.call(id, 'name'), 'counter')
  const count: number = await runtime.call(serverId<typeof counter>(id), 'get')
  t.equal(count, 7)
  await runtime.close()
  t.same(runtime.list().servers, [])
})

t.test('what the runtime itself sends is typed, whether infos are declared or not', async (t) => {
  const handleInfo = {
    DOWN: (state: { why: string }, { reason, ref }: { reason: unknown; ref: string }) => {
      state.why = `${ref} ${String(reason)}`
    },
  }
  const state = Type.Object({ why: Type.String() })
  const undeclared = defineServer({ state, init: () => ({ why: '' }), handleInfo }) as AnyDefinition
  const declared = defineServer({
    state,
    infos: { tick: {} },
    init: () => ({ why: '' }),
    handleInfo: {
      tick: () => {},
      EXIT: (state, { id, restarting }) => {
        state.why = restarting ? `${id} comes back` : id
      },
      // @ts-expect-error: a death has no such property
      DOWN: (_state, { nope }) => nope,
    },
  })
  for (const definition of [undeclared, declared]) t.ok(isDefinition(definition))
  t.ok(createRuntime({ implementations: { made: defineServer({ state, init: () => ({ why: '' }), handleInfo }) } }))
})
