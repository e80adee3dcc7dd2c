/** The group commit, before a store that a test answers by hand. */
import { setImmediate as aMoment } from 'node:timers/promises'
import type { Store } from 'genservers'
import t from 'tap'
import { type Change, type CommitChain, StoreFailed, StoreFull } from '../../../src/adapters.js'
import { GroupCommit } from '../../../src/core/kernel/group-commit.js'

interface Given {
  readonly changes: readonly Change[]
  readonly chain: CommitChain | undefined
  keep(...numbers: number[]): Promise<void>
  lose(error: Error): Promise<void>
}

const CAST = { message: 'm', args: 'null', origin: null, ifMatch: null, answerTo: null }

/** Resolves when who waits has heard, and what may leave then has left. */
async function heard(answer: () => void): Promise<void> {
  answer()
  await aMoment()
  await aMoment()
}

function setUp() {
  const given: Given[] = []
  const told: string[] = []
  const store: Pick<Store, 'commit'> = {
    commit: (changes, chain) =>
      new Promise((resolve, reject) => {
        given.push({
          ...{ changes, chain },
          keep: (...numbers) => heard(() => resolve(numbers)),
          lose: (error) => heard(() => reject(error)),
        })
      }),
  }
  const commits = new GroupCommit(store as Store, {
    lost: (ids) => told.push(`lost: ${[...ids].join(' ')}`),
    failed: ({ message }) => told.push(`failed: ${message}`),
    stray: (error) => told.push(`stray: ${error}`),
  })
  const wait = (name: string) =>
    commits.whenKept(
      () => told.push(`${name} kept`),
      ({ message }) => told.push(`${name} lost: ${message}`),
    )
  /** A state of the server `id`, and whoever waits for it. */
  const change = (id: string, revision: number) => {
    commits.state(id, revision, '{}')
    wait(`${id}${revision}`)
  }
  const kindsOf = (n: number) => given[n]?.changes.map(({ kind }) => kind)
  return { commits, given, told, wait, change, kindsOf }
}

t.test('a batch leaves while the one before it is written; what comes meanwhile goes as one', async (t) => {
  const { commits, given, told, change, kindsOf } = setUp()
  change('a', 2)
  await aMoment()
  change('a', 3)
  await aMoment()
  t.equal(given.length, 2, 'the disk need not wait for what is told in between')
  change('a', 4)
  await aMoment()
  change('b', 2)
  change('a', 5)
  await aMoment()
  t.equal(given.length, 2, 'one is written, and one is there')
  t.same([commits.concerns('a'), commits.concerns('b'), commits.concerns('c')], [true, true, false])
  await given[0]?.keep()
  t.same(told.splice(0), ['a2 kept'])
  t.match(given[2]?.changes, [
    { kind: 'state', id: 'a', revision: 5 },
    { kind: 'state', id: 'b', revision: 2 },
  ])
  t.equal(kindsOf(2)?.length, 2)
  await given[1]?.keep()
  await given[2]?.keep()
  t.same(told, ['a3 kept', 'a4 kept', 'b2 kept', 'a5 kept'])
  t.equal(commits.concerns('a'), false)
})

t.test('all hear in the order in which they began to wait, whatever the order of the answers', async (t) => {
  const { given, told, change, commits } = setUp()
  change('a', 2)
  await aMoment()
  change('a', 3)
  await aMoment()
  await given[1]?.keep()
  t.same(told, [])
  const settled = commits.settled().then(() => told.push('settled'))
  await given[0]?.keep()
  await settled
  t.same(told, ['a2 kept', 'a3 kept', 'settled'])
  await commits.settled()
})

t.test('who waits while nothing is gathered waits for what has left last', async (t) => {
  const { given, told, change, wait } = setUp()
  wait('nothing')
  t.same(told.splice(0), ['nothing kept'])
  change('a', 2)
  await aMoment()
  change('a', 3)
  await aMoment()
  wait('reader')
  await given[0]?.keep()
  t.same(told.splice(0), ['a2 kept'])
  await given[1]?.keep()
  t.same(told, ['a3 kept', 'reader kept'])
})

t.test('what became of a cast waits until the cast has its number', async (t) => {
  const { commits, given, change, kindsOf } = setUp()
  const receipt = commits.cast('a', CAST)
  await aMoment()
  change('b', 2)
  await aMoment()
  commits.castDone(receipt)
  await aMoment()
  t.same([kindsOf(0), kindsOf(1), kindsOf(2)], [['cast'], ['state'], undefined])
  await given[0]?.keep(17)
  t.same(given[2]?.changes, [{ kind: 'castDone', seq: 17 }], 'though another one is under way')
  await given[1]?.keep()
  await given[2]?.keep()
})

t.test('a batch that is about to leave stays when it comes to need a number', async (t) => {
  const { commits, given, change } = setUp()
  const receipt = commits.cast('a', CAST)
  await aMoment()
  change('b', 2)
  commits.castTaken(receipt)
  await aMoment()
  t.equal(given.length, 1)
  await given[0]?.keep(4)
  t.match(given[1]?.changes, [{ kind: 'state' }, { kind: 'castTaken', seq: 4, attempts: 0 }])
  await given[1]?.keep()
  commits.castDead(receipt, 5, '"why"')
  change('c', 2)
  await aMoment()
  change('c', 3)
  await aMoment()
  t.match(given[2]?.changes, [{ kind: 'castDead', seq: 4, at: 5, reason: '"why"' }, { kind: 'state' }])
  t.equal(given.length, 4, 'a number that is known holds nobody up')
  for (const each of given.slice(2)) await each.keep()
})

t.test(
  'where a cast came and had its effect nothing goes to the store, and who waits waits for what it builds on',
  async (t) => {
    const { commits, given, told, change, wait } = setUp()
    change('a', 2)
    await aMoment()
    commits.castDone(commits.cast('a', CAST))
    wait('cast')
    await aMoment()
    t.equal(given.length, 1)
    t.same(told, [])
    await given[0]?.keep()
    t.same(told.splice(0), ['a2 kept', 'cast kept'])
    commits.castDone(commits.cast('a', CAST))
    wait('cast')
    await aMoment()
    t.same(told, ['cast kept'], 'nor for anything where there is nothing')
    t.equal(given.length, 1)
    await commits.settled()
  },
)

t.test(
  'with one all that is built on it is lost, also what has left; later commits are of another chain',
  async (t) => {
    const { commits, given, told, change } = setUp()
    change('a', 2)
    await aMoment()
    change('a', 3)
    change('b', 2)
    await aMoment()
    change('c', 2)
    await aMoment()
    await given[0]?.lose(new StoreFull('no room'))
    const lost = ['a2', 'a3', 'b2', 'c2'].map((name) => `${name} lost: no room`)
    t.same(told.splice(0), [...lost, 'lost: a b c'])
    t.same([commits.concerns('a'), commits.failure], [false, undefined])
    t.equal(given[0]?.chain, given[1]?.chain)
    await commits.settled()
    change('a', 2)
    await aMoment()
    t.not(given[2]?.chain, given[1]?.chain)
    await given[1]?.lose(new StoreFull('it builds on that'))
    t.same(told, [], 'nobody hears of it twice')
    await given[2]?.keep()
    t.same(told, ['a2 kept'])
  },
)

t.test('one that is lost takes none with it that was before it', async (t) => {
  const { given, told, change } = setUp()
  change('a', 2)
  await aMoment()
  change('b', 2)
  await aMoment()
  await given[1]?.lose(new StoreFull('no room'))
  t.same(told, [])
  await given[0]?.keep()
  t.same(told, ['a2 kept', 'b2 lost: no room', 'lost: b'])
})

t.test('after a failure nothing goes to the store any more', async (t) => {
  const { commits, given, told, change, wait } = setUp()
  change('a', 2)
  await aMoment()
  change('a', 3)
  await given[0]?.lose(new StoreFailed('fsync'))
  t.same(told.splice(0), ['a2 lost: fsync', 'a3 lost: fsync', 'lost: a', 'failed: fsync'])
  commits.add('a', { kind: 'timersDone', id: 'a' })
  commits.castDone(commits.cast('a', CAST))
  wait('late')
  change('a', 4)
  await aMoment()
  t.same(told, ['late lost: fsync', 'a4 lost: fsync'])
  t.equal(given.length, 1)
  await commits.settled()
})

t.test('whoever fails when told keeps nobody else from hearing', async (t) => {
  const { commits, given, told, wait } = setUp()
  commits.state('a', 2, '{}')
  commits.whenKept(
    () => {
      throw new Error('mine')
    },
    () => {},
  )
  wait('next')
  await aMoment()
  await given[0]?.keep()
  t.same(told, ['stray: Error: mine', 'next kept'])
})

t.test('where there was no room, and then the store fails, nothing is kept any more', async (t) => {
  const { commits, given, told, change } = setUp()
  change('a', 2)
  await aMoment()
  change('a', 3)
  await aMoment()
  await given[0]?.lose(new StoreFull('no room'))
  change('b', 2)
  await aMoment()
  await given[1]?.lose(new StoreFailed('gone'))
  const full = ['a2 lost: no room', 'a3 lost: no room', 'lost: a']
  t.same(told.splice(0), [...full, 'b2 lost: gone', 'lost: b', 'failed: gone'])
  await given[2]?.lose(new StoreFailed('gone'))
  t.same(told, [], 'that is told once')
  t.equal(commits.failure?.message, 'gone')
})

t.test('a store that throws has failed', async (t) => {
  const told: string[] = []
  const store = {
    commit: () => {
      throw new Error('a fault')
    },
  }
  const commits = new GroupCommit(store as unknown as Store, {
    lost: () => {},
    failed: ({ message }) => told.push(message),
    stray: () => {},
  })
  commits.state('a', 2, '{}')
  await commits.settled()
  t.same(told, ['a fault'])
})

t.test('who begins to wait while others hear of a loss hears of it too, and what is given then is kept', async (t) => {
  const { commits, given, told, wait } = setUp()
  commits.state('a', 2, '{}')
  commits.whenKept(
    () => {},
    () => {
      wait('late')
      commits.state('b', 2, '{}')
      wait('later')
    },
  )
  await aMoment()
  await given[0]?.lose(new StoreFull('no room'))
  t.same(told.splice(0), ['late lost: no room', 'later lost: no room', 'lost: a'])
  wait('b')
  await given[1]?.keep()
  t.same(told, ['b kept'])
})
