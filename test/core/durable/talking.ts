/** Durable servers that talk, a store whose commits can be held back, and what another process finds in it. */
import { defineServer, type Runtime, type RuntimeOptions, Type } from 'genservers'
import type { Test } from 'tap'
import type { Known } from '../../../src/adapters.js'
import { observe, running } from '../running.js'
import { heldStore } from './held-store.js'

const any = Type.Unknown()
export const N = Type.Object({ n: Type.Integer() })

export function talker(heard: unknown[]) {
  return defineServer({
    durable: true,
    state: Type.Object({ n: Type.Integer(), heard: Type.Array(any) }),
    events: { grown: N },
    calls: {
      grow: { reply: any },
      add: { args: N, reply: any },
      get: { reply: any },
      look: { reply: any, readOnly: true },
      fail: { reply: any },
      later: { reply: any },
      end: { reply: any },
      odd: { reply: any },
      large: { reply: any },
      forget: { args: Type.Object({ ref: Type.String() }), reply: any },
    },
    casts: { hear: { args: N }, poison: {}, answer: { args: Type.Object({ from: Type.String() }) } },
    init: () => ({ n: 0, heard: [] as unknown[] }),
    handleCall: {
      grow: (state, _args, ctx) => {
        state.n++
        ctx.cast('ear', 'hear', { n: state.n })
        ctx.publish('grown', { n: state.n })
        ctx.continue('next')
        return [state.n, ctx.sendAfter(5000, 'tick')]
      },
      add: (state, { n }) => {
        state.n += n
        return state.n
      },
      get: ({ n }) => n,
      look: ({ n }) => n,
      fail: (state) => {
        state.n = -1
        throw new Error('boom')
      },
      later: (state, _args, ctx) => {
        state.n++
        ctx.cast(ctx.id, 'answer', { from: ctx.from })
        return ctx.noReply()
      },
      end: (state, _args, ctx) => {
        state.n++
        return ctx.stop('normal', 'ended')
      },
      odd: (state) => {
        state.n = 1
        ;(state as { heard: unknown }).heard = [new Date(0)]
        return 'odd'
      },
      large: (state) => {
        state.heard.push('x'.repeat(3000))
        return 'large'
      },
      forget: (_state, { ref }, ctx) => ctx.cancelTimer(ref),
    },
    handleCast: {
      hear: (state, { n }) => {
        state.heard.push(n)
        heard.push(`cast ${n}`)
      },
      poison: (_state, _args) => {
        heard.push('poison')
        throw new Error('poisoned')
      },
      answer: (_state, { from }, ctx) => {
        ctx.reply(from, 'answered')
      },
    },
    handleContinue: { next: () => void heard.push('continue') },
    handleInfo: { tick: (state) => void heard.push(`tick ${++state.n}`) },
  })
}

export async function talking(t: Test, options: Pick<RuntimeOptions, 'maxStateBytes' | 'workLog'> = {}) {
  const heard: unknown[] = []
  const { store, commits } = heldStore()
  const world = running(t, { talker: talker(heard) }, { store, ...options })
  const { runtime, clock } = world
  await runtime.start('talker', {}, { id: 'ear' })
  await runtime.start('talker', {}, { id: 's' })
  runtime.subscribe('s', ({ data }) => heard.push(`event ${JSON.stringify(data)}`))
  /** What another process finds in the store. */
  const next = async ({ implementations = { talker: talker(heard) }, restore = true } = {}) => {
    const other = running(t, implementations, { store, ...options })
    const restored = restore ? await other.runtime.restore() : 0
    await other.clock.advance(0)
    return { ...other, restored }
  }
  const call = (id: string, message: string, args?: unknown, of: Runtime = runtime) =>
    observe(of.call(id, message, args, { timeout: 100_000 }))
  return { ...world, store, commits, heard, next, call, settle: () => clock.advance(0) }
}

/** What another node knows of a talker. */
export function known(id: string): Known {
  const terms = { restart: 'transient', restartFrom: 'state', shutdown: 5000, mailbox: 1000, labels: [] } as const
  return { id, implementation: 'talker', incarnation: 1, restarts: 0, revision: 1, terms }
}
