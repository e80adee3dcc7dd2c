/** Durable servers that are found by what is in their states, while they are not in memory. */
import { type DefinitionData, defineServer, type RuntimeOptions, Type } from 'genservers'
import t, { type Test } from 'tap'
import { Finder, type LocalRuntime, StoreFull } from '../../../src/adapters.js'
import { MemoryStore } from '../../../src/stores/memory-store.js'
import { running } from '../running.js'

const Status = Type.Object({ status: Type.String() })
const order = defineServer({
  durable: true,
  indexes: ['status', 'owner', 'total', 'urgent'],
  args: Type.Object({ status: Type.String(), owner: Type.Optional(Type.String()) }),
  state: Type.Object({
    status: Type.String(),
    owner: Type.Union([Type.String(), Type.Null()]),
    total: Type.Integer(),
    urgent: Type.Boolean(),
  }),
  calls: { set: { args: Status } },
  init: ({ status, owner = null }) => ({ status, owner, total: 0, urgent: false }),
  handleCall: {
    set: (state, { status }) => {
      state.status = status
    },
  },
})
const note = defineServer({
  durable: true,
  state: Type.Object({ status: Type.String() }),
  init: () => ({ status: 'paid' }),
})
const counter = defineServer({ state: Type.Object({}), init: () => ({}) })

function found(t: Test, store = new MemoryStore(), options: Partial<RuntimeOptions> = {}) {
  const world = running(t, { order, note, counter }, { store, idle: 1000, ...options })
  const { runtime } = world
  const start = (id: string, args: object, more: object = {}) => runtime.start('order', args, { id, ...more })
  const find = async (...[where, more]: [Parameters<typeof runtime.find>[1], Parameters<typeof runtime.find>[2]?]) => {
    const { servers, next } = await runtime.find('order', where, more)
    return [servers.map(({ id }) => id).join(' '), ...(next === undefined ? [] : [next])]
  }
  const awake = () => [...(runtime as unknown as LocalRuntime).directory.awake()].map(({ id }) => id)
  return { ...world, store, start, find, awake }
}

t.test('servers are found by what is in their states, and stay as they are', async (t) => {
  const { runtime, clock, start, find, awake, close } = found(t)
  await start('b', { status: 'paid', owner: 'ada' })
  await start('a', { status: 'paid' })
  await start('c', { status: 'new', owner: 'ada' })
  await runtime.start('note', {}, { id: 'n' })
  t.same(await find({ status: 'paid' }), ['a b'], 'while they are in memory')
  await runtime.call('c', 'set', { status: 'paid' })
  t.same(await find({ status: 'paid', owner: 'ada' }), ['b c'], 'what was acknowledged just before is seen')
  await clock.advance(1000)
  t.same(awake(), [])
  t.same(await find({ status: 'paid' }, { limit: 2 }), ['a b', 'b'])
  t.same(await find({ status: 'paid' }, { limit: 2, after: 'b' }), ['c'])
  t.same(await find({ owner: null, total: 0, urgent: false }), ['a'])
  t.same(await find({ urgent: true }), [''])
  t.same((await runtime.find('order', { owner: null })).servers, [runtime.info('a')])
  t.same(awake(), [], 'nobody is woken')
  await runtime.stop('a')
  t.same(await find({ status: 'paid' }), ['b c'])
  await close()
})

t.test('labels and statuses leave out some of those that are found', async (t) => {
  const { runtime, clock, start, find, close } = found(t)
  await start('a', { status: 'paid' }, { labels: ['eu'] })
  await start('b', { status: 'paid' })
  await start('c', { status: 'paid' }, { labels: ['eu'] })
  await clock.advance(1000)
  runtime.suspend('b')
  await clock.advance(0)
  t.same(await find({ status: 'paid' }, { label: 'eu' }), ['a c'])
  t.same(await find({ status: 'paid' }, { status: 'suspended' }), ['b'])
  t.same(await find({ status: 'paid' }, { status: 'running', label: 'eu' }), ['a c'])
  t.same(await find({ status: 'paid' }, { label: 'eu', limit: 2 }), ['a', 'b'], 'a page may be short')
  await close()
})

t.test('who has ended meanwhile is left out, and who has the id by then', async (t) => {
  class Late extends MemoryStore {
    override async find() {
      return { ids: ['a', 'gone', 'other'] }
    }
  }
  const { runtime, start, find, close } = found(t, new Late())
  await start('a', { status: 'paid' })
  await runtime.start('counter', {}, { id: 'other' })
  t.same(await find({ status: 'paid' }), ['a'])
  await close()
})

t.test('what cannot be looked for is refused, and says why', async (t) => {
  const { runtime, close } = found(t)
  const refused = async (implementation: string, where: object, ...errors: [path: string, message: string][]) =>
    t.rejects(runtime.find(implementation, where as never), {
      code: 'invalid_request',
      details: { errors: errors.map(([path, message]) => ({ path, message })) },
    })
  await refused('order', { 'a/b': 1 }, ['/where/a~1b', 'Expected status or owner or total or urgent'])
  await refused(
    'order',
    { status: 1, owner: true },
    ['/where/status', 'Expected string'],
    ['/where/owner', 'Expected string or null'],
  )
  await refused('order', { total: 1.5 }, ['/where/total', 'Expected integer'])
  await refused('order', { total: Number.NaN }, ['/where/total', 'Expected integer'])
  await refused('order', { urgent: 'true' }, ['/where/urgent', 'Expected boolean'])
  await refused('order', { toString: 'x' }, ['/where/toString', 'Expected status or owner or total or urgent'])
  await refused('order', {}, ['/where', 'Expected a property'])
  await refused('note', { status: 'paid' }, ['/where/status', 'Expected nothing: it has no indexes'])
  await refused('counter', { status: 'paid' }, ['/where/status', 'Expected nothing: it has no indexes'])
  await refused('supervisor', { status: 'paid' }, ['/where/status', 'Expected nothing: it has no indexes'])
  t.same(await runtime.find('nobody', { status: 'paid' }), { servers: [] }, 'as in a list')
  await close()
})

class Told extends MemoryStore {
  readonly told: unknown[] = []

  override async index(properties: ReadonlyMap<string, readonly string[]>) {
    this.told.push(Object.fromEntries(properties))
    return super.index(properties)
  }
}

t.test('the store is told what to index before anything else', async (t) => {
  const store = new Told()
  const { told } = store
  const { runtime, find, start, close } = found(t, store)
  await runtime.restore()
  await start('a', { status: 'paid' })
  t.same(told, [{ order: ['status', 'owner', 'total', 'urgent'] }])
  t.same(await find({ status: 'paid' }), ['a'])
  t.equal(told.length, 1)
  await close()
})

t.test('the store is told when what the implementations say has changed, before anybody looks', async (t) => {
  const store = new Told()
  const implementations = new Map<string, DefinitionData>([['order', order]])
  const finder = new Finder(
    () => store,
    () => implementations,
  )
  const find = () => finder.find('order', { owner: null }, {}, () => [])
  await Promise.all([find(), find()])
  implementations.set('order', { ...order, indexes: ['owner'] })
  implementations.set('note', { ...note, indexes: ['status'] })
  await find()
  await find()
  t.same(store.told, [{ order: ['status', 'owner', 'total', 'urgent'] }, { order: ['owner'], note: ['status'] }])
})

t.test('after a change of code servers are found by what their new states say', async (t) => {
  const { runtime, clock, start, find, awake, close } = found(t)
  await runtime.restore()
  await start('a', { status: 'paid' })
  await clock.advance(1000)
  await start('b', { status: 'paid' })
  t.same(awake(), ['b'])
  const next = defineServer({
    durable: true,
    version: 2,
    indexes: ['phase'],
    state: Type.Object({ phase: Type.String() }),
    init: () => ({ phase: '' }),
    codeChange: (old) => ({ phase: (old as { status: string }).status.toUpperCase() }),
  })
  await runtime.changeCode('order', next)
  t.same(await find({ phase: 'PAID' }), ['b'], 'one that is not in memory has its old state on disk')
  await t.rejects(find({ status: 'paid' }), { code: 'invalid_request' })
  await clock.advance(1000)
  t.same(await find({ phase: 'PAID' }), ['a b'], 'and the new one a little later')
  t.notOk(awake().includes('a'))
  await close()
})

t.test('where the store cannot look it is said, and tried again', async (t) => {
  let failure: Error | undefined = new StoreFull('no room')
  class Failing extends MemoryStore {
    override async index(properties: ReadonlyMap<string, readonly string[]>) {
      if (failure !== undefined) throw failure
      return super.index(properties)
    }
  }
  const { runtime, start, find, reports, close } = found(t, new Failing())
  t.equal(await runtime.restore(), 0, 'servers come back all the same')
  t.match(reports(), [{ message: 'the states of durable servers could not be indexed' }])
  await start('a', { status: 'paid' })
  await t.rejects(find({ status: 'paid' }), {
    code: 'storage_failed',
    effect: 'none',
    message: 'the servers of order could not be looked for: no room',
  })
  failure = undefined
  t.same(await find({ status: 'paid' }), ['a'])
  await close()
})
