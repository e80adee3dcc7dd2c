/** Who gets the thread, and when. */
import t from 'tap'
import { Scheduler } from '../../../src/core/kernel/scheduler.js'

const noFailure = (error: unknown) => {
  throw error
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test('a process runs after the code that woke it, never inside it', async (t) => {
  const scheduler = new Scheduler(noFailure)
  const log: string[] = []
  scheduler.wake({ run: () => log.push('run') })
  log.push('after wake')
  await turn()
  t.same(log, ['after wake', 'run'])
})

t.test('processes run in the order in which they were woken, and whom they wake comes after them', async (t) => {
  const scheduler = new Scheduler(noFailure)
  const log: string[] = []
  const woken = { run: () => log.push('woken') }
  scheduler.wake({
    run() {
      log.push('a')
      scheduler.wake(woken)
      log.push('still a')
    },
  })
  scheduler.wake({ run: () => log.push('b') })
  await turn()
  t.same(log, ['a', 'still a', 'b', 'woken'])
})

t.test('it rests when there is nothing to do, and wakes again', async (t) => {
  const scheduler = new Scheduler(noFailure)
  let runs = 0
  const process = { run: () => runs++ }
  scheduler.wake(process)
  await turn()
  t.equal(runs, 1)
  await turn()
  t.equal(runs, 1)
  scheduler.wake(process)
  await turn()
  t.equal(runs, 2)
})

t.test('processes that keep each other busy leave the event loop its turns', async (t) => {
  const scheduler = new Scheduler(noFailure)
  let runs = 0
  let runsAtImmediate: number | undefined
  setImmediate(() => {
    runsAtImmediate = runs
  })
  const done = new Promise<void>((resolve) => {
    const process = {
      run() {
        runs++
        if (runs < 1000) scheduler.wake(process)
        else resolve()
      },
    }
    scheduler.wake(process)
  })
  await Promise.resolve()
  t.equal(runs, 64, 'so many rounds run as microtasks')
  await done
  t.equal(runs, 1000)
  t.equal(runsAtImmediate, 64, 'then others had their turn')
})

t.test('what one process throws is told, and the others run on', async (t) => {
  const told: unknown[] = []
  const scheduler = new Scheduler((error) => told.push(error))
  const log: string[] = []
  scheduler.wake({
    run() {
      throw new Error('stray')
    },
  })
  scheduler.wake({ run: () => log.push('same round') })
  await turn()
  scheduler.wake({ run: () => log.push('next round') })
  await turn()
  t.match(told, [{ message: 'stray' }])
  t.same(log, ['same round', 'next round'])
})

t.test('what is woken while it is corked runs in uncork, and what that wakes too', async (t) => {
  const scheduler = new Scheduler(noFailure)
  const log: string[] = []
  scheduler.cork()
  scheduler.wake({
    run() {
      log.push('woken')
      scheduler.wake({ run: () => log.push('woken by it') })
    },
  })
  log.push('before')
  scheduler.uncork()
  t.same(log, ['before', 'woken', 'woken by it'])
  scheduler.wake({ run: () => log.push('later') })
  t.equal(log.length, 3, 'the cork is out')
  await turn()
  t.equal(log.at(-1), 'later')
})

t.test('where processes are about to run, or run, a cork changes nothing', async (t) => {
  const scheduler = new Scheduler(noFailure)
  const log: string[] = []
  scheduler.wake({
    run() {
      scheduler.cork()
      scheduler.wake({ run: () => log.push('second') })
      scheduler.uncork()
      log.push('first')
    },
  })
  scheduler.cork()
  scheduler.uncork()
  t.same(log, [], 'not inside the code that woke it')
  await turn()
  t.same(log, ['first', 'second'])
})

t.test('the first after a cork need not be woken, and only that', async (t) => {
  const scheduler = new Scheduler(noFailure)
  t.notOk(scheduler.takeFirst(), 'nobody has corked')
  scheduler.cork()
  t.ok(scheduler.takeFirst())
  t.notOk(scheduler.takeFirst())
  scheduler.uncork()
  scheduler.cork()
  scheduler.uncork()
  t.notOk(scheduler.takeFirst(), 'the cork is out')
})

t.test('processes that take long leave the event loop its turns, and lose none of their own', async (t) => {
  const scheduler = new Scheduler(noFailure)
  const log: string[] = []
  const slow = (name: string) => ({
    run() {
      const end = performance.now() + 11
      while (performance.now() < end);
      log.push(name)
    },
  })
  setImmediate(() => log.push('event loop'))
  const again = slow('again')
  const first = slow('a')
  scheduler.wake({
    run() {
      first.run()
      scheduler.wake(again)
    },
  })
  for (const name of ['b', 'c']) scheduler.wake(slow(name))
  for (let turns = 0; turns < 8; turns++) await turn()
  t.same(log, ['a', 'event loop', 'b', 'c', 'again'])
})
