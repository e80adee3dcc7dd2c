/** A thread that does not come back, or is lost meanwhile: whoever wants something of it hears in time, and as much as is known. */
import t from 'tap'
import { bounds, eventually, type Hosted, openHost } from './hosts.js'

/** Resolves when the gateway has seen that a thread is stuck. */
const isStuck = ({ host }: Hosted) => eventually(async () => (await host.nodes()).some(({ current }) => current))

/** One thread, stuck at `a`. */
async function stuck(t: Parameters<typeof openHost>[0], options: Parameters<typeof openHost>[2] = {}) {
  const hosted = await openHost(t, 1, { handlerLimit: 60_000, ...options })
  await hosted.start('a', {}, { labels: ['all'] })
  const fatal = hosted.call('a', 'loop')
  fatal.catch(() => {})
  await isStuck(hosted)
  return { ...hosted, fatal }
}

t.test('a start is over in time, whatever its thread does, and leaves no server behind', async (t) => {
  const { host, start, call } = await openHost(t, 1)
  await start('busy')
  const late = call('busy', 'burn', { ms: 600 })
  await Promise.all([
    t.rejects(start('x', {}, { timeout: 10 }), { code: 'init_timeout', effect: 'none' }),
    t.rejects(host.getOrStart('actor', {}, { id: 'y', timeout: 10 }), { code: 'init_timeout' }),
    t.rejects(host.getOrStart('actor', {}, { id: 'busy', timeout: 10 }), { code: 'init_timeout', message: /goes on/ }),
  ])
  await late
  await eventually(async () => (await host.list()).servers.length === 1)
  t.match(await host.info('busy'), { incarnation: 1 })
  await start('x')
})

t.test('a call that its thread does not answer is told the time that it asked for', async (t) => {
  const { host, start, call } = await openHost(t, 1, { handlerLimit: 60_000 })
  await start('a')
  await t.rejects(call('a', 'loop', {}, { timeout: 1500 }), {
    code: 'call_timeout',
    effect: 'unknown',
    message: 'a did not answer loop within 1500 ms',
  })
  await host.kill('a')
})

t.test('a server whose start was given up takes no message, and is not started by the next thread', async (t) => {
  const { host, start, call, fatal } = await stuck(t)
  const early = call('b', 'add', {}, { start: { implementation: 'actor', args: {} } })
  await t.rejects(start('c', {}, { timeout: 10 }), { code: 'init_timeout', effect: 'none' })
  await t.rejects(call('c', 'add'), { code: 'unknown_server' })
  await t.rejects(async () => host.cast('c', 'hear', { text: 'x' }), { code: 'unknown_server' })
  await t.rejects(async () => host.info('c'), { code: 'unknown_server' })
  await t.rejects(start('c'), { code: 'restarting', effect: 'none' })
  await t.rejects(host.getOrStart('actor', {}, { id: 'c' }), { code: 'restarting' })
  await host.kill('a')
  await t.rejects(fatal, { code: 'server_crashed' })
  t.equal(await early, 1)
  t.match(await start('c'), { incarnation: 1 }, 'the id is free')
})

t.test('an init that does not come back is over in time for whoever waits for it', async (t) => {
  const { start } = await openHost(t, 1, { handlerLimit: 60_000 })
  await t.rejects(start('a', { init: 'loop' }, { timeout: 50 }), { code: 'init_timeout', effect: 'none' })
})

t.test('a child that is to be started is waited for no longer either', async (t) => {
  const { host, start, call } = await openHost(t, 1)
  await host.start('supervisor', {}, { id: 'tree' })
  await start('busy')
  const late = call('busy', 'burn', { ms: 2500 })
  const started = host.start('actor', {}, { id: 'child', supervisor: 'tree', timeout: 10 })
  await t.rejects(started, { code: 'call_timeout', effect: 'unknown' })
  await late
})

t.test('what a lost thread had not begun to start is started by the next one', async (t) => {
  const { host, start, call, fatal } = await stuck(t, { handlerLimit: 500 })
  const asked = Promise.all([
    start('b', { count: 1 }),
    host.getOrStart('actor', { count: 2 }, { id: 'c' }),
    host.getOrStart('actor', {}, { id: 'a' }),
    call('d', 'add', {}, { start: { implementation: 'actor', args: { count: 3 } } }),
  ])
  await t.rejects(fatal, { code: 'server_crashed' })
  t.match(await asked, [{ id: 'b', incarnation: 1 }, { started: true }, { started: false }, 4])
  t.equal(await call('b', 'add'), 2)
  t.equal(await call('c', 'add'), 3)
  t.match((await host.nodes())[0], { restarts: 1, servers: 4 })
})

t.test('what is wrong with a group message on one node is told for the servers there', async (t) => {
  const { host, start, call } = await openHost(t, 2, { handlerLimit: 300 })
  const labels = ['all']
  for (const id of ['a', 'b', 'c']) await start(id, {}, { labels })
  await start('once', {}, { labels, restart: 'temporary' })
  const lost = async (send: () => unknown) => {
    const fatal = t.rejects(call('a', 'loop'), { code: 'server_crashed' })
    await isStuck({ host } as Hosted)
    const outcome = await send()
    await fatal
    return outcome
  }
  const killed = (id: string) => ({
    id,
    code: 'server_crashed',
    error: { effect: 'unknown', details: { reason: 'killed' } },
  })
  const sent = await lost(() => host.castGroup('all', 'hear', { text: 'x' }))
  t.match(sent, { sent: 2, failures: [killed('a'), killed('c')] })
  const replies = await lost(() => host.callGroup('all', 'add', {}, { timeout: 60_000 }))
  t.match(replies, { replies: [{ id: 'b', reply: 1 }, { id: 'once' }], failures: [killed('a'), killed('c')] })
})

t.test('a group is too large for a message wherever its servers are', async (t) => {
  const { host, start, call } = await openHost(t, 2)
  await start('a', {}, { labels: ['all'] })
  await start('b', {}, { labels: ['all'] })
  const text = 'x'.repeat(2 ** 25)
  await t.rejects(async () => host.castGroup('all', 'hear', { text }), { code: 'group_too_large' })
  await host.kill('b')
  await eventually(async () => (await host.list()).servers.length === 1)
  t.match(await host.castGroup('all', 'hear', { text }), { sent: 1 })
  t.match(await call('a', 'add'), 1)
})

t.test('what waits for a stuck thread is bounded in bytes, whatever it is', async (t) => {
  const { host, start, call } = await stuck(t, { bounds: { ...bounds, maxQueuedBytes: 1000 } })
  const overloaded = { code: 'overloaded', effect: 'none' }
  const text = 'x'.repeat(600)
  const waiting: Promise<unknown>[] = []
  const send = async (work: () => unknown) => {
    const sent = Promise.resolve().then(work)
    waiting.push(sent.catch(() => {}))
    return Promise.race([sent, new Promise((resolve) => setImmediate(resolve, 'waits'))])
  }
  t.equal(await send(() => host.cast('a', 'hear', { text }, { bytes: 600 })), 'waits')
  t.equal(await send(() => host.callGroup('none', 'hear', { text })), 'waits')
  await t.rejects(
    send(() => call('a', 'add')),
    overloaded,
  )
  await t.rejects(
    send(() => host.cast('a', 'hear', { text })),
    overloaded,
  )
  await t.rejects(
    send(() => start('b')),
    overloaded,
  )
  await t.rejects(
    send(() => host.getOrStart('actor', {}, { id: 'a' })),
    overloaded,
  )
  t.match(await send(() => host.castGroup('all', 'hear', { text })), {
    sent: 0,
    failures: [{ id: 'a', code: 'overloaded' }],
  })
  await host.kill('a')
  await Promise.all(waiting)
  await start('a')
})
