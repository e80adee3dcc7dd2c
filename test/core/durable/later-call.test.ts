/** Calls whose answer is asked for later, as the store and other nodes meet them. */
import t, { type Test } from 'tap'
import { type LocalRuntime, StoreFull } from '../../../src/adapters.js'
import { readOutcome } from '../../../src/index.js'
import { known, talking } from './talking.js'

const key = (name: string) => ({ scope: 'servers/s', key: name, fingerprint: '', expires: Number.MAX_SAFE_INTEGER })

async function later(t: Test) {
  const world = await talking(t)
  const { runtime, store } = world
  /** Keeps a call, and gives its number. */
  const keep = (message: string, args: object | undefined, name: string) =>
    runtime.keepCall('s', message, args, { key: key(name) })
  const outcome = async (name: string) => {
    const kept = await store.answer('servers/s', name, 0)
    return kept && readOutcome(kept.outcome)
  }
  return { ...world, keep, outcome }
}

t.test('a call that is kept is run with its number, and its answer is kept with what it did', async (t) => {
  const { runtime, keep, outcome, commits, store, settle, close } = await later(t)
  const seq = await keep('add', { n: 2 }, 'k')
  t.ok(seq > 0)
  t.same(await outcome('k'), { kind: 'running' })
  commits.all.length = 0
  const request = runtime.sendRequest('s', 'add', { n: 2 }, { seq, key: key('k') })
  t.equal(await request.response, 2)
  t.match(
    commits.all.map(({ kind }) => kind),
    ['state', 'castDone', 'answer'],
  )
  t.same(await outcome('k'), { kind: 'replied', revision: 2, reply: 2 })
  t.same((await store.load('s'))?.casts, [])
  await settle()
  await close()
})

t.test('one that comes out of the store and from its sender is run once', async (t) => {
  const { keep, outcome, close, next } = await later(t)
  const seq = await keep('add', { n: 2 }, 'k')
  await close()
  const { runtime, clock, close: closeNext } = await next()
  t.match((await runtime.state('s')).state, { n: 2 })
  const twice = runtime.sendRequest('s', 'add', { n: 2 }, { seq, key: key('k') })
  await t.rejects(twice.response, { code: 'restarting', effect: 'unknown' })
  await clock.advance(0)
  t.match((await runtime.state('s')).state, { n: 2 })
  t.match(await outcome('k'), { kind: 'replied', reply: 2 })
  await closeNext()
})

t.test('one that waits for a server that comes out of the store with it is run once', async (t) => {
  const { keep, outcome, close, next } = await later(t)
  const seq = await keep('add', { n: 2 }, 'k')
  await close()
  const { runtime, clock, close: closeNext } = await next({ restore: false })
  ;(runtime as unknown as LocalRuntime).bringBack(known('s'), 10)
  const waiting = runtime.sendRequest('s', 'add', { n: 2 }, { seq, key: key('k') })
  const told = t.rejects(waiting.response, { code: 'restarting', effect: 'unknown' })
  await clock.advance(10)
  await told
  t.match((await runtime.state('s')).state, { n: 2 })
  t.match(await outcome('k'), { kind: 'replied', reply: 2 })
  await closeNext()
})

t.test('one that ended its process five times is set aside, and that is its answer', async (t) => {
  const { keep, outcome, store, runtime, close, next } = await later(t)
  const seq = await keep('add', { n: 2 }, 'k')
  await store.commit([{ kind: 'castTaken', seq, attempts: 5 }])
  const { runtime: second, close: closeSecond } = await next()
  t.match((await second.state('s')).state, { n: 0 })
  t.match(await outcome('k'), { kind: 'failed', code: 'server_crashed' })
  t.match(await second.deadLetters('s'), { deadLetters: [{ message: 'add', attempts: 5 }] })
  await closeSecond()
  t.match((await runtime.state('s')).state, { n: 0 })
  await close()
})

t.test('a runtime that closes, or a disk that is full, ends no call that is kept', async (t) => {
  const { keep, outcome, runtime, commits, settle, call, close, next } = await later(t)
  const seq = await keep('add', { n: 2 }, 'k')
  commits.fail(new StoreFull('no room'))
  const lost = runtime.sendRequest('s', 'add', { n: 2 }, { seq, key: key('k') })
  await t.rejects(lost.response, { code: 'storage_failed', effect: 'none' })
  t.same(await outcome('k'), { kind: 'running' })
  commits.recover()
  await settle()
  t.equal(await call('s', 'get').promise, 2, 'it comes out of the store with its server')
  t.match(await outcome('k'), { kind: 'replied', reply: 2 })
  const held = await keep('add', { n: 5 }, 'held')
  runtime.suspend('s')
  const waiting = runtime.sendRequest('s', 'add', { n: 5 }, { seq: held, key: key('held') })
  waiting.whenSettled(() => {})
  await close()
  const after = await next()
  t.match((await after.runtime.state('s')).state, { n: 7 })
  t.match(await outcome('held'), { kind: 'replied', reply: 7 })
  await after.close()
})

t.test('a reply that comes later is kept when it comes, and its loss until then', async (t) => {
  const { runtime, keep, outcome, commits, settle, close } = await later(t)
  const seq = await keep('later', undefined, 'k')
  commits.all.length = 0
  await runtime.sendRequest('s', 'later', undefined, { seq, key: key('k') }).response
  const answers = commits.all.flatMap((change) => (change.kind === 'answer' ? readOutcome(change.answer.outcome) : []))
  t.match(answers, [
    { kind: 'failed', code: 'server_crashed', details: { effect: 'unknown' } },
    { kind: 'replied', reply: 'answered' },
  ])
  t.match(await outcome('k'), { kind: 'replied', reply: 'answered' })
  await settle()
  await close()
})

t.test('a call to a server that is gone, or has no store, is not kept', async (t) => {
  const { runtime, keep, store, commits, close } = await later(t)
  await t.rejects(runtime.keepCall('nobody', 'get', {}, { key: key('k') }), { code: 'unknown_server' })
  t.same(await store.answer('servers/nobody', 'k', 0), undefined)
  const { commit } = store
  store.commit = async () => [0, 0]
  await t.rejects(keep('get', undefined, 'k'), { code: 'unknown_server' })
  store.commit = commit
  commits.fail(new StoreFull('no room'))
  await t.rejects(keep('get', undefined, 'k'), { code: 'storage_failed', effect: 'none' })
  commits.recover()
  store.answer = async () => {
    throw new StoreFull('read')
  }
  await t.rejects(runtime.keptAnswer({ scope: 'servers/s', key: 'k' }), { code: 'storage_failed' })
  await close()
})
