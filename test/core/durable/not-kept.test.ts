/** What becomes of a durable server, and of who waits for it, when what it does is not kept. */
import { defineServer, Type } from 'genservers'
import t from 'tap'
import { type LocalRuntime, StoreFull } from '../../../src/adapters.js'
import { observe, running } from '../running.js'
import { heldStore } from './held-store.js'
import { known, talker, talking } from './talking.js'

t.test('a start whose state cannot be kept has never been', async (t) => {
  const { runtime, commits, settle, close } = await talking(t)
  commits.fail(new StoreFull('no room'))
  const started = observe(runtime.start('talker', {}, { id: 'new' }))
  await settle()
  t.match(started.error, { code: 'storage_failed', effect: 'none' })
  t.equal(runtime.whereis('new'), undefined)
  commits.recover()
  t.match(await runtime.start('talker', {}, { id: 'new' }), { status: 'running', incarnation: 1 })
  await close()
})

t.test('a start that is given up while its state is on its way leaves nothing in the store', async (t) => {
  const { runtime, commits, clock, store, settle, close } = await talking(t)
  commits.hold()
  const started = observe(runtime.start('talker', {}, { id: 'new', timeout: 100 }))
  const cast = observe(Promise.resolve(runtime.cast('new', 'hear', { n: 1 })))
  await clock.advance(100)
  t.match(started.error, { code: 'init_timeout' })
  commits.release()
  await settle()
  t.equal(cast.outcome, 'resolved', 'a cast is for nobody to wait for')
  t.equal(await store.load('new'), undefined)
  await close()
})

t.test('a start that is given up does not come back when its state is lost on its way', async (t) => {
  const { runtime, commits, clock, settle, next, close } = await talking(t)
  commits.hold()
  const started = observe(runtime.start('talker', {}, { id: 'new', timeout: 100 }))
  await clock.advance(100)
  t.match(started.error, { code: 'init_timeout' })
  commits.fail(new StoreFull('no room'))
  await settle()
  commits.recover()
  await clock.advance(60_000)
  t.equal(runtime.whereis('new'), undefined)
  const { restored, close: end } = await next()
  t.equal(restored, 2, 'nor does the next process have it')
  await end()
  await close()
})

t.test('that a durable server is given up is said of none', async (t) => {
  const { runtime, clock, logged, call, close } = await talking(t)
  for (let crash = 0; crash < 12; crash++) call('s', 'fail')
  await clock.advance(20_000)
  t.match(runtime.info('s'), { status: 'restarting', crashes: 11 }, 'all that it may, and one more')
  t.notOk(logged.some(({ message }) => /given up/.test(message)))
  await clock.advance(30_000)
  t.match(runtime.info('s'), { crashes: 12 }, 'it went on')
  await close()
})

t.test('a cast to a server that is starting is kept when that has begun', async (t) => {
  const { runtime, commits, heard, store, settle, close } = await talking(t)
  commits.hold()
  const started = observe(runtime.start('talker', {}, { id: 'new' }))
  const cast = observe(Promise.resolve(runtime.cast('new', 'hear', { n: 1 })))
  await settle()
  t.equal(cast.outcome, 'pending')
  commits.letOne()
  await settle()
  t.equal(started.outcome, 'resolved')
  t.equal(cast.outcome, 'pending', 'the server is kept, and the cast not yet')
  commits.release()
  await settle()
  t.equal(cast.outcome, 'resolved')
  t.same(heard, ['cast 1'])
  t.match(await store.load('new'), { casts: [], server: { revision: 2 } })
  await close()
})

t.test('a first state that is no JSON ends the start', async (t) => {
  const odd = defineServer({ durable: true, state: Type.Unknown(), init: () => ({ at: new Date(0) }) as object })
  const { runtime, close } = running(t, { odd }, { store: heldStore().store })
  await t.rejects(runtime.start('odd', {}, { id: 'o' }), { code: 'init_crashed' })
  t.equal(runtime.whereis('o'), undefined)
  await close()
})

t.test('what init said leaves when its state is kept, and never if it is not', async (t) => {
  const heard: unknown[] = []
  const { store, commits } = heldStore()
  const greeter = defineServer({
    durable: true,
    state: Type.Object({}),
    init: (_args, ctx) => {
      ctx.cast('ear', 'hear', { n: 1 })
      return {}
    },
  })
  const { runtime, clock, close } = running(t, { greeter, talker: talker(heard) }, { store })
  await runtime.start('talker', {}, { id: 'ear' })
  commits.hold()
  const first = observe(runtime.start('greeter', {}, { id: 'first' }))
  await clock.advance(0)
  t.same(heard, [])
  commits.release()
  await clock.advance(0)
  t.same([first.outcome, heard.splice(0)], ['resolved', ['cast 1']])
  commits.fail(new StoreFull('no room'))
  const second = observe(runtime.start('greeter', {}, { id: 'second' }))
  await clock.advance(0)
  t.equal(second.outcome, 'rejected')
  commits.recover()
  await clock.advance(0)
  t.same(heard, [])
  await close()
})

t.test('a handler that chose to stop goes on where its turn is not kept', async (t) => {
  const { runtime, commits, call, settle, close } = await talking(t)
  commits.fail(new StoreFull('no room'))
  const ended = call('s', 'end')
  await settle()
  t.match(ended.error, { code: 'storage_failed', effect: 'none' })
  commits.recover()
  await settle()
  t.equal(await runtime.call('s', 'get'), 0)
  await close()
})

t.test('orders to stop that wait behind a turn that is not kept hear so', async (t) => {
  const { runtime, commits, call, settle, close } = await talking(t)
  commits.hold()
  const asked = call('s', 'end')
  const ordered = observe(runtime.stop('s'))
  await settle()
  commits.fail(new StoreFull('no room'))
  await settle()
  t.match([asked.error, ordered.error], Array(2).fill({ code: 'storage_failed' }))
  commits.recover()
  await settle()
  t.equal(await runtime.call('s', 'get'), 0)
  await close()
})

t.test('a server whose end is on its way ends once', async (t) => {
  const { runtime, commits, settle, close } = await talking(t)
  commits.hold()
  const first = observe(Promise.resolve(runtime.kill('s')))
  const second = observe(Promise.resolve(runtime.kill('s')))
  await settle()
  commits.release()
  await settle()
  t.same([first.outcome, second.outcome], ['resolved', 'resolved'])
  t.throws(() => runtime.info('s'), { code: 'server_exited', details: { reason: 'killed' } })
  await close()
})

t.test('an exit signal for a server whose end is on its way changes nothing', async (t) => {
  const { store, commits } = heldStore()
  const linker = defineServer({
    state: Type.Object({}),
    calls: { tie: { args: Type.Object({ to: Type.String() }), reply: Type.Null() }, fall: { reply: Type.Null() } },
    init: () => ({}),
    handleCall: {
      tie: (_state, { to }, ctx) => {
        ctx.link(to)
        return null
      },
      fall: (_state, _args, ctx) => ctx.stop({ error: 'fallen' }, null),
    },
  })
  const { runtime, clock, close } = running(t, { linker, talker: talker([]) }, { store })
  await runtime.start('talker', {}, { id: 's' })
  await runtime.start('linker', {}, { id: 'l' })
  await runtime.call('l', 'tie', { to: 's' })
  commits.hold()
  const stopped = observe(runtime.stop('s'))
  await clock.advance(0)
  await runtime.call('l', 'fall')
  await clock.advance(0)
  commits.release()
  await clock.advance(0)
  t.equal(stopped.outcome, 'resolved')
  t.throws(() => runtime.info('s'), { code: 'server_exited', details: { reason: 'normal' } })
  await close()
})

t.test('somebody who fails when told that something is kept disturbs nobody else', async (t) => {
  const { runtime, commits, call, settle, reports, close } = await talking(t)
  commits.hold()
  const request = runtime.sendRequest('s', 'add', { n: 1 })
  request.whenSettled(() => {
    throw new Error('a listener')
  })
  const other = call('ear', 'add', { n: 2 })
  await settle()
  commits.release()
  await settle()
  t.equal(other.value, 2)
  t.match(reports(), [{ fields: { err: { message: 'a listener' } } }])
  await close()
})

t.test('one that waits for its next life loses a cast, and comes when its time has come', async (t) => {
  const { commits, next, close } = await talking(t)
  const { runtime, clock, close: closeNext } = await next({ restore: false })
  const node = runtime as unknown as LocalRuntime
  node.bringBack(known('s'), 5000)
  commits.fail(new StoreFull('no room'))
  const cast = observe(Promise.resolve(runtime.cast('s', 'hear', { n: 1 })))
  await clock.advance(0)
  t.match(cast.error, { code: 'storage_failed' })
  commits.recover()
  await clock.advance(4999)
  t.match(runtime.info('s'), { status: 'restarting' })
  await clock.advance(1)
  t.match(runtime.info('s'), { status: 'running', incarnation: 2, lastExit: { reason: 'killed' } })
  await closeNext()
  await close()
})
