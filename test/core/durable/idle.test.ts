/** Durable servers that nobody asks leave memory, and come back unseen. */
import { defineServer, type RuntimeOptions, Type } from 'genservers'
import t, { type Test } from 'tap'
import type { LocalRuntime } from '../../../src/adapters.js'
import { latch, observe, running } from '../running.js'
import { heldStore } from './held-store.js'

const N = Type.Object({ n: Type.Integer() })

async function resting(t: Test, options: Partial<RuntimeOptions> = {}, own: { readonly idle?: number } = {}) {
  const outside = latch<number>()
  const heard: unknown[] = []
  const napper = defineServer({
    ...own,
    durable: true,
    state: Type.Object({ n: Type.Integer(), froms: Type.Array(Type.String()) }),
    events: { told: N },
    calls: {
      add: { args: N, reply: Type.Integer() },
      look: { reply: Type.Integer(), readOnly: true },
      defer: { reply: Type.Integer() },
      soon: { reply: Type.String() },
      wait: {},
      pipe: {},
      link: { args: Type.Object({ to: Type.String() }) },
      crash: {},
      tell: {},
      pass: { args: Type.Object({ to: Type.String() }) },
    },
    casts: { settle: {}, hear: { args: N } },
    init: () => ({ n: 0, froms: [] as string[] }),
    handleCall: {
      add: (state, { n }) => {
        state.n += n
        return state.n
      },
      look: ({ n }) => n,
      defer: (state, _args, ctx) => {
        state.froms.push(ctx.from)
        return ctx.noReply()
      },
      soon: (_state, _args, ctx) => ctx.sendAfter(5000, 'tick'),
      wait: (_state, _args, ctx) => {
        ctx.idleTimeout(3000)
      },
      pipe: (_state, _args, ctx) => {
        ctx.pipe(outside.promise, 'piped')
      },
      link: (_state, { to }, ctx) => {
        ctx.link(to)
      },
      crash: () => {
        throw new Error('boom')
      },
      tell: (_state, _args, ctx) => {
        ctx.publish('told', { n: 1 })
      },
      pass: (state, { to }, ctx) => {
        state.n++
        ctx.cast(to, 'hear', { n: 1 })
      },
    },
    handleCast: {
      settle: (state, _args, ctx) => {
        for (const from of state.froms.splice(0)) ctx.reply(from, state.n)
      },
      hear: (state, { n }) => {
        state.n += n
      },
    },
    handleInfo: {
      tick: (state) => {
        state.n += 100
      },
      timeout: () => void heard.push('timeout'),
      piped: () => void heard.push('piped'),
    },
  })
  const { store, commits } = heldStore()
  const world = running(t, { napper }, { store, idle: 1000, ...options })
  const { runtime, clock } = world
  const node = runtime as unknown as LocalRuntime
  const isAwake = (id = 'n') => [...node.directory.awake()].some((server) => server.id === id)
  const start = (id: string, more: object = {}) => runtime.start('napper', {}, { id, ...more })
  const call = (message: string, args?: object) => observe(runtime.call('n', message, args, { timeout: 100_000 }))
  await start('n')
  return { ...world, store, commits, outside, heard, isAwake, start, call, settle: () => clock.advance(0) }
}

t.test('D53: one that nobody asks leaves memory, and comes back with all that can be seen of it', async (t) => {
  const { runtime, clock, call, isAwake, close } = await resting(t)
  await call('add', { n: 5 }).promise
  await t.rejects(call('crash').promise, { code: 'server_crashed' })
  const before = runtime.info('n')
  await clock.advance(999)
  t.equal(isAwake(), true)
  await clock.advance(1)
  t.equal(isAwake(), false)
  t.same(runtime.info('n'), before)
  t.match(await runtime.state('n'), { state: { n: 5 }, revision: before.revision })
  t.equal(isAwake(), false)
  t.equal(await call('add', { n: 1 }).promise, 6)
  t.equal(isAwake(), true)
  t.match(runtime.info('n'), { handled: before.handled + 1, replies: 2, crashes: 1, incarnation: before.incarnation })
  t.equal((await runtime.crashes('n')).length, 1)
  await clock.advance(600)
  await call('look').promise
  await clock.advance(999)
  t.equal(isAwake(), true, 'each message counts')
  await clock.advance(1)
  t.equal(isAwake(), false)
  await close()
})

t.test('its timer wakes it, in time', async (t) => {
  const { runtime, clock, call, isAwake, close } = await resting(t)
  await call('soon').promise
  await clock.advance(1000)
  t.equal(isAwake(), false)
  await clock.advance(3999)
  t.equal(isAwake(), false)
  await clock.advance(1)
  t.match(await runtime.state('n'), { state: { n: 100 } })
  t.equal(isAwake(), true)
  await close()
})

t.test('what somebody waits for, or holds, keeps it in memory', async (t) => {
  const { runtime, clock, call, isAwake, start, outside, heard, commits, settle, close } = await resting(t)
  const stays = async (what: string) => {
    await clock.advance(2500)
    t.equal(isAwake(), true, what)
  }
  const leaves = async () => {
    await clock.advance(2500)
    t.equal(isAwake(), false)
    await call('look').promise
  }
  const deferred = call('defer')
  await settle()
  await stays('a deferred reply')
  await runtime.cast('n', 'settle')
  await settle()
  t.equal(deferred.outcome, 'resolved')
  await leaves()
  await call('wait').promise
  await clock.advance(2999)
  t.equal(isAwake(), true, 'its own idle timeout')
  await clock.advance(1)
  t.same(heard.splice(0), ['timeout'])
  await leaves()
  await call('pipe').promise
  await stays('a promise')
  outside.open(1)
  await settle()
  t.same(heard.splice(0), ['piped'])
  await leaves()
  const watch = runtime.watch('n', () => {})
  await stays('who watches')
  watch.close()
  await leaves()
  const stop = runtime.subscribe('n', () => {})
  await stays('who listens')
  stop()
  await leaves()
  runtime.suspend('n')
  await stays('an operator')
  runtime.resume('n')
  await leaves()
  const untrace = runtime.trace('n', () => {})
  await stays('who traces')
  untrace()
  await leaves()
  await start('friend', { idle: Number.POSITIVE_INFINITY })
  await call('link', { to: 'friend' }).promise
  await stays('a link')
  await runtime.kill('friend')
  await settle()
  commits.hold()
  const held = call('add', { n: 1 })
  await stays('what is not kept yet')
  commits.release()
  await settle()
  t.equal(held.outcome, 'resolved')
  await leaves()
  await close()
})

t.test('one that is to get a message whose sender is not kept yet stays', async (t) => {
  const { runtime, clock, commits, isAwake, start, settle, close } = await resting(t)
  await start('from', { idle: Number.POSITIVE_INFINITY })
  commits.hold()
  const passed = observe(runtime.call('from', 'pass', { to: 'n' }, { timeout: 100_000 }))
  await clock.advance(2500)
  t.equal(isAwake(), true)
  commits.release()
  await settle()
  t.equal(passed.outcome, 'resolved')
  t.match(await runtime.state('n'), { state: { n: 1 } })
  await close()
})

t.test('how long it stays: as asked, else as the implementation says, else as the runtime', async (t) => {
  const { clock, isAwake, start, close } = await resting(t, { idle: 10_000 }, { idle: 3000 })
  await start('own', { idle: 500 })
  await start('ever', { idle: Number.POSITIVE_INFINITY })
  await clock.advance(500)
  t.same([isAwake('own'), isAwake('n'), isAwake('ever')], [false, true, true])
  await clock.advance(2500)
  t.same([isAwake('n'), isAwake('ever')], [false, true])
  await clock.advance(1_000_000)
  t.equal(isAwake('ever'), true)
  await close()
  const other = await resting(t, { idle: 10_000 })
  await other.clock.advance(9999)
  t.equal(other.isAwake(), true)
  await other.clock.advance(1)
  t.equal(other.isAwake(), false)
  await t.rejects(other.start('bad', { idle: 0 }), { code: 'invalid_request' })
  await other.close()
})

t.test('what was asked of it is known to the next process', async (t) => {
  const { store, start, close } = await resting(t)
  await start('ever', { idle: Number.POSITIVE_INFINITY })
  await start('own', { idle: 500 })
  await close()
  const terms = async (id: string) => JSON.parse((await store.load(id))?.server.terms as string)
  t.match(await terms('ever'), { idle: null })
  t.match(await terms('own'), { idle: 500 })
})
