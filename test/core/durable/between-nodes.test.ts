/** Durable servers as other nodes meet them: casts that were kept elsewhere, and servers that come from a node that is lost. */
import t, { type Test } from 'tap'
import { type LocalRuntime, StoreFailed } from '../../../src/adapters.js'
import { observe } from '../running.js'
import { known, talking } from './talking.js'

/** The runtime as the thread that carries messages to it sees it, and another one on the same store where nothing is yet. */
async function nodes(t: Test) {
  const world = await talking(t)
  const node = world.runtime as unknown as LocalRuntime
  /** A cast to `s` that another node has kept. */
  const keep = async (n: number) => {
    const args = JSON.stringify({ n })
    const cast = { message: 'hear', args, origin: null, ifMatch: null, answerTo: null, attempts: 0 }
    const [seq] = await world.store.commit([{ kind: 'cast', id: 's', cast }])
    return seq as number
  }
  return { ...world, node, keep }
}

t.test('a cast that another node has kept has its effect once, and is done', async (t) => {
  const { node, keep, runtime, store, settle, close } = await nodes(t)
  const seq = await keep(1)
  await node.cast('s', 'hear', { n: 1 }, { seq })
  await settle()
  t.match((await runtime.state('s')).state, { heard: [1] })
  t.same((await store.load('s'))?.casts, [], 'its end is kept with the state')
  await close()
})

t.test('a cast that comes from its sender when it has come out of the store already is not taken twice', async (t) => {
  const { keep, next, close } = await nodes(t)
  const seq = await keep(1)
  await close()
  const { runtime, clock, close: closeNext } = await next()
  const node = runtime as unknown as LocalRuntime
  t.match((await runtime.state('s')).state, { heard: [1] })
  await node.cast('s', 'hear', { n: 1 }, { seq })
  await clock.advance(0)
  t.match((await runtime.state('s')).state, { heard: [1] })
  await closeNext()
})

t.test('a server whose node was lost comes out of the store, in another life, with its casts', async (t) => {
  const { keep, next, close, call } = await nodes(t)
  await call('s', 'add', { n: 7 }).promise
  await keep(1)
  await close()
  const { runtime, clock, call: callNext, close: closeNext } = await nextNode(next)
  const node = runtime as unknown as LocalRuntime
  node.bringBack(known('s'), 300)
  const waiting = callNext('s', 'get')
  await clock.advance(299)
  t.match(runtime.info('s'), { status: 'restarting' })
  t.equal(waiting.outcome, 'pending')
  await clock.advance(1)
  t.equal(waiting.value, 7, 'what waited meanwhile is taken')
  t.match(runtime.info('s'), { status: 'running', incarnation: 2, restarts: 1, lastExit: { reason: 'killed' } })
  t.match((await runtime.state('s')).state, { heard: [1] })
  await node.restoreServers(['ear', 'nobody'])
  t.match(runtime.info('ear'), { status: 'running', incarnation: 1 })
  await closeNext()
})

t.test(
  'a server that cannot be read from the store comes when it can; one that is not kept any more does not',
  async (t) => {
    const { next, store, close } = await nodes(t)
    await close()
    const { runtime, clock, call, close: closeNext } = await nextNode(next)
    const node = runtime as unknown as LocalRuntime
    const { load } = store
    store.load = async () => {
      throw new StoreFailed('read')
    }
    node.bringBack({ ...known('s'), incarnation: 4, revision: 9 }, 10)
    const unread = call('s', 'get')
    await clock.advance(10)
    t.match(unread.error, { code: 'storage_failed' })
    t.match(runtime.info('s'), { incarnation: 4, revision: 9 }, 'as far as the other knew')
    store.load = load
    t.equal(await runtime.call('s', 'get'), 0)
    node.bringBack(known('gone'), 10)
    const unknown = call('gone', 'get')
    await clock.advance(10)
    t.match(unknown.error, { code: 'unknown_server' })
    let answer = () => {}
    store.load = (id) => new Promise((resolve) => (answer = () => resolve(load.call(store, id))))
    node.bringBack(known('ear'), 10)
    await clock.advance(10)
    const killed = observe(Promise.resolve(runtime.kill('ear')))
    await clock.advance(0)
    answer()
    await clock.advance(0)
    t.equal(killed.outcome, 'resolved')
    t.throws(() => runtime.info('ear'), { code: 'server_exited' }, 'it was killed while it was read')
    await closeNext()
  },
)

/** Another node on the same store, with nothing on it. */
async function nextNode(next: Awaited<ReturnType<typeof talking>>['next']) {
  const world = await next({ restore: false })
  const call = (id: string, message: string) => observe(world.runtime.call(id, message, {}, { timeout: 100_000 }))
  return { ...world, call }
}
