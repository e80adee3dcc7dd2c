/** What holds of servers wherever they run: in this thread, in one other, in three. */
import { GenServerError, StartIgnored } from 'genservers'
import t, { type Test } from 'tap'
import { eventually, type Hosted, openHost } from './hosts.js'

const kinds = [0, 1, 3]
const hosts = kinds.map((threads) => openHost(t, threads))
const titles: string[] = []

/** Each case, with 0, 1 and 3 threads. A case has ids of its own, and leaves no server behind. */
function everywhere(title: string, run: (t: Test, hosted: Case, threads: number) => Promise<void>): void {
  const n = titles.push(title)
  for (const [index, threads] of kinds.entries()) {
    t.test(`${title} (${threads} threads)`, async (t) => {
      const hosted = (await hosts[index]) as Hosted
      t.teardown(() => endAll(hosted))
      await run(t, { ...hosted, ids: idsOf(n) }, threads)
    })
  }
}

interface Case extends Hosted {
  readonly ids: Ids
}
type Ids = Readonly<Record<'a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g' | 'q' | 'r' | 'w' | 'z', string>>
const idsOf = (n: number) =>
  Object.fromEntries([...'abcdefgqrwz'].map((letter) => [letter, `${letter}${n}`])) as unknown as Ids

/** Children end with their supervisors, so that more than one round may be needed. */
async function endAll({ host }: Hosted): Promise<void> {
  for (;;) {
    const { servers } = await host.list({ limit: 1000 })
    if (servers.length === 0) return
    const roots = servers.filter(({ supervisor }) => supervisor === null)
    await Promise.allSettled(roots.map(async ({ id }) => host.kill(id)))
  }
}

type Looked = { readonly count: number; readonly heard: readonly unknown[] }
const heardBy = async ({ call }: Hosted, id: string) => ((await call(id, 'look')) as Looked).heard

everywhere(
  'a server is started, called, cast to, looked at and stopped',
  async (t, { host, call, ids: { a, b } }, threads) => {
    const info = await host.start('actor', { count: 5 }, { id: a, labels: ['x'] })
    t.match(info, { id: a, implementation: 'actor', status: 'running', incarnation: 1, labels: ['x'] })
    t.equal(info.node, threads === 0 ? 'main' : '1')
    t.equal(await call(a, 'add', { by: 2 }), 7)
    t.equal(await host.cast(a, 'hear', { text: 'hello' }), undefined)
    t.same(await call(a, 'look'), { count: 7, heard: ['hello'] })
    t.match(await host.state(a), { state: { count: 7 }, revision: 3, incarnation: 1 })
    t.match(await host.info(a), { handled: 3, replies: 2, revision: 3 })
    await host.stop(a)
    await t.rejects(call(a, 'look'), { code: 'server_exited', details: { reason: 'normal' } })
    await t.rejects(call(b, 'look'), { code: 'unknown_server' })
  },
)

everywhere('what cannot be started or sent is told in the same words', async (t, { host, start, call, ids: { a } }) => {
  await t.rejects(host.start('nothing'), { code: 'unknown_implementation' })
  await t.rejects(start(a, { count: 'no' }), { code: 'invalid_args', details: { errors: [{ path: '/count' }] } })
  await t.rejects(start(a, { init: 'throw' }), {
    code: 'init_crashed',
    details: { reason: { error: 'init failed' } },
  })
  await t.rejects(start(a, { init: 'refuse' }), { code: 'init_refused', details: { reason: 'not today' } })
  await t.rejects(start(a, { init: 'ignore' }), StartIgnored as never)
  await t.rejects(host.start('actor', {}, { id: 'no/id' }), { code: 'invalid_request' })
  await t.rejects(start(a, {}, { mailbox: 0 }), { code: 'invalid_request' })
  await start(a)
  await t.rejects(start(a), { code: 'already_started', details: { server: { id: a } } })
  await t.rejects(call(a, 'nothing'), { code: 'unknown_message' })
  await t.rejects(call(a, 'hear', { text: 'x' }), { code: 'unknown_message' })
  await t.rejects(call(a, 'add', { by: 'x' }), { code: 'invalid_args' })
  await t.rejects(
    Promise.resolve().then(() => host.cast(a, 'hear', {})),
    { code: 'invalid_args' },
  )
  await t.rejects(call(a, 'add', {}, { ifMatch: 9 }), { code: 'revision_mismatch' })
  await t.rejects(call(a, 'add', {}, { implementation: 'hermit' }), { code: 'unknown_server' })
  t.equal(await call(a, 'add'), 1)
})

everywhere(
  'a message may start its server, and a start may find one',
  async (t, { host, call, ids: { a, b, c, d } }) => {
    const start = { implementation: 'actor', args: { count: 40 } }
    t.equal(await call(a, 'add', { by: 2 }, { start }), 42)
    await host.cast(b, 'hear', { text: 'x' }, { start })
    t.same(await call(b, 'look'), { count: 40, heard: ['x'] })
    t.match(await host.getOrStart('actor', {}, { id: b }), { started: false, info: { id: b } })
    t.match(await host.getOrStart('actor', {}, { id: c }), { started: true, info: { id: c } })
    await t.rejects(call(d, 'add', {}, { start: { implementation: 'nothing' } }), { code: 'unknown_implementation' })
    await t.rejects(call(d, 'nothing', {}, { start }), { code: 'unknown_message' })
    await t.rejects(call(d, 'look'), { code: 'unknown_server' }, 'its id is free')
  },
)

everywhere(
  'a child is got or started too, once however often it is asked for, and a taken id is told with its holder',
  async (t, { host, start, ids: { a, b, c, d, w } }) => {
    await host.start('supervisor', {}, { id: w })
    const put = () => host.getOrStart('actor', {}, { id: a, supervisor: w })
    const asked = await Promise.all([put(), put(), put()])
    t.same(
      asked.map(({ started }) => started),
      [true, false, false],
    )
    for (const { info } of asked) t.match(info, { id: a, supervisor: w, status: 'running' })
    t.match(await put(), { started: false })
    // Where there are three nodes, one of these is not on that of the supervisor.
    for (const id of [b, c, d]) {
      await start(id)
      const taken = { code: 'already_started', details: { server: { id, supervisor: null } } }
      await t.rejects(host.start('actor', {}, { id, supervisor: w }), taken)
      t.match(await host.getOrStart('actor', {}, { id, supervisor: w }), { started: false, info: { id } })
      await t.rejects(host.getOrStart('hermit', {}, { id, supervisor: w }), { code: 'already_started' })
    }
    await t.rejects(host.getOrStart('actor', {}, { id: `${a}x`, supervisor: 'nobody' }), { code: 'unknown_server' })
  },
)

everywhere('a crash costs one message', async (t, { host, start, call, ids: { a } }) => {
  await start(a)
  t.equal(await call(a, 'add', { by: 3 }), 3)
  await t.rejects(call(a, 'crash'), {
    code: 'server_crashed',
    effect: 'none',
    details: { reason: { error: 'boom' } },
  })
  t.equal(await call(a, 'add'), 4)
  t.match(await host.info(a), { incarnation: 2, restarts: 1, crashes: 1 })
  t.match(await host.crashes(a), [{ message: 'crash', reason: { error: 'boom' } }])
})

everywhere(
  'a call that waits too long has no effect; one that runs too long may',
  async (t, { start, call, ids: { a } }) => {
    await start(a)
    const stuck = call(a, 'never', {}, { timeout: 50 })
    const behind = call(a, 'add', {}, { timeout: 20 })
    await t.rejects(behind, { code: 'call_timeout', effect: 'none' })
    await t.rejects(stuck, { code: 'call_timeout', effect: 'unknown' })
  },
)

everywhere('a call that is given up while it waits never runs', async (t, { host, start, call, ids: { a } }) => {
  await start(a)
  void call(a, 'never', {}, { timeout: 30 }).catch(() => {})
  const request = host.sendRequest(a, 'add', { by: 100 })
  request.abandon()
  await t.rejects(request.response, { code: 'call_timeout' })
  await host.kill(a)
  await t.rejects(call(a, 'look'), { code: 'server_exited', details: { reason: 'killed' } })
})

everywhere('servers call, cast and send to each other, and start others', async (t, hosted) => {
  const {
    start,
    call,
    host,
    ids: { a, b, c, d },
  } = hosted
  for (const id of [a, b, c, d]) await start(id)
  t.equal(await call(a, 'ask', { to: b, message: 'add', args: { by: 5 } }), 5)
  t.equal(await call(c, 'ask', { to: b, message: 'add', args: { by: 5 } }), 10)
  for (const from of [a, c, d]) {
    await host.cast(from, 'tell', { to: b, text: `cast by ${from}` })
    await host.cast(from, 'send', { to: b, text: `sent by ${from}` })
  }
  await eventually(async () => (await heardBy(hosted, b)).length === 6)
  t.same(
    [...(await heardBy(hosted, b))].sort(),
    [a, c, d].flatMap((from) => [`cast by ${from}`, `sent by ${from}`]).sort(),
  )
  t.equal(await call(a, 'start', { implementation: 'actor', args: { count: 9 }, options: { id: 'child' } }), 'child')
  t.equal(await call(d, 'ask', { to: 'child', message: 'add' }), 10)
  t.equal(await call(b, 'whereis', { to: 'child' }), 'child')
  t.equal(await call(b, 'whereis', { to: 'nobody' }), null)
  await t.rejects(call(a, 'ask', { to: 'nobody', message: 'add' }), { code: 'server_crashed' })
  t.equal(await call(a, 'start', { implementation: 'actor', args: { init: 'ignore' }, options: {} }), null)
})

everywhere('a reply may come from another server', async (t, { start, call, ids: { a, b, c } }) => {
  for (const id of [a, b, c]) await start(id)
  t.equal(await call(a, 'askLater', { to: b }), `from ${b}`)
  t.equal(await call(a, 'askLater', { to: c }), `from ${c}`)
  t.equal(await call(c, 'askLater', { to: a }), `from ${a}`)
})

everywhere('a call that would wait for itself is refused', async (t, { start, call, ids: { a, b, c } }) => {
  for (const id of [a, b, c]) await start(id)
  const round = (to: string, args: object) => ({ to, message: 'ask', args })
  const cycle = round(b, round(c, { to: a, message: 'add' }))
  await t.rejects(call(a, 'ask', cycle), { code: 'call_cycle' })
  t.equal(await call(a, 'ask', round(b, { to: c, message: 'add' })), 1, 'a chain is no cycle')
})

everywhere('a link brings the end of one to the other', async (t, hosted) => {
  const {
    start,
    call,
    host,
    ids: { a, b, c, d, e },
  } = hosted
  for (const id of [a, b, c, d]) await start(id, {}, { restart: 'temporary' })
  await call(b, 'trapExit')
  await call(a, 'link', { to: b })
  await call(c, 'link', { to: d })
  await call(c, 'unlink', { to: d })
  await host.kill(a)
  await host.kill(d)
  await eventually(async () => (await heardBy(hosted, b)).length > 0)
  t.same(await heardBy(hosted, b), [{ EXIT: a, reason: 'killed', restarting: false }])
  t.equal(await call(c, 'add'), 1, 'it was unlinked in time')
  await call(c, 'link', { to: b })
  await call(c, 'stop', { reason: 'broken' })
  await eventually(async () => (await heardBy(hosted, b)).length === 2)
  await start(e, {}, { restart: 'temporary' })
  await call(e, 'link', { to: b })
  await host.kill(b)
  await eventually(async () => !(await host.list()).servers.some(({ id }) => id === e))
  await t.rejects(call(e, 'add'), { code: 'server_exited', details: { reason: 'killed' } }, 'it does not trap exits')
})

everywhere('a monitor hears of an end, of a restart, and of nobody', async (t, hosted) => {
  const {
    start,
    call,
    host,
    ids: { a, b, c },
  } = hosted
  for (const id of [a, b, c]) await start(id)
  const ref = await call(a, 'monitor', { to: b })
  const other = await call(a, 'monitor', { to: c })
  await call(a, 'demonitor', { ref: other })
  await host.kill(c)
  const nobody = await call(a, 'monitor', { to: 'nobody' })
  await call(b, 'crash').catch(() => {})
  await eventually(async () => (await heardBy(hosted, a)).length === 2)
  t.same(await heardBy(hosted, a), [
    { DOWN: 'nobody', ref: nobody, reason: 'noproc', restarting: false },
    { DOWN: b, ref, reason: { error: 'boom' }, restarting: true },
  ])
})

everywhere('a signal ends whoever does not trap it, and kill whoever does', async (t, hosted) => {
  const {
    start,
    call,
    ids: { a, b, c, d },
  } = hosted
  for (const id of [a, b, c, d]) await start(id, {}, { restart: 'temporary' })
  await call(c, 'trapExit')
  await call(d, 'trapExit')
  await call(a, 'exit', { to: b, reason: 'broken' })
  await call(a, 'exit', { to: c, reason: 'broken' })
  await call(a, 'exit', { to: d, reason: 'kill' })
  await eventually(async () => (await heardBy(hosted, c)).length === 1)
  t.same(await heardBy(hosted, c), [{ EXIT: a, reason: 'broken', restarting: false }])
  await eventually(() =>
    call(d, 'look').then(
      () => false,
      () => true,
    ),
  )
  await t.rejects(call(b, 'look'), { code: 'server_exited', details: { reason: 'broken' } })
  await t.rejects(call(d, 'look'), { code: 'server_exited', details: { reason: 'killed' } })
})

everywhere('a supervisor keeps its children', async (t, { host, call, ids: { w, z } }) => {
  const child = (id: string) => ({ id, implementation: 'actor', restart: 'permanent' })
  await host.start('supervisor', { strategy: 'oneForAll', children: [child('x'), child('y')] }, { id: 'tree' })
  t.equal(await call('x', 'add'), 1)
  t.equal((await host.info('x')).supervisor, 'tree')
  await call('y', 'crash').catch(() => {})
  await eventually(async () => (await host.info('x')).incarnation === 2)
  t.equal(await call('x', 'add'), 1, 'it began anew, as its sibling did')
  t.match(await host.start('actor', {}, { id: z, supervisor: 'tree' }), { id: z, supervisor: 'tree' })
  await t.rejects(host.start('actor', {}, { id: z, supervisor: 'tree' }), { code: 'already_started' })
  await t.rejects(host.start('actor', {}, { id: w, supervisor: 'nobody' }), { code: 'unknown_server' })
  await host.stop('tree')
  await t.rejects(call('x', 'add'), { code: 'server_exited', details: { reason: 'shutdown' } })
})

everywhere(
  'groups, lists and counts are of all servers',
  async (t, { host, start, ids: { a, b, c, d, e, f, g, z } }) => {
    const ids = [a, b, c, d, e, f, g]
    for (const id of ids) await start(id, {}, { labels: ['all'] })
    await host.start('hermit', {}, { id: z, labels: ['all'] })
    const sent = await host.castGroup('all', 'hear', { text: 'x' })
    t.match(sent, { sent: 7, failures: [{ id: z, code: 'unknown_message' }] })
    t.ok(sent.failures[0]?.error instanceof GenServerError)
    const { replies, failures } = await host.callGroup('all', 'add', {})
    t.same(
      replies.map(({ id, reply }) => [id, reply]),
      [...ids, z].map((id) => [id, 1]),
    )
    t.same(failures, [])
    t.same((await host.callGroup('nobody', 'add', {})).replies, [])
    const pages: string[][] = []
    for (let after: string | undefined; ; ) {
      const page = await host.list({ limit: 3, ...(after !== undefined && { after }) })
      pages.push(page.servers.map(({ id }) => id))
      after = page.next
      if (after === undefined) break
    }
    t.same(pages, [
      [a, b, c],
      [d, e, f],
      [g, z],
    ])
    t.same(
      (await host.list({ implementation: 'hermit' })).servers.map(({ id }) => id),
      [z],
    )
    const counts = (await host.countServers()).filter(({ count }) => count > 0)
    t.same(
      counts.sort((a, b) => b.count - a.count),
      [
        { implementation: 'actor', status: 'running', count: 7 },
        { implementation: 'hermit', status: 'running', count: 1 },
      ],
    )
  },
)

everywhere('events, states and lives can be watched', async (t, { host, start, call, ids: { a } }) => {
  const lives: unknown[] = []
  await host.watchAll(({ event, data }) => lives.push([event, (data as { id: string }).id]))
  await start(a)
  const seen: unknown[] = []
  const views: unknown[] = []
  const watch = await host.watch(a, ({ event, data }) => seen.push([event, data]), {
    onState: ({ revision }) => views.push(revision),
  })
  await call(a, 'publish', { n: 1 })
  await call(a, 'add')
  await eventually(() => seen.length === 1)
  const { position } = watch
  await call(a, 'publish', { n: 2 })
  await call(a, 'crash').catch(() => {})
  await eventually(() => seen.length === 3)
  t.match(seen, [
    ['news', { n: 1 }],
    ['news', { n: 2 }],
    ['restart', { incarnation: 2 }],
  ])
  await eventually(() => views.length >= 2)
  watch.close()
  const resumed: unknown[] = []
  const again = await host.watch(a, ({ event }) => resumed.push(event), { after: position })
  await host.stop(a)
  await eventually(() => resumed.length === 3)
  t.same(resumed, ['news', 'restart', 'exit'])
  t.same(seen.length, 3, 'the watch was closed')
  again.close()
  await eventually(() => lives.length === 3)
  t.same(lives, [
    ['start', a],
    ['restart', a],
    ['exit', a],
  ])
  await t.rejects(async () => host.watch('nobody', () => {}), { code: 'unknown_server' })
})

everywhere('each watch hears its own server, and only until it is closed', async (t, { host, start, call, ids }) => {
  const { a, b, c } = ids
  const seen: Record<string, unknown[]> = { a: [], b: [], c: [], all: [] }
  for (const id of [a, b, c]) await start(id)
  const watches = await Promise.all([
    host.watch(a, ({ data }) => seen['a']?.push(data)),
    host.watch(b, ({ data }) => seen['b']?.push(data)),
    host.watch(c, ({ data }) => seen['c']?.push(data)),
  ])
  const stops = await Promise.all([a, b, c].map(async (id) => host.trace(id, () => seen['all']?.push(id))))
  await Promise.all([a, b, c].map((id, n) => call(id, 'publish', { n })))
  await eventually(() => Object.values(seen).flat().length >= 9)
  for (const stop of stops) stop()
  watches[1]?.close()
  await Promise.all([a, b, c].map((id, n) => call(id, 'publish', { n: n + 10 })))
  await Promise.all([a, b, c].map((id) => call(id, 'add')))
  await eventually(() => seen['a']?.length === 2 && seen['c']?.length === 2)
  t.same([seen['a'], seen['b'], seen['c']], [[{ n: 0 }, { n: 10 }], [{ n: 1 }], [{ n: 2 }, { n: 12 }]])
  t.same(seen['all']?.sort(), [a, a, b, b, c, c], 'in and out')
  for (const watch of watches) watch.close()
})

everywhere('operators see and do what they can elsewhere', async (t, { host, start, call, ids: { a } }) => {
  await start(a)
  await host.suspend(a)
  const waits = call(a, 'add')
  await eventually(async () => (await host.info(a)).mailbox.length === 1)
  t.equal(await host.replaceState(a, { count: 10, heard: [], waiting: [] }), 2)
  const traced: string[] = []
  const stop = await host.trace(a, ({ event }) => traced.push(event))
  await host.resume(a)
  t.equal(await waits, 11)
  await eventually(() => traced.length === 3)
  t.same(traced, ['in', 'state', 'out'])
  stop()
  const ref = (await host.cast(a, 'hear', { text: 'late' }, { delay: 60_000 })) as string
  t.match(await host.timers(a), [{ ref, kind: 'cast', message: 'hear' }])
  t.type(await host.cancelTimer(a, ref), 'number')
  t.equal(await host.cancelTimer(a, ref), false)
  await t.rejects(async () => host.suspend('nobody'), { code: 'unknown_server' })
})

for (const threads of kinds) {
  t.test(
    `nothing new is taken when the host drains, and an ended id goes on counting (${threads} threads)`,
    async (t) => {
      const { host, start, call } = await openHost(t, threads)
      await start('a')
      await call('a', 'add')
      await host.kill('a')
      await start('a')
      t.match(await host.info('a'), { incarnation: 2, revision: 3 })
      host.drain()
      await t.rejects(start('b'), { code: 'draining' })
      await t.rejects(call('a', 'add'), { code: 'draining' })
    },
  )
}

everywhere(
  'two that call each other at the same moment do not wait for ever',
  async (t, { start, call, ids: { a, b } }) => {
    for (const id of [a, b]) await start(id)
    // One of them may be done before the other comes; then it was not the same moment, and both have counted one on.
    for (let [count, said] = [1, [] as unknown[]]; !said.includes('call_cycle'); count++) {
      const outcomes = await Promise.allSettled([
        call(a, 'ask', { to: b, message: 'add' }),
        call(b, 'ask', { to: a, message: 'add' }),
      ])
      said = outcomes.map((each) => (each.status === 'fulfilled' ? each.value : each.reason.code))
      t.ok(said.every((each) => each === 'call_cycle' || each === count))
    }
    t.type(await call(a, 'add'), 'number')
  },
)

everywhere('a name that a start did not use is free', async (t, { host, start, call, ids: { a, q, r } }) => {
  await host.start('supervisor', {}, { id: 'tree' })
  await start(a)
  const child = { id: q, implementation: 'actor', args: { count: 'no' } }
  t.match(await call('tree', 'startChild', child), { error: { code: 'invalid_args' } })
  t.match(await call('tree', 'startChild', { ...child, id: a, args: {} }), { error: { code: 'already_started' } })
  await start(q)
  const options = { id: q, link: true }
  await t.rejects(call(a, 'start', { implementation: 'actor', args: {}, options }), { code: 'server_crashed' })
  const linked = { id: r, link: true, restart: 'temporary' }
  t.equal(await call(a, 'start', { implementation: 'actor', args: {}, options: linked }), r)
  t.equal((await host.info(r)).node, (await host.info(a)).node)
  await host.kill(a)
  await eventually(() =>
    call(r, 'add').then(
      () => false,
      () => true,
    ),
  )
})

t.test('a reply of another node that is not what was promised is a bad reply', async (t) => {
  const { host, start, call } = await openHost(t, 2)
  await start('a')
  await start('b')
  t.not((await host.info('a')).node, (await host.info('b')).node)
  await t.rejects(call('a', 'askNumberLater', { to: 'b' }), { code: 'bad_reply' })
  t.equal(await call('b', 'add'), 1, 'who gave it could not know')
})

everywhere('one id is one server, however many start it at the same moment', async (t, { host, call, ids: { a } }) => {
  const start = { implementation: 'actor' }
  const outcomes = await Promise.allSettled([
    call(a, 'nothing', {}, { start }),
    call(a, 'add', {}, { start }),
    call(a, 'add', { by: 'x' }, { start }),
    host.getOrStart('actor', {}, { id: a }),
    call(a, 'add', {}, { start }),
    Promise.resolve().then(() => host.cast(a, 'hear', { text: 'x' }, { start })),
    host.start('actor', {}, { id: a }),
    call(a, 'add', {}, { start }),
  ])
  t.same(
    outcomes.map((each) => (each.status === 'rejected' ? each.reason.code : each.status)),
    ['unknown_message', 'fulfilled', 'invalid_args', ...Array(3).fill('fulfilled'), 'already_started', 'fulfilled'],
  )
  t.equal(await call(a, 'add'), 4)
  t.same(
    (await host.nodes()).reduce((sum, { servers }) => sum + servers, 0),
    1,
  )
  t.equal((await host.list()).servers.length, 1)
})

t.test('a start that fails does not free the id for which another one waits', async (t) => {
  const { host, call } = await openHost(t, 2)
  const start = { implementation: 'actor' }
  for (let n = 0; n < 50; n++) {
    const id = `a${n}`
    const fails = call(id, 'nothing', {}, { start })
    await new Promise((resolve) => setImmediate(resolve))
    const waits = call(id, 'add', {}, { start })
    await fails.catch(() => {})
    t.same([await call(id, 'add', {}, { start }), await waits], [2, 1], id)
  }
  t.equal((await host.list()).servers.length, 50)
})
