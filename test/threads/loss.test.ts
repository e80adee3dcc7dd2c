/** A thread is lost while something is under way: what of it holds, who hears what, and who is charged. */
import { type FeedEvent, GenServerError, silentLogger } from 'genservers'
import { createSimulatedClock } from 'genservers/testing'
import t from 'tap'
import { CrashRecords, Exits, RootKeeper } from '../../src/adapters.js'
import type { KeptServers } from '../../src/threads/host/kept-servers.js'
import { Lives } from '../../src/threads/host/lives.js'
import type { Place } from '../../src/threads/host/place.js'
import { Places } from '../../src/threads/host/places.js'
import { Recovery } from '../../src/threads/host/recovery.js'
import { Reloads } from '../../src/threads/host/reloads.js'
import { Router } from '../../src/threads/host/router.js'
import type { StandBy } from '../../src/threads/host/stand-by.js'
import { type OpenQuestion, ThreadNode } from '../../src/threads/host/thread-node.js'
import { Watches } from '../../src/threads/host/watches.js'
import { Board } from '../../src/threads/wire/board.js'
import { carry } from '../../src/threads/wire/carried-failure.js'
import { Channel } from '../../src/threads/wire/channel.js'
import type { Askable, FromNode, ToNode } from '../../src/threads/wire/messages.js'
import { latch, logInto, observe } from '../core/running.js'
import { bounds, eventually, openHost } from './hosts.js'

const terms = { restart: 'transient', restartFrom: 'state', shutdown: 0, mailbox: 1000, labels: [] } as const

/** Generations of a node that are no threads: what is said to each is told. */
function fakeGenerations() {
  const said: unknown[][] = []
  const take = () => {
    const heard: unknown[] = []
    said.push(heard)
    return {
      board: new Board(),
      adopt() {},
      begin: () => ({ postMessage: (messages: unknown[]) => heard.push(...messages) }),
      giveUp: async () => {},
      ended: async () => {},
    }
  }
  return { said, standBy: { take } as unknown as StandBy }
}

const silent = { heard() {}, ended() {}, dropped() {}, leaving() {} }

t.test('an answer to a thread that was given up is not heard by the next one', async (t) => {
  const { said, standBy } = fakeGenerations()
  const node = new ThreadNode('1', { maxQueued: 10, maxQueuedBytes: 1000 }, standBy, silent)
  node.ready()
  const { asker: answer } = node
  answer({ kind: 'told', n: 1, value: 'in time' })
  node.channel.flush()
  node.giveUp()
  node.ready()
  answer({ kind: 'told', n: 1, value: 'too late' })
  node.channel.flush()
  t.same(said.slice(0, 2), [[{ kind: 'told', n: 1, value: 'in time' }], []])
})

t.test('a thread that is given up says whether it had begun, and keeps who has just asked to watch', async (t) => {
  const { standBy } = fakeGenerations()
  const node = new ThreadNode('1', { maxQueued: 10, maxQueuedBytes: 1000 }, standBy, silent)
  t.equal(node.giveUp().hadBegun, false)
  node.ready()
  const heard: string[] = []
  const ask = (name: string, isFirst: boolean) =>
    void node
      .watch((n, watch) => ({ kind: 'trace', n, watch, id: 'a', isFirst }), { hear: () => heard.push(name) })
      .catch(() => {})
  ask('first', true)
  ask('again', false)
  t.equal(node.giveUp().hadBegun, true)
  node.seen({ kind: 'seen', watches: [1, 2] })
  t.same(heard, ['first'])
})

t.test('a question that cannot be cloned fails for whoever asks it, and for nobody at the other end', async (t) => {
  const sent: unknown[] = []
  const port = { postMessage: (value: unknown) => void sent.push(...structuredClone(value as unknown[])) }
  const channel = new Channel<ToNode | FromNode>()
  channel.attach(port)
  const asked = channel.ask((n) => ({ kind: 'ask', n, what: 'start', args: [() => {}] }))
  channel.say({ kind: 'told', n: 7, value: () => {} })
  channel.say({ kind: 'unclaim', id: 'a' })
  channel.flush()
  await t.rejects(asked, /could not be cloned/)
  t.match(sent, [
    { kind: 'failed', n: 7 },
    { kind: 'unclaim', id: 'a' },
  ])
})

function recovery(budget = { maxRestarts: 3, maxSeconds: 5 }) {
  const clock = createSimulatedClock()
  const logged: Parameters<typeof logInto>[0] = []
  const places = new Places(new Exits(clock, 1000))
  const crashes = new CrashRecords()
  const never = latch().promise
  const asked: unknown[] = []
  const adopted: unknown[][] = []
  const answers: Promise<unknown>[] = []
  const node = {
    name: '1',
    servers: 0,
    carry() {},
    channel: { say() {}, question: (...question: unknown[]) => asked.push(question) },
    ask: (...question: unknown[]) => {
      adopted.push(question)
      return answers.shift() ?? never
    },
  } as unknown as ThreadNode
  const forgotten: string[] = []
  const forget = async ({ id }: Place) => void forgotten.push(id)
  const made = new Recovery({
    places,
    clock,
    logger: logInto(logged),
    lives: new Lives(clock, silentLogger),
    crashes,
    nodes: () => [node],
    keeper: new RootKeeper(budget, () => 0),
    kept: { isDurable: () => false, forget } as unknown as KeptServers,
  })
  const begun = (id: string): Place => {
    const place = places.take(id, 'actor', node)
    const said = { kind: 'registered', id, implementation: 'actor', args: {}, terms } as const
    place.registered({ ...said, supervisor: undefined, incarnation: 1 })
    place.hasBegun = true
    return place
  }
  return { recovery: made, clock, logged, places, crashes, node, adopted, asked, answers, forgotten, begun }
}

t.test('whoever loops is given up in the end, however long each loop holds its thread', async (t) => {
  const { recovery: recover, clock, places, node, begun, logged } = recovery()
  begun('a')
  begun('b')
  for (let loss = 1; loss <= 4; loss++) {
    t.ok(places.find('a'), `there before loss ${loss}`)
    const at = { phase: 'running', server: 'a', kind: 'call', message: 'loop', since: clock.now() } as const
    await clock.advance(10_000)
    recover.recover(node, { hadBegun: true, open: [], activity: at }, 10_000)
  }
  t.equal(places.find('a'), undefined)
  t.ok(places.find('b'), 'who shares the thread is not charged')
  t.match(logged, [{ level: 'error', message: 'a has cost its node too often and is given up' }])
  const { recovery: patient, clock: later, places: others, node: other, begun: add } = recovery()
  add('a')
  for (let loss = 1; loss <= 9; loss++) {
    await later.advance(10_000)
    const at = { phase: 'running', server: 'a', kind: 'call', message: 'leave', since: later.now() } as const
    patient.recover(other, { hadBegun: true, open: [], activity: at }, 0)
  }
  t.ok(others.find('a'), 'time in which all went well counts')
})

t.test('time for which it has had nothing to do is no time for which it held its thread up', async (t) => {
  const { recovery: recover, clock, places, node, begun } = recovery()
  begun('a')
  for (let loss = 1; loss <= 9; loss++) {
    const at = { phase: 'done', server: 'a', kind: 'call', message: 'add', since: clock.now() } as const
    await clock.advance(10_000)
    recover.recover(node, { hadBegun: true, open: [], activity: at }, 100)
  }
  t.ok(places.find('a'))
})

const message = (n: number, requestId: string, isTaken: boolean): OpenQuestion => ({
  said: { kind: 'cast', n, to: 'a', message: 'hear', args: {}, origin: { requestId } },
  asker: { answered() {} },
  at: n,
  isAccepted: true,
  isTaken,
  isHeard: false,
})

t.test('what cost the thread is the last of its name that was taken', async (t) => {
  const { recovery: recover, clock, crashes, node, begun } = recovery()
  begun('a')
  const open = [message(1, 'first', true), message(2, 'last', true), message(3, 'waits', false)]
  const at = { phase: 'running', server: 'a', kind: 'cast', message: 'hear', since: clock.now() } as const
  recover.recover(node, { hadBegun: true, open, activity: at }, 0)
  t.match(crashes.get('a'), [{ message: 'hear', requestId: 'last' }])
})

t.test('a message that is named stop is no order to stop', async (t) => {
  const order: OpenQuestion = { ...message(1, '', false), said: { kind: 'ask', n: 1, what: 'stop', args: ['a'] } }
  for (const kind of ['call', 'stop']) {
    const { recovery: recover, clock, places, node, begun } = recovery()
    begun('a')
    const at = { phase: 'running', server: 'a', kind, message: 'stop', since: clock.now() } as const
    recover.recover(node, { hadBegun: true, open: [order], activity: at }, 0)
    t.equal(places.find('a') !== undefined, kind === 'call', kind)
  }
})

t.test('what the thread did not come back from when it looked at it is not asked of the next one', async (t) => {
  const heard = (what: Askable, ...args: readonly unknown[]) => {
    const { recovery: recover, asked, node, begun } = recovery()
    begun('a')
    const told: unknown[] = []
    const asker = { answered: (answer: unknown) => void told.push(answer) }
    const said = { kind: 'ask', n: 1, what, args } as const
    const question = { said, asker, at: 1, isAccepted: false, isTaken: false }
    recover.recover(node, { hadBegun: true, open: [{ ...question, isHeard: true }], activity: undefined }, 0)
    const { length } = asked
    recover.recover(node, { hadBegun: true, open: [{ ...question, isHeard: false }], activity: undefined }, 0)
    return { told, again: [length, asked.length] }
  }
  t.match(heard('getOrStart', 'actor', {}, { id: 'a' }), { told: [{ kind: 'failed' }], again: [0, 1] })
  t.match(heard('stop', 'a', {}), { told: [{ kind: 'failed' }], again: [0, 1] })
})

t.test('what brings no message is no load for a node', async (t) => {
  const { standBy } = fakeGenerations()
  const node = new ThreadNode('1', { maxQueued: 2, maxQueuedBytes: 1000 }, standBy, silent)
  node.ready()
  for (let i = 0; i < 5; i++) void node.ask('bringBack', {}, 0)
  t.equal(node.isFull, false)
  const started = node.askWith(10, 'start', 'actor', {}, { id: 'a' })
  t.equal(node.isFull, false)
  void node.cast('a', 'hear', {}, {}).catch(() => {})
  t.equal(node.isFull, true)
  node.channel.answered({ kind: 'told', n: 6, value: null })
  await started
  t.equal(node.isFull, false)
  node.info({ to: 'a', message: 'hear', args: null })
  t.equal(node.isFull, true)
  node.giveUp()
  t.equal(node.isFull, false)
})

t.test('servers that seem to be above each other, since their ids have gone to others, end', async (t) => {
  const { recovery: recover, places, node, begun } = recovery()
  begun('a').supervisor = 'b'
  begun('b').supervisor = 'a'
  recover.recover(
    node,
    { hadBegun: true, open: [], activity: { phase: 'running', server: 'a', kind: 'call', message: 'loop', since: 0 } },
    0,
  )
  t.same([...places.all()], [])
})

t.test('of a tree nothing is kept any more that has ended for good with its thread', async (t) => {
  const { recovery: recover, node, begun, forgotten, answers } = recovery()
  begun('top').terms = { ...terms, restart: 'temporary' }
  begun('branch').supervisor = 'top'
  begun('leaf').supervisor = 'branch'
  begun('other')
  begun('child').supervisor = 'other'
  begun('grandchild').supervisor = 'child'
  const killed = begun('late')
  killed.supervisor = 'other'
  killed.isDoomed = true
  const raised = begun('raised')
  raised.hasBegun = false
  answers.push(Promise.reject(new Error('the host is over')))
  recover.recover(node, { hadBegun: true, open: [], activity: undefined }, 0)
  await Promise.resolve()
  t.same(forgotten, ['top', 'branch', 'leaf', 'late'])
})

t.test('a server whose next life cannot begin has ended', async (t) => {
  const { recovery: recover, clock, places, node, begun, answers } = recovery()
  begun('a')
  answers.push(Promise.reject(new Error('it does not fit')))
  recover.recover(node, { hadBegun: true, open: [], activity: undefined }, 0)
  await clock.advance(0)
  t.equal(places.find('a'), undefined)
  t.throws(() => places.get('a'), { code: 'server_exited' })
})

t.test('when all is over an order to end is done, and a question is not answered by nothing', async (t) => {
  const { recovery: recover } = recovery()
  const answers: unknown[] = []
  const question = (what: 'info' | 'stop'): OpenQuestion => ({
    said: { kind: 'ask', n: 1, what, args: ['a'] },
    asker: { answered: (answer) => answers.push(answer) },
    at: 1,
    isAccepted: false,
    isTaken: false,
    isHeard: false,
  })
  recover.giveUp({ hadBegun: true, open: [question('info'), question('stop')], activity: undefined })
  t.match(answers, [{ kind: 'failed', failure: { code: 'draining' } }, { kind: 'told' }])
})

/** Watches of one server on a node whose answers come when the test says so. */
function watching() {
  const clock = createSimulatedClock()
  const places = new Places(new Exits(clock, 1000))
  const asked: ReturnType<typeof latch<{ number: number; value: string }>>[] = []
  const unwatched: number[] = []
  /** Of each that was asked, whether it says that it is the first. */
  const first: unknown[] = []
  const node = {
    name: '1',
    servers: 0,
    watch(make: (n: number, number: number) => ToNode) {
      first.push((make(0, 0) as { readonly isFirst: boolean }).isFirst)
      const answer = latch<{ number: number; value: string }>()
      asked.push(answer)
      return answer.promise
    },
    unwatch: (number: number) => unwatched.push(number),
  } as unknown as ThreadNode
  const place = places.take('a', 'actor', node)
  const events: FeedEvent[] = []
  const watches = new Watches(places, () => [node])
  const watched = observe(watches.watch('a', (event) => events.push(event), {}))
  return { clock, node, place, watches, watched, asked, first, unwatched, events }
}

const AT = '2026-01-01T00:00:00.000Z'

t.test('a watch that is not answered when its node is lost is refused, and nothing goes on of it', async (t) => {
  const { clock, node, watches, watched, asked } = watching()
  watches.moved(node, AT)
  asked[0]?.fail(new Error('the node is lost'))
  await clock.advance(0)
  t.match(watched.error, { message: 'the node is lost' })
  t.equal(asked.length, 1)
})

t.test('a watch goes on although its node is lost twice, and tells of one restart', async (t) => {
  const { clock, node, place, watches, asked, first, events } = watching()
  asked[0]?.open({ number: 1, value: 'x.1' })
  await clock.advance(0)
  watches.moved(node, AT)
  watches.moved(node, AT)
  asked[1]?.fail(new Error('the node is lost'))
  place.incarnation = 3
  asked[2]?.open({ number: 2, value: 'y.1' })
  await clock.advance(0)
  t.match(events, [{ event: 'restart', data: { incarnation: 3, reason: 'killed', at: AT } }])
  t.same(first, [true, false, false], 'what is asked for again here is asked for by nobody else')
})

t.test('a restart that is still to come is told by the server itself', async (t) => {
  const { clock, node, place, watches, asked, events } = watching()
  asked[0]?.open({ number: 1, value: 'x.1' })
  await clock.advance(0)
  place.isAway = true
  watches.moved(node, AT)
  asked[1]?.open({ number: 2, value: 'y.1' })
  await clock.advance(0)
  t.same(events, [])
})

t.test('a trace goes on although its node is lost twice, and not when nobody looks any more', async (t) => {
  const { clock, node, watches, asked, first, unwatched } = watching()
  const told: string[] = []
  const traced = observe(watches.trace('a', ({ event }) => told.push(event)))
  const refused = observe(watches.trace('a', ({ event }) => told.push(event)))
  asked[1]?.open({ number: 5, value: '' })
  asked[2]?.fail(new Error('it cannot'))
  await clock.advance(0)
  t.match(refused.error, { message: 'it cannot' })
  watches.moved(node, AT)
  watches.moved(node, AT)
  t.equal(asked.length, 5, 'what was refused is not asked for again')
  t.same(first, [true, true, true, false, false], 'and what is asked for again here is asked for by nobody else')
  asked[3]?.fail(new Error('the node is lost'))
  await clock.advance(0)
  t.same(told, [])
  traced.value?.()
  asked[4]?.open({ number: 9, value: '' })
  await clock.advance(0)
  t.ok(unwatched.includes(9))
  const left = observe(watches.trace('a', ({ event }) => told.push(event)))
  asked[5]?.open({ number: 6, value: '' })
  await clock.advance(0)
  watches.moved(node, AT)
  left.value?.()
  asked[6]?.fail(new Error('the node is lost'))
  await clock.advance(0)
  t.same(told, [], 'nobody is there to hear of an end')
})

/** Nodes that are asked to reload, and answer when the test says so. */
function reloading(names: string) {
  const asked = new Map<string, ReturnType<typeof latch<unknown>>>()
  const said: string[] = []
  const nodeOf = (name: string) => {
    const answer = latch<unknown>()
    asked.set(name, answer)
    const askUntil = (gone: AbortSignal) => {
      gone.addEventListener('abort', () => said.push(`${name} abandoned`))
      return answer.promise
    }
    return { name, restarts: 0, askUntil } as unknown as ThreadNode
  }
  const nodes = [...names].map(nodeOf)
  const reloads = new Reloads(
    () => [...nodes],
    () => said.push('renewed'),
    (name, data) => said.push(`${name} is ${data.version}`),
    ({ name }) => said.push(`${name} given up`),
  )
  const agree = (name: string) => reloads.agree({ n: 1, answer: ({ kind }) => said.push(`${name} ${kind}`) })
  const done = (name: string) =>
    asked.get(name)?.open({ changed: { from: 1, to: 2, servers: 1, migrated: 1 }, data: { version: 2 } })
  const lose = (name: string) => {
    for (const node of nodes) if (node.name === name) node.restarts++
    asked.get(name)?.fail(new Error('the node is lost'))
  }
  return { reloads, said, asked, agree, done, lose, add: (name: string) => nodes.push(nodeOf(name)) }
}

t.test('a node that is lost when all have agreed to new code has changed over with the others', async (t) => {
  const { reloads, said, lose, agree, done } = reloading('ab')
  const reload = reloads.reload('visits', {})
  await Promise.resolve()
  agree('a')
  t.same(said, [])
  agree('b')
  t.same(said, ['renewed', 'a told', 'b told'])
  lose('a')
  done('b')
  t.match(await reload, { servers: 1, migrated: 1 })
  t.same(said.slice(3), ['visits is 2'])
})

t.test('a node that fails when all have agreed to new code is given up, for its next thread runs that', async (t) => {
  const { reloads, said, asked, agree, done } = reloading('ab')
  const reload = reloads.reload('visits', {})
  await Promise.resolve()
  agree('a')
  agree('b')
  asked.get('a')?.fail(new Error('it cannot'))
  done('b')
  t.match(await reload, { servers: 1, migrated: 1 })
  t.same(said.slice(3), ['a given up', 'visits is 2'])
})

t.test('a change is abandoned by whoever wanted it until all have agreed, and not later', async (t) => {
  for (const agreed of [false, true]) {
    const { reloads, said, asked, agree, done } = reloading('a')
    const gone = new AbortController()
    const reload = observe(reloads.reload('visits', { signal: gone.signal }))
    await Promise.resolve()
    if (agreed) agree('a')
    gone.abort()
    t.equal(said.includes('a abandoned'), !agreed)
    if (agreed) done('a')
    else asked.get('a')?.fail(new Error('nobody wants it'))
    await new Promise((resolve) => setImmediate(resolve))
    t.equal(reload.outcome, agreed ? 'resolved' : 'rejected')
  }
  const { reloads, said, asked } = reloading('a')
  const late = t.rejects(reloads.reload('visits', { signal: AbortSignal.abort() }), { message: 'nobody wants it' })
  await Promise.resolve()
  t.same(said, ['a abandoned'])
  asked.get('a')?.fail(new Error('nobody wants it'))
  await late
})

t.test('a node that is lost before all have agreed keeps all others on their code', async (t) => {
  const { reloads, said, asked, agree } = reloading('ab')
  const reload = t.rejects(reloads.reload('visits', {}), { message: 'the node is lost' })
  await Promise.resolve()
  agree('b')
  asked.get('a')?.fail(new Error('the node is lost'))
  asked.get('b')?.fail(new Error('given up'))
  await reload
  t.same(said, ['b failed', 'a abandoned', 'b abandoned'])
})

t.test('what a node that has changed over could not keep is told when all have changed over', async (t) => {
  const { reloads, said, asked, agree, done } = reloading('ab')
  const reload = t.rejects(reloads.reload('visits', {}), { code: 'storage_failed', message: 'not all' })
  await Promise.resolve()
  agree('a')
  agree('b')
  done('a')
  const failure = carry(new GenServerError('storage_failed', 'not all'))
  asked.get('b')?.open({ failure, data: { version: 2 } })
  await reload
  t.same(said.slice(3), ['visits is 2'])
})

t.test('a node that comes while the others change over changes over too', async (t) => {
  const { reloads, agree, done, add } = reloading('a')
  const reload = reloads.reload('visits', {})
  await Promise.resolve()
  add('late')
  agree('a')
  done('a')
  done('late')
  t.match(await reload, { servers: 2, migrated: 2 })
})

t.test('a call to a thread that is not there is over in time', async (t) => {
  const { start, call } = await openHost(t, 1)
  await start('a')
  for (let i = 0; i < 3; i++) await t.rejects(call('a', 'leave'), { code: 'server_crashed' })
  await t.rejects(call('a', 'add', {}, { timeout: 1 }), { code: 'call_timeout', effect: 'none' })
  t.equal(await call('a', 'add'), 1, 'and never runs')
})

t.test('a call that was given up before it was sent never runs', async (t) => {
  const { call, start } = await openHost(t, 1)
  await start('a')
  await t.rejects(call('a', 'add', {}, { signal: AbortSignal.abort() }), { code: 'call_timeout', effect: 'none' })
  t.equal(await call('a', 'add'), 1)
})

t.test('a signal that outlives its calls is left by them', async (t) => {
  const { call, start } = await openHost(t, 1)
  await start('a')
  const { signal } = new AbortController()
  let listeners = 0
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--
    remove(...args)
  }
  await call('a', 'add', {}, { signal })
  t.equal(listeners, 0)
})

t.test('an id that has gone to another node while its first start was stuck stays there', async (t) => {
  const { host, start, call } = await openHost(t, 2)
  await start('busy')
  const late = call('busy', 'burn', { ms: 700 })
  await start('on-2')
  const startedBy = { start: { implementation: 'actor', args: { count: 10 } }, timeout: 1 }
  await t.rejects(call('x', 'add', {}, startedBy), { code: 'call_timeout' })
  // Until it comes back it has one more than the other, so that the next one goes there.
  const more = start('more')
  await start('x', { count: 20 })
  t.equal((await host.info('x')).node, '2')
  await Promise.all([late, more])
  // What the busy one does now, it has done when it has answered this.
  await call('busy', 'add')
  t.equal(await call('x', 'add'), 21)
  t.same(
    (await host.list()).servers.map(({ id }) => id),
    ['busy', 'more', 'on-2', 'x'],
  )
})

t.test('casts that end with their server make no room scarce', async (t) => {
  const { host, start, call } = await openHost(t, 1, { bounds: { ...bounds, maxQueued: 8 } })
  for (let life = 0; life < 4; life++) {
    await start('a')
    const stuck = t.rejects(call('a', 'never'), { code: 'server_exited' })
    for (const text of 'xyz') await host.cast('a', 'hear', { text })
    await host.kill('a')
    await stuck
  }
})

for (const threads of [1, 2]) {
  t.test(`an ended id goes on counting when its thread is lost (${threads} threads)`, async (t) => {
    const { host, start, call } = await openHost(t, threads, { handlerLimit: 200 })
    for (const id of ['a', 'b', 'c']) await start(id, {}, { id })
    await call('a', 'add')
    await host.kill('a')
    // On the thread of the one that has ended, and on that of each other.
    for (const id of ['c', 'b']) await t.rejects(call(id, 'leave'), { code: 'server_crashed' })
    t.match(await start('a'), { incarnation: 2, revision: 3 })
    for (let crash = 0; crash < 3; crash++) await call('b', 'leave').catch(() => {})
    await t.rejects(call('b', 'add'), { code: 'server_exited' }, 'it has cost its thread too often')
    t.ok(
      ((await start('b')) as { incarnation: number }).incarnation > 4,
      'the end that the gateway has seen counts too',
    )
  })
}

t.test('an init that does not come back is charged to its server, also in a later life', async (t) => {
  const { host, start, call } = await openHost(t, 1, { handlerLimit: 200 })
  await start('a', { init: 'loopAgain' })
  await start('b')
  await t.rejects(call('a', 'leave'), { code: 'server_crashed' })
  await t.rejects(call('a', 'add'), { code: 'server_exited', details: { reason: 'killed' } })
  await eventually(async () => (await call('b', 'add', {}).catch(() => 0)) === 1)
  t.match(await host.info('b'), { restarts: 4 })
})

t.test('nobody waits for a thread that is stuck longer than for its answer', async (t) => {
  const { host, start, call } = await openHost(t, 2, { handlerLimit: 60_000 })
  await start('a', {}, { labels: ['all'] })
  await start('b', {}, { labels: ['all'] })
  const fatal = t.rejects(call('a', 'loop'), { code: 'server_crashed' })
  await eventually(async () => (await host.nodes())[0]?.current)
  t.match((await host.list()).servers, [
    { id: 'a', current: { message: 'loop' } },
    { id: 'b', handled: 0 },
  ])
  t.match((await host.list({ limit: 1, status: 'running', label: 'all' })).next, 'a')
  t.match((await host.list({ after: 'a', implementation: 'actor' })).servers, [{ id: 'b' }])
  t.same(await host.countServers(), [{ implementation: 'actor', status: 'running', count: 2 }])
  const { replies, failures } = await host.callGroup('all', 'add', {}, { timeout: 50 })
  t.match(replies, [{ id: 'b', reply: 1 }])
  t.match(failures, [{ id: 'a', code: 'call_timeout', error: { effect: 'unknown' } }])
  await t.rejects(host.stop('a', { timeout: 50 }), { code: 'call_timeout' })
  const doubtful = host.kill('a', { ifMatch: 99 })
  t.match((await host.nodes())[0], { restarts: 0 }, 'nobody but the server knows its revision')
  await host.kill('a')
  await doubtful
  await fatal
})

t.test('a server that is known again, as it was, is not told of as one that starts', async (t) => {
  const clock = createSimulatedClock()
  const places = new Places(new Exits(clock, 1000))
  const lives = new Lives(clock, silentLogger)
  const told: unknown[] = []
  lives.watch(({ event }) => told.push(event), {})
  const node = { name: '1', servers: 0 } as unknown as ThreadNode
  const router = new Router({ places, lives, nodes: () => [], crashes: new CrashRecords() } as never)
  const began = (last?: string) =>
    router.hear(node, [{ kind: 'began', id: 'a', incarnation: 1, last, lived: undefined }])
  const named = { id: 'a', implementation: 'actor', args: {}, terms, supervisor: undefined, incarnation: 1 }
  router.hear(node, [{ kind: 'registered', ...named }])
  began()
  began()
  t.same(told, ['start'])
  began('killed')
  t.same(told, ['start', 'restart'])
})

t.test('a trace goes on in the next thread, and ends where its server does not begin by itself', async (t) => {
  const { host, start, call } = await openHost(t, 1)
  await start('a')
  await host.start('supervisor', { children: [{ id: 'c', implementation: 'actor' }] }, { id: 'top' })
  const told: Record<string, string[]> = { a: [], c: [], left: [] }
  for (const id of ['a', 'c']) await host.trace(id, ({ event }) => told[id]?.push(event))
  const stop = await host.trace('a', ({ event }) => told['left']?.push(event))
  stop()
  for (let lost = 1; lost <= 2; lost++) {
    await t.rejects(call('a', 'leave'), { code: 'server_crashed' })
    await call('a', 'add')
    await eventually(() => told['a']?.filter((event) => event === 'out').length === lost)
  }
  t.same(told['c'], ['end'])
  t.same(told['left'], [])
})
