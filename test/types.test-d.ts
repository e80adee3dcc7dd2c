import { defineServer, Type } from 'genservers'
import stack from '../implementations/stack.js'
import type { Context } from '../src/core/server/context.js'
import type { AnyDefinition } from '../src/core/server/definition.js'
import type { ServerId } from '../src/core/server/interface.js'

const counter = defineServer({
  args: Type.Object({ start: Type.Optional(Type.Integer()) }),
  state: Type.Object({ count: Type.Integer() }),
  calls: {
    increment: { args: Type.Object({ by: Type.Integer() }), reply: Type.Integer() },
    get: { reply: Type.Integer(), readOnly: true },
    name: { reply: Type.String() },
    nothing: {},
  },
  events: { changed: Type.Object({ n: Type.Integer() }) },
  init: ({ start }, ctx) => {
    ctx.publish('changed', { n: 1 })
    return { count: start ?? 0 }
  },
  handleCall: {
    increment: (state, { by }, ctx) => {
      if (by > 2) return ctx.noReply()
      if (by > 4) return ctx.stop('x', 3)
      return (state.count += by)
    },
    get: (state) => state.count,
    name: async () => 'a',
    nothing: (state) => {
      state.count++
    },
  },
  handleInfo: {
    tick: (state, { a }: { a: number }, ctx) => {
      state.count = a
      ctx.now()
    },
    timeout: (_s, _a, ctx) => ctx.stop(),
  },
})
const any: AnyDefinition[] = [counter, stack]
void any
export async function f(ctx: Context, id: ServerId<typeof counter>) {
  const n: number = await ctx.call(id, 'increment', { by: 1 })
  const s: string = await ctx.call(id, 'name')
  const g: number = await ctx.call(id, 'get', {}, { timeout: 4 })
  const u: unknown = await ctx.call('plain', 'foo', { a: 1 }, { timeout: 3 })
  const t: string | number | null = await ctx.call<typeof counter>('plain', 'increment', { by: 3 })
  // @ts-expect-error unknown message
  await ctx.call(id, 'nope')
  // @ts-expect-error unknown message
  await ctx.call<typeof counter>('x', 'nope')
  // @ts-expect-error wrong args
  await ctx.call(id, 'increment', { by: 'x' })
  // @ts-expect-error missing args
  await ctx.call(id, 'increment')
  ctx.cast('x', 'foo', 1)
  ctx.cast<typeof stack>('x', 'push', { element: 1 })
  // @ts-expect-error a call sent as cast
  ctx.cast<typeof stack>('x', 'pop')
  return [n, s, g, u, t]
}
defineServer({
  state: Type.Object({ count: Type.Integer() }),
  calls: { a: { reply: Type.Integer() }, b: {} },
  init: () => ({ count: 0 }),
  // @ts-expect-error missing handler
  handleCall: { a: () => 1 },
})
defineServer({
  state: Type.Object({ count: Type.Integer() }),
  calls: { a: { reply: Type.Integer() } },
  init: () => ({ count: 0 }),
  handleCall: {
    // @ts-expect-error wrong reply
    a: () => 'x',
  },
})
defineServer({
  state: Type.Object({ count: Type.Integer() }),
  calls: { a: { reply: Type.Integer() } },
  init: () => ({ count: 0 }),
  handleCall: {
    a: () => 1,
    // @ts-expect-error unknown message
    c: () => 1,
  },
})
// @ts-expect-error no handleCall at all
defineServer({
  state: Type.Object({ count: Type.Integer() }),
  calls: { a: { reply: Type.Integer() } },
  init: () => ({ count: 0 }),
})
defineServer({
  state: Type.Object({ count: Type.Integer() }),
  // @ts-expect-error wrong state
  init: () => ({ count: 'a' }),
})
