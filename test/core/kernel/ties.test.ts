/** Links and monitors as a relation between processes; what servers make of them is in `test/core/ties.test.ts`. */
import t from 'tap'
import type { Envelope, Info } from '../../../src/core/kernel/envelope.js'
import { Mailbox } from '../../../src/core/kernel/mailbox.js'
import type { Reason } from '../../../src/core/kernel/reason.js'
import { type Tied, Ties } from '../../../src/core/kernel/ties.js'

class Tester extends Mailbox implements Tied {
  readonly incarnation = 1
  readonly ended = false
  readonly ties: Ties
  readonly deaths: Reason[] = []

  constructor(
    readonly id: string,
    readonly others: Map<string, Tester>,
  ) {
    super(10)
    this.ties = new Ties(this, (other) => others.get(other))
    others.set(id, this)
  }

  get mailbox(): Mailbox {
    return this
  }

  put(envelope: Envelope): void {
    this.push(envelope, 0)
  }

  readonly heeded: Envelope[] = []

  heed(order: Envelope): void {
    this.heeded.push(order)
  }

  die(reason: Reason): void {
    this.deaths.push(reason)
  }

  /** What waits, and takes it. */
  heard(): unknown[] {
    const heard: unknown[] = []
    for (let next = this.shift(); next !== undefined; next = this.shift()) {
      heard.push(next.kind === 'stop' ? ['stop', next.reason] : [next.message, (next as Info).args])
    }
    return heard
  }
}

function setUp() {
  const others = new Map<string, Tester>()
  const [a, b, c] = [new Tester('a', others), new Tester('b', others), new Tester('c', others)]
  return { a, b, c }
}

const crash = { error: 'oops' }
const death = (id: string, reason: Reason = crash) => ({ id, incarnation: 1, reason, restarting: false })

t.test('a link works both ways, once, however often it is made', async (t) => {
  const { a, b } = setUp()
  a.ties.link('b')
  b.ties.link('a')
  a.ties.died(crash, false)
  t.same(b.deaths, [crash])
  b.ties.died(crash, false)
  t.same(a.deaths, [], 'they are tied no more')
})

t.test('who links itself is not tied to anybody', async (t) => {
  const { a } = setUp()
  a.ties.link('a')
  a.ties.died(crash, false)
  t.same(a.deaths, [])
})

t.test('normal kills nobody, and who traps exits hears of it', async (t) => {
  const { a, b, c } = setUp()
  c.ties.trapsExits = true
  a.ties.link('b')
  a.ties.link('c')
  a.ties.died('normal', false)
  t.same(b.deaths, [])
  t.same(c.heard(), [['EXIT', death('a', 'normal')]])
})

t.test('after unlink neither hears of the other; to unlink who is not linked is nothing', async (t) => {
  const { a, b } = setUp()
  a.ties.unlink('b')
  a.ties.unlink('nobody')
  a.ties.link('b')
  b.ties.unlink('a')
  a.ties.died(crash, false)
  t.same(b.deaths, [])
})

t.test('who links nobody gets an exit signal with noproc', async (t) => {
  const { a, b } = setUp()
  a.ties.link('nobody')
  t.same(a.deaths, ['noproc'])
  b.ties.trapsExits = true
  b.ties.link('nobody')
  t.same(b.heard(), [['EXIT', { id: 'nobody', incarnation: 0, reason: 'noproc', restarting: false }]])
})

t.test('the end of a parent is an order to stop for a child that traps exits, whatever the reason', async (t) => {
  for (const reason of ['normal', 'killed', crash] as const) {
    const { a, b } = setUp()
    b.ties.trapsExits = true
    b.ties.linkToParent(a)
    a.ties.died(reason, false)
    t.match(b.heeded, [{ kind: 'stop', reason }], 'suspended or not')
    t.same(b.heard(), [['stop', reason]])
  }
})

t.test('each monitor brings one DOWN; what is demonitored brings none, also if it waits already', async (t) => {
  const { a, b } = setUp()
  for (const ref of ['1', '2', '3', '4']) a.ties.monitor(ref, 'b')
  a.ties.demonitor('1')
  b.ties.died(crash, true)
  a.ties.demonitor('3')
  a.ties.demonitor('3')
  const down = { ...death('b'), restarting: true }
  t.same(a.heard(), [
    ['DOWN', { ref: '2', ...down }],
    ['DOWN', { ref: '4', ...down }],
  ])
  b.ties.died(crash, false)
  t.same(a.heard(), [])
})

t.test('a DOWN that was taken cannot be called back', async (t) => {
  const { a, b } = setUp()
  a.ties.monitor('1', 'b')
  b.ties.died(crash, false)
  const down = a.shift() as Info
  a.ties.downTaken(down)
  a.put(down)
  a.ties.demonitor('1')
  t.equal(a.length, 1, 'it is not looked for in the mailbox')
})

t.test('who is not there is down at once', async (t) => {
  const { a } = setUp()
  a.ties.monitor('1', 'nobody')
  t.same(a.heard(), [['DOWN', { ref: '1', id: 'nobody', incarnation: 0, reason: 'noproc', restarting: false }]])
})

t.test('who dies itself monitors nobody any more, and leaves no DOWN to the next life', async (t) => {
  const { a, b, c } = setUp()
  a.ties.monitor('1', 'b')
  a.ties.monitor('2', 'c')
  c.ties.died(crash, false)
  a.ties.died(crash, true)
  b.ties.died(crash, false)
  t.same(a.heard(), [])
})

t.test('exit signals: normal is for oneself only, kill cannot be trapped, nobody hears what nobody gets', async (t) => {
  const { a, b } = setUp()
  a.ties.exit('b', 'normal')
  t.same(b.deaths, [])
  a.ties.exit('a', 'normal')
  t.same(a.deaths, ['normal'])
  a.ties.exit('b', 'why')
  t.same(b.deaths, ['why'])
  b.ties.trapsExits = true
  a.ties.exit('b', 'trapped')
  a.ties.exit('b', 'kill')
  t.same(b.deaths, ['why', 'killed'])
  t.same(b.heard(), [['EXIT', { id: 'a', incarnation: 1, reason: 'trapped', restarting: false }]])
  a.ties.exit('nobody', 'why')
  a.ties.exit('nobody', 'kill')
})
