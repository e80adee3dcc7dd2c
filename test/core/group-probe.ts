/** An implementation for the tests of groups: it tells who it is, and does on demand what a member of a group may do. */
import { type Clock, defineServer, Type } from 'genservers'
import { pause } from './running.js'

/** `ran` gets a line for each handler that has begun. */
export const makeMember = (clock: Clock, ran: string[] = []) =>
  defineServer({
    state: Type.Object({ n: Type.Integer() }),
    calls: {
      who: { reply: Type.String() },
      add: { args: Type.Object({ by: Type.Integer({ default: 1 }) }), reply: Type.Integer() },
      keep: { args: Type.Object({ list: Type.Array(Type.Integer()) }), reply: Type.Array(Type.Integer()) },
      slow: { args: Type.Object({ ms: Type.Integer() }), reply: Type.String() },
      slowIfA: { args: Type.Object({ ms: Type.Integer() }), reply: Type.String() },
      later: {},
      crash: {},
    },
    casts: {
      add: { args: Type.Object({ by: Type.Integer() }) },
      slow: { args: Type.Object({ ms: Type.Integer() }) },
      crash: {},
    },
    init: () => ({ n: 0 }),
    handleCall: {
      who: (_state, _args, ctx) => {
        ran.push(ctx.id)
        return ctx.id
      },
      add: (state, { by }) => {
        state.n += by
        return state.n
      },
      keep: (_state, { list }) => {
        list.push(9)
        return list
      },
      slow: async (_state, { ms }, ctx) => {
        ran.push(ctx.id)
        await pause(clock, ms)
        return ctx.id
      },
      slowIfA: async (_state, { ms }, ctx) => {
        if (ctx.id === 'a') await pause(clock, ms)
        return ctx.id
      },
      later: (_state, _args, ctx) => ctx.noReply(),
      crash: () => {
        throw new Error('boom')
      },
    },
    handleCast: {
      add: (state, { by }) => {
        state.n += by
      },
      slow: async (_state, { ms }) => await pause(clock, ms),
      crash: () => {
        throw new Error('boom')
      },
    },
  })
