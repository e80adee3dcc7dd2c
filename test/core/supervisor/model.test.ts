/**
 * Supervisors against a model of them: a list of children and a few rules, written from OTP's documents. Whatever is done in
 * whatever order, the same children run, in the same lives, and the same callbacks have run in the same order.
 */
import fc from 'fast-check'
import t from 'tap'
import { supervising } from './supervising.js'

const SEED = 20_261_123
const RUNS = Number(process.env['MODEL_RUNS'] ?? 10_000)

type Strategy = 'oneForOne' | 'oneForAll' | 'restForOne'
type Restart = 'permanent' | 'transient' | 'temporary'

type Step =
  | { readonly do: 'crash' | 'end' | 'terminate' | 'restart' | 'delete'; readonly id: string }
  | { readonly do: 'start'; readonly id: string; readonly restart: Restart }
  | { readonly do: 'wait'; readonly ms: number }

interface ModelChild {
  readonly id: string
  readonly restart: Restart
  readonly dynamic: boolean
  runs: boolean
}

class Model {
  alive = true
  readonly trace: string[] = []
  children: ModelChild[] = []
  #restarts: number[] = []

  constructor(
    readonly strategy: Strategy,
    readonly maxRestarts: number,
    readonly maxSeconds: number,
  ) {}

  get(id: string): ModelChild | undefined {
    return this.children.find((child) => child.id === id)
  }

  start(id: string, restart: Restart, dynamic: boolean): void {
    if (this.get(id) !== undefined) return
    this.children.push({ id, restart, dynamic, runs: true })
    this.trace.push(`init ${id}`)
  }

  /** A child has died by itself. */
  died(id: string, how: 'crash' | 'end', now: number): void {
    const child = this.get(id)
    if (child?.runs !== true) return
    this.trace.push(`terminate ${id} ${how === 'crash' ? '{"error":"oops"}' : 'normal'}`)
    child.runs = false
    const comesBack = child.restart === 'permanent' || (child.restart === 'transient' && how === 'crash')
    if (!comesBack) {
      this.#forgetTemporary(child)
      return
    }
    const second = Math.floor(now / 1000)
    this.#restarts = [...this.#restarts.filter((at) => second - at <= this.maxSeconds), second]
    if (this.#restarts.length > this.maxRestarts) this.#giveUp()
    else this.#restart(child)
  }

  #restart(died: ModelChild): void {
    const from = { oneForOne: -1, oneForAll: 0, restForOne: this.children.indexOf(died) }[this.strategy]
    const affected = from === -1 ? [died] : this.children.slice(from)
    for (const child of [...affected].reverse()) if (child !== died) this.#stop(child)
    for (const child of affected) {
      if (!this.children.includes(child)) continue
      child.runs = true
      this.trace.push(`init ${child.id}`)
    }
  }

  #stop(child: ModelChild): void {
    if (!child.runs) return
    this.trace.push(`terminate ${child.id} shutdown`)
    child.runs = false
    this.#forgetTemporary(child)
  }

  #forgetTemporary(child: ModelChild): void {
    if (child.restart === 'temporary') this.children = this.children.filter((other) => other !== child)
  }

  #giveUp(): void {
    this.alive = false
    const isLoose = (child: ModelChild) => child.dynamic && this.strategy === 'oneForOne'
    const reversed = [...this.children].reverse()
    for (const child of [...reversed.filter(isLoose), ...reversed.filter((child) => !isLoose(child))]) this.#stop(child)
  }

  terminate(id: string): void {
    const child = this.get(id)
    if (child !== undefined) this.#stop(child)
  }

  restart(id: string): void {
    const child = this.get(id)
    if (child === undefined || child.runs) return
    child.runs = true
    this.trace.push(`init ${id}`)
  }

  delete(id: string): void {
    const child = this.get(id)
    if (child?.runs === false) this.children = this.children.filter((other) => other !== child)
  }

  /** As `whichChildren` tells it, turned round. */
  get statuses(): string[] {
    return this.children.map(({ id, runs }) => `${id} ${runs ? 'running' : 'stopped'}`)
  }
}

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const restart = fc.constantFrom<Restart>('permanent', 'transient', 'temporary')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('crash', 'end'), id }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('terminate', 'restart', 'delete'), id }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('start'), id, restart }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(500, 1000, 3000) }) },
) as fc.Arbitrary<Step>

const scenario = fc.record({
  strategy: fc.constantFrom<Strategy>('oneForOne', 'oneForAll', 'restForOne'),
  maxRestarts: fc.nat(4),
  maxSeconds: fc.integer({ min: 1, max: 5 }),
  declared: fc.uniqueArray(fc.record({ id, restart }), { selector: (child) => child.id, maxLength: 4 }),
  steps: fc.array(step, { maxLength: 12 }),
})

t.setTimeout(240_000)

t.test(`${RUNS} runs of supervisors do what the model does`, async (t) => {
  const { runtime, clock, trace, close } = supervising(t)
  let run = 0
  await fc.assert(
    fc.asyncProperty(scenario, async ({ strategy, maxRestarts, maxSeconds, declared, steps }) => {
      // Ids are new in each run, so that no incarnation is remembered from the last.
      const named = (id: string) => `${id}.${run}`
      const sup = named('sup')
      run++
      trace.length = 0
      const model = new Model(strategy, maxRestarts, maxSeconds)
      const spec = (child: { id: string; restart: Restart }) => ({ ...child, implementation: 'worker', args: {} })
      for (const child of declared) model.start(named(child.id), child.restart, false)
      const children = declared.map((child) => spec({ ...child, id: named(child.id) }))
      await runtime.start('supervisor', { strategy, maxRestarts, maxSeconds, children }, { id: sup })
      const ask = (message: string, args: object) => runtime.call(sup, message, args)

      for (const step of steps) {
        if (!model.alive) break
        if (step.do === 'wait') {
          await clock.advance(step.ms)
          continue
        }
        const child = named(step.id)
        if (step.do === 'start') {
          model.start(child, step.restart, true)
          await ask('startChild', spec({ id: child, restart: step.restart }))
        } else if (step.do === 'crash' || step.do === 'end') {
          model.died(child, step.do, clock.now())
          const args = step.do === 'end' ? { reason: 'normal' } : {}
          await runtime.call(child, step.do, args).catch(() => {})
        } else {
          model[step.do](child)
          await ask(`${step.do}Child`, { id: child })
        }
        await clock.advance(0)
      }

      const seen = trace.join()
      if (seen !== model.trace.join()) throw new Error(`it did ${seen}\nand not   ${model.trace.join()}`)
      if ((runtime.whereis(sup) !== undefined) !== model.alive) throw new Error(`it lives: ${!model.alive}`)
      if (!model.alive) return
      const { children: told } = (await ask('whichChildren', {})) as { children: { id: string; status: string }[] }
      const statuses = told.reverse().map((child) => `${child.id} ${child.status}`)
      if (statuses.join() !== model.statuses.join()) throw new Error(`${statuses} and not ${model.statuses}`)
      await runtime.stop(sup, { timeout: Number.POSITIVE_INFINITY })
      if (runtime.list().servers.length > 0) throw new Error('somebody is left over')
    }),
    { seed: SEED, numRuns: RUNS },
  )
  await close()
})
