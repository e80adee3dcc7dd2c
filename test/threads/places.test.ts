/** Who has an id, and for how long, before its server is there. */

import { systemClock } from 'genservers'
import t from 'tap'
import { Exits } from '../../src/adapters.js'
import { mergeCounts, mergePages } from '../../src/threads/host/merging.js'
import { Places } from '../../src/threads/host/places.js'
import type { ThreadNode } from '../../src/threads/host/thread-node.js'

const nodeOf = () => ({ name: '1', servers: 0 }) as ThreadNode

t.test('an id is free when nobody waits any more for its server, and none came', async (t) => {
  const places = new Places(new Exits(systemClock, 1000))
  const node = nodeOf()
  const place = places.take('a', 'actor', node)
  places.hold(place)
  places.hold(place)
  places.letGo(place)
  t.equal(places.find('a'), place, 'somebody else still waits')
  t.equal(node.servers, 1)
  places.letGo(place)
  t.equal(places.find('a'), undefined)
  t.equal(node.servers, 0)
  t.throws(() => places.get('a'), { code: 'unknown_server' })
})

t.test('an id stays taken when its server came', async (t) => {
  const places = new Places(new Exits(systemClock, 1000))
  const place = places.hold(places.take('a', 'actor', nodeOf()))
  place.registered({
    kind: 'registered',
    id: 'a',
    implementation: 'actor',
    args: {},
    terms: { restart: 'transient', restartFrom: 'state', shutdown: 0, mailbox: 1, labels: [] },
    supervisor: undefined,
    incarnation: 1,
  })
  places.letGo(place)
  t.equal(places.get('a'), place)
})

t.test('pages are as long as all nodes have looked, and counts are summed', async (t) => {
  const page = (ids: string, next?: string) => ({
    servers: [...ids].map((id) => ({ id }) as never),
    ...(next !== undefined && { next }),
  })
  t.same(mergePages([page('adg'), page('be')], 10), page('abdeg'))
  t.same(mergePages([page('ac', 'c'), page('be')], 10), page('abc', 'c'), 'nobody knows what comes after c')
  t.same(mergePages([page('ac', 'c'), page('be')], 2), page('ab', 'b'))
  t.same(mergePages([page('', 'm'), page('bz')], 10), page('b', 'm'), 'a page of what is rare may be short')
  const count = (status: 'running' | 'starting', n: number) => ({ implementation: 'x', status, count: n })
  t.same(mergeCounts([[count('running', 1)], [count('running', 2), count('starting', 1)]]), [
    count('running', 3),
    count('starting', 1),
  ])
})
