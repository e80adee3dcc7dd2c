/** Calls and casts to all servers that have a label. */
import {
  createRuntime,
  defineServer,
  type GroupFailure,
  type Json,
  type Runtime,
  type StateView,
  Type,
} from 'genservers'
import { createSimulatedClock } from 'genservers/testing'
import t, { type Test } from 'tap'
import { MemoryRegistry } from '../../src/core/kernel/registry.js'
import { makeMember } from './group-probe.js'
import { type Observed, observe, running } from './running.js'
import { thrownBy } from './thrown-by.js'

const other = defineServer({
  state: Type.Object({ n: Type.Integer() }),
  calls: { who: { reply: Type.String() }, add: { args: Type.Object({ text: Type.String() }) } },
  init: () => ({ n: 0 }),
  handleCall: { who: () => 'other', add: () => {} },
})

async function setUp(t: Test, members: readonly string[] = ['a', 'b', 'c']) {
  const ran: string[] = []
  const world = running(t, (clock) => ({ member: makeMember(clock, ran), other }))
  for (const id of members) await world.runtime.start('member', {}, { id, labels: ['x'] })
  return { ...world, ran }
}

const codes = (failures: readonly GroupFailure[]) => failures.map(({ id, code }) => `${id} ${code}`)
const stateOf = (runtime: Runtime, id: string) => ((runtime.state(id) as StateView).state as { n: number }).n

t.test('L9: a group cast reaches every server that has the label, and nobody else', async (t) => {
  const { runtime, clock, close } = await setUp(t)
  await runtime.start('member', {}, { id: 'd' })
  await runtime.start('member', {}, { id: 'e', labels: ['y'] })
  t.same(runtime.castGroup('x', 'add', { by: 2 }), { sent: 3, failures: [] })
  await clock.advance(0)
  t.same(
    ['a', 'b', 'c', 'd', 'e'].map((id) => stateOf(runtime, id)),
    [2, 2, 2, 0, 0],
  )
  await close()
})

t.test('a group call gives the reply and the revision of each, ordered by id', async (t) => {
  const { runtime, close } = await setUp(t, ['c', 'a', 'b'])
  await runtime.call('b', 'add', { by: 5 })
  t.same(await runtime.callGroup('x', 'add', { by: 2 }), {
    replies: [
      { id: 'a', reply: 2, revision: 2 },
      { id: 'b', reply: 7, revision: 3 },
      { id: 'c', reply: 2, revision: 2 },
    ],
    failures: [],
  })
  await close()
})

t.test('L10: a label that nobody has is an empty group, and nothing is wrong', async (t) => {
  const { runtime, close } = await setUp(t)
  t.same(runtime.castGroup('nobody', 'anything', { at: 'all' }), { sent: 0, failures: [] })
  t.same(await runtime.callGroup('nobody', 'anything'), { replies: [], failures: [] })
  for (const id of ['a', 'b', 'c']) runtime.kill(id)
  t.same(runtime.castGroup('x', 'add', { by: 1 }), { sent: 0, failures: [] })
  t.same(await runtime.callGroup('x', 'add'), { replies: [], failures: [] })
  await close()
})

t.test('L9: what one server refuses is listed, and keeps the message from nobody else', async (t) => {
  const { runtime, clock, close } = await setUp(t, ['b', 'd'])
  await runtime.start('other', {}, { id: 'a', labels: ['x'] })
  await runtime.start('member', {}, { id: 'c', labels: ['x'], mailbox: 1 })
  runtime.cast('c', 'slow', { ms: 50 })
  await clock.advance(0)
  runtime.cast('c', 'add', { by: 100 })
  const { sent, failures } = await runtime.castGroup('x', 'add', { by: 1 })
  t.equal(sent, 2)
  t.same(codes(failures), ['a unknown_message', 'c mailbox_full'])
  t.match(failures[0]?.error, { message: 'other has no cast add; it is a call', effect: 'none' })
  t.match(failures[1]?.error, { message: /^c has 1 messages waiting/, details: { retryAfter: 1 } })
  await clock.advance(50)
  t.same(
    ['b', 'c', 'd'].map((id) => stateOf(runtime, id)),
    [1, 100, 1],
  )
  await close()
})

t.test('args are judged by the schema of each implementation', async (t) => {
  const { runtime, close } = await setUp(t, ['a', 'c'])
  await runtime.start('other', {}, { id: 'b', labels: ['x'] })
  const { replies, failures } = await runtime.callGroup('x', 'add', { by: 'two' })
  t.same(replies, [])
  t.same(codes(failures), ['a invalid_args', 'b invalid_args', 'c invalid_args'])
  t.match(failures[0]?.error.details.errors, [{ path: '/by' }])
  t.match(failures[1]?.error.details.errors, [{ path: /text|by/ }, {}])
  const mixed = await runtime.callGroup('x', 'add', {})
  t.match(mixed.replies, [
    { id: 'a', reply: 1 },
    { id: 'c', reply: 1 },
  ])
  t.same(codes(mixed.failures), ['b invalid_args'])
  await close()
})

t.test('each server gets args of its own, which it may change', async (t) => {
  const { runtime, close } = await setUp(t)
  const args = { list: [1] }
  const { replies } = await runtime.callGroup('x', 'keep', args)
  t.same(
    replies.map(({ reply }) => reply),
    [
      [1, 9],
      [1, 9],
      [1, 9],
    ],
  )
  t.same(args, { list: [1] })
  await close()
})

t.test('what is wrong with the whole message is told before anything is sent', async (t) => {
  const { runtime, clock, close } = await setUp(t)
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  const fault = (path: string) => ({ details: { errors: [{ path }] } })
  const wrong: [string, unknown, object][] = [
    ['a b', {}, { code: 'invalid_request', ...fault('/label') }],
    ['..', {}, { code: 'invalid_request', ...fault('/label') }],
    ['', {}, { code: 'invalid_request', ...fault('/label') }],
    ['x', cycle, { code: 'invalid_args' }],
    ['nobody', { by: 1n }, { code: 'invalid_args', ...fault('/by') }],
  ]
  for (const [label, args, problem] of wrong) {
    const observed = observe(runtime.callGroup(label, 'add', args))
    await clock.advance(0)
    t.match(
      thrownBy(() => runtime.castGroup(label, 'add', args)),
      problem,
    )
    t.match(observed.error, problem)
  }
  const late = { code: 'invalid_request', ...fault('/timeout') }
  await t.rejects(runtime.callGroup('x', 'add', {}, { timeout: -1 }), late)
  await clock.advance(0)
  t.equal(stateOf(runtime, 'a'), 0)
  await close()
})

t.test('a runtime that drains takes no message for a group', async (t) => {
  const { runtime, close } = await setUp(t)
  runtime.drain()
  t.throws(() => runtime.castGroup('x', 'add', { by: 1 }), { code: 'draining' })
  await t.rejects(runtime.callGroup('x', 'add'), { code: 'draining' })
  await close()
})

t.test('all calls are sent at once: the whole takes as long as the slowest', async (t) => {
  const { runtime, clock, close } = await setUp(t)
  const called = observe(runtime.callGroup('x', 'slow', { ms: 100 }))
  await clock.advance(99)
  t.equal(called.outcome, 'pending')
  await clock.advance(1)
  t.equal(called.value?.replies.length, 3)
  await close()
})

t.test('G7: there is one deadline for all; those who are late are listed, and their replies dropped', async (t) => {
  const { runtime, clock, close } = await setUp(t)
  const called = observe(runtime.callGroup('x', 'slowIfA', { ms: 150 }, { timeout: 100 }))
  await clock.advance(99)
  t.equal(called.outcome, 'pending')
  await clock.advance(1)
  t.match(called.value?.replies, [{ id: 'b' }, { id: 'c' }])
  t.same(codes(called.value?.failures ?? []), ['a call_timeout'])
  t.equal(called.value?.failures[0]?.error.effect, 'unknown', 'it runs')
  await clock.advance(50)
  t.equal(called.value?.replies.length, 2, 'the late reply reaches nobody')
  t.equal(await runtime.call('a', 'who'), 'a')
  await close()
})

t.test('G7: the wait is five seconds if nothing is said, and not a sum', async (t) => {
  const { runtime, clock, close } = await setUp(t)
  const called = observe(runtime.callGroup('x', 'later'))
  await clock.advance(4999)
  t.equal(called.outcome, 'pending')
  await clock.advance(1)
  t.same(codes(called.value?.failures ?? []), ['a call_timeout', 'b call_timeout', 'c call_timeout'])
  await close()
})

t.test('a call that was not taken by the deadline never runs, and says so', async (t) => {
  const { runtime, clock, close, ran } = await setUp(t)
  runtime.cast('b', 'slow', { ms: 500 })
  await clock.advance(0)
  const called = observe(runtime.callGroup('x', 'who', {}, { timeout: 100 }))
  await clock.advance(0)
  t.equal(runtime.info('b').mailbox.length, 1)
  await clock.advance(100)
  t.match(called.value, { replies: [{ id: 'a' }, { id: 'c' }], failures: [{ id: 'b', code: 'call_timeout' }] })
  t.equal(called.value?.failures[0]?.error.effect, 'none')
  t.equal(runtime.info('b').mailbox.length, 0, 'it has left the mailbox')
  await clock.advance(500)
  t.same(ran.sort(), ['a', 'c'])
  await close()
})

t.test('servers that crash or end while they are asked are listed with what became of them', async (t) => {
  const { runtime, clock, close } = await setUp(t)
  const crashed = await runtime.callGroup('x', 'crash')
  t.same(codes(crashed.failures), ['a server_crashed', 'b server_crashed', 'c server_crashed'])
  t.match(crashed.failures[0]?.error, { effect: 'none', details: { reason: { error: 'boom' } } })
  const called = observe(runtime.callGroup('x', 'slow', { ms: 100 }))
  await clock.advance(10)
  runtime.kill('b')
  await clock.advance(90)
  t.match(called.value, { replies: [{ id: 'a' }, { id: 'c' }], failures: [{ id: 'b', code: 'server_exited' }] })
  await close()
})

t.test('a server that starts while the call waits is not asked', async (t) => {
  const { runtime, clock, close } = await setUp(t, ['a'])
  const called = observe(runtime.callGroup('x', 'slow', { ms: 100 }))
  await runtime.start('member', {}, { id: 'b', labels: ['x'] })
  await clock.advance(100)
  t.match(called.value, { replies: [{ id: 'a' }], failures: [] })
  t.equal(called.value?.replies.length, 1)
  t.equal(runtime.info('b').handled, 0)
  await close()
})

t.test('a caller that gives up takes its calls out of the mailboxes', async (t) => {
  const { runtime, clock, close, ran } = await setUp(t)
  runtime.castGroup('x', 'slow', { ms: 100 })
  await clock.advance(0)
  const gone = new AbortController()
  const called = observe(runtime.callGroup('x', 'who', {}, { signal: gone.signal }))
  await clock.advance(0)
  t.same(
    ['a', 'b', 'c'].map((id) => runtime.info(id).mailbox.length),
    [1, 1, 1],
  )
  gone.abort()
  t.same(
    ['a', 'b', 'c'].map((id) => runtime.info(id).mailbox.length),
    [0, 0, 0],
  )
  await clock.advance(100)
  t.same(codes(called.value?.failures ?? []), ['a call_timeout', 'b call_timeout', 'c call_timeout'])
  t.same(ran, [])
  await close()
})

t.test('a caller that has given up before it called is not served, and holds no place', async (t) => {
  const { runtime, clock, close, ran } = await setUp(t, [])
  await runtime.start('member', {}, { id: 'a', labels: ['x'], mailbox: 1 })
  const { failures } = await runtime.callGroup('x', 'who', {}, { signal: AbortSignal.abort() })
  t.match(failures, [{ id: 'a', code: 'call_timeout', error: { effect: 'none' } }])
  await clock.advance(0)
  t.same(ran, [])
  t.equal(await runtime.call('a', 'who'), 'a')
  await close()
})

t.test('a caller that has its answer is not listened to any more', async (t) => {
  const { runtime, close } = await setUp(t)
  const added: string[] = []
  const signal = {
    aborted: false,
    addEventListener: () => added.push('added'),
    removeEventListener: () => added.push('removed'),
  }
  await runtime.callGroup('x', 'who', {}, { signal: signal as unknown as AbortSignal })
  t.same(added, ['added', 'removed'], 'one listener for all calls')
  await close()
})

t.test('a message reaches ten thousand servers at most, or none', async (t) => {
  const { runtime, clock, close } = await setUp(t, [])
  for (let i = 0; i < 10_001; i++) await runtime.start('member', {}, { id: `m${i}`, labels: ['x'] })
  const tooLarge = { code: 'group_too_large', effect: 'none', message: /^more than 10000 servers have the label x/ }
  t.throws(() => runtime.castGroup('x', 'add', { by: 1 }), tooLarge)
  await t.rejects(runtime.callGroup('x', 'add'), tooLarge)
  await clock.advance(0)
  t.equal(runtime.info('m0').handled, 0)
  runtime.kill('m7')
  t.same(runtime.castGroup('x', 'add', { by: 1 }), { sent: 10_000, failures: [] })
  await clock.advance(0)
  await close()
})

t.test('args are copied for each server, so those of a large group must be small', async (t) => {
  const { runtime, clock, close } = await setUp(t)
  const args = { list: 'x'.repeat(2 ** 26 / 3) }
  const tooLarge = { code: 'group_too_large', effect: 'none', message: /^args of \d+ characters .* the 3 servers/ }
  t.throws(() => runtime.castGroup('x', 'add', args), tooLarge)
  await t.rejects(runtime.callGroup('x', 'keep', args), tooLarge)
  runtime.kill('b')
  const { failures } = await runtime.callGroup('x', 'keep', args)
  t.same(codes(failures), ['a invalid_args', 'c invalid_args'], 'for two they are not too large')
  await clock.advance(0)
  await close()
})

t.test('a group is found without a look at those who are not in it', async (t) => {
  const clock = createSimulatedClock()
  const looked = { up: 0, through: 0 }
  class Watched extends MemoryRegistry<unknown> {
    override whereis(id: string) {
      looked.up++
      return super.whereis(id)
    }
    override after(id?: string, kind?: string) {
      looked.through++
      return super.after(id, kind)
    }
  }
  const runtime = createRuntime({ implementations: { member: makeMember(clock) }, clock, registry: new Watched() })
  for (let i = 0; i < 1000; i++) await runtime.start('member', {}, { labels: i % 100 === 0 ? ['x'] : ['y'] })
  Object.assign(looked, { up: 0, through: 0 })
  t.equal((await runtime.castGroup('x', 'add', { by: 1 })).sent, 10)
  t.equal((await runtime.callGroup('x', 'who')).replies.length, 10)
  t.equal(runtime.list({ label: 'x' }).servers.length, 10)
  t.same(looked, { up: 30, through: 0 })
  await runtime.close()
})

t.test('a cast to ten thousand servers is linear, and nothing is wrong with it', async (t) => {
  const { runtime, clock, close } = await setUp(t, [])
  for (let i = 0; i < 10_000; i++) {
    await runtime.start('member', {}, { id: `m${i}`, labels: i < 1000 ? ['few', 'many'] : ['many'] })
  }
  /** The best of five: a busy machine may stop the program at any time. */
  const fastest = async (label: string, size: number) => {
    const times: number[] = []
    for (let i = 0; i < 5; i++) {
      const before = performance.now()
      t.same(runtime.castGroup(label, 'add', { by: 1 }), { sent: size, failures: [] })
      times.push(performance.now() - before)
      await clock.advance(0)
    }
    return Math.min(...times)
  }
  const few = await fastest('few', 1000)
  const many = await fastest('many', 10_000)
  t.ok(many < 40 * few, `ten times as many take ${many / few} times as long, and not a hundred times`)
  // When a call is answered, all casts before it are handled, however many moments the scheduler takes for them.
  const { replies, failures } = await runtime.callGroup('many', 'add', { by: 1 })
  t.equal(replies.length, 10_000)
  t.equal(stateOf(runtime, 'm0'), 11)
  t.equal(stateOf(runtime, 'm9999'), 6)
  t.same(failures, [])
  await close()
})

t.test('a group call to servers that are all at work expires too', async (t) => {
  const { runtime, clock, close } = await setUp(t)
  runtime.castGroup('x', 'slow', { ms: 1000 })
  await clock.advance(0)
  const called: Observed<{ failures: readonly GroupFailure[]; replies: readonly { reply: Json }[] }> = observe(
    runtime.callGroup('x', 'who', {}, { timeout: 10 }),
  )
  await clock.advance(10)
  t.equal(called.value?.failures.length, 3)
  await clock.advance(990)
  await close()
})
