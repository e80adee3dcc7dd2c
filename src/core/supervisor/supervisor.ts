/**
 * The supervisor (OTP: `supervisor`, and Elixir's `DynamicSupervisor`): a server whose children are servers. An ordinary
 * definition, started, called and listed like any other, with one thing that others have not: a `Family`.
 *
 * 1. Children are started in order, each after the `init` of the one before, and ended in the reverse order.
 * 2. A child that dies is restarted as its restart type and the strategy say. More than `maxRestarts` within `maxSeconds`,
 *    failed tries among them, and the supervisor ends its children and itself, with reason `shutdown`.
 * 3. It does not wait for the end of a child that came later and that nobody else depends on: it has others to start.
 * 4. Whoever asks for what cannot be is told so in the reply, in OTP's words: it is no crash of the supervisor.
 */
import { Type } from '@sinclair/typebox'
import type { Context } from '../definition/context.js'
import { type AnyDefinition, defineServer } from '../definition/definition.js'
import type { Death } from '../kernel/ties.js'
import { type AUTO_SHUTDOWN, ChildSpec, Flags, faultOf, SupervisorArgs } from './child-spec.js'
import type { Child } from './child-table.js'
import type { Family } from './family.js'
import { addRestart } from './intensity.js'
import {
  answerEnd,
  answerStart,
  ChildInfo,
  ChildStarted,
  Counts,
  Done,
  describe,
  fail,
  notFound,
  OfChild,
  orFailure,
} from './replies.js'
import type { Strategy } from './strategy.js'
import { failedToStart, Upbringing } from './upbringing.js'

/** Its name among the implementations. */
export const SUPERVISOR = 'supervisor'

interface State {
  strategy: Strategy
  maxRestarts: number
  maxSeconds: number
  autoShutdown: (typeof AUTO_SHUTDOWN)[number]
  maxChildren: number
  /** The whole seconds of the restarts that still count. */
  restarts: number[]
  readonly upbringing: Upbringing
  /** `table.changes` as of this state. To copy it makes a turn that has only changed the table a new revision. */
  changes: number
}

export function defineSupervisor(family: Family): AnyDefinition {
  return defineServer({
    description: 'Starts other servers as its children, restarts those that die, and ends them when it ends.',
    restartFrom: 'init',
    shutdown: Number.POSITIVE_INFINITY,
    args: SupervisorArgs,
    state: Type.Unsafe<State>({}),
    calls: {
      startChild: { description: 'Starts one more child.', args: ChildSpec, reply: orFailure(ChildStarted) },
      terminateChild: {
        description: 'Ends a child. Its spec stays, unless it is temporary: `restartChild` starts it again.',
        args: OfChild,
        reply: orFailure(Done),
      },
      restartChild: {
        description: 'Starts a child again that does not run.',
        args: OfChild,
        reply: orFailure(ChildStarted),
      },
      deleteChild: { description: 'Forgets a child that does not run.', args: OfChild, reply: orFailure(Done) },
      whichChildren: {
        description: 'The children; the last that was started comes first.',
        reply: Type.Object({ children: Type.Array(ChildInfo) }),
        readOnly: true,
      },
      countChildren: { description: 'How many children there are.', reply: Counts, readOnly: true },
      setStrategy: {
        description: 'Changes what is given, from now on. Children that run stay as they are.',
        args: Flags,
        reply: orFailure(Done),
      },
    },
    infos: {
      retry: { args: OfChild },
      /** To whom waits for the end of a child. */
      ended: { args: Type.Object({ value: Type.Object({ from: Type.String(), reply: orFailure(Done) }) }) },
    },

    init: async (args, ctx) => {
      const fault = faultOf(args)
      if (fault !== undefined) return ctx.refuse(fault)
      const upbringing = new Upbringing(family.found(ctx.id), SUPERVISOR)
      const begun = await upbringing.begin(args)
      if ('why' in begun) {
        await upbringing.endAll(args.strategy)
        return ctx.stop(failedToStart(begun.id, begun.why))
      }
      const flags = { maxChildren: Number.POSITIVE_INFINITY, ...args, ...begun.flags }
      const lost = await upbringing.keep(begun.flags, begun.isRecalled)
      if (lost !== undefined) {
        await upbringing.endAll(flags.strategy)
        throw lost
      }
      const { strategy, maxRestarts, maxSeconds, autoShutdown, maxChildren } = flags
      const { changes } = upbringing.table
      return { strategy, maxRestarts, maxSeconds, autoShutdown, maxChildren, restarts: [], upbringing, changes }
    },

    handleCall: {
      startChild: async (state, spec) => {
        const { upbringing, autoShutdown, maxChildren } = state
        const { table } = upbringing
        const present = table.get(spec.id)
        if (present?.status === 'stopped') return fail('already_present', `${spec.id} is a child that does not run`)
        if (present !== undefined) return fail('already_started', `${spec.id} is a child that runs`)
        if (table.size >= maxChildren)
          return fail('max_children', `there are ${table.size} children, and no more may be`)
        const fault = faultOf({ autoShutdown, children: [spec] })
        if (fault !== undefined) return fail('invalid_args', fault)
        const outcome = await upbringing.startKept(spec, true)
        note(state)
        return answerStart(spec.id, outcome)
      },
      terminateChild: async (state, { id }, ctx) => {
        const { upbringing, strategy } = state
        const child = upbringing.table.get(id)
        if (child === undefined) return notFound(id)
        const end = upbringing.endKept(child)
        if (upbringing.isLoose(child, strategy)) {
          note(state)
          const { from } = ctx
          ctx.pipe(
            end.then((failure) => ({ from, reply: answerEnd(failure) })),
            'ended',
          )
          return ctx.noReply()
        }
        const failure = await end
        note(state)
        return answerEnd(failure)
      },
      restartChild: async (state, { id }) => {
        const { upbringing } = state
        const child = upbringing.table.get(id)
        if (child === undefined) return notFound(id)
        if (child.status !== 'stopped') return fail(child.status, `${id} is ${child.status}`)
        const outcome = await upbringing.startKept(child.spec, child.isDynamic)
        note(state)
        return answerStart(id, outcome)
      },
      deleteChild: async (state, { id }) => {
        const { upbringing } = state
        const { table } = upbringing
        const child = table.get(id)
        if (child === undefined) return notFound(id)
        if (child.status !== 'stopped') return fail(child.status, `${id} is ${child.status}`)
        table.remove(id)
        note(state)
        return answerEnd(await upbringing.kept())
      },
      whichChildren: ({ upbringing }) => ({
        children: upbringing.table
          .inOrder()
          .reverse()
          .map((child) => describe(child, upbringing.isSupervisor(child))),
      }),
      countChildren: ({ upbringing: { table } }) => {
        const supervisors = table.count((child) => child.spec.implementation === SUPERVISOR)
        return {
          specs: table.size,
          active: table.count(({ status }) => status === 'running'),
          supervisors,
          workers: table.size - supervisors,
        }
      },
      setStrategy: async (state, changes) => {
        const { autoShutdown = state.autoShutdown } = changes
        const fault = faultOf({ autoShutdown, children: state.upbringing.table.inOrder().map(({ spec }) => spec) })
        if (fault !== undefined) return fail('invalid_args', fault)
        const lost = await state.upbringing.keepFlags(flagsOf({ ...state, ...changes }))
        if (lost === undefined) Object.assign(state, changes)
        return answerEnd(lost)
      },
    },

    handleInfo: {
      EXIT: (state, { id, incarnation, restarting }: Death, ctx) => {
        const child = state.upbringing.table.get(id)
        // Who is being taken down or brought up is waited for already.
        if (child?.status !== 'running' || incarnation !== child.incarnation) return undefined
        // It has sent an exit signal itself, and lives on.
        if (state.upbringing.lives(child)) return undefined
        if (restarting) return restart(state, child, ctx)
        state.upbringing.gone(child)
        note(state)
        return isEnough(state, child) ? ctx.stop('shutdown') : undefined
      },
      retry: (state, { id }, ctx) => {
        const child = state.upbringing.table.get(id)
        // It has been ended meanwhile, and others may wait for it.
        return child?.status === 'restarting' ? restart(state, child, ctx) : bringUp(state, ctx)
      },
      ended: (state, { value: { from, reply } }, ctx) => {
        note(state)
        ctx.reply(from, reply)
      },
    },

    terminate: ({ upbringing, strategy }) => upbringing.endAll(strategy),
    redact: ({ upbringing, changes: _, maxChildren, ...state }) => ({
      ...state,
      ...(Number.isFinite(maxChildren) && { maxChildren }),
      children: upbringing.table.inOrder().map((child) => describe(child, upbringing.isSupervisor(child))),
    }),
  }) as AnyDefinition
}

/** A state with other children is another revision. */
function note(state: State): void {
  state.changes = state.upbringing.table.changes
}

/** There is no JSON for what never ends. */
function flagsOf({ strategy, maxRestarts, maxSeconds, autoShutdown, maxChildren }: Required<Flags>): Flags {
  const flags = { strategy, maxRestarts, maxSeconds, autoShutdown }
  return Number.isFinite(maxChildren) ? { ...flags, maxChildren } : flags
}

async function restart(state: State, child: Child, ctx: Context) {
  const restarts = addRestart(state, state.restarts, state.upbringing.now)
  if (restarts === undefined) {
    const { maxRestarts, maxSeconds } = state
    const tooOften = `more often than maxRestarts: ${maxRestarts} within maxSeconds: ${maxSeconds}`
    ctx.log.error({ child: child.spec.id }, `${ctx.id} gives up: its children restart ${tooOften}`)
    return ctx.stop('shutdown')
  }
  state.restarts = restarts
  state.upbringing.table.mark(child, 'restarting')
  await retryLater(state, state.upbringing.restart(state.strategy, child.spec.id), ctx)
  return undefined
}

async function bringUp(state: State, ctx: Context) {
  await retryLater(state, state.upbringing.bringUp(), ctx)
}

/** `trying` gives the id of a child that could not be started. */
async function retryLater(state: State, trying: Promise<string | undefined>, ctx: Context): Promise<void> {
  const failed = await trying
  note(state)
  // Behind what waits, so that a child that cannot be started does not keep the supervisor from being asked.
  if (failed !== undefined) ctx.sendAfter(0, 'retry', { id: failed })
}

/** Whether the end of this child, by itself, is the end of the supervisor too. */
function isEnough({ autoShutdown, upbringing }: State, { spec }: Child): boolean {
  if (spec.significant !== true || autoShutdown === 'never') return false
  if (autoShutdown === 'anySignificant') return true
  return upbringing.table.count(isSignificantAndUp) === 0
}

/** One that has been ordered to end does not count: it does not end by itself. */
function isSignificantAndUp({ spec, status }: Child): boolean {
  return spec.significant === true && (status === 'running' || status === 'restarting')
}
