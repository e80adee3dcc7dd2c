/**
 * A small tree and whatever befalls it, against a model of what was acknowledged: crashes, orders, ends of supervisors, and ends of the
 * process, at rest and in the midst of a commit. Nothing that anybody was told is lost, and nothing comes back that was ended.
 *
 *     x (oneForOne): a, y, and later b, p          y (oneForAll): c, and later d, q          p and q are plain
 */
import fc from 'fast-check'
import { createRuntime, type Runtime, type Store } from 'genservers'
import { createSimulatedClock } from 'genservers/testing'
import t from 'tap'
import { MemoryStore } from '../../../src/stores/memory-store.js'
import { accounts, workers } from './families.js'

const SEED = 20_261_130
const RUNS = Number(process.env['MODEL_RUNS'] ?? 300)

const homes = { a: 'x', b: 'x', p: 'x', y: 'x', c: 'y', d: 'y', q: 'y' } as const
type Child = keyof typeof homes
type Supervisor = 'x' | 'y'
const isDurable = (id: Child) => 'abcd'.includes(id)

const y = {
  id: 'y',
  implementation: 'supervisor',
  args: { strategy: 'oneForAll', maxRestarts: 1000, children: accounts('c') },
}
const x = { maxRestarts: 1000, children: [...accounts('a'), y] }
const specOf = (id: Child) => (id === 'y' ? y : { id, implementation: isDurable(id) ? 'account' : 'plain' })

/** One process, whose store can be cut off. */
async function begin(kept: MemoryStore) {
  let isCut = false
  const never = () => new Promise<never>(() => {})
  const commit: Store['commit'] = async (changes) => {
    if (isCut) return never()
    const numbers = await kept.commit(changes)
    return isCut ? never() : numbers
  }
  const store = new Proxy(kept, {
    get: (target, name) => {
      if (name === 'commit') return commit
      const member = target[name as keyof MemoryStore] as (...args: unknown[]) => unknown
      return member.bind(target)
    },
  })
  const clock = createSimulatedClock()
  const runtime = createRuntime({ implementations: workers([])(clock), store, clock, idle: 500 })
  await runtime.restore()
  return { runtime, clock, cut: () => void (isCut = true) }
}

class Model {
  /** Of the durable ones that are there. */
  readonly sums = new Map<Child, number>()
  /** Whether each of the children runs; no entry: the supervisor does not run. */
  readonly tables = new Map<Supervisor, Map<Child, boolean>>()

  begins(supervisor: Supervisor): void {
    const table = new Map<Child, boolean>()
    this.tables.set(supervisor, table)
    for (const id of (supervisor === 'x' ? ['a', 'y'] : ['c']) as Child[]) this.run(supervisor, id)
    for (const id of this.sums.keys()) if (homes[id] === supervisor && !table.has(id)) table.set(id, true)
  }

  run(supervisor: Supervisor, id: Child): void {
    this.tables.get(supervisor)?.set(id, true)
    if (id === 'y') this.begins('y')
    else if (isDurable(id) && !this.sums.has(id)) this.sums.set(id, 0)
  }

  ends(id: Child | 'x'): void {
    if (id === 'x') {
      this.tables.clear()
      return
    }
    this.sums.delete(id)
    if (id === 'y') this.tables.delete('y')
    const table = this.tables.get(homes[id])
    if (table?.has(id)) table.set(id, false)
  }

  crashes(id: Child): void {
    // All of its group are started again.
    if (homes[id] === 'y') for (const sibling of this.tables.get('y')?.keys() ?? []) this.run('y', sibling)
  }

  isThere(id: Child): boolean {
    return this.sums.has(id) || this.tables.get(homes[id])?.get(id) === true
  }
}

async function check(runtime: Runtime, model: Model): Promise<void> {
  for (const supervisor of ['x', 'y'] as const) {
    const table = model.tables.get(supervisor)
    if ((runtime.whereis(supervisor) !== undefined) !== (table !== undefined))
      throw new Error(`${supervisor}: ${!table}`)
    if (table === undefined) continue
    const { children } = (await runtime.call(supervisor, 'whichChildren')) as {
      children: { id: Child; status: string }[]
    }
    const seen = children.map(({ id, status }) => `${id} ${status}`).sort()
    const wanted = [...table].map(([id, runs]) => `${id} ${runs ? 'running' : 'stopped'}`).sort()
    if (seen.join() !== wanted.join()) throw new Error(`${supervisor} has ${seen}, and not ${wanted}`)
  }
  for (const id of Object.keys(homes) as Child[]) {
    if ((runtime.whereis(id) !== undefined) !== model.isThere(id))
      throw new Error(`${id} is there: ${!model.isThere(id)}`)
    if (!model.isThere(id)) continue
    const supervisor = model.tables.get(homes[id])?.get(id) ? homes[id] : null
    if (runtime.info(id).supervisor !== supervisor)
      throw new Error(`${id} is a child of ${runtime.info(id).supervisor}`)
    const sum = model.sums.get(id)
    const { state } = (await runtime.state(id)) as { state: { n: number } }
    if (sum !== undefined && state.n !== sum) throw new Error(`${id} has ${state.n}, and not ${sum}`)
  }
}

const id = fc.constantFrom<Child>('a', 'b', 'p', 'c', 'd', 'q')
const child = fc.constantFrom<Child>('a', 'b', 'p', 'c', 'd', 'q', 'y')
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), id }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('crash' as const), id }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('startChild', 'terminateChild', 'restartChild'), id: child }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('stop', 'kill'), id: fc.oneof(child, fc.constant('x' as const)) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('begin' as const), id: fc.constant('x' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('process', 'rest'), id: fc.constant('x' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('processInAdd', 'processInEnd'), id, after: fc.nat(12) }) },
)

t.setTimeout(240_000)

t.test(`${RUNS} lives of a tree lose nothing that was acknowledged`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const kept = new MemoryStore()
      const model = new Model()
      let process = await begin(kept)
      const next = async () => {
        process.cut()
        process = await begin(kept)
        await process.clock.advance(0)
      }
      await process.runtime.start('supervisor', x, { id: 'x' })
      model.begins('x')
      for (const step of steps) {
        const { runtime, clock } = process
        const { id } = step
        const isThere = id === 'x' ? model.tables.has('x') : model.isThere(id)
        const told = async (work: Promise<unknown>) => {
          const reply = (await work.catch((error) => ({ error }))) as { error?: unknown } | null
          return typeof reply !== 'object' || reply?.error === undefined
        }
        if (step.do === 'rest') await clock.advance(2000)
        else if (step.do === 'process') await next()
        else if (id === 'x') {
          if (step.do === 'begin' && !isThere && (await told(runtime.start('supervisor', x, { id })))) model.begins('x')
          if (step.do === 'stop' && isThere && (await told(runtime.stop(id)))) model.ends('x')
          if (step.do === 'kill' && isThere && (await told(Promise.resolve(runtime.kill(id))))) model.ends('x')
        } else if (step.do === 'add' && isThere) {
          const sum = (await runtime.call(id, 'add', { n: 1 })) as number
          if (model.sums.has(id)) model.sums.set(id, sum === (model.sums.get(id) ?? 0) + 1 ? sum : Number.NaN)
        } else if (step.do === 'crash' && isThere) {
          await told(runtime.call(id, 'crash'))
          if (model.tables.get(homes[id])?.get(id)) model.crashes(id)
        } else if ((step.do === 'stop' || step.do === 'kill') && isThere) {
          if (await told(Promise.resolve(runtime[step.do](id)))) model.ends(id)
        } else if (step.do === 'startChild' || step.do === 'terminateChild' || step.do === 'restartChild') {
          const args = step.do === 'startChild' ? specOf(id) : { id }
          if (model.tables.has(homes[id]) && (await told(runtime.call(homes[id], step.do, args)))) {
            if (step.do === 'terminateChild') model.ends(id)
            else model.run(homes[id], id)
          }
        } else if ((step.do === 'processInAdd' || step.do === 'processInEnd') && model.sums.has(id)) {
          let isTold = false
          const work = step.do === 'processInAdd' ? runtime.call(id, 'add', { n: 1 }) : runtime.stop(id)
          work.then(() => void (isTold = true)).catch(() => {})
          const moments = Array.from({ length: 'after' in step ? step.after : 0 })
          for (const _ of moments) await new Promise(setImmediate)
          await next()
          // Where nobody was told it may have been or not.
          const sum = model.sums.get(id) as number
          if (step.do === 'processInEnd') {
            if (isTold || process.runtime.whereis(id) === undefined) model.ends(id)
          } else {
            const { state } = (await process.runtime.state(id)) as { state: { n: number } }
            if (isTold || state.n === sum + 1) model.sums.set(id, sum + 1)
          }
        }
        await process.clock.advance(0)
        await check(process.runtime, model)
      }
      const closed = process.runtime.close({ timeout: 1000 })
      await process.clock.advance(60_000)
      await closed
      const last = await begin(kept)
      await check(last.runtime, model)
      const over = last.runtime.close({ timeout: 1000 })
      await last.clock.advance(60_000)
      await over
    }),
    { seed: SEED, numRuns: RUNS },
  )
})
