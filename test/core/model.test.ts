/**
 * The generic server against a model of it: random calls, casts, crashes, stops, kills and starts, each step compared
 * with a pure function of a few lines. Seeded, so that a failure can be run again.
 */
import fc from 'fast-check'
import { defineServer, type GenServerError, type Restart, type RestartFrom, type Runtime, Type } from 'genservers'
import t from 'tap'
import { type Observed, observe, running } from './running.js'

const SEED = 20_261_122
const RUNS = Number(process.env['MODEL_RUNS'] ?? 10_000)
const IDS = ['a', 'b'] as const
const BUDGET = { maxRestarts: 3, maxSeconds: 5 }

const stack = defineServer({
  state: Type.Object({ items: Type.Array(Type.Integer()), froms: Type.Array(Type.String()) }),
  calls: {
    push: { args: Type.Object({ item: Type.Integer() }), reply: Type.Integer() },
    pop: { reply: Type.Unknown() },
    look: { reply: Type.Array(Type.Integer()), readOnly: true },
    crash: { args: Type.Object({ item: Type.Integer() }) },
    wait: { reply: Type.Integer() },
    stop: { reply: Type.Integer() },
  },
  casts: {
    push: { args: Type.Object({ item: Type.Integer() }) },
    crash: {},
    answer: {},
  },
  init: () => ({ items: [], froms: [] }),
  handleCall: {
    push: (state, { item }) => state.items.push(item),
    pop: (state) => state.items.pop() ?? null,
    look: (state) => state.items,
    crash: async (state, { item }) => {
      state.items.push(item)
      await undefined
      throw new Error('crash')
    },
    wait: (state, _args, ctx) => {
      state.froms.push(ctx.from)
      return ctx.noReply()
    },
    stop: (state, _args, ctx) => ctx.stop('normal', state.items.length),
  },
  handleCast: {
    push: (state, { item }) => void state.items.push(item),
    crash: (state) => {
      state.items = []
      throw new Error('crash')
    },
    answer: (state, _args, ctx) => {
      for (const from of state.froms) ctx.reply(from, state.items.length)
      state.froms = []
    },
  },
})

type Step =
  | { do: 'start'; id: string; restart: Restart; restartFrom: RestartFrom }
  | { do: 'call'; id: string; message: 'push' | 'pop' | 'look' | 'crash' | 'wait' | 'stop'; item: number }
  | { do: 'cast'; id: string; message: 'push' | 'crash' | 'answer'; item: number }
  | { do: 'stop' | 'kill'; id: string }
  | Settle

/** Lets everything run, and time pass. Between two of these nothing runs. */
type Settle = { do: 'settle'; ms: number }

const id = fc.constantFrom(...IDS)
const item = fc.integer({ min: 0, max: 9 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      id,
      restart: fc.constantFrom<Restart[]>('permanent', 'transient', 'temporary'),
      restartFrom: fc.constantFrom<RestartFrom[]>('state', 'init'),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      id,
      message: fc.constantFrom('push' as const, 'push', 'pop', 'look', 'crash', 'wait', 'stop'),
      item,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('cast' as const),
      id,
      message: fc.constantFrom('push' as const, 'push', 'crash', 'answer'),
      item,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('stop' as const, 'kill' as const), id }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('settle' as const), ms: fc.constantFrom(0, 1, 3000) }) },
)

/** What became of a step: the reply, or the code of the failure. */
type Told = { said: string }
type Message = { message: string; item: number; told: Told; kind: 'call' | 'cast' | 'stop' }

interface Modelled {
  items: number[]
  restart: Restart
  restartFrom: RestartFrom
  queue: Message[]
  waiting: Told[]
  crashes: number[]
  incarnation: number
}

/** The model: what a server is, without promises, timers or drafts. */
class Model {
  readonly servers = new Map<string, Modelled>()
  readonly ended = new Map<string, number>()
  now = 0

  start(name: string, restart: Restart, restartFrom: RestartFrom): string {
    if (this.servers.has(name)) return 'already_started'
    const incarnation = (this.ended.get(name) ?? 0) + 1
    this.servers.set(name, { items: [], restart, restartFrom, queue: [], waiting: [], crashes: [], incarnation })
    return 'started'
  }

  send(name: string, message: Omit<Message, 'told'>): Told {
    const told = { said: 'pending' }
    const server = this.servers.get(name)
    if (server) server.queue.push({ ...message, told })
    else told.said = this.ended.has(name) ? 'server_exited' : 'unknown_server'
    return told
  }

  kill(name: string): void {
    const server = this.servers.get(name)
    if (server) this.#end(name, server, 'server_exited')
  }

  settle(ms: number): void {
    for (const [name, server] of this.servers) {
      for (let next = server.queue.shift(); next !== undefined; next = server.queue.shift()) {
        this.#handle(name, server, next)
        if (!this.servers.has(name)) break
      }
    }
    this.now += ms
  }

  #handle(name: string, server: Modelled, { kind, message, item, told }: Message): void {
    const { items } = server
    if (kind === 'stop') {
      told.said = 'stopped'
      this.#end(name, server, 'stopped')
    } else if (message === 'push') told.said = String(items.push(item))
    else if (message === 'pop') told.said = String(items.pop() ?? null)
    else if (message === 'look') told.said = items.join()
    else if (message === 'wait') server.waiting.push(told)
    else if (message === 'answer') {
      for (const waiting of server.waiting.splice(0)) waiting.said = String(items.length)
    } else if (message === 'stop') {
      told.said = String(items.length)
      if (server.restart === 'permanent') this.#again(name, server, 'server_exited', true)
      else this.#end(name, server, 'stopped')
    } else {
      told.said = 'server_crashed'
      this.#again(name, server, 'server_crashed', server.restartFrom === 'init')
    }
  }

  #again(name: string, server: Modelled, code: string, isFresh: boolean): void {
    for (const waiting of server.waiting.splice(0)) waiting.said = code
    const recent = [...server.crashes.filter((at) => this.now - at <= BUDGET.maxSeconds * 1000), this.now]
    if (server.restart === 'temporary' || recent.length > BUDGET.maxRestarts) {
      this.#end(name, server, code === 'server_exited' ? 'stopped' : code)
      return
    }
    server.crashes = recent
    server.incarnation++
    if (isFresh) server.items = []
  }

  /** @param stops what those hear who had ordered a stop that was not taken any more (S:H8). */
  #end(name: string, server: Modelled, stops: string): void {
    this.servers.delete(name)
    this.ended.set(name, server.incarnation)
    for (const { kind, told } of server.queue) told.said = kind === 'stop' ? stops : 'server_exited'
    for (const waiting of server.waiting) waiting.said = 'server_exited'
  }
}

function saidBy(observed: Observed<unknown>): string {
  if (observed.outcome === 'pending') return 'pending'
  if (observed.outcome === 'resolved') return String(observed.value ?? null)
  return (observed.error as GenServerError).code
}

function takeStep(step: Exclude<Step, Settle>, runtime: Runtime, model: Model, pairs: [Told, Observed<unknown>][]) {
  if (step.do === 'start') {
    const told = { said: model.start(step.id, step.restart, step.restartFrom) }
    const { restart, restartFrom, id } = step
    const started = runtime.start('stack', {}, { id, restart, restartFrom }).then(() => 'started')
    pairs.push([told, observe(started)])
  } else if (step.do === 'call') {
    const { id, message, item } = step
    const args = message === 'push' || message === 'crash' ? { item } : {}
    pairs.push([
      model.send(id, { kind: 'call', message, item }),
      observe(runtime.call(id, message, args, { timeout: Number.POSITIVE_INFINITY })),
    ])
  } else if (step.do === 'cast') {
    const { id, message, item } = step
    const sent = model.send(id, { kind: 'cast', message, item })
    const isThere = sent.said === 'pending'
    try {
      runtime.cast(id, message, message === 'push' ? { item } : {})
      if (!isThere) throw new Error('a cast to nobody was taken')
    } catch (error) {
      if (isThere || (error as GenServerError).code !== sent.said) throw error
    }
  } else if (step.do === 'stop') {
    const told = model.send(step.id, { kind: 'stop', message: 'stop', item: 0 })
    const stopped = runtime.stop(step.id, { timeout: Number.POSITIVE_INFINITY }).then(() => 'stopped')
    pairs.push([told, observe(stopped)])
  } else {
    model.kill(step.id)
    if (runtime.whereis(step.id) !== undefined) runtime.kill(step.id)
  }
}

t.test('whatever is done with servers, they do what the model does', async (t) => {
  const counted = { restarts: 0, ends: 0, crashes: 0, replies: 0 }
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const world = running(t, { stack }, BUDGET)
      const model = new Model()
      const pairs: [Told, Observed<unknown>][] = []
      for (const each of [...steps, { do: 'settle', ms: 0 } as const]) {
        if (each.do !== 'settle') {
          takeStep(each, world.runtime, model, pairs)
          continue
        }
        model.settle(each.ms)
        await world.clock.advance(each.ms)
        for (const [told, observed] of pairs) same(saidBy(observed), told.said, 'an answer')
        for (const id of IDS) {
          const server = model.servers.get(id)
          same(world.runtime.whereis(id) !== undefined, server !== undefined, `${id} is there`)
          if (server === undefined) continue
          same(((await world.runtime.state(id)).state as { items: number[] }).items, server.items, `the items of ${id}`)
          same(world.runtime.info(id).incarnation, server.incarnation, `the incarnation of ${id}`)
        }
      }
      runs++
      counted.restarts += [...model.servers.values()].filter(({ incarnation }) => incarnation > 1).length
      counted.ends += model.ended.size
      for (const [{ said }] of pairs) {
        if (said === 'server_crashed') counted.crashes++
        else if (/^[0-9]+$/.test(said)) counted.replies++
      }
      const closed = observe(world.runtime.close())
      await world.clock.advance(0)
      same(closed.outcome, 'resolved', 'the runtime closes')
      same(world.clock.pending, 0, 'timers left')
      for (const [, observed] of pairs) same(observed.outcome !== 'pending', true, 'everybody has an answer in the end')
    }),
    { seed: SEED, numRuns: RUNS, endOnFailure: false },
  )
  t.ok(runs >= RUNS)
  for (const [what, count] of Object.entries(counted)) t.ok(count > 100, `the runs held ${count} ${what}`)
})

/** Throws, so that fast-check makes the example small. */
function same(found: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
  if (a !== b) throw new Error(`${what}: found ${a}, the model says ${b}`)
}
