/** A runtime with workers that a supervisor can keep; each callback that runs is written into a trace. */
import { type AnyDefinition, defineServer, type Reason, Type } from 'genservers'
import type { Test } from 'tap'
import { pause, type Running, running } from '../running.js'

const any = Type.Unknown()

export interface Supervising extends Running {
  /** `init ID` and `terminate ID REASON`, in the order in which they ran. */
  readonly trace: string[]
  /** What the `init` of an id does next, each time it runs. */
  readonly plans: Map<string, ('ok' | 'fail' | 'ignore' | 'hang' | 'under' | 'refuse' | 'stop' | 'junk' | 'throw')[]>
  call(id: string, message: string, args?: unknown): Promise<unknown>
  crash(id: string): Promise<void>
  start(args: object, id?: string): Promise<unknown>
  /** The ids and statuses of the children, in the order of their start. */
  children(id?: string): Promise<string[]>
}

export function supervising(t: Test): Supervising {
  const trace: string[] = []
  const plans: Supervising['plans'] = new Map()
  const run = running(t, (clock) => ({
    worker: defineServer({
      args: Type.Object({ slow: Type.Integer({ default: 0 }) }),
      state: Type.Object({ count: Type.Integer(), slow: Type.Integer() }),
      calls: {
        count: { reply: Type.Integer() },
        crash: {},
        nap: { args: Type.Object({ ms: Type.Integer() }) },
        unlink: { args: Type.Object({ id: Type.String() }) },
        end: { args: Type.Object({ reason: any }) },
        exit: { args: Type.Object({ id: Type.String() }) },
        signal: { args: Type.Object({ id: Type.String(), reason: Type.String() }) },
        startUnder: { args: Type.Object({ supervisor: Type.String(), id: Type.String() }), reply: any },
      },
      init: async ({ slow }, ctx) => {
        const plan = plans.get(ctx.id)?.shift() ?? 'ok'
        trace.push(plan === 'ok' ? `init ${ctx.id}` : `${plan} ${ctx.id}`)
        if (plan === 'fail') throw new Error('no start')
        if (plan === 'refuse') return ctx.refuse('not now')
        if (plan === 'stop') return ctx.stop('stopped')
        if (plan === 'junk') return 4711 as never
        if (plan === 'throw') throw 'thrown'
        if (plan === 'under') await ctx.start('worker', {}, { supervisor: 'sup' })
        if (plan === 'hang') await new Promise(() => {})
        return plan === 'ignore' ? ctx.ignore() : { count: 0, slow }
      },
      handleCall: {
        count: (state) => ++state.count,
        crash: () => {
          throw new Error('oops')
        },
        nap: (_state, { ms }) => pause(clock, ms),
        unlink: (_state, { id }, ctx) => ctx.unlink(id),
        end: (_state, { reason }, ctx) => ctx.stop(reason as Reason),
        exit: (_state, { id }, ctx) => ctx.exit(id, 'kill'),
        signal: (_state, { id, reason }, ctx) => ctx.exit(id, reason),
        startUnder: async (_state, { supervisor, id }, ctx) =>
          (await ctx.start('worker', {}, { id, supervisor })) ?? 'ignored',
      },
      terminate: async ({ slow }, reason, ctx) => {
        if (slow > 0) await pause(clock, slow)
        trace.push(`terminate ${ctx.id} ${typeof reason === 'string' ? reason : JSON.stringify(reason)}`)
      },
    }) as AnyDefinition,
  }))
  const { runtime, clock } = run
  return {
    ...run,
    trace,
    plans,
    call: (id, message, args) => runtime.call(id, message, args),
    async crash(id) {
      await runtime.call(id, 'crash').catch(() => {})
      await clock.advance(0)
    },
    start: (args, id = 'sup') => runtime.start('supervisor', args, { id }),
    async children(id = 'sup') {
      const { children } = (await runtime.call(id, 'whichChildren')) as { children: { id: string; status: string }[] }
      return children.reverse().map((child) => `${child.id} ${child.status}`)
    },
  }
}

/** Child specs of workers. */
export function workers(ids: string, more: object = {}): object[] {
  return ids.split(' ').map((id) => ({ id, implementation: 'worker', args: {}, ...more }))
}
