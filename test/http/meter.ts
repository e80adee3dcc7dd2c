/** A server whose number tells how often each request has had its effect. */
import { defineServer, type Store, Type } from 'genservers'
import type { Test } from 'tap'
import type { GatewayOptions } from '../../src/gateway.js'
import { openGateway } from './open-gateway.js'

const By = Type.Object({ by: Type.Integer() })

const meter = (durable: boolean) =>
  defineServer({
    durable,
    args: Type.Object({ from: Type.Integer({ default: 0 }) }),
    state: Type.Object({ n: Type.Integer(), waiting: Type.Array(Type.String()) }),
    calls: {
      add: { args: By, reply: Type.Integer() },
      look: { reply: Type.Integer(), readOnly: true },
      crash: { reply: Type.Null() },
      defer: { reply: Type.Integer() },
      slow: { reply: Type.Integer() },
      leave: { reply: Type.String() },
      vanish: { reply: Type.String() },
    },
    casts: { plus: { args: By }, settle: {}, crashNow: {} },
    init: ({ from }) => ({ n: from, waiting: [] as string[] }),
    handleCall: {
      add: (state, { by }) => {
        state.n += by
        return state.n
      },
      look: ({ n }) => n,
      crash: () => {
        throw new Error('boom')
      },
      defer: (state, _args, ctx) => {
        state.n++
        state.waiting.push(ctx.from)
        return ctx.noReply()
      },
      slow: async (state, _args, ctx) => {
        await new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve(), { once: true }))
        return ++state.n
      },
      leave: (state, _args, ctx) => {
        state.n++
        return ctx.stop('normal', 'left')
      },
      vanish: (_state, _args, ctx) => ctx.stop('shutdown'),
    },
    handleCast: {
      plus: (state, { by }) => {
        state.n += by
      },
      settle: (state, _args, ctx) => {
        for (const from of state.waiting.splice(0)) ctx.reply(from, state.n)
      },
      crashNow: () => {
        throw new Error('boom')
      },
    },
  })

/** A gateway to it, which starts it under the id `m`. */
export async function openMeter(t: Test, durable: boolean, options: GatewayOptions, store: Store) {
  const world = await openGateway(t, { meter: meter(durable) }, options, store)
  const key = (name: string) => ({ 'idempotency-key': name })
  const call = (message: string, args?: object, name?: string, more: object = {}) =>
    world.ask('POST', '/servers/m/call', { message, args, ...more }, name === undefined ? {} : key(name))
  const cast = (message: string, args?: object, name?: string, more: object = {}) =>
    world.ask('POST', '/servers/m/cast', { message, args, ...more }, name === undefined ? {} : key(name))
  const start = () => world.runtime.start('meter', {}, { id: 'm' })
  const n = async () => (await call('look')).body.reply
  return { ...world, key, call, cast, start, n }
}
