/** Who watches a server, or all of them, hears what happens: what is missed, what comes, and the end. */
import { type AnyDefinition, defineServer, type FeedEvent, type RuntimeOptions, type StateView, Type } from 'genservers'
import t, { type Test } from 'tap'
import { latch, observe, running } from './running.js'

const N = Type.Object({ n: Type.Integer() })

/** A station tells its news, and has a secret. */
const station = (extra: Partial<AnyDefinition> = {}) =>
  defineServer({
    state: Type.Object({ n: Type.Integer(), secret: Type.String() }),
    args: Type.Object({ refuse: Type.Optional(Type.Boolean()) }),
    events: { news: N, blob: Type.Object({ text: Type.String() }) },
    casts: {
      tell: { args: N },
      telling: { args: Type.Object({ times: Type.Integer() }) },
      blob: { args: Type.Object({ size: Type.Integer() }) },
      set: { args: N },
      crash: {},
      leave: {},
    },
    redact: ({ n }) => {
      if (n === 13) throw new Error('unlucky')
      return { n }
    },
    init: ({ refuse }, ctx) => (refuse ? ctx.refuse('no licence') : { n: 0, secret: 'hush' }),
    handleCast: {
      tell: (_state, { n }, ctx) => ctx.publish('news', { n }),
      telling: (_state, { times }, ctx) => {
        for (let n = 1; n <= times; n++) ctx.publish('news', { n })
      },
      blob: (_state, { size }, ctx) => ctx.publish('blob', { text: 'x'.repeat(size) }),
      set: (state, { n }, ctx) => {
        state.n = n
        ctx.publish('news', { n })
      },
      crash: () => {
        throw new Error('boom')
      },
      leave: (_state, _args, ctx) => ctx.stop('enough'),
    },
    ...(extra as object),
  })

/** A runtime with one station, `s`, which somebody may watch. */
async function onAir(t: Test, options: Pick<RuntimeOptions, 'feeds' | 'rememberExits'> = {}, start: object = {}) {
  const world = running(t, { station: station() }, options)
  await world.runtime.start('station', {}, { id: 's', ...start })
  const cast = async (message: string, args: object = {}, id = 's') => {
    world.runtime.cast(id, message, args)
    await world.clock.advance(0)
  }
  return { ...world, cast }
}

/** What was heard, without positions. */
const told = (events: readonly FeedEvent[]) => events.map(({ event, data }) => [event, data])
const news = (...numbers: number[]) => numbers.map((n) => ['news', { n }])

t.test('a watcher hears what is published from now on, until it leaves', async (t) => {
  const { runtime, cast, close } = await onAir(t)
  await cast('tell', { n: 1 })
  const heard: FeedEvent[] = []
  const watch = runtime.watch('s', (event) => heard.push(event))
  const before = watch.position
  t.same(heard, [], 'the past is not asked for')
  await cast('tell', { n: 2 })
  await cast('tell', { n: 3 })
  t.same(told(heard), news(2, 3))
  t.equal(heard[0]?.json, '{"n":2}')
  t.equal(watch.position, heard[1]?.position)
  t.equal(new Set([before, ...heard.map(({ position }) => position)]).size, 3, 'positions are unique')
  watch.close()
  watch.close()
  await cast('tell', { n: 4 })
  t.equal(heard.length, 2)
  await close()
})

t.test('one that comes back hears first what it has missed, from where it was', async (t) => {
  const { runtime, cast, close } = await onAir(t)
  const heard: FeedEvent[] = []
  const hear = (event: FeedEvent) => heard.push(event)
  const first = runtime.watch('s', hear)
  first.close()
  await cast('tell', { n: 1 })
  const second = runtime.watch('s', hear, { after: first.position })
  t.same(told(heard), news(1), 'before watch returns')
  await cast('tell', { n: 2 })
  second.close()
  await cast('tell', { n: 3 })
  runtime.watch('s', hear, { after: second.position }).close()
  runtime.watch('s', hear, { after: (heard[2] as FeedEvent).position }).close()
  t.same(told(heard), news(1, 2, 3), 'each once')
  await close()
})

t.test('what is not kept any more is told as a gap, which counts it', async (t) => {
  const { runtime, cast, close } = await onAir(t, { feeds: { events: 3 } })
  const { position, close: leave } = runtime.watch('s', () => {})
  leave()
  for (let n = 1; n <= 3; n++) await cast('tell', { n })
  const heard: FeedEvent[] = []
  runtime.watch('s', (event) => heard.push(event), { after: position }).close()
  t.same(told(heard), news(1, 2, 3), 'three are kept')
  for (let n = 4; n <= 5; n++) await cast('tell', { n })
  heard.length = 0
  runtime.watch('s', (event) => heard.push(event), { after: position }).close()
  t.same(told(heard), [['gap', { missed: 2 }], ...news(3, 4, 5)])
  const again: FeedEvent[] = []
  runtime.watch('s', (event) => again.push(event), { after: (heard[0] as FeedEvent).position }).close()
  t.same(told(again), news(3, 4, 5), 'the position of the gap is where it ends')
  await close()
})

t.test('what is kept is bounded in bytes too, but for the latest event', async (t) => {
  const { runtime, cast, close } = await onAir(t, { feeds: { bytes: 100 } })
  const heard: FeedEvent[] = []
  const { position } = runtime.watch('s', (event) => heard.push(event))
  await cast('tell', { n: 1 })
  await cast('blob', { size: 40 })
  await cast('blob', { size: 40 })
  await cast('blob', { size: 1000 })
  t.equal(heard.length, 4, 'who watches hears all')
  const missed = () => {
    const late: FeedEvent[] = []
    runtime.watch('s', (event) => late.push(event), { after: position }).close()
    return late.map(({ event, data }) => (event === 'gap' ? data : event))
  }
  t.same(missed(), [{ missed: 3 }, 'blob'])
  await cast('tell', { n: 2 })
  t.same(missed(), [{ missed: 4 }, 'news'], 'the large one goes as soon as there is another')
  await close()
})

t.test('a position that is none of this feed is a gap of unknown length, and then all that is kept', async (t) => {
  const { runtime, cast, close } = await onAir(t)
  const { position } = runtime.watch('s', () => {})
  const epoch = position.slice(0, -1)
  await cast('tell', { n: 1 })
  const strange = ['', 'x', `${epoch}2`, `${epoch}-1`, `${epoch}01`, `${epoch}1.0`, epoch, `${epoch}x`, ` ${position}`]
  for (const after of strange) {
    const heard: FeedEvent[] = []
    runtime.watch('s', (event) => heard.push(event), { after }).close()
    t.same(told(heard), [['gap', { missed: null }], ...news(1)], JSON.stringify(after))
    t.equal(heard[0]?.position, position)
  }
  await close()
})

t.test('a restart is told with the incarnation and the reason, from the state and from init', async (t) => {
  for (const restartFrom of ['state', 'init']) {
    const { runtime, cast, close } = await onAir(t, {}, { restartFrom })
    const heard: FeedEvent[] = []
    runtime.watch('s', (event) => heard.push(event))
    await cast('crash')
    t.match(told(heard), [['restart', { incarnation: 2, reason: { error: 'boom' }, at: '2026-01-01T00:00:00.000Z' }]])
    await close()
  }
})

t.test('a restart by a supervisor is told with the reason for which the server was taken down', async (t) => {
  const { runtime, clock, close } = await onAir(t)
  const children = ['a', 'b'].map((id) => ({ id, implementation: 'station' }))
  await runtime.start('supervisor', { strategy: 'oneForAll', children }, { id: 'tree' })
  const heard: FeedEvent[] = []
  runtime.watchAll((event) => heard.push(event))
  runtime.cast('b', 'crash')
  await clock.advance(0)
  t.match(told(heard), [
    ['restart', { id: 'a', incarnation: 2, reason: 'shutdown' }],
    ['restart', { id: 'b', incarnation: 2, reason: { error: 'boom' } }],
  ])
  await close()
})

t.test('the last event is the exit, however the server ends; then the watch is over', async (t) => {
  const ends = {
    enough: (cast: (message: string) => Promise<void>) => cast('leave'),
    killed: async (_cast: unknown, kill: () => void) => kill(),
    normal: async (_cast: unknown, _kill: unknown, stop: () => Promise<void>) => stop(),
  }
  for (const [reason, end] of Object.entries(ends)) {
    const { runtime, cast, clock, close } = await onAir(t)
    const heard: FeedEvent[] = []
    runtime.watch('s', (event) => heard.push(event))
    const ended = end(
      cast,
      () => runtime.kill('s'),
      () => runtime.stop('s'),
    )
    await clock.advance(0)
    await ended
    t.same(told(heard), [['exit', { reason, at: '2026-01-01T00:00:00.000Z' }]])
    await runtime.start('station', {}, { id: 's' })
    await cast('tell', { n: 1 })
    t.equal(heard.length, 1, 'another server of that id is not what is watched')
    await close()
  }
})

t.test('one that was away hears of the exit while that is remembered, once', async (t) => {
  const { runtime, clock, cast, close } = await onAir(t, { rememberExits: 1000 })
  const { position, close: leave } = runtime.watch('s', () => {})
  leave()
  await cast('tell', { n: 1 })
  runtime.kill('s')
  const heard: FeedEvent[] = []
  const watch = () => runtime.watch('s', (event) => heard.push(event), { after: position })
  const { position: last } = watch()
  t.match(told(heard), [...news(1), ['exit', { reason: 'killed' }]])
  const exited = { code: 'server_exited', details: { reason: 'killed' } }
  t.throws(() => runtime.watch('s', () => {}, { after: last }), exited, 'there is nothing more to tell')
  t.throws(() => runtime.watch('s', () => {}), exited, 'nothing comes from now on')
  await clock.advance(1000)
  t.throws(watch, { code: 'unknown_server' })
  t.throws(() => runtime.watch('nobody', () => {}), { code: 'unknown_server' })
  await close()
})

t.test('the feeds of ended servers are bounded in number, and go when the exit is forgotten', async (t) => {
  const { runtime, clock, close } = await onAir(t, { feeds: { ended: 2 }, rememberExits: 1000 })
  const positions = new Map<string, string>()
  for (const id of ['a', 'b', 'c']) {
    await runtime.start('station', {}, { id })
    positions.set(id, runtime.watch(id, () => {}).position)
  }
  const back = (id: string) => {
    const heard: string[] = []
    runtime.watch(id, ({ event }) => heard.push(event), { after: positions.get(id) })
    return heard
  }
  runtime.kill('a')
  runtime.kill('b')
  t.same(back('a'), ['exit'])
  await clock.advance(500)
  runtime.kill('c')
  t.throws(() => back('a'), { code: 'server_exited' }, 'the oldest is not kept')
  t.same(back('b'), ['exit'])
  await clock.advance(500)
  t.throws(() => back('b'), { code: 'unknown_server' })
  t.same(back('c'), ['exit'])
  await close()
})

t.test('another server that takes the id has a feed of its own', async (t) => {
  const { runtime, cast, close } = await onAir(t)
  const { position } = runtime.watch('s', () => {})
  runtime.kill('s')
  await runtime.start('station', {}, { id: 's' })
  const heard: FeedEvent[] = []
  const watch = runtime.watch('s', (event) => heard.push(event), { after: position })
  t.same(told(heard), [['gap', { missed: null }]])
  await cast('tell', { n: 1 })
  t.same(told(heard).slice(1), news(1))
  watch.close()
  runtime.kill('s')
  await runtime.start('station', {}, { id: 's' })
  runtime.kill('s')
  const later = () => runtime.watch('s', () => {}, { after: watch.position })
  t.throws(later, { code: 'server_exited' }, 'nobody has watched the last one: there is no feed to read')
  await close()
})

t.test('two runtimes never give the same position', async (t) => {
  const one = await onAir(t)
  const other = await onAir(t)
  t.not(one.runtime.watch('s', () => {}).position, other.runtime.watch('s', () => {}).position)
  await one.close()
  await other.close()
})

t.test('a server that is watched while it starts tells how that went', async (t) => {
  const gate = latch<object>()
  const { runtime, clock, close } = running(t, {
    slow: station({ init: () => gate.promise }),
    refusing: station({ init: async (_args: unknown, ctx: { refuse(reason: string): unknown }) => ctx.refuse('no') }),
  })
  const heard: FeedEvent[] = []
  const views: StateView[] = []
  const lives: FeedEvent[] = []
  runtime.watchAll((event) => lives.push(event))
  const starting = observe(runtime.start('slow', {}, { id: 'a' }))
  const refused = observe(runtime.start('refusing', {}, { id: 'b' }))
  const killed = observe(runtime.start('slow', {}, { id: 'c' }))
  for (const id of ['a', 'b', 'c']) runtime.watch(id, (event) => heard.push(event))
  runtime.watch('a', () => {}, { onState: (view) => views.push(view) })
  runtime.kill('c')
  await clock.advance(0)
  t.match(told(heard), [
    ['exit', { reason: 'killed' }],
    ['exit', { reason: 'no' }],
  ])
  t.equal(refused.error?.code, 'init_refused')
  t.equal(killed.error?.code, 'server_exited')
  t.same(lives, [], 'none of them has lived')
  t.throws(() => runtime.watch('b', () => {}), { code: 'unknown_server' }, 'one that never began leaves no trace')
  gate.open({ n: 1, secret: 'hush' })
  await clock.advance(0)
  t.equal(starting.outcome, 'resolved')
  t.match(told(lives), [['start', { id: 'a' }]])
  t.match(views, [{ revision: 0 }, { revision: 1, state: { n: 1 } }])
  await close()
})

t.test('the lives of all servers: start, restart and exit, and nothing of what they publish', async (t) => {
  const { runtime, clock, cast, close } = await onAir(t)
  const heard: FeedEvent[] = []
  const watch = runtime.watchAll((event) => heard.push(event))
  await runtime.start('station', {}, { id: 'other' })
  await cast('tell', { n: 1 })
  await cast('crash')
  watch.close()
  await clock.advance(5)
  runtime.kill('other')
  await t.rejects(runtime.start('station', { refuse: true }, { id: 'refused' }))
  runtime.watchAll((event) => heard.push(event), { after: watch.position }).close()
  const at = '2026-01-01T00:00:00.000Z'
  t.same(told(heard), [
    ['start', { id: 'other', implementation: 'station', incarnation: 1, at }],
    ['restart', { id: 's', implementation: 'station', incarnation: 2, reason: { error: 'boom' }, at }],
    ['exit', { id: 'other', implementation: 'station', reason: 'killed', at: '2026-01-01T00:00:00.005Z' }],
  ])
  await close()
})

t.test('the lives that nobody has heard of yet are bounded', async (t) => {
  const { runtime, close } = await onAir(t)
  const { position } = runtime.watchAll(() => {})
  for (let i = 0; i < 501; i++) {
    await runtime.start('station', {}, { id: 'x' })
    runtime.kill('x')
  }
  const heard: FeedEvent[] = []
  runtime.watchAll((event) => heard.push(event), { after: position }).close()
  t.same([heard.length, heard[0]?.data], [1001, { missed: 2 }])
  await close()
})

t.test('a watcher of the state sees it at once and after each revision, as redact shows it', async (t) => {
  const { runtime, cast, close } = await onAir(t)
  const seen: unknown[] = []
  const watch = runtime.watch('s', ({ event, data }) => seen.push([event, data]), {
    onState: ({ state, revision, incarnation, redactFailed }) =>
      seen.push([state, revision, incarnation, redactFailed === true]),
  })
  t.same(seen.splice(0), [[{ n: 0 }, 1, 1, false]])
  await cast('set', { n: 1 })
  t.same(seen.splice(0), [[{ n: 1 }, 2, 1, false], ...news(1)], 'the state, and then what was said of it')
  await cast('tell', { n: 2 })
  t.same(seen.splice(0), news(2), 'no revision, no state')
  await cast('set', { n: 13 })
  t.same(seen.splice(0), [[null, 3, 1, true], ...news(13)], 'it fails closed')
  await cast('crash')
  t.match(seen.splice(0), [['restart', { incarnation: 2 }]], 'it goes on with the state that it had')
  watch.close()
  await cast('set', { n: 4 })
  t.same(seen, [])
  await close()
})

t.test('a restart from init is a revision too', async (t) => {
  const { runtime, cast, close } = await onAir(t, {}, { restartFrom: 'init' })
  await cast('set', { n: 7 })
  const seen: unknown[] = []
  runtime.watch('s', ({ event }) => seen.push(event), {
    onState: ({ state, revision }) => seen.push([state, revision]),
  })
  await cast('crash')
  t.same(seen, [[{ n: 7 }, 2], 'restart', [{ n: 0 }, 3]])
  await close()
})

t.test('nothing of the state is looked at unless somebody wants to see it, and then once for all', async (t) => {
  let looks = 0
  const redact = ({ n }: { n: number }) => {
    looks++
    return { n }
  }
  const { runtime, clock, close } = running(t, { station: station({ redact }) })
  await runtime.start('station', {}, { id: 's' })
  const set = async (n: number) => {
    runtime.cast('s', 'set', { n })
    await clock.advance(0)
  }
  const plain = runtime.watch('s', () => {})
  await set(1)
  t.equal(looks, 0)
  const views: StateView[][] = [[], [], []]
  const watches = views.map((seen) => runtime.watch('s', () => {}, { onState: (view) => seen.push(view) }))
  t.equal(looks, 1)
  await set(2)
  t.equal(looks, 2)
  t.ok(views[0]?.[0] === views[2]?.[0] && views[0]?.[1] === views[2]?.[1], 'all have the same view')
  for (const watch of watches) watch.close()
  await set(3)
  t.equal(looks, 2)
  plain.close()
  await close()
})

t.test('a state that is lost on the way to a fresh start is not shown as if it were there', async (t) => {
  const gate = latch<object>()
  const init = (_args: unknown, ctx: { incarnation: number }) =>
    ctx.incarnation === 1 ? { n: 7, secret: 'hush' } : gate.promise
  const { runtime, clock, close } = running(t, { station: station({ init, restartFrom: 'init' }) })
  await runtime.start('station', {}, { id: 's' })
  const states = (): unknown[] => {
    const seen: unknown[] = []
    runtime.watch('s', () => {}, { onState: ({ state }) => seen.push(state) })
    return seen
  }
  const early = states()
  runtime.cast('s', 'crash')
  await clock.advance(0)
  const late = states()
  t.same([early, late], [[{ n: 7 }], [null]])
  gate.open({ n: 8, secret: 'hush' })
  await clock.advance(0)
  t.same(
    [early, late],
    [
      [{ n: 7 }, { n: 8 }],
      [null, { n: 8 }],
    ],
  )
  await close()
})

t.test('a watcher that fails harms nobody', async (t) => {
  const { runtime, cast, logged, close } = await onAir(t)
  const fail = () => {
    throw new Error('broken ear')
  }
  runtime.watch('s', fail, { onState: fail })
  const heard: FeedEvent[] = []
  runtime.watch('s', (event) => heard.push(event))
  await cast('set', { n: 1 })
  t.same(told(heard), news(1))
  t.match(
    logged.map(({ message }) => message),
    ['a watcher of the state failed', 'a watcher of the state failed', 'a watcher failed'],
  )
  t.equal(runtime.info('s').restarts, 0)
  await close()
})

t.test('what a watcher causes itself comes after what it is being told, and in the same order to all', async (t) => {
  const { runtime, cast, close } = await onAir(t)
  const lines: FeedEvent[][] = [[], []]
  runtime.watchAll((event) => {
    if (event.event === 'restart') runtime.kill('s')
    lines[0]?.push(event)
  })
  runtime.watchAll((event) => lines[1]?.push(event))
  await cast('crash')
  for (const line of lines)
    t.same(
      line.map(({ event }) => event),
      ['restart', 'exit'],
    )
  await close()
})

t.test('a watcher may leave, or end its server, in the middle of what it is told', async (t) => {
  const { runtime, cast, close } = await onAir(t)
  const heard: FeedEvent[] = []
  const watch = runtime.watch('s', (event) => {
    heard.push(event)
    if (heard.length === 2) watch.close()
  })
  await cast('telling', { times: 5 })
  t.same(told(heard), news(1, 2))
  const ended: FeedEvent[] = []
  const last = runtime.watch(
    's',
    (event) => {
      ended.push(event)
      runtime.kill('s')
    },
    { after: watch.position },
  )
  t.match(told(ended), [...news(3, 4, 5), ['exit', { reason: 'killed' }]])
  t.throws(() => runtime.watch('s', () => {}, { after: last.position }), { code: 'server_exited' })
  await close()
})

t.test('a server that is killed by who sees its state says nothing more', async (t) => {
  const { runtime, clock, close } = await onAir(t)
  const heard: FeedEvent[] = []
  runtime.watch('s', (event) => heard.push(event), {
    onState: ({ revision }) => void (revision === 2 && runtime.kill('s')),
  })
  runtime.cast('s', 'set', { n: 1 })
  await clock.advance(0)
  t.match(told(heard), [['exit', { reason: 'killed' }]], 'what the turn would have published is not')
  await close()
})

t.test('a server that is gone when the past has been told shows no state', async (t) => {
  const { runtime, cast, close } = await onAir(t)
  const { position } = runtime.watch('s', () => {})
  await cast('tell', { n: 1 })
  const seen: unknown[] = []
  runtime.watch('s', () => runtime.kill('s'), { after: position, onState: (view) => seen.push(view) })
  t.same(seen, [])
  await close()
})

t.test('a server that nobody has watched keeps nothing of what it publishes', async (t) => {
  const { runtime, cast, close } = await onAir(t)
  await cast('tell', { n: 1 })
  const heard: FeedEvent[] = []
  runtime.watch('s', (event) => heard.push(event), { after: 'some-other.1' })
  t.same(told(heard), [['gap', { missed: null }]])
  await close()
})

t.test('what a watcher causes while it hears of a gap it hears after that', async (t) => {
  const { runtime, clock, close } = running(t, { station: station() })
  await runtime.start('station', {}, { id: 's' })
  const heard: string[] = []
  runtime.watch(
    's',
    ({ event }) => {
      heard.push(`${event} begins`)
      if (event === 'gap') runtime.kill('s')
      heard.push(`${event} ends`)
    },
    { after: 'another-1.1' },
  )
  await clock.advance(0)
  t.same(heard, ['gap begins', 'gap ends', 'exit begins', 'exit ends'])
  await close()
})

t.test('who hears of the first life of a server may end it, and nothing of it is left', async (t) => {
  const { runtime, clock, close } = running(t, {
    eager: defineServer({
      state: Type.Object({}),
      events: { here: Type.Object({}) },
      calls: { tell: {} },
      init: (_args, ctx) => {
        ctx.sendAfter(1000, 'tick')
        return {}
      },
      handleCall: {
        tell: (_state, _args, ctx) => {
          ctx.publish('here', {})
          ctx.sendAfter(1000, 'tick')
          ctx.monitor('nobody')
        },
      },
      handleInfo: { tick: () => {}, DOWN: () => {} },
    }),
  })
  const watch = runtime.watchAll(({ event, data }) => {
    if (event === 'start') runtime.kill((data as { id: string }).id)
  })
  await runtime.start('eager', {}, { id: 'a' }).catch(() => {})
  await clock.advance(0)
  t.equal(runtime.whereis('a'), undefined)
  t.equal(clock.pending, 0)
  watch.close()
  await runtime.start('eager', {}, { id: 'b' })
  t.equal(clock.pending, 1)
  runtime.subscribe('b', ({ id }) => runtime.kill(id))
  await runtime.call('b', 'tell').catch(() => {})
  t.equal(runtime.whereis('b'), undefined)
  t.equal(clock.pending, 0)
  await close()
})
