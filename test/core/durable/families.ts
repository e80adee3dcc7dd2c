/** Supervisors with durable children, a store whose commits can be held back, and what another process finds in it. */
import { type AnyDefinition, defineServer, type Reason, type Runtime, type RuntimeOptions, Type } from 'genservers'
import type { Test } from 'tap'
import type { LocalRuntime } from '../../../src/adapters.js'
import { pause, running } from '../running.js'
import { heldStore } from './held-store.js'

const any = Type.Unknown()
const N = Type.Object({ n: Type.Integer() })

/** What is done by them is written into `trace`. */
export function workers(trace: string[], plans: ReadonlyMap<string, 'fail' | 'ignore'> = new Map()) {
  return (clock: Parameters<typeof pause>[0]) => {
    const worker = (more: object) =>
      defineServer({
        ...more,
        args: Type.Object({ from: Type.Integer({ default: 0 }) }),
        state: Type.Object({ n: Type.Integer() }),
        calls: {
          add: { args: N, reply: Type.Integer() },
          look: { reply: Type.Integer(), readOnly: true },
          crash: {},
          nap: { args: Type.Object({ ms: Type.Integer() }) },
          end: { args: Type.Object({ reason: any }) },
          later: { args: Type.Object({ ms: Type.Integer() }) },
          trap: {},
          startChild: { args: any, reply: any },
        },
        casts: { credit: { args: N }, poison: {} },
        init: ({ from }, ctx) => {
          trace.push(`init ${ctx.id}`)
          if (plans.get(ctx.id) === 'fail') throw new Error('no start')
          return plans.get(ctx.id) === 'ignore' ? ctx.ignore() : { n: from }
        },
        handleCall: {
          add: (state, { n }) => {
            state.n += n
            return state.n
          },
          look: ({ n }) => n,
          crash: () => {
            throw new Error('oops')
          },
          nap: async (state, { ms }) => {
            state.n = -1
            await pause(clock, ms)
          },
          end: (_state, { reason }, ctx) => ctx.stop(reason as Reason),
          later: (_state, { ms }, ctx) => void ctx.sendAfter(ms, 'tick'),
          trap: (_state, _args, ctx) => ctx.trapExit(),
          startChild: async (_state, given, ctx) => {
            const { id, supervisor } = given as { id: string; supervisor: string }
            return (await ctx.start('account', {}, { id, supervisor })) ?? null
          },
        },
        handleCast: {
          credit: (state, { n }) => {
            state.n += n
          },
          poison: () => {
            throw new Error('poisoned')
          },
        },
        handleInfo: { tick: (state) => void (state.n += 100) },
        terminate: (_state, reason, ctx) => void trace.push(`terminate ${ctx.id} ${JSON.stringify(reason)}`),
      }) as AnyDefinition
    return { account: worker({ durable: true }), other: worker({ durable: true }), plain: worker({}) }
  }
}

export type Families = Awaited<ReturnType<typeof families>>

export async function families(t: Test, options: Partial<RuntimeOptions> = {}) {
  const trace: string[] = []
  const { store, commits } = heldStore()
  const plans = new Map<string, 'fail' | 'ignore'>()
  const implementations = workers(trace, plans)
  const open = () => {
    const world = running(t, implementations, { store, ...options })
    const { runtime, clock } = world
    return {
      ...world,
      settle: () => clock.advance(0),
      call: (id: string, message: string, args?: unknown) => runtime.call(id, message, args, { timeout: 100_000 }),
      /** A crash, and what comes of it. */
      async crash(id: string) {
        await runtime.call(id, 'crash').catch(() => {})
        await clock.advance(0)
      },
      supervisor: (id: string, args: object = {}, more: object = {}) =>
        runtime.start('supervisor', args, { id, ...more }),
      /** As `ID STATUS`, in the order of their start. */
      async children(id = 'top') {
        const { children } = (await runtime.call(id, 'whichChildren')) as { children: { id: string; status: string }[] }
        return children.reverse().map((child) => `${child.id} ${child.status}`)
      },
    }
  }
  /** What another process finds in the store. */
  const next = async (restore: Parameters<typeof runtime.restore>[0] = {}) => {
    const other = open()
    await other.runtime.restore(restore)
    await other.settle()
    return other
  }
  const first = open()
  const { runtime } = first
  return { ...first, store, commits, trace, plans, next }
}

/** Child specs of accounts. */
export function accounts(ids: string, more: object = {}): object[] {
  return ids.split(' ').map((id) => ({ id, implementation: 'account', ...more }))
}

export function localOf(runtime: Runtime): LocalRuntime {
  return runtime as unknown as LocalRuntime
}

export function directoryOf(runtime: Runtime): Directory {
  return localOf(runtime).directory as never
}

export function isAwake(runtime: Runtime, id: string): boolean {
  return !('brief' in directoryOf(runtime).look(id))
}

/** As far as tests need it. */
interface Directory {
  look(id: string): object
  find(id: string): { die(reason: object): void; readonly ties: { readonly areNone: boolean } }
}
