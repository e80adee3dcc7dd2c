/** Labels: what they may be, how long they hold, and how servers are found by them. */
import { defineServer, type ListOptions, type Runtime, type StartOptions, Type } from 'genservers'
import t, { type Test } from 'tap'
import { makeMember } from './group-probe.js'
import { observe, running } from './running.js'

const other = defineServer({ state: Type.Object({}), init: () => ({}) })
const stopper = defineServer({
  state: Type.Object({}),
  calls: { stop: {} },
  init: () => ({}),
  handleCall: { stop: (_state, _args, ctx) => ctx.stop('normal') },
})
const parent = defineServer({
  state: Type.Object({}),
  calls: { spawn: { reply: Type.Unknown() } },
  init: () => ({}),
  handleCall: { spawn: (_state, _args, ctx) => ctx.start('other', {}, { id: 'child', labels: ['x'] }) },
})
const hanging = defineServer({ state: Type.Object({}), init: () => new Promise<object>(() => {}) })
const refusing = defineServer({ state: Type.Object({}), init: (_args, ctx) => ctx.refuse('no') })

const setUp = (t: Test) =>
  running(t, (clock) => ({ member: makeMember(clock), other, stopper, parent, hanging, refusing }))

const ids = (runtime: Runtime, options?: ListOptions) => runtime.list(options).servers.map(({ id }) => id)

t.test('a server has the labels it was started with, in that order, and none if nothing was said', async (t) => {
  const { runtime, close } = setUp(t)
  t.same((await runtime.start('member', {}, { id: 'a', labels: ['x', 'eu'] })).labels, ['x', 'eu'])
  t.same((await runtime.start('member', {}, { id: 'b' })).labels, [])
  t.same((await runtime.start('member', {}, { id: 'c', labels: [] })).labels, [])
  t.same(runtime.info('a').labels, ['x', 'eu'])
  await close()
})

t.test('what is done to the array after the start changes nothing', async (t) => {
  const { runtime, close } = setUp(t)
  const labels = ['x']
  await runtime.start('member', {}, { id: 'a', labels })
  labels[0] = 'y'
  t.same(runtime.info('a').labels, ['x'])
  t.same(ids(runtime, { label: 'x' }), ['a'])
  t.throws(() => (runtime.info('a').labels as string[]).push('z'))
  await runtime.stop('a')
  t.same(ids(runtime, { label: 'x' }), [])
  await close()
})

t.test('labels are spelt like ids, at most sixteen, each once; otherwise nothing is started', async (t) => {
  const { runtime, close } = setUp(t)
  const many = (count: number) => Array.from({ length: count }, (_, i) => `l${i}`)
  const longest = 'x'.repeat(128)
  t.same((await runtime.start('member', {}, { id: 'a', labels: many(16) })).labels, many(16))
  t.same((await runtime.start('member', {}, { id: 'b', labels: [longest, 'A.z_~:-9'] })).labels, [longest, 'A.z_~:-9'])
  const wrong: [unknown, string][] = [
    [many(17), '/labels'],
    ['x', '/labels'],
    [null, '/labels'],
    [{ 0: 'x', length: 1 }, '/labels'],
    [[''], '/labels/0'],
    [['x', 'a b'], '/labels/1'],
    [['x', `${longest}x`], '/labels/1'],
    [['..'], '/labels/0'],
    [['é'], '/labels/0'],
    [[7], '/labels/0'],
    [[['x']], '/labels/0'],
    [['x', 'y', 'x'], '/labels/2'],
  ]
  for (const [labels, path] of wrong) {
    const start = runtime.start('member', {}, { id: 'c', labels } as StartOptions)
    const fault = { code: 'invalid_request', effect: 'none', details: { errors: [{ path }] } }
    await t.rejects(start, fault, JSON.stringify(labels))
  }
  t.equal(runtime.whereis('c'), undefined)
  t.same(ids(runtime, { label: 'x' }), [])
  await close()
})

t.test('a restart keeps the labels, whatever it begins with', async (t) => {
  const { runtime, close } = setUp(t)
  for (const restartFrom of ['state', 'init'] as const) {
    await runtime.start('member', {}, { id: restartFrom, restartFrom, labels: ['x'] })
    await t.rejects(runtime.call(restartFrom, 'crash'))
    t.match(runtime.info(restartFrom), { incarnation: 2, labels: ['x'] })
  }
  await runtime.start('stopper', {}, { id: 'permanent', restart: 'permanent', labels: ['x'] })
  await t.rejects(runtime.call('permanent', 'stop'))
  t.match(runtime.info('permanent'), { incarnation: 2, labels: ['x'] })
  t.same(ids(runtime, { label: 'x' }), ['init', 'permanent', 'state'])
  await close()
})

t.test('L10: a server leaves its groups in the tick in which it ends, however it ends', async (t) => {
  const { runtime, clock, close } = setUp(t)
  for (const id of ['killed', 'stopped', 'crashed', 'left', 'stays']) {
    const implementation = id === 'left' ? 'stopper' : 'member'
    await runtime.start(implementation, {}, { id, restart: 'temporary', labels: ['x', id] })
  }
  runtime.kill('killed')
  t.same(ids(runtime, { label: 'x' }), ['crashed', 'left', 'stays', 'stopped'])
  await runtime.stop('stopped')
  t.same(ids(runtime, { label: 'x' }), ['crashed', 'left', 'stays'])
  await t.rejects(runtime.call('crashed', 'crash'))
  t.same(ids(runtime, { label: 'x' }), ['left', 'stays'])
  await t.rejects(runtime.call('left', 'stop'))
  t.same(ids(runtime, { label: 'x' }), ['stays'])
  t.same(ids(runtime, { label: 'killed' }), [])
  await clock.advance(0)
  await close()
})

t.test('an id that comes back has the labels of its new server only', async (t) => {
  const { runtime, close } = setUp(t)
  await runtime.start('member', {}, { id: 'a', labels: ['x', 'y'] })
  runtime.kill('a')
  await runtime.start('member', {}, { id: 'a', labels: ['y', 'z'] })
  t.same(ids(runtime, { label: 'x' }), [])
  t.same(ids(runtime, { label: 'y' }), ['a'])
  t.same(ids(runtime, { label: 'z' }), ['a'])
  await close()
})

t.test('a server is in its groups while it starts, and one that does not start leaves them', async (t) => {
  const { runtime, clock, close } = setUp(t)
  const starting = observe(runtime.start('hanging', {}, { id: 'h', labels: ['x'], timeout: 100 }))
  t.same(ids(runtime, { label: 'x', status: 'starting' }), ['h'])
  await clock.advance(100)
  t.match(starting.error, { code: 'init_timeout' })
  await t.rejects(runtime.start('refusing', {}, { id: 'r', labels: ['x'] }), { code: 'init_refused' })
  t.same(ids(runtime, { label: 'x' }), [])
  await close()
})

t.test('who loses an id is in no group, and does not take the winner out of one', async (t) => {
  const { runtime, close } = setUp(t)
  await runtime.start('member', {}, { id: 'a', labels: ['x'] })
  await t.rejects(runtime.start('member', {}, { id: 'a', labels: ['x', 'y'] }), {
    code: 'already_started',
    details: { server: { labels: ['x'] } },
  })
  t.same(ids(runtime, { label: 'x' }), ['a'])
  t.same(ids(runtime, { label: 'y' }), [])
  await close()
})

t.test('get-or-start labels what it starts, and leaves what is there as it is', async (t) => {
  const { runtime, close } = setUp(t)
  const get = (labels: string[]) => runtime.getOrStart('member', {}, { id: 'a', labels })
  t.match(await get(['x']), { started: true, info: { labels: ['x'] } })
  t.match(await get(['y']), { started: false, info: { labels: ['x'] } })
  t.same(ids(runtime, { label: 'y' }), [])
  await close()
})

t.test('a handler labels the servers that it starts', async (t) => {
  const { runtime, close } = setUp(t)
  await runtime.start('parent', {}, { id: 'p' })
  t.equal(await runtime.call('p', 'spawn'), 'child')
  t.same(ids(runtime, { label: 'x' }), ['child'])
  await close()
})

t.test('the list of a label is paged in the order of ids, and may be of one implementation and status', async (t) => {
  const { runtime, close } = setUp(t)
  for (const id of ['e', 'b', 'a', 'd']) await runtime.start('member', {}, { id, labels: ['x'] })
  await runtime.start('other', {}, { id: 'c', labels: ['x', 'y'] })
  await runtime.start('other', {}, { id: 'f' })
  t.same(ids(runtime, { label: 'x' }), ['a', 'b', 'c', 'd', 'e'])
  const first = runtime.list({ label: 'x', limit: 2 })
  t.match(first, { servers: [{ id: 'a' }, { id: 'b' }], next: 'b' })
  t.same(ids(runtime, { label: 'x', limit: 2, after: first.next }), ['c', 'd'])
  t.same(runtime.list({ label: 'x', after: 'd' }), { servers: [runtime.info('e')] })
  t.same(ids(runtime, { label: 'x', implementation: 'other' }), ['c'])
  t.same(ids(runtime, { label: 'x', implementation: 'member', status: 'running', after: 'b' }), ['d', 'e'])
  t.same(ids(runtime, { label: 'x', status: 'stopping' }), [])
  t.same(ids(runtime, { label: 'y', implementation: 'member' }), [])
  t.same(ids(runtime, { label: 'nobody' }), [])
  await close()
})

t.test('a page of a label looks at so many servers and no more', async (t) => {
  const { runtime, close } = setUp(t)
  for (let i = 0; i < 5001; i++) await runtime.start('other', {}, { labels: ['x'] })
  const rare = { label: 'x', implementation: 'member' }
  const first = runtime.list(rare)
  t.same(first.servers, [])
  t.equal(runtime.list({ label: 'x', after: first.next }).servers.length, 1, 'five thousand were looked at')
  t.same(runtime.list({ ...rare, after: first.next }), { servers: [] })
  await close()
})

t.test('servers that are started without labels share their terms, labels or not elsewhere', async (t) => {
  const { runtime, close } = setUp(t)
  await runtime.start('member', {}, { id: 'a' })
  await runtime.start('member', {}, { id: 'b' })
  t.equal(runtime.info('a').labels, runtime.info('b').labels, 'one array for all')
  await close()
})
