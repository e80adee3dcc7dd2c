/** Whoever brings messages from elsewhere knows them by numbers until they are over, and then gives the numbers to others. */
import t, { type Test } from 'tap'
import { type LocalRuntime, StoreFailed, StoreFull } from '../../../src/adapters.js'
import { observe } from '../running.js'
import { known, talking } from './talking.js'
import { TicketLog } from './ticket-log.js'

async function numbered(t: Test) {
  const log = new TicketLog()
  const world = await talking(t, { workLog: log })
  const node = world.runtime as unknown as LocalRuntime
  /** A cast to `s` that another node has kept. */
  const keep = async () => {
    const cast = { message: 'hear', args: '{"n":1}', origin: null, ifMatch: null, answerTo: null, attempts: 0 }
    const [seq] = await world.store.commit([{ kind: 'cast', id: 's', cast }])
    return seq as number
  }
  return { ...world, node, keep, over: log.told }
}

t.test('a message that the store has is known to be taken, and has its bytes until then', async (t) => {
  const { node, keep, over, store, settle, close } = await numbered(t)
  node.suspend('s')
  await node.cast('s', 'hear', { n: 1 }, { seq: await keep(), ticket: 7, bytes: 100 })
  const key = { scope: 's', key: 'k', fingerprint: '', expires: 1e12 }
  const answerTo = JSON.stringify(key)
  const call = { message: 'add', args: '{"n":2}', origin: null, ifMatch: null, answerTo, attempts: 0 }
  const [seq = 0] = await store.commit([{ kind: 'cast', id: 's', cast: call }])
  const asked = observe(node.sendRequest('s', 'add', { n: 2 }, { seq, key, ticket: 8, bytes: 10 }).response)
  await settle()
  t.same([over, node.queuedBytes], [[], 110])
  node.resume('s')
  await settle()
  t.same([over, node.queuedBytes, asked.value], [[7, 8], 0, 2])
  await close()
})

t.test('a cast that is taken again is told once: its number is another message by then', async (t) => {
  const { node, over, clock, close } = await numbered(t)
  await node.cast('s', 'poison', {}, { ticket: 5 })
  await clock.advance(60_000)
  t.match((await node.deadLetters('s')).deadLetters, [{ attempts: 5 }])
  t.same(over, [5])
  await close()
})

t.test('what is dropped since a turn was not kept is over', async (t) => {
  const { node, over, commits, settle, close } = await numbered(t)
  node.suspend('s')
  commits.hold()
  const cast = observe(Promise.resolve(node.cast('s', 'hear', { n: 1 }, { ticket: 6 })))
  await settle()
  commits.fail(new StoreFull('no room'))
  await settle()
  t.match(cast.error, { code: 'storage_failed' })
  t.same(over, [6])
  commits.recover()
  await settle()
  await close()
})

t.test('a cast that has come out of the store meanwhile is over where its sender brings it', async (t) => {
  const { keep, next, over, close } = await numbered(t)
  const seq = await keep()
  await close()
  const { runtime, clock, close: closeNext } = await next({ restore: false })
  const node = runtime as unknown as LocalRuntime
  node.bringBack(known('s'), 300)
  await node.cast('s', 'hear', { n: 1 }, { seq, ticket: 9 })
  t.same(over, [])
  await clock.advance(300)
  t.match((await runtime.state('s')).state, { heard: [1] })
  t.same(over, [9], 'it waited for its server')
  await node.cast('s', 'hear', { n: 1 }, { seq, ticket: 10 })
  t.match((await runtime.state('s')).state, { heard: [1] })
  t.same(over, [9, 10], 'it came later')
  await closeNext()
})

t.test('a cast to a server that does not begin is over', async (t) => {
  const { node, over, commits, clock, settle, close } = await numbered(t)
  commits.hold()
  const started = observe(node.start('talker', {}, { id: 'new', timeout: 100 }))
  void node.cast('new', 'hear', { n: 1 }, { ticket: 4 })
  await clock.advance(100)
  t.match(started.error, { code: 'init_timeout' })
  commits.release()
  await settle()
  t.same(over, [4])
  await close()
})

t.test('what comes when nothing is kept any more is over', async (t) => {
  const { node, over, commits, call, settle, close } = await numbered(t)
  commits.fail(new StoreFailed('gone'))
  await t.rejects(call('s', 'add', { n: 1 }).promise, { code: 'storage_failed' })
  await settle()
  node.cast('s', 'hear', { n: 1 }, { seq: 1000, ticket: 3 })
  await settle()
  t.same(over, [3])
  await close()
})
