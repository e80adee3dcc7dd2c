/**
 * The groups against a model of them, a plain Map: random starts, stops, crashes, kills and messages to groups. After each
 * step every label is looked up, listed, and found to have just the servers that the model says.
 */
import fc from 'fast-check'
import { defineServer, type Restart, type RestartFrom, type Runtime, Type } from 'genservers'
import t from 'tap'
import { type Observed, observe, running } from './running.js'

const SEED = 20_261_122
const IDS = ['a', 'b', 'c', 'd', 'e']
const LABELS = ['x', 'y', 'z']
/** A second crash within the time ends a server. */
const BUDGET = { maxRestarts: 1, maxSeconds: 5 }

const member = defineServer({
  args: Type.Object({ starts: Type.Boolean() }),
  state: Type.Object({ seen: Type.Integer() }),
  calls: { count: { reply: Type.Integer() } },
  casts: { crash: {}, leave: {} },
  init: ({ starts }, ctx) => (starts ? { seen: 0 } : ctx.refuse('no')),
  handleCall: {
    count: (state) => {
      state.seen++
      return state.seen
    },
  },
  handleCast: {
    crash: () => {
      throw new Error('crash')
    },
    leave: (_state, _args, ctx) => ctx.stop('normal'),
  },
})

interface Start {
  do: 'start'
  id: string
  labels: string[]
  restart: Restart
  restartFrom: RestartFrom
  starts: boolean
}
type OfOne = { do: 'stop' | 'kill' | 'crash' | 'leave'; id: string }
type OfGroup = { do: 'crashAll' | 'leaveAll' | 'callAll'; label: string }
type Step = Start | OfOne | OfGroup | { do: 'wait'; ms: number }

const id = fc.constantFrom(...IDS)
const label = fc.constantFrom(...LABELS)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      id,
      labels: fc.uniqueArray(label),
      restart: fc.constantFrom<Restart[]>('permanent', 'transient', 'temporary'),
      restartFrom: fc.constantFrom<RestartFrom[]>('state', 'init'),
      starts: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom('stop' as const, 'kill', 'crash', 'leave'), id }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('crashAll' as const, 'leaveAll', 'callAll'), label }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 6000) }) },
)

interface Modelled {
  readonly labels: readonly string[]
  readonly restart: Restart
  restarts: number[]
}

/** The model: who is there, and with which labels. */
class Model {
  readonly servers = new Map<string, Modelled>()
  now = 0
  ends = 0

  start({ id, labels, restart, starts }: Start): void {
    if (starts && !this.servers.has(id)) this.servers.set(id, { labels, restart, restarts: [] })
  }

  end(id: string): void {
    if (this.servers.delete(id)) this.ends++
  }

  /** It crashes, or has chosen to stop: it comes back if that is what its kind does, and it may. */
  fall(id: string, crashed: boolean): void {
    const server = this.servers.get(id)
    if (server === undefined) return
    const { restart } = server
    const comesBack = restart === 'permanent' || (crashed && restart === 'transient')
    server.restarts = server.restarts.filter((at) => this.now - at < BUDGET.maxSeconds * 1000)
    if (comesBack && server.restarts.length < BUDGET.maxRestarts) server.restarts.push(this.now)
    else this.end(id)
  }

  group(label: string): string[] {
    return [...this.servers]
      .filter(([, { labels }]) => labels.includes(label))
      .map(([id]) => id)
      .sort()
  }
}

type Settle = (ms: number) => Promise<void>

async function take(step: Step, runtime: Runtime, model: Model, settle: Settle): Promise<void> {
  if (step.do === 'wait') {
    await settle(step.ms)
    model.now += step.ms
    return
  }
  if (step.do === 'start') {
    const { id, labels, restart, restartFrom, starts } = step
    observe(runtime.start('member', { starts }, { id, labels, restart, restartFrom }))
    model.start(step)
  } else if ('id' in step) takeOfOne(step, runtime, model)
  else await takeOfGroup(step, runtime, model, settle)
  await settle(0)
}

function takeOfOne({ do: what, id }: OfOne, runtime: Runtime, model: Model): void {
  const isThere = runtime.whereis(id) !== undefined
  if (what === 'stop') {
    observe(runtime.stop(id))
    model.end(id)
  } else if (what === 'kill') {
    if (isThere) runtime.kill(id)
    model.end(id)
    // Before anything else has run.
    sameGroups(runtime, model)
  } else {
    if (isThere) runtime.cast(id, what)
    model.fall(id, what === 'crash')
  }
}

async function takeOfGroup(
  { do: what, label }: OfGroup,
  runtime: Runtime,
  model: Model,
  settle: Settle,
): Promise<void> {
  const group = model.group(label)
  if (what === 'callAll') {
    await sameReplies(observe(runtime.callGroup(label, 'count')), group, settle)
    return
  }
  const message = what === 'crashAll' ? 'crash' : 'leave'
  same(runtime.castGroup(label, message), { sent: group.length, failures: [] }, `${message} to all`)
  for (const id of group) model.fall(id, message === 'crash')
}

type Called = Observed<Awaited<ReturnType<Runtime['callGroup']>>>

async function sameReplies(called: Called, group: string[], settle: Settle): Promise<void> {
  await settle(0)
  same(
    called.value?.replies.map(({ id }) => id),
    group,
    'who has replied',
  )
  same(called.value?.failures, [], 'who has not')
}

function sameGroups(runtime: Runtime, model: Model): void {
  for (const label of [...LABELS, 'nobody']) {
    const listed = runtime.list({ label }).servers.map(({ id }) => id)
    same(listed, model.group(label), `the group ${label}`)
    for (const id of IDS) {
      const after = runtime.list({ label, after: id, limit: 1 }).servers.map(({ id }) => id)
      same(
        after,
        model
          .group(label)
          .filter((other) => other > id)
          .slice(0, 1),
        `the first of ${label} after ${id}`,
      )
    }
  }
  for (const [id, { labels }] of model.servers) same(runtime.info(id).labels, labels, `the labels of ${id}`)
  same(
    runtime.list().servers.map(({ id }) => id),
    [...model.servers.keys()].sort(),
    'who is there',
  )
}

t.test('whatever becomes of servers, each label finds just those that have it', async (t) => {
  const counted = { ends: 0, members: 0, replaced: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50 }), async (steps) => {
      const { runtime, clock } = running(t, { member }, BUDGET)
      const model = new Model()
      for (const each of steps) {
        await take(each, runtime, model, (ms) => clock.advance(ms))
        sameGroups(runtime, model)
        counted.members += LABELS.reduce((sum, label) => sum + model.group(label).length, 0)
      }
      counted.ends += model.ends
      counted.replaced += runtime.list().servers.filter(({ incarnation }) => incarnation > 1).length
      const closed = observe(runtime.close())
      await clock.advance(0)
      same(closed.outcome, 'resolved', 'the runtime closes')
      for (const label of LABELS) same(runtime.list({ label }).servers, [], 'nobody is left')
    }),
    { seed: SEED, numRuns: 300, endOnFailure: false },
  )
  for (const [what, count] of Object.entries(counted)) t.ok(count > 100, `the runs held ${count} ${what}`)
})

/** Throws, so that fast-check makes the example small. */
function same(found: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
  if (a !== b) throw new Error(`${what}: found ${a}, the model says ${b}`)
}
