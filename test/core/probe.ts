/**
 * The Probe server: the helper behaviour that most conformance cases need. It does on demand whatever a server can do,
 * and writes each callback that runs into a trace which the test can read.
 */
import { type AnyDefinition, type Clock, defineServer, type Reason, Type } from 'genservers'
import type { Test } from 'tap'
import { pause, running } from './running.js'

const any = Type.Unknown()

const Mode = Type.Object({
  mode: Type.Union(
    ['ok', 'ignore', 'error', 'stop', 'raise', 'throwText', 'badReturn', 'sleep', 'continue'].map((mode) =>
      Type.Literal(mode),
    ),
    { default: 'ok' },
  ),
  reason: Type.String({ default: 'foobar' }),
  ms: Type.Integer({ default: 1000 }),
})

export interface Probe {
  readonly probe: AnyDefinition
  /** One line for each callback that ran. */
  readonly trace: string[]
}

interface State {
  value: unknown
}

/** @param extra keys of the definition that this test wants different. */
export function makeProbe(clock: Clock, extra: Partial<AnyDefinition> = {}): Probe {
  const trace: string[] = []
  const probe = defineServer({
    args: Mode,
    state: Type.Object({ value: any }),
    calls: {
      ping: { reply: any },
      get: { reply: any },
      set: { args: Type.Object({ value: any }), reply: any },
      stop: { reply: any },
      stopReply: { args: Type.Object({ reason: any, ms: Type.Optional(Type.Integer()) }), reply: any },
      stopNoReply: { args: Type.Object({ reason: any }), reply: any },
      crash: { reply: any },
      exit: { args: Type.Object({ reason: Type.String() }), reply: any },
      badReturn: { reply: Type.Integer() },
      delayedAnswer: { args: Type.Object({ ms: Type.Integer() }), reply: any },
      setTimeout: { args: Type.Object({ ms: any }), reply: any },
      slowSet: { args: Type.Object({ ms: Type.Integer(), value: any }), reply: any },
      continueWith: { args: Type.Object({ note: Type.String() }), reply: any },
    },
    casts: {
      note: { args: Type.Object({ note: Type.String() }) },
      slowNote: { args: Type.Object({ note: Type.String(), ms: Type.Integer() }) },
      crashCast: {},
      stopCast: { args: Type.Object({ reason: any }) },
      continueCast: { args: Type.Object({ note: Type.String() }) },
    },

    init: async ({ mode, reason, ms }, ctx) => {
      trace.push(`init ${mode}`)
      if (mode === 'ignore') return ctx.ignore()
      if (mode === 'error') return ctx.refuse(reason)
      if (mode === 'stop') return ctx.stop(reason)
      if (mode === 'raise') throw new Error(reason)
      if (mode === 'throwText') throw reason
      if (mode === 'badReturn') return 4711 as never
      if (mode === 'sleep') await pause(clock, ms)
      if (mode === 'continue') {
        ctx.send(ctx.id, 'queued', {})
        ctx.continue('later', { note: 'of init' })
      }
      return { value: 0 }
    },

    handleCall: {
      ping: () => 'pong',
      get: (state) => state.value,
      set: (state, { value }) => {
        state.value = value
        return 'ok'
      },
      stop: (_state, _args, ctx) => ctx.stop('stopped', 'ok'),
      stopReply: (_state, { reason }, ctx) => ctx.stop(reason as Reason, 'bye'),
      stopNoReply: (_state, { reason }, ctx) => ctx.stop(reason as Reason) as never,
      crash: (state) => {
        state.value = 'half-made'
        throw new Error('crashed')
      },
      exit: (_state, { reason }) => {
        throw reason
      },
      badReturn: () => 'not an integer' as never,
      delayedAnswer: (_state, { ms }, ctx) => {
        ctx.sendAfter(ms, 'answer', { from: ctx.from })
        return ctx.noReply()
      },
      setTimeout: (_state, { ms }, ctx) => {
        ctx.idleTimeout(ms as number)
        return 'ok'
      },
      slowSet: async (state, { ms, value }) => {
        trace.push('slowSet')
        await pause(clock, ms)
        state.value = value
        return 'slow'
      },
      continueWith: (_state, { note }, ctx) => {
        ctx.continue('later', { note })
        return 'ok'
      },
    },
    handleCast: {
      note: (_state, { note }) => void trace.push(`note ${note}`),
      slowNote: async (_state, { note, ms }) => {
        await pause(clock, ms)
        trace.push(`note ${note}`)
      },
      crashCast: () => {
        throw new Error('crashed')
      },
      stopCast: (_state, { reason }, ctx) => ctx.stop(reason as Reason),
      continueCast: (_state, { note }, ctx) => {
        trace.push('continueCast')
        ctx.continue('later', { note })
      },
    },
    handleInfo: {
      answer: (_state, { from }, ctx) => {
        trace.push(`answered ${ctx.reply(from, 'delayed')}`)
      },
      queued: () => void trace.push('queued'),
      timeout: (_state, _args, ctx) => {
        trace.push('timeout')
        return ctx.stop('normal')
      },
      continueInfo: (_state, { note }, ctx) => {
        trace.push('continueInfo')
        ctx.continue('later', { note })
      },
      undefinedFunction: () => {
        ;(undefined as unknown as () => void)()
      },
    },
    handleContinue: {
      later: (_state, { note }) => void trace.push(`continue ${note}`),
    },
    terminate: (state: State, reason) => {
      trace.push(`terminate ${JSON.stringify(reason)} ${JSON.stringify(state.value)}`)
    },
  })
  return { probe: defineServer({ ...(probe as AnyDefinition), ...extra } as never) as AnyDefinition, trace }
}

/** A runtime of Probe servers, and their trace. */
export function probing(t: Test, extra: Partial<AnyDefinition> = {}, options?: Parameters<typeof running>[2]) {
  let made: Probe | undefined
  const world = running(
    t,
    (clock) => {
      made = makeProbe(clock, extra)
      return { probe: made.probe, other: made.probe }
    },
    options,
  )
  return Object.assign(world, { trace: (made as Probe | undefined)?.trace as string[] })
}
