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
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import type { GenServerError } from '../kernel/errors.js'
import type { Death } from '../kernel/ties.js'
import type { Context } from '../server/context.js'
import { type AnyDefinition, defineServer } from '../server/definition.js'
import { type AUTO_SHUTDOWN, ChildId, ChildSpec, Flags, faultOf, SupervisorArgs, words } from './child-spec.js'
import type { Child } from './child-table.js'
import type { Family } from './family.js'
import { addRestart } from './intensity.js'
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

const Failure = Type.Object({
  error: Type.Object({
    code: Type.String({ examples: ['already_present'] }),
    message: Type.String(),
    reason: Type.Optional(Type.Unknown()),
  }),
})
const orFailure = <T extends TSchema>(schema: T) => Type.Union([schema, Failure])

const ChildStarted = Type.Object({
  id: ChildId,
  status: Type.Union([Type.Literal('running'), Type.Literal('ignored')], {
    description: '`ignored`: its `init` chose not to start.',
  }),
})
const Done = Type.Object({ ok: Type.Literal(true) })
const OfChild = Type.Object({ id: ChildId })
const ChildInfo = Type.Object({
  id: ChildId,
  implementation: Type.String(),
  type: Type.Union([Type.Literal('worker'), Type.Literal('supervisor')]),
  status: Type.Union(
    [Type.Literal('running'), Type.Literal('restarting'), Type.Literal('stopping'), Type.Literal('stopped')],
    { description: '`stopping`: it has been ordered to end. `stopped`: it does not run, and its spec is kept.' },
  ),
  restart: words(['permanent', 'transient', 'temporary'], 'What its spec says, or else its implementation.'),
  significant: Type.Boolean(),
})
const Counts = Type.Object({
  specs: Type.Integer({ description: 'Children, running or not.' }),
  active: Type.Integer({ description: 'Those that run.' }),
  supervisors: Type.Integer(),
  workers: Type.Integer(),
})

const fail = (code: string, message: string, reason?: unknown) => ({
  error: { code, message, ...(reason !== undefined && { reason }) },
})
const done = { ok: true } as const
const notFound = (id: string) => fail('not_found', `there is no child ${id}`)

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
      const failed = await upbringing.begin(args.children)
      if (failed !== undefined) {
        await upbringing.endAll(args.strategy)
        return ctx.stop(failedToStart(failed.id, failed.why))
      }
      const { strategy, maxRestarts, maxSeconds, autoShutdown, maxChildren = Number.POSITIVE_INFINITY } = args
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
        const outcome = await upbringing.start(spec, true)
        note(state)
        return answerStart(spec.id, outcome)
      },
      terminateChild: async (state, { id }, ctx) => {
        const { upbringing, strategy } = state
        const child = upbringing.table.get(id)
        if (child === undefined) return notFound(id)
        const end = upbringing.end(child)
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
        const outcome = await upbringing.start(child.spec, child.isDynamic)
        note(state)
        return answerStart(id, outcome)
      },
      deleteChild: (state, { id }) => {
        const { table } = state.upbringing
        const child = table.get(id)
        if (child === undefined) return notFound(id)
        if (child.status !== 'stopped') return fail(child.status, `${id} is ${child.status}`)
        table.remove(id)
        note(state)
        return done
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
      setStrategy: (state, changes) => {
        const { autoShutdown = state.autoShutdown } = changes
        const fault = faultOf({ autoShutdown, children: state.upbringing.table.inOrder().map(({ spec }) => spec) })
        if (fault !== undefined) return fail('invalid_args', fault)
        Object.assign(state, changes)
        return done
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

async function restart(state: State, child: Child, ctx: Context) {
  const restarts = addRestart(state, state.restarts, state.upbringing.now)
  if (restarts === undefined) {
    ctx.log.error({ child: child.spec.id }, `${ctx.id} gives up: its children restart too often`)
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

function answerEnd(failure: GenServerError | undefined) {
  return failure === undefined ? done : fail(failure.code, failure.message)
}

function answerStart(id: string, outcome: 'running' | 'ignored' | GenServerError) {
  if (typeof outcome === 'string') return { id, status: outcome }
  return fail(outcome.code, outcome.message, outcome.details.reason)
}

function describe({ spec, terms, status }: Child, isSupervisor: boolean): Static<typeof ChildInfo> {
  const { id, implementation, significant = false } = spec
  return {
    id,
    implementation,
    type: isSupervisor ? 'supervisor' : 'worker',
    status,
    restart: terms.restart,
    significant,
  }
}
