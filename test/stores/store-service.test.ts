/** Who hears what of commits that come together, where there is no room for one of them. */
import { join } from 'node:path'
import { setImmediate as aMoment } from 'node:timers/promises'
import t from 'tap'
import type { Change } from '../../src/adapters.js'
import { SqliteStore } from '../../src/stores/sqlite-store.js'
import type { StoreAnswer } from '../../src/stores/store-messages.js'
import { StoreService } from '../../src/stores/store-service.js'
import { server } from './kept-servers.js'

t.test('what builds on a commit that is lost is lost, and nothing else is', async (t) => {
  const store = new SqliteStore(join(t.testdir(), 'store.db'))
  t.teardown(() => store.close())
  // Room for small ones.
  store.commit([server('first')])
  store.limitPages(40)
  const service = new StoreService(store)
  const connection = () => {
    const answers: string[] = []
    const told = (answer: StoreAnswer) =>
      answers.push(`${answer.n}: ${'failure' in answer ? answer.failure.message : 'kept'}`)
    const port = { postMessage: (answer: unknown) => void told(answer as StoreAnswer) }
    const commit = (n: number, change: Change, chain?: number) =>
      service.ask(port, { n, what: 'commit', args: [[change], chain] })
    return { answers, commit }
  }
  const ours = connection()
  const theirs = connection()
  ours.commit(1, server('before'), 1)
  ours.commit(2, server('large', { state: JSON.stringify('x'.repeat(500_000)) }), 1)
  ours.commit(3, server('built on it'), 1)
  ours.commit(4, server('of no chain'))
  theirs.commit(1, server('theirs'), 1)
  await aMoment()
  const lost = 'what it builds on was not kept, for want of room'
  t.same(ours.answers.splice(0), ['1: kept', '2: SQLITE_FULL: database or disk is full', `3: ${lost}`, '4: kept'])
  t.same(theirs.answers.splice(0), ['1: kept'])

  ours.commit(5, server('late'), 1)
  ours.commit(6, server('of the next chain'), 2)
  theirs.commit(2, server('theirs too'), 1)
  await aMoment()
  t.same(ours.answers.splice(0), [`5: ${lost}`, '6: kept'])
  t.same(theirs.answers, ['2: kept'])
  t.same(
    store.servers({ limit: 10 }).map(({ id }) => id),
    ['before', 'first', 'of no chain', 'of the next chain', 'theirs', 'theirs too'],
  )

  ours.commit(7, server('large', { state: JSON.stringify('x'.repeat(500_000)) }), 2)
  await aMoment()
  ours.commit(8, server('older'), 1)
  ours.commit(9, server('built on that too'), 2)
  await aMoment()
  t.same(ours.answers.slice(1), [`8: ${lost}`, `9: ${lost}`], 'a chain that was broken stays so')
})

t.test('a store that has failed is not said to have no room', async (t) => {
  const store = new SqliteStore(join(t.testdir(), 'store.db'))
  const service = new StoreService(store)
  const failures: unknown[] = []
  const port = { postMessage: (answer: unknown) => void failures.push((answer as { failure: unknown }).failure) }
  store.close()
  for (const n of [1, 2]) {
    service.ask(port, { n, what: 'commit', args: [[server('a')], 1] })
    await aMoment()
  }
  t.match(failures, [{ kind: 'failed' }, { kind: 'failed' }])
})
