/**
 * Disorder: children crash, leave, are killed, linked, suspended and asked for at odd moments, also in the midst of their
 * `init` and `terminate`. When all is quiet again the supervisor answers, and what it says of its children is true.
 */
import fc from 'fast-check'
import { type AnyDefinition, type Clock, createRuntime, defineServer, type Runtime, Type } from 'genservers'
import { createSimulatedClock } from 'genservers/testing'
import t from 'tap'
import { type Observed, observe, pause } from '../running.js'

const RUNS = Number(process.env['MODEL_RUNS'] ?? 10_000) / 10
const any = Type.Unknown()

const worker = (clock: Clock, isBroken: (id: string) => boolean) =>
  defineServer({
    args: Type.Object({ start: Type.Integer({ default: 0 }), end: Type.Integer({ default: 0 }) }),
    state: Type.Object({ end: Type.Integer() }),
    calls: {
      crash: {},
      leave: { args: Type.Object({ reason: Type.String() }) },
      tie: { args: Type.Object({ how: Type.String(), to: Type.String() }), reply: any },
      signal: { args: Type.Object({ to: Type.String(), reason: Type.String() }) },
    },
    init: async ({ start, end }, ctx) => {
      if (start > 0) await pause(clock, start)
      if (isBroken(ctx.id)) throw new Error('no start')
      return { end }
    },
    handleCall: {
      crash: () => {
        throw new Error('oops')
      },
      leave: (_state, { reason }, ctx) => ctx.stop(reason),
      tie: (_state, { how, to }, ctx) => ctx[how as 'monitor'](to) ?? null,
      signal: (_state, { to, reason }, ctx) => ctx.exit(to, reason),
    },
    handleInfo: { DOWN: () => {}, EXIT: () => {} },
    terminate: ({ end }) => (end > 0 ? pause(clock, end) : undefined),
  }) as AnyDefinition

const IDS = ['a', 'b', 'c'] as const
const id = fc.constantFrom(...IDS)
const someone = fc.constantFrom(...IDS, 'outside', 'sup')

const specs = fc.tuple(
  ...IDS.map((id) =>
    fc.record({
      id: fc.constant(id),
      implementation: fc.constant('worker'),
      args: fc.record({ start: fc.constantFrom(0, 0, 20), end: fc.constantFrom(0, 0, 20, 1000) }),
      restart: fc.constantFrom('permanent', 'transient', 'temporary'),
      restartFrom: fc.constantFrom('state', 'init'),
      shutdown: fc.constantFrom(0, 100, 5000, 'infinity', 'brutalKill'),
    }),
  ),
)

const deed = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('crash'), id }) },
  fc.record({ what: fc.constantFrom('stop', 'kill', 'suspend', 'resume', 'break', 'mend'), id }),
  fc.record({ what: fc.constantFrom('terminateChild', 'restartChild', 'deleteChild'), id }),
  fc.record({ what: fc.constant('leave'), id, reason: fc.constantFrom('normal', 'shutdown', 'odd') }),
  fc.record({
    what: fc.constant('tie'),
    id,
    how: fc.constantFrom('link', 'unlink', 'monitor', 'trapExit'),
    to: someone,
  }),
  fc.record({ what: fc.constant('signal'), id, to: someone, reason: fc.constantFrom('normal', 'odd', 'kill') }),
  fc.record({ what: fc.constant('setStrategy'), strategy: fc.constantFrom('oneForOne', 'oneForAll', 'restForOne') }),
)
const step = fc.tuple(deed, fc.constantFrom(0, 0, 0, 1, 5, 15, 100))

type Deed = { readonly what: string; readonly id?: string } & Readonly<Record<string, unknown>>

/** Does it, whether it can be done or not. Gives what has to be answered sooner or later. */
function perform(
  runtime: Runtime,
  broken: Set<string>,
  { what, id = 'sup', ...args }: Deed,
): Observed<unknown> | undefined {
  try {
    if (what === 'kill') runtime.kill(id)
    else if (what === 'suspend') runtime.suspend(id)
    else if (what === 'resume') runtime.resume(id)
    else if (what === 'break') broken.add(id)
    else if (what === 'mend') broken.delete(id)
    else if (what === 'stop') return observe(runtime.stop(id, { timeout: 1_000_000 }))
    else if (what.endsWith('Child')) return observe(runtime.call('sup', what, { id }, { timeout: 1_000_000 }))
    else return observe(runtime.call(id, what, args, { timeout: 1_000_000 }))
  } catch {
    // Nobody is there.
  }
  return undefined
}

t.setTimeout(240_000)

t.test(`${RUNS} times disorder, and each time the supervisor and its children agree when it is over`, async (t) => {
  const strategy = fc.constantFrom('oneForOne', 'oneForAll', 'restForOne')
  const property = fc.asyncProperty(
    strategy,
    specs,
    fc.array(step, { maxLength: 12 }),
    async (strategy, children, steps) => {
      const clock = createSimulatedClock()
      const broken = new Set<string>()
      const runtime = createRuntime({ implementations: { worker: worker(clock, (id) => broken.has(id)) }, clock })
      await runtime.start('worker', {}, { id: 'outside', restart: 'permanent' })
      const started = observe(runtime.start('supervisor', { strategy, children, maxRestarts: 1000 }, { id: 'sup' }))
      await clock.advance(100)
      if (started.outcome !== 'resolved') throw new Error(`it was ${started.outcome}`)
      const asked: (Observed<unknown> | undefined)[] = []
      for (const [deed, ms] of steps) {
        asked.push(perform(runtime, broken, deed))
        await clock.advance(ms)
      }
      broken.clear()
      for (let turn = 0; turn < 3; turn++) {
        for (const id of IDS) perform(runtime, broken, { what: 'resume', id })
        await clock.advance(30_000)
      }
      const open = asked.filter((each) => each?.outcome === 'pending').length
      if (open > 0) throw new Error(`${open} are never answered`)
      if (runtime.whereis('sup') !== undefined) await mustAgree(runtime, clock)
      const closed = observe(runtime.close({ timeout: 5000 }))
      await clock.advance(60_000)
      if (closed.outcome !== 'resolved' || clock.pending > 0) throw new Error(`${clock.pending} timers are left`)
    },
  )
  const result = await fc.check(property, { numRuns: RUNS, seed: 20261123 })
  t.notOk(
    result.failed,
    result.failed ? `${result.errorInstance}\n${fc.defaultReportMessage(result)}` : `${result.numRuns} runs`,
  )
})

async function mustAgree(runtime: Runtime, clock: ReturnType<typeof createSimulatedClock>): Promise<void> {
  const answer = observe(runtime.call('sup', 'whichChildren'))
  await clock.advance(0)
  if (answer.outcome !== 'resolved') throw new Error(`the supervisor is ${answer.outcome}`)
  const { children } = answer.value as { children: { id: string; status: string }[] }
  const known = new Map(children.map(({ id, status }) => [id, status]))
  for (const { id, status, supervisor } of runtime.list().servers) {
    if (supervisor === 'sup' && known.get(id) !== status) throw new Error(`${id} is ${status}, not ${known.get(id)}`)
  }
  for (const [id, status] of known) {
    const isThere = runtime.whereis(id) !== undefined
    if (isThere !== (status === 'running')) throw new Error(`${id} is said to be ${status}`)
  }
}
