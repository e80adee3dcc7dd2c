/** The servers of a runtime: found, listed in pages, remembered. */
import { createRuntime, defineServer, type ListOptions, type Runtime, Type } from 'genservers'
import { createSimulatedClock } from 'genservers/testing'
import t from 'tap'

const plain = defineServer({ state: Type.Object({}), init: () => ({}) })
const slow = defineServer({ state: Type.Object({}), init: () => new Promise<object>(() => {}) })

function setUp() {
  const clock = createSimulatedClock()
  const runtime = createRuntime({ implementations: { plain, other: plain, slow }, clock, rememberExits: 1000 })
  const close = async (t: Tap) => {
    const closed = runtime.close({ timeout: 10 })
    await clock.advance(10)
    await closed
    t.same(runtime.list().servers, [])
    t.equal(clock.pending, 0)
  }
  return { clock, runtime, close }
}

type Tap = Pick<typeof t, 'same' | 'equal'>
const ids = (runtime: Runtime, options?: ListOptions) => runtime.list(options).servers.map(({ id }) => id)

t.test('a server is found while it lives, remembered for a while, and then unknown', async (t) => {
  const { clock, runtime, close } = setUp()
  t.throws(() => runtime.info('a'), { code: 'unknown_server', message: 'no server has the id a' })
  await runtime.start('plain', {}, { id: 'a' })
  t.equal(runtime.info('a').id, 'a')
  await runtime.stop('a', { reason: 'done' })
  t.equal(runtime.whereis('a'), undefined)
  t.throws(() => runtime.info('a'), { code: 'server_exited', details: { reason: 'done', exitedAt: clock.now() } })
  await clock.advance(1000)
  t.throws(() => runtime.info('a'), { code: 'unknown_server' })
  await close(t)
})

t.test('a server of another implementation is not the one that was asked for', async (t) => {
  const { runtime, close } = setUp()
  await runtime.start('plain', {}, { id: 'a' })
  const options = { implementation: 'other' }
  await t.rejects(runtime.call('a', 'x', {}, options), { code: 'unknown_server', message: 'no other has the id a' })
  await t.rejects(runtime.call('a', 'x', {}, { implementation: 'plain' }), { code: 'unknown_message' })
  await close(t)
})

t.test('pages follow each other in the order of ids, and the last one says that it is', async (t) => {
  const { runtime, close } = setUp()
  for (const id of ['c', 'a', 'e', 'b', 'd']) await runtime.start('plain', {}, { id })
  const first = runtime.list({ limit: 2 })
  t.match(first, { servers: [{ id: 'a' }, { id: 'b' }], next: 'b' })
  const second = runtime.list({ limit: 2, after: first.next })
  t.match(second, { servers: [{ id: 'c' }, { id: 'd' }], next: 'd' })
  t.strictSame(Object.keys(runtime.list({ limit: 2, after: second.next })), ['servers'])
  t.same(ids(runtime, { limit: 2, after: second.next }), ['e'])
  t.notOk('next' in runtime.list({ limit: 5 }), 'a full page may be the last one')
  await close(t)
})

t.test('a page goes on where the last one ended, although its last server has ended since', async (t) => {
  const { runtime, close } = setUp()
  for (const id of ['a', 'b', 'c']) await runtime.start('plain', {}, { id })
  const { next } = runtime.list({ limit: 2 })
  await runtime.stop('b')
  t.same(ids(runtime, { after: next }), ['c'])
  await close(t)
})

t.test('a list may be of one implementation or one status', async (t) => {
  const { runtime, close } = setUp()
  await runtime.start('plain', {}, { id: 'a' })
  await runtime.start('other', {}, { id: 'b' })
  await runtime.start('plain', {}, { id: 'c' })
  const starting = t.rejects(runtime.start('slow', {}, { id: 'd', timeout: Number.POSITIVE_INFINITY }))
  t.same(ids(runtime, { implementation: 'plain' }), ['a', 'c'])
  t.same(ids(runtime, { status: 'starting' }), ['d'])
  t.same(ids(runtime, { implementation: 'plain', status: 'starting' }), [])
  t.match(runtime.list({ implementation: 'plain', limit: 1 }), { servers: [{ id: 'a' }], next: 'a' })
  t.notOk('next' in runtime.list({ implementation: 'other', limit: 1 }), 'what does not match is no further page')
  await close(t)
  await starting
})

t.test('a page of what is rare looks at so many servers and no more, and says where to go on', async (t) => {
  const { runtime, close } = setUp()
  for (let i = 0; i < 5001; i++) await runtime.start('plain')
  const first = runtime.list({ status: 'restarting' })
  t.same(first.servers, [])
  t.ok(first.next)
  const all = runtime.list({ limit: 1000, after: first.next })
  t.equal(all.servers.length, 1, 'five thousand were looked at')
  t.same(runtime.list({ status: 'restarting', after: first.next }), { servers: [] })
  t.same(runtime.list({ implementation: 'other' }), { servers: [] }, 'the others are not looked at')
  let isElsewhere = false
  setImmediate(() => {
    isElsewhere = true
  })
  t.same(await runtime.countServers(), [{ implementation: 'plain', status: 'running', count: 5001 }])
  t.ok(isElsewhere, 'who counts many lets others go on')
  await close(t)
})

t.test('a page has at least one server and at most a thousand, a hundred if nothing is said', async (t) => {
  const { runtime, close } = setUp()
  for (let i = 0; i < 1001; i++) await runtime.start('plain')
  t.equal(ids(runtime).length, 100)
  t.equal(ids(runtime, { limit: 1_000_000 }).length, 1000)
  t.equal(ids(runtime, { limit: 0 }).length, 1)
  t.equal(ids(runtime, { limit: -5 }).length, 1)
  t.equal(ids(runtime, { limit: 1.5 }).length, 1)
  t.equal(ids(runtime, { limit: Number.NaN }).length, 1)
  await close(t)
})

t.test('paging through a hundred thousand servers stays under ten milliseconds a page', async (t) => {
  const { runtime, close } = setUp()
  const count = 100_000
  for (let i = 0; i < count; i++) await runtime.start('plain', {}, { id: `s-${(i * 7919) % count}` })
  const times: number[] = []
  let seen = 0
  let last = ''
  let inOrder = true
  for (let after: string | undefined, more = true; more; ) {
    const before = performance.now()
    const page = runtime.list({ limit: 1000, after })
    times.push(performance.now() - before)
    for (const { id } of page.servers) {
      inOrder &&= last < id
      last = id
    }
    seen += page.servers.length
    after = page.next
    more = after !== undefined
  }
  t.equal(seen, count)
  t.equal(inOrder, true)
  t.equal(times.length, 100)
  // Half of the pages, not each: a busy machine may stop the program at any page.
  const [median = Number.NaN] = times.sort((a, b) => a - b).slice(50)
  t.ok(median < 10, `${median} ms`)
  await close(t)
})
