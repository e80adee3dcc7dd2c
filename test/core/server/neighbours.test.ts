/** What a node asks and tells of the others, with another node of the same thread beside it: the port `Neighbours`. */
import { GenServerError } from 'genservers'
import t, { type Test } from 'tap'
import { Call, createNode, type LocalRuntime, type Neighbours, type Peer } from '../../../src/adapters.js'
import actor from '../../threads/implementations/actor.js'

interface Pair {
  readonly here: LocalRuntime
  readonly there: LocalRuntime
  /** What `here` has told of its servers. */
  readonly told: unknown[]
}

const alone: Neighbours = {
  claim: () => undefined,
  unclaim() {},
  registered() {},
  began() {},
  slept() {},
  unregistered() {},
  find: () => undefined,
  start: () => undefined,
  waiting: () => undefined,
}

/** Two nodes; `here` sees the servers of `there`, and starts servers there whose ids begin with `far`. */
function openPair(t: Test): Pair {
  const told: unknown[] = []
  const there = createNode({ implementations: { actor }, node: '2', neighbours: { ...alone, waiting: waitingHere } })
  const neighbours: Neighbours = {
    async claim(id) {
      if (there.directory.find(id) !== undefined) throw new GenServerError('already_started', `${id} is elsewhere`)
    },
    unclaim: (id) => told.push(['unclaim', id]),
    registered: ({ id }) => told.push(['registered', id]),
    slept() {},
    began: (id, incarnation) => told.push(['began', id, incarnation]),
    unregistered: (id) => told.push(['unregistered', id]),
    find: (id) => there.directory.find(id) && peerOf(there, id),
    start: (implementation, args, options) =>
      options.id?.startsWith('far') ? there.start(implementation, args, options) : undefined,
    waiting: (ref) => there.peers.waiting(ref),
  }
  const here = createNode({ implementations: { actor }, node: '1', neighbours })
  function waitingHere(ref: string): Call {
    const nobody = { id: '', waits: undefined, protocol: { calls: new Map() } }
    const call = new Call(nobody as never, '', null, Number.POSITIVE_INFINITY, undefined, undefined)
    call.onSettled = ({ outcome: { reply }, revision = 0 }) => here.peers.replied(ref, reply, revision)
    return call
  }
  t.teardown(() => Promise.all([here.close({ timeout: 100 }), there.close({ timeout: 100 })]))
  return { here, there, told }
}

/** A server of the other node as this one sees it: of what it waits for nothing is known here. */
function peerOf(there: LocalRuntime, id: string): Peer {
  const server = there.directory.get(id)
  return {
    id,
    isElsewhere: true,
    incarnation: 0,
    ended: false,
    waits: undefined,
    protocol: server.protocol,
    mailbox: server.mailbox,
    ties: server.ties,
    put: (envelope) => server.put(envelope),
    withdraw: (call) => server.withdraw(call),
    notTaken: (call) => server.notTaken(call),
    forget: () => {},
    heed: () => {},
    die: (reason) => server.die(reason),
  }
}

t.test('a call reaches a server of another node, and a server there its answer', async (t) => {
  const { here, there } = openPair(t)
  await here.start('actor', {}, { id: 'a' })
  await there.start('actor', { count: 4 }, { id: 'b' })
  t.equal(await here.call('a', 'ask', { to: 'b', message: 'add' }), 5)
  t.equal(await here.call('a', 'whereis', { to: 'b' }), 'b')
})

t.test('a call is refused that would wait for one of those who wait for it, although they are elsewhere', async (t) => {
  const { here } = openPair(t)
  for (const id of ['a', 'b']) await here.start('actor', {}, { id })
  const ask = (chain: readonly string[]) => here.call('a', 'ask', { to: 'b', message: 'add' }, { chain })
  t.equal(await ask(['far']), 1)
  await t.rejects(ask(['b']), { code: 'call_cycle', details: { chain: ['b', 'a', 'b'] } })
  await t.rejects(here.call('a', 'add', {}, { chain: ['a'] }), { code: 'call_cycle' })
})

t.test('a handler starts servers where there is room, and hears what came of it', async (t) => {
  const { here, there, told } = openPair(t)
  await here.start('actor', {}, { id: 'a' })
  const start = (id: string, args: object = {}) =>
    here.call('a', 'start', { implementation: 'actor', args, options: { id } })
  t.equal(await start('far-1'), 'far-1')
  t.equal(there.whereis('far-1'), 'far-1')
  t.equal(await start('far-2', { init: 'ignore' }), null)
  await t.rejects(start('far-3', { init: 'refuse' }), { code: 'server_crashed' })
  t.equal(await start('near'), 'near')
  t.equal(here.whereis('near'), 'near')
  await t.rejects(start('bad', { count: 'no' }), { code: 'server_crashed' })
  t.ok(
    told.some((each) => String(each) === 'unclaim,bad'),
    'the id is given back',
  )
})

t.test('a supervisor asks for the ids of its children', async (t) => {
  const { here, there, told } = openPair(t)
  await there.start('actor', {}, { id: 'taken' })
  await here.start('supervisor', {}, { id: 'tree' })
  const startChild = (id: string) => here.call('tree', 'startChild', { id, implementation: 'actor' })
  t.match(await startChild('taken'), { error: { code: 'already_started' } })
  t.match(await startChild('free'), { status: 'running' })
  t.same(told.slice(-2), [
    ['registered', 'free'],
    ['began', 'free', 1],
  ])
})

t.test('whoever is linked to a server of another node hears that it died there', async (t) => {
  const { here, there } = openPair(t)
  for (const id of ['a', 'c']) await here.start('actor', {}, { id, restart: 'temporary' })
  await there.start('actor', {}, { id: 'b' })
  await here.call('a', 'trapExit')
  await here.call('a', 'link', { to: 'b' })
  await here.call('a', 'link', { to: 'c' })
  here.directory.get('a').ties.linkedDied({ id: 'b', incarnation: 1, reason: 'killed', restarting: false })
  t.match(await here.call('a', 'look'), { heard: [{ EXIT: 'b', reason: 'killed' }] })
  t.equal(await here.call('c', 'add'), 1)
})

t.test('a reply of another node is held to what was promised', async (t) => {
  const { here, there } = openPair(t)
  await here.start('actor', {}, { id: 'a' })
  await there.start('actor', {}, { id: 'b' })
  t.equal(await here.call('a', 'askLater', { to: 'b' }), 'from b')
  await t.rejects(here.call('a', 'askNumberLater', { to: 'b' }), { code: 'bad_reply' })
  t.equal(here.peers.replied('nobody', 1, 1), undefined)
})

t.test('a change of code waits until it is agreed to, and is not made if it is not', async (t) => {
  const { here } = openPair(t)
  await here.start('actor', { count: 1 }, { id: 'a' })
  const said: string[] = []
  const changed = await here.changeCode('actor', actor, {
    agreed: async () => void said.push(`count ${((await here.state('a')).state as { count: number }).count}`),
  })
  t.same(said, ['count 1'])
  t.equal(changed.servers, 1)
  const refused = here.changeCode('actor', actor, { agreed: () => Promise.reject(new Error('the others cannot')) })
  await t.rejects(refused, { message: 'the others cannot' })
  t.equal(await here.call('a', 'add'), 2)
})

t.test('a server whose node is no more lives on from its init, and goes on counting', async (t) => {
  const { here, told } = openPair(t)
  const lastExit = { reason: 'killed', at: 0 }
  const life = { startedAt: 1000, incarnation: 3, revision: 90, restarts: 2, crashes: 4, lastExit }
  here.adopt('actor', { count: 7 }, { id: 'a' }, life, 0)
  here.cork()
  const { response } = here.sendRequest('a', 'add')
  here.uncork()
  t.equal(await response, 8)
  t.match(here.info('a'), {
    ...{ startedAt: '1970-01-01T00:00:01.000Z', incarnation: 4, restarts: 3, crashes: 4 },
    ...{ revision: 92, lastExit: { reason: 'killed' } },
  })
  t.same(told, [
    ['registered', 'a'],
    ['began', 'a', 4],
  ])
})

t.test('a server that has lived elsewhere is told of with the number of the life that it had', async (t) => {
  const told: number[] = []
  const neighbours = { ...alone, registered: ({ incarnation }: { incarnation: number }) => told.push(incarnation) }
  const node = createNode({ implementations: { actor }, node: '1', neighbours })
  const life = { startedAt: 0, incarnation: 3, revision: 90, restarts: 2, crashes: 4, lastExit: undefined }
  node.adopt('actor', {}, { id: 'a' }, life, 60_000)
  t.same(told, [3])
  await node.close({ timeout: 100 })
})

t.test('a change of code that is agreed to is made, although nobody waits for it any more', async (t) => {
  const { here } = openPair(t)
  await here.start('actor', {}, { id: 'a' })
  const gone = new AbortController()
  const agreed = async () => gone.abort()
  t.match(await here.changeCode('actor', actor, { signal: gone.signal, agreed }), { servers: 1 })
})
