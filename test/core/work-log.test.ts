/** Whoever hears of what servers are at hears when that is over too. */
import { createRuntime, defineServer, silentLogger, Type } from 'genservers'
import { createSimulatedClock } from 'genservers/testing'
import t from 'tap'
import { type LocalRuntime, WorkLog } from '../../src/adapters.js'
import { latch, observe, running } from './running.js'

/** What goes on, by whose it is, and what was said of it, in order. */
class HeardLog extends WorkLog {
  readonly said: string[] = []
  readonly #looks: object[] = []

  override begins(id: string, what: string): void {
    this.said.push(`${id} begins ${what}`)
  }

  override returned(id: string, underWay: boolean): void {
    this.said.push(`${id} returned${underWay ? ', under way' : ''}`)
  }

  override beside(id: string, look: object): void {
    this.said.push(`${id} looks ${this.#looks.push(look)}`)
  }

  override over(what: string | object): void {
    this.said.push(typeof what === 'string' ? `${what} over` : `look ${this.#looks.indexOf(what) + 1} over`)
  }
}

const silent = { ...silentLogger, child: () => silent }

t.test('who looks and takes its time is at work until it has its answer, or is cut off', async (t) => {
  const log = new HeardLog()
  const gates = [latch(), latch()]
  let next = 0
  const looker = defineServer({
    state: Type.Object({}),
    calls: { look: { reply: Type.Null(), readOnly: true } },
    init: () => ({}),
    handleCall: {
      look: async () => {
        await gates[next++]?.promise
        return null
      },
    },
  })
  const { runtime, clock, close } = running(t, { looker }, { workLog: log })
  await runtime.start('looker', {}, { id: 'a' })
  const first = observe(runtime.call('a', 'look'))
  const second = observe(runtime.call('a', 'look'))
  await clock.advance(0)
  t.same(log.said.splice(0).slice(-4), ['a looks 1', 'a returned', 'a looks 2', 'a returned'])
  gates[1]?.open()
  await clock.advance(0)
  t.same([log.said.splice(0), second.value], [['look 2 over'], null])
  await runtime.kill('a')
  await clock.advance(0)
  t.match([log.said.filter((said) => said.startsWith('look')), first.outcome], [['look 1 over'], 'rejected'])
  gates[0]?.open()
  await close()
})

t.test('what fails in our own code is no more at work than what has succeeded', async (t) => {
  const log = new HeardLog()
  const warn = () => {
    throw new Error('no room for the log')
  }
  const plain = defineServer({
    state: Type.Object({}),
    casts: { hear: {} },
    init: () => ({}),
    handleCast: { hear: () => {} },
  })
  const clock = createSimulatedClock()
  const runtime = createRuntime({ implementations: { plain }, clock, workLog: log, logger: { ...silent, warn } })
  await runtime.start('plain', {}, { id: 'a' })
  log.said.length = 0
  await runtime.cast('a', 'hear', {}, { ifMatch: 99 })
  await clock.advance(0)
  t.same(log.said, ['a returned', 'a over'])
  await runtime.close()
})

t.test('a reply that comes from another node is judged at the cost of who was asked', async (t) => {
  const log = new HeardLog()
  let from = ''
  const deferring = defineServer({
    state: Type.Object({}),
    calls: { later: { reply: Type.Integer() } },
    init: () => ({}),
    handleCall: {
      later: (_state, _args, ctx) => {
        from = ctx.from
        return ctx.noReply()
      },
    },
  })
  const { runtime, clock, close } = running(t, { deferring }, { workLog: log })
  await runtime.start('deferring', {}, { id: 'a' })
  const asked = observe(runtime.call('a', 'later'))
  await clock.advance(0)
  log.said.length = 0
  const node = runtime as unknown as LocalRuntime
  node.peers.replied(from, 5, 1)
  await clock.advance(0)
  t.same([log.said, asked.value], [['a begins reply', 'a returned'], 5])
  await close()
})

t.test('a redact is at work for whoever looks, watches or traces', async (t) => {
  const log = new HeardLog()
  const secret = defineServer({
    state: Type.Object({ n: Type.Integer() }),
    casts: { grow: {} },
    init: () => ({ n: 0 }),
    handleCast: {
      grow: (state) => {
        state.n++
      },
    },
    redact: ({ n }) => {
      log.said.push(`redacts ${n}`)
      return {}
    },
  })
  const { runtime, clock, close } = running(t, { secret }, { workLog: log })
  await runtime.start('secret', {}, { id: 'a' })
  const redacted = (n: number) => ['a begins redact', `redacts ${n}`, 'a returned']
  log.said.length = 0
  await runtime.state('a')
  t.same(log.said.splice(0), redacted(0))
  const watch = runtime.watch('a', () => {}, { onState: () => {} })
  t.same(log.said.splice(0), redacted(0))
  const stop = runtime.trace('a', () => {})
  await runtime.cast('a', 'grow')
  await clock.advance(0)
  t.same(log.said, [...redacted(1), ...redacted(0), ...redacted(1), 'a returned'])
  watch.close()
  stop()
  await close()
})
