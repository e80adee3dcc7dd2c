/** What every store promises (`src/core/kernel/store.ts`), held against each of them. */
import type { Store } from 'genservers'
import t from 'tap'
import { type Change, StoreFailed, StoreFull } from '../../src/adapters.js'
import { CommitChain } from '../../src/core/kernel/store.js'
import { MemoryStore } from '../../src/stores/memory-store.js'
import { stores } from './each-store.js'
import { child, kept, server, supervisor } from './kept-servers.js'

const cast = (id: string, message: string): Change => ({
  kind: 'cast',
  id,
  cast: { message, args: '{"a":1}', origin: null, ifMatch: null, answerTo: null, attempts: 0 },
})
const timer = (id: string, ref: string, due: number): Change => ({
  kind: 'timer',
  id,
  timer: { ref, kind: 'info', due, message: 'tick', args: 'null', origin: '{"requestId":"r"}', ifMatch: 3 },
})
const exit = (id: string, at: number): Change => ({
  kind: 'end',
  exit: { id, implementation: 'counter', reason: '"normal"', at, incarnation: 2, revision: 9 },
})

for (const [name, open] of Object.entries(stores)) {
  t.test(`${name}: a server is as it was last kept`, async (t) => {
    const store = await open(t)
    t.equal(await store.load('a'), undefined)
    t.same(await store.commit([server('a', { supervisor: 'top', state: '{"n":"ü\\u0000"}' })]), [])
    t.same(await store.load('a'), {
      server: kept('a', { supervisor: 'top', state: '{"n":"ü\\u0000"}' }),
      casts: [],
      timers: [],
      upTo: 0,
    })
    await store.commit([
      { kind: 'state', id: 'a', revision: 2, state: '{"n":1}' },
      { kind: 'life', id: 'a', incarnation: 3, restarts: 2 },
      { kind: 'state', id: 'nobody', revision: 2, state: '{}' },
    ])
    const now = { supervisor: 'top', revision: 2, state: '{"n":1}', incarnation: 3, restarts: 2 }
    t.same((await store.load('a'))?.server, kept('a', now))
    await store.commit([server('a', { version: 2 })])
    t.same((await store.load('a'))?.server, kept('a', { version: 2 }))
  })

  t.test(
    `${name}: what a server has may be of other code, and get its form, unless it has changed since`,
    async (t) => {
      const store = await open(t)
      await store.commit([server('a', { revision: 3 }), server('b')])
      const migrated = (id: string, of: object): Change => ({
        kind: 'migrated',
        of: { id, version: 1, revision: 3, ...of },
        to: { version: 2, revision: 4, state: '{"m":1}' },
      })
      await store.commit([migrated('a', { revision: 2 }), migrated('a', { version: 2 }), migrated('nobody', {})])
      t.same((await store.load('a'))?.server, kept('a', { revision: 3 }))
      t.equal(await store.load('nobody'), undefined)
      await store.commit([migrated('a', {})])
      t.same((await store.load('a'))?.server, kept('a', { version: 2, revision: 4, state: '{"m":1}' }))
      await store.commit([
        { kind: 'version', id: 'b', version: 5 },
        { kind: 'version', id: 'nobody', version: 5 },
      ])
      t.same((await store.load('b'))?.server, kept('b', { version: 5 }))
      t.match(await store.briefs(['a', 'b']), [{ version: 2, revision: 4 }, { version: 5 }])
    },
  )

  t.test(`${name}: commits that nobody waits for are kept in their order, and answered in it`, async (t) => {
    const store = await open(t)
    const chain = new CommitChain()
    const told: string[] = []
    const commit = (name: string, ...changes: Change[]) =>
      store.commit(changes, chain).then((numbers) => told.push(`${name}: ${numbers.length}`))
    await Promise.all([
      commit('server', server('a')),
      commit('state', { kind: 'state', id: 'a', revision: 2, state: '{"n":2}' }),
      commit('casts', cast('a', 'first'), cast('a', 'second')),
      commit('nothing'),
      commit('next', { kind: 'state', id: 'a', revision: 3, state: '{"n":3}' }),
    ])
    t.same(told, ['server: 0', 'state: 0', 'casts: 2', 'nothing: 0', 'next: 0'])
    t.match(await store.load('a'), { server: { revision: 3 }, casts: [{ message: 'first' }, { message: 'second' }] })
  })

  t.test(`${name}: states are given in the order of their ids, as many as fit, but one at least`, async (t) => {
    const store = await open(t)
    const state = (id: string) => JSON.stringify({ id, text: 'ü'.repeat(100) })
    await store.commit(['b', 'a', 'd', 'c'].map((id) => server(id, { state: state(id), revision: 7 })))
    const ids = ['d', 'a', 'nobody', 'c']
    const all = ['a', 'c', 'd'].map((id) => ({ id, version: 1, revision: 7, state: state(id) }))
    t.same(await store.states(ids, 1_000_000), all)
    const one = Buffer.byteLength(state('a'))
    t.same(await store.states(ids, 2 * one), all.slice(0, 2), 'bytes, and not characters')
    t.same(await store.states(ids, 2 * one - 1), all.slice(0, 1))
    t.same(await store.states(ids, 1), all.slice(0, 1))
    t.same(await store.states(['nobody'], 1), [])
  })

  t.test(`${name}: casts have numbers of their own, that only grow, and are loaded in their order`, async (t) => {
    const store = await open(t)
    const [first, other, second] = await store.commit([
      server('a'),
      server('b'),
      cast('a', 'one'),
      cast('b', 'other'),
      cast('a', 'two'),
    ])
    t.ok((first as number) < (other as number) && (other as number) < (second as number))
    await store.commit([{ kind: 'castTaken', seq: second as number, attempts: 2 }])
    t.same((await store.load('a'))?.casts, [
      { seq: first, message: 'one', args: '{"a":1}', origin: null, ifMatch: null, answerTo: null, attempts: 0 },
      { seq: second, message: 'two', args: '{"a":1}', origin: null, ifMatch: null, answerTo: null, attempts: 2 },
    ])
    t.equal((await store.load('a'))?.upTo, second)
    for (const seq of [first, second]) await store.commit([{ kind: 'castDone', seq: seq as number }])
    t.same((await store.load('a'))?.casts, [])
    t.equal((await store.load('a'))?.upTo, second, 'also when they are gone')
    const [third] = await store.commit([cast('a', 'three')])
    t.ok((third as number) > (second as number))
    t.same(await store.commit([cast('nobody', 'x'), server('nobody')]), [0])
    t.same((await store.load('nobody'))?.casts, [], 'a cast to nobody is not kept')
  })

  t.test(`${name}: timers are loaded in the order in which they fire`, async (t) => {
    const store = await open(t)
    await store.commit([
      server('a'),
      timer('a', 'late', 20),
      timer('a', 'soon', 10),
      timer('b', 'soon', 1),
      server('b'),
    ])
    t.same((await store.load('b'))?.timers, [], 'a timer of nobody is not kept')
    const of = async () => (await store.load('a'))?.timers.map(({ ref }) => ref)
    t.same(await of(), ['soon', 'late'])
    t.same((await store.load('a'))?.timers[0], {
      ...{ ref: 'soon', kind: 'info', due: 10, message: 'tick', args: 'null' },
      ...{ origin: '{"requestId":"r"}', ifMatch: 3 },
    })
    await store.commit([timer('a', 'soon', 30), { kind: 'timerDone', id: 'a', ref: 'nobody' }])
    t.same(await of(), ['late', 'soon'])
    await store.commit([{ kind: 'timerDone', id: 'a', ref: 'late' }])
    t.same(await of(), ['soon'])
    await store.commit([{ kind: 'timersDone', id: 'a' }])
    t.same(await of(), [])
  })

  t.test(`${name}: of a server that has ended nothing is left but its exit`, async (t) => {
    const store = await open(t)
    const [seq] = await store.commit([server('a'), cast('a', 'x'), cast('a', 'y'), timer('a', 't', 1)])
    await store.commit([{ kind: 'castDead', seq: seq as number, at: 1, reason: '"x"' }, exit('a', 100)])
    t.equal(await store.load('a'), undefined)
    t.same(await store.deadLetters('a', { limit: 10 }), [])
    await store.commit([server('a')])
    t.match(await store.load('a'), { casts: [], timers: [] }, 'nor for one that has the id later')
    await store.commit([exit('b', 50), exit('a', 200)])
    t.match(await store.exits(60, 10), [{ id: 'a', at: 200, incarnation: 2, revision: 9, reason: '"normal"' }])
    t.match(
      (await store.exits(0, 10)).map(({ id }) => id),
      ['b', 'a'],
    )
    t.match(
      (await store.exits(0, 1)).map(({ id }) => id),
      ['a'],
      'the latest',
    )
    await store.sweep(100, 0)
    t.match(
      (await store.exits(0, 10)).map(({ id }) => id),
      ['a'],
    )
  })

  t.test(`${name}: servers are told in pages, in the order of their ids`, async (t) => {
    const store = await open(t)
    await store.commit(['b', 'd', 'a', 'c'].map((id) => server(id)))
    const ids = async (options: Parameters<Store['servers']>[0]) => (await store.servers(options)).map(({ id }) => id)
    t.same(await ids({ limit: 3 }), ['a', 'b', 'c'])
    t.same(await ids({ limit: 3, after: 'c' }), ['d'])
    t.same(await store.servers({ limit: 1 }), [{ id: 'a', implementation: 'counter', terms: '{}' }])
  })

  t.test(`${name}: a cast that is set aside waits for somebody to look at it`, async (t) => {
    const store = await open(t)
    const numbers = (await store.commit([server('a'), ...['x', 'y', 'z'].map((m) => cast('a', m))])) as number[]
    const [x, y, z] = numbers as [number, number, number]
    await store.commit(numbers.map((seq) => ({ kind: 'castDead', seq, at: 5, reason: '{"error":"boom"}' }) as const))
    t.same((await store.load('a'))?.casts, [])
    const letters = await store.deadLetters('a', { limit: 2 })
    t.match(letters, [{ seq: x, message: 'x', at: 5, reason: '{"error":"boom"}' }, { seq: y }])
    t.match(await store.deadLetters('a', { limit: 2, after: String(y) }), [{ seq: z }])
    const [again] = await store.commit([
      { kind: 'letterReplayed', seq: x },
      { kind: 'letterDiscarded', seq: y },
      { kind: 'letterReplayed', seq: y },
    ])
    t.ok((again as number) > z)
    t.match((await store.load('a'))?.casts, [{ seq: again, message: 'x', attempts: 0 }])
    t.match(await store.deadLetters('a', { limit: 10 }), [{ seq: z }])
  })

  t.test(`${name}: a supervisor is kept with its children, in the order of their places`, async (t) => {
    const store = await open(t)
    t.equal(await store.family('top'), undefined)
    const own = { args: '{"a":"ü"}', flags: '{}', supervisor: 'above', startedAt: 9, incarnation: 3 }
    await store.commit([
      supervisor('top', own),
      supervisor('other'),
      child('top', 'late', 2, { isDynamic: true, spec: '{"id":"late"}' }),
      child('top', 'soon', 1, { terms: '{"restart":"transient"}' }),
      child('other', 'its', 1),
    ])
    t.same(await store.family('top'), {
      supervisor: { id: 'top', terms: '{}', ...own },
      children: [
        { id: 'soon', place: 1, spec: '{}', terms: '{"restart":"transient"}', isDynamic: false, isStopped: false },
        { id: 'late', place: 2, spec: '{"id":"late"}', terms: '{}', isDynamic: true, isStopped: false },
      ],
    })
    const ids = async (options: Parameters<Store['supervisors']>[0]) =>
      (await store.supervisors(options)).map(({ id }) => id)
    t.same([await ids({ limit: 1 }), await ids({ limit: 9, after: 'other' })], [['other'], ['top']])
    const children = async (id = 'top') =>
      (await store.family(id))?.children.map((child) => `${child.id} ${child.isStopped}`)
    await store.commit([{ kind: 'childStopped', id: 'soon' }, supervisor('top', { flags: '{"maxRestarts":5}' })])
    t.same(await children(), ['soon true', 'late false'], 'to change what is kept of itself changes none of them')
    t.match(await store.family('top'), { supervisor: { flags: '{"maxRestarts":5}' } })
    await store.commit([child('top', 'soon', 1), exit('late', 1)])
    t.same(await children(), ['soon false', 'late true'], 'the end of a durable one is known here too')
    await store.commit([{ kind: 'childGone', supervisor: 'top', id: 'late' }])
    t.same(await children(), ['soon false'])
    await store.commit([{ kind: 'supervisorGone', id: 'top' }, supervisor('top')])
    t.same([await children(), await children('other')], [[], ['its false']])
    await store.commit([{ kind: 'supervisorGone', id: 'top' }])
    t.equal(await store.family('top'), undefined)
  })

  t.test(`${name}: an answer is given again until it expires`, async (t) => {
    const store = await open(t)
    const answer = { scope: 'call a', key: 'k', fingerprint: 'f', expires: 100, outcome: '{}' }
    await store.commit([{ kind: 'answer', answer }])
    t.same(await store.answer('call a', 'k', 99), answer)
    t.equal(await store.answer('call a', 'k', 100), undefined)
    t.equal(await store.answer('call b', 'k', 99), undefined)
    await store.sweep(0, 100)
    t.equal(await store.answer('call a', 'k', 99), undefined)
  })
}

t.test('memory: what builds on a commit that was lost is lost, and nothing else is', async (t) => {
  let isFull = false
  const store = new MemoryStore(() => (isFull ? Promise.reject(new StoreFull('no room')) : undefined))
  const chain = new CommitChain()
  await store.commit([server('a')], chain)
  isFull = true
  const lost = store.commit([server('b')], chain)
  const built = store.commit([server('c')], chain)
  await t.rejects(lost, { message: 'no room' })
  isFull = false
  await t.rejects(built, new StoreFull('what it builds on was not kept, for want of room'))
  await t.rejects(store.commit([server('d')], chain), StoreFull)
  await store.commit([server('e')])
  await store.commit([server('f')], new CommitChain())
  t.same(
    (await store.servers({ limit: 9 })).map(({ id }) => id),
    ['a', 'e', 'f'],
  )
})

t.test('memory: a store that has failed is not said to have no room', async (t) => {
  const store = new MemoryStore(() => Promise.reject(new StoreFailed('gone')))
  const chain = new CommitChain()
  for (let n = 0; n < 2; n++) await t.rejects(store.commit([server('a')], chain), new StoreFailed('gone'))
})
