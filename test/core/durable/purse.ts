/** A durable implementation in two versions, and worlds in which some of its servers are in memory and some are not. */
import { type AnyDefinition, type Clock, defineServer, type RuntimeOptions, Type } from 'genservers'
import type { Test } from 'tap'
import type { LocalRuntime } from '../../../src/adapters.js'
import { observe, pause, running } from '../running.js'
import { heldStore } from './held-store.js'

const N = Type.Object({ n: Type.Integer() })

/** Has `n` coins. */
export const first = (clock: Clock) =>
  defineServer({
    durable: true,
    args: Type.Object({ n: Type.Integer({ default: 0 }) }),
    state: N,
    calls: {
      add: { args: N, reply: Type.Integer() },
      look: { reply: Type.Integer(), readOnly: true },
      slow: { args: Type.Object({ ms: Type.Integer() }) },
      soon: { args: Type.Object({ message: Type.String() }) },
      pass: { args: Type.Object({ to: Type.String() }) },
      old: { reply: Type.Integer() },
    },
    casts: { bump: { args: N }, gone: {} },
    init: ({ n }) => ({ n }),
    handleCall: {
      add: (state, { n }) => {
        state.n += n
        return state.n
      },
      look: ({ n }) => n,
      slow: async (_state, { ms }) => pause(clock, ms),
      soon: (_state, { message }, ctx) => void ctx.sendAfter(5000, message, { n: 1 }),
      pass: (state, { to }, ctx) => {
        state.n--
        ctx.cast(to, 'gone')
      },
      old: ({ n }) => n,
    },
    handleCast: {
      bump: (state, { n }) => {
        state.n += n
      },
      gone: () => {},
    },
    handleInfo: { tick: () => {}, tock: () => {} },
  })

/** Another form of the state. One that has 13 coins cannot come along, and one that has 14 becomes too large. */
export const second = defineServer({
  version: 2,
  durable: true,
  args: Type.Object({ n: Type.Integer({ default: 0 }) }),
  state: Type.Object({ total: Type.Integer(), from: Type.Integer(), pad: Type.Optional(Type.String()) }),
  calls: {
    add: { args: N, reply: Type.Integer() },
    look: { reply: Type.Integer(), readOnly: true },
    slow: { args: Type.Object({ ms: Type.Integer() }) },
  },
  casts: { bump: { args: Type.Object({ n: Type.Integer({ maximum: 5 }) }) } },
  infos: { tick: { args: N }, tock: { args: Type.Object({ s: Type.String() }) } },
  init: ({ n }) => ({ total: n, from: 2 }),
  codeChange: (old, version) => {
    const { n } = old as { n: number }
    if (n === 13) throw new Error('13 cannot come along')
    return { total: n, from: version, ...(n === 14 && { pad: 'x'.repeat(3000) }) }
  },
  handleCall: {
    add: (state, { n }) => {
      state.total += n
      return state.total
    },
    look: ({ total }) => total,
    slow: () => {},
  },
  handleCast: {
    bump: (state, { n }) => {
      state.total += n * 100
    },
  },
  handleInfo: {
    tick: (state, { n }) => {
      state.total += n * 1000
    },
    tock: () => {},
  },
})

type Kept = ReturnType<typeof heldStore>['store']

/** What is kept of some purses, as `[version, revision, state]`. */
export async function keptOf(store: Kept, ids: readonly string[]) {
  const all = await Promise.all(ids.map((id) => store.load(id)))
  return all.map((kept) => kept && [kept.server.version, kept.server.revision, JSON.parse(kept.server.state)])
}

/** One process after the other, with one store. */
export function processes(t: Test, options: Partial<RuntimeOptions> = {}) {
  const { store, commits } = heldStore()
  const begin = async (purse: AnyDefinition | ((clock: Clock) => AnyDefinition) = first, restore = true) => {
    const make = (clock: Clock) => ({ purse: typeof purse === 'function' ? purse(clock) : purse })
    const world = running(t, make, { store, maxStateBytes: 2000, ...options })
    const { runtime, clock } = world
    const node = runtime as unknown as LocalRuntime
    const restored = observe(restore ? runtime.restore() : Promise.resolve(0))
    return {
      ...{ ...world, node, restored },
      isAwake: (id: string) => [...node.directory.awake()].some((server) => server.id === id),
      call: (id: string, message: string, args?: object) =>
        observe(runtime.call(id, message, args, { timeout: 100_000 })),
      change: (to: AnyDefinition = second, more: object = {}) =>
        observe(runtime.changeCode('purse', to, { timeout: 1000, ...more })),
      settle: () => clock.advance(0),
      /** Until it is so, for what takes no time of the clock. */
      until: async (isSo: () => unknown) => {
        for (let round = 0; !(await isSo()); round++) {
          if (round > 1000) throw new Error('it does not come')
          await clock.advance(0)
        }
      },
    }
  }
  return { store, commits, begin }
}

/** A process in which the purses are not in memory but for those that are called `awake`. */
export async function sleeping(
  t: Test,
  purses: Readonly<Record<string, number>>,
  options: Partial<RuntimeOptions> = {},
) {
  const { store, commits, begin } = processes(t, options)
  const before = await begin()
  for (const [id, n] of Object.entries(purses)) await before.runtime.start('purse', { n }, { id })
  await before.close()
  const world = await begin()
  await world.restored.promise
  for (const id of Object.keys(purses)) if (id.startsWith('awake')) await world.runtime.call(id, 'look')
  return { ...world, store, commits, begin, kept: () => keptOf(store, Object.keys(purses)) }
}
