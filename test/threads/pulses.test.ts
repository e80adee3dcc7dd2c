/** How a thread is found that comes back and answers nobody, on a clock that is moved by hand. */
import { createSimulatedClock } from 'genservers/testing'
import t from 'tap'
import type { ThreadNode } from '../../src/threads/host/thread-node.js'
import { Watchdog } from '../../src/threads/host/watchdog.js'

interface Asker {
  answered(): void
}

/** A node whose thread beats, and a watchdog that looks at it every 100 ms. */
function watched({ deafLimit = 1000, limit = 500 } = {}) {
  const clock = createSimulatedClock()
  const asked: Asker[] = []
  const board = { beat: 0 }
  const channel = { question: (asker: Asker) => asked.push(asker) }
  const node = { board, channel, isReady: true, isUnheard: false, sweep() {} }
  const stuck: string[] = []
  const watchdog = new Watchdog(clock, 100, {
    nodes: [node as unknown as ThreadNode],
    ...{ deafLimit, loadLimit: 60_000 },
    limitOf: () => limit,
    stuck(_node, why) {
      stuck.push(why)
      // It is given up.
      node.isReady = false
    },
    suspect() {},
  })
  const pass = async (ms: number, beats = true) => {
    for (let left = ms; left > 0; left -= 100) {
      if (beats) board.beat++
      await clock.advance(100)
    }
  }
  return { node, asked, stuck, pass, stop: () => watchdog.stop() }
}

t.test('a thread that does not answer for too long is stuck', async (t) => {
  const { asked, stuck, pass, stop } = watched()
  await pass(1000)
  t.same([asked.length, stuck], [1, []])
  await pass(100)
  t.same(stuck, ['answer'])
  stop()
})

t.test('one that answers is asked again, later', async (t) => {
  const { asked, stuck, pass, stop } = watched()
  await pass(100)
  asked[0]?.answered()
  await pass(900)
  t.equal(asked.length, 1)
  await pass(100)
  t.equal(asked.length, 2)
  await pass(900)
  asked[1]?.answered()
  await pass(5000)
  t.same([asked.length, stuck], [3, ['answer']], 'the third has no answer')
  stop()
})

t.test('it has no less time than its handlers have', async (t) => {
  const { stuck, pass, stop } = watched({ limit: 3000 })
  await pass(3000)
  t.same(stuck, [])
  await pass(100)
  t.same(stuck, ['answer'])
  stop()
})

t.test('what it has said and nobody has heard yet may be the answer', async (t) => {
  const { node, stuck, pass, stop } = watched()
  await pass(900)
  node.isUnheard = true
  await pass(5000)
  t.same(stuck, [])
  node.isUnheard = false
  await pass(200)
  t.same(stuck, ['answer'])
  stop()
})

t.test('one that does not come back is told so first', async (t) => {
  const { stuck, pass, stop } = watched()
  await pass(100)
  await pass(500, false)
  t.same(stuck, ['come back'])
  stop()
})
