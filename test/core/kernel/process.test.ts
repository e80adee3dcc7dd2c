/** A mailbox, and one message at a time. */
import t from 'tap'
import { Backlog } from '../../../src/core/kernel/backlog.js'
import { Call, timedOut } from '../../../src/core/kernel/call.js'
import { type Envelope, Info } from '../../../src/core/kernel/envelope.js'
import { silentLogger } from '../../../src/core/kernel/logger.js'
import { Node } from '../../../src/core/kernel/node.js'
import { Process } from '../../../src/core/kernel/process.js'
import { createSimulatedClock } from '../../../src/core/kernel/simulated-clock.js'
import { localTransport } from '../../../src/core/kernel/transport.js'

interface Note {
  readonly kind: 'note'
  takenAt: number
  readonly message: string
}

/** Writes down what it receives; `slow` messages take until they are let go. */
class Recorder extends Process<Note> {
  readonly id = 'recorder'
  readonly received: string[] = []
  readonly skipped: string[] = []
  readonly brokenBy: string[] = []
  finish: (() => void) | undefined = undefined
  breakOff: (() => void) | undefined = undefined
  onReceive: ((message: string) => void) | undefined = undefined

  protected receive({ message }: Envelope | Note): Promise<void> | undefined {
    this.received.push(message)
    this.onReceive?.(message)
    if (!message.startsWith('slow')) return undefined
    return new Promise((resolve, reject) => {
      this.finish = resolve
      this.breakOff = () => reject(new Error('broken off'))
    })
  }

  protected expired(call: Call): void {
    this.skipped.push(call.message)
  }

  protected broken(error: unknown): void {
    this.brokenBy.push((error as Error).message)
    this.halt()
  }

  notTaken(call: Call) {
    return timedOut(call.message, 'none')
  }

  forget(): void {}
  override open(): void {
    super.open()
  }
  override shut(): void {
    super.shut()
  }
  override halt(): void {
    super.halt()
  }
}

function setUp() {
  const clock = createSimulatedClock()
  const node = new Node({
    ...{ name: 'main', clock, logger: silentLogger, commits: undefined, transport: localTransport },
    ...{ maxStateBytes: 1e6, idle: 1e6, maxAttempts: 5 },
    backlog: new Backlog(1000, 1e6),
  })
  const process = new Recorder(node, 100)
  const put = (...messages: string[]) => {
    for (const message of messages) process.put(new Info(message, {}, false))
  }
  const rest = () => clock.advance(0)
  return { clock, node, process, put, rest }
}

t.test('nothing is received before it is opened, and then everything in order', async (t) => {
  const { process, put, rest } = setUp()
  put('a', 'b')
  await rest()
  t.same(process.received, [])
  process.open()
  t.same(process.received, [], 'not inside the code that opened it')
  await rest()
  t.same(process.received, ['a', 'b'])
  t.equal(process.handled, 2)
})

t.test('the next message waits until the one before it has settled', async (t) => {
  const { process, put, rest } = setUp()
  process.open()
  put('slow-1', 'slow-2', 'c')
  await rest()
  t.same(process.received, ['slow-1'])
  t.match(process.current, { message: 'slow-1' })
  put('d')
  await rest()
  t.same(process.received, ['slow-1'], 'a message that comes does not wake it')
  process.finish?.()
  await rest()
  t.same(process.received, ['slow-1', 'slow-2'])
  process.finish?.()
  await rest()
  t.same(process.received, ['slow-1', 'slow-2', 'c', 'd'])
  t.equal(process.current, undefined)
})

t.test('what is put first comes before everything that waits, in its own order', async (t) => {
  const { process, put, rest } = setUp()
  process.open()
  process.onReceive = (message) => {
    if (message !== 'a') return
    put('late')
    process.putFirst({ kind: 'note', message: 'first-1', takenAt: 0 })
    process.putFirst({ kind: 'note', message: 'first-2', takenAt: 0 })
  }
  put('a', 'b')
  await rest()
  t.same(process.received, ['a', 'first-1', 'first-2', 'b', 'late'])
})

t.test('a process with much to do lets the others have their turn', async (t) => {
  const { process, put, rest, node } = setUp()
  const other = new Recorder(node, 100)
  process.open()
  other.open()
  put(...Array.from({ length: 40 }, (_, i) => `${i}`))
  let seen = -1
  other.onReceive = () => {
    seen = process.received.length
  }
  other.put(new Info('x', {}, false))
  await rest()
  t.equal(seen, 16)
  t.equal(process.received.length, 40)
})

t.test('a call whose deadline has passed is not taken, and is not counted', async (t) => {
  const { clock, process, put, rest } = setUp()
  const late = new Call(process, 'late', {}, 100, undefined, undefined)
  late.deadline = 100
  const inTime = new Call(process, 'in time', {}, 101, undefined, undefined)
  inTime.deadline = 101
  process.put(late)
  process.put(inTime)
  put('b')
  await clock.advance(100)
  process.open()
  await rest()
  t.same(process.received, ['in time', 'b'])
  t.same(process.skipped, ['late'])
  t.equal(process.handled, 2)
})

t.test('a call that is withdrawn is not received', async (t) => {
  const { process, rest } = setUp()
  const call = new Call(process, 'call', {}, 100, undefined, undefined)
  process.put(call)
  process.withdraw(call)
  process.open()
  await rest()
  t.same(process.received, [])
})

t.test('a process whose message breaks takes no further one, whether it breaks at once or later', async (t) => {
  const sync = setUp()
  sync.process.open()
  sync.process.onReceive = () => {
    throw new Error('broken')
  }
  sync.put('a', 'b')
  await sync.rest()
  t.same([sync.process.received, sync.process.brokenBy], [['a'], ['broken']])
  const slow = setUp()
  slow.process.open()
  slow.put('slow', 'b')
  await slow.rest()
  t.same(slow.process.brokenBy, [])
  slow.process.breakOff?.()
  await slow.rest()
  t.same([slow.process.received, slow.process.brokenBy], [['slow'], ['broken off']])
})

t.test(
  'a call that is given up on its way to the mailbox harms nothing that waits there, and never runs',
  async (t) => {
    const { node, process, put, rest } = setUp()
    const call = new Call(process, 'call', {}, 100, undefined, undefined)
    call.bytes = 7
    process.mailbox.reserve(call.bytes)
    put('a')
    call.abandon()
    t.equal(process.mailbox.length, 1)
    process.put(call)
    t.equal(process.mailbox.length, 1, 'it comes too late to be put in')
    t.match(node.backlog, { length: 0, bytes: 0 })
    let places = 0
    while (process.mailbox.reserve()) places++
    t.equal(places, 100, 'and its place is free again')
    process.open()
    await rest()
    t.same(process.received, ['a'])
  },
)

t.test('it knows since when it handles a message', async (t) => {
  const { clock, process, put, rest } = setUp()
  process.open()
  await clock.advance(500)
  put('slow')
  await rest()
  t.equal(process.current?.takenAt, 500)
})

t.test('while it is shut messages wait, and one that is being handled goes on', async (t) => {
  const { process, put, rest } = setUp()
  process.open()
  put('slow', 'b')
  await rest()
  process.shut()
  process.finish?.()
  await rest()
  t.same(process.received, ['slow'])
  process.open()
  await rest()
  t.same(process.received, ['slow', 'b'])
})

t.test('a process that is shut by a message takes no further one of its slice', async (t) => {
  const { process, put, rest } = setUp()
  process.open()
  process.onReceive = () => process.shut()
  put('a', 'b')
  await rest()
  t.same(process.received, ['a'])
})

t.test('after its end nothing is received, neither from the mailbox nor what was put first', async (t) => {
  const { process, put, rest } = setUp()
  process.open()
  put('slow', 'b')
  process.putFirst({ kind: 'note', message: 'first', takenAt: 0 })
  await rest()
  t.same(process.received, ['first', 'slow'])
  process.putFirst({ kind: 'note', message: 'first-2', takenAt: 0 })
  process.halt()
  t.equal(process.ended, true)
  t.equal(process.current, undefined)
  t.match(process.mailbox.shift(), { message: 'b' })
  t.equal(process.idle, true, 'what was put first is gone')
  process.finish?.()
  put('c')
  await rest()
  t.same(process.received, ['first', 'slow'])
})

t.test('what still ran when it ended does not open it again', async (t) => {
  const { process, put, rest } = setUp()
  process.open()
  put('slow-1')
  await rest()
  const { finish } = process
  process.halt()
  process.open()
  put('slow-2', 'c')
  await rest()
  finish?.()
  await rest()
  t.equal(process.current, undefined)
  t.same(process.received, ['slow-1'])
})

t.test('who waits until it is idle hears so when nothing is handled and nothing waits', async (t) => {
  const { process, put, rest } = setUp()
  process.open()
  await process.whenIdle()
  put('slow', 'b')
  t.equal(process.idle, false)
  let idle = 0
  for (let i = 0; i < 2; i++) process.whenIdle().then(() => idle++)
  await rest()
  t.equal(idle, 0)
  process.finish?.()
  await rest()
  t.equal(idle, 2)
  t.equal(process.idle, true)
  process.putFirst({ kind: 'note', message: 'first', takenAt: 0 })
  t.equal(process.idle, false, 'what is put first is something to do')
})

t.test('who waits until it is idle hears so too when the last message is withdrawn', async (t) => {
  const { process, rest } = setUp()
  const call = new Call(process, 'call', {}, 100, undefined, undefined)
  process.put(call)
  let idle = false
  process.whenIdle().then(() => {
    idle = true
  })
  await rest()
  t.equal(idle, false)
  process.withdraw(call)
  await rest()
  t.equal(idle, true)
})

t.test('who waits until it is idle hears so too when it ends', async (t) => {
  const { process, put, rest } = setUp()
  process.open()
  put('slow', 'b')
  await rest()
  let idle = false
  process.whenIdle().then(() => {
    idle = true
  })
  process.halt()
  await rest()
  t.equal(idle, true)
  await process.whenIdle()
})

t.test('it remembers for what it waits until that is over', async (t) => {
  const { process, node } = setUp()
  const other = new Recorder(node, 1)
  t.equal(process.waits, undefined)
  const [wait, next] = [{ to: other }, { to: process }]
  const waits = process.waitFor(wait)
  t.equal(process.waitFor(next), waits)
  t.same([...(process.waits ?? [])], [wait, next])
  waits.delete(wait)
  t.same([...(process.waits ?? [])], [next])
})

t.test('the age of what waits is told from the last tick', async (t) => {
  const { clock, node, process, put } = setUp()
  await clock.advance(70)
  node.tick()
  put('a')
  await clock.advance(30)
  t.equal(process.mailbox.oldestAge(clock.monotonic()), 30)
})

t.test('a node gives each reference once', async (t) => {
  const { node } = setUp()
  const refs = Array.from({ length: 100 }, () => node.makeRef('t'))
  t.equal(new Set(refs).size, 100)
  t.ok(refs.every((ref) => /^t[0-9a-z]+$/.test(ref)))
})

t.test('the first message after a cork is handled at once where nobody is before it, and others wait', async (t) => {
  const { process, put, rest } = setUp()
  const { scheduler } = process.node
  process.open()
  await rest()
  const corked = (work: () => void) => {
    scheduler.cork()
    work()
    const received = process.received.splice(0)
    scheduler.uncork()
    return received
  }
  t.same(
    corked(() => {
      put('a')
      put('b')
    }),
    ['a'],
  )
  t.same(process.received.splice(0), ['b'], 'in uncork')
  t.equal(process.mailbox.length, 0)

  process.onReceive = (message) => {
    if (message !== 'c') return
    put('from itself')
    process.putFirst({ kind: 'note', message: 'first', takenAt: 0 })
  }
  t.same(
    corked(() => put('c')),
    ['c'],
  )
  t.same(process.received.splice(0), ['first', 'from itself'], 'what it puts itself is not forgotten')

  t.same(
    corked(() => put('slow')),
    ['slow'],
  )
  t.same(
    corked(() => put('d')),
    [],
    'it is at work',
  )
  process.finish?.()
  await rest()
  t.same(process.received.splice(0), ['d'])

  put('e')
  t.same(
    corked(() => put('f')),
    [],
    'somebody is before it',
  )
  await rest()
  t.same(process.received.splice(0), ['e', 'f'])

  process.shut()
  t.same(
    corked(() => put('g')),
    [],
    'it is shut',
  )
})

t.test('what breaks a process that handles a message at once is told to it', async (t) => {
  const { process, put, rest } = setUp()
  process.open()
  await rest()
  process.onReceive = () => {
    throw new Error('a bug')
  }
  process.node.scheduler.cork()
  put('a')
  process.node.scheduler.uncork()
  t.same(process.brokenBy, ['a bug'])
})

t.test('places are free again of what was handled at once', async (t) => {
  const { process, rest } = setUp()
  process.open()
  await rest()
  for (let i = 0; i < 3 * process.mailbox.limit; i++) {
    process.node.scheduler.cork()
    if (!process.mailbox.reserve()) break
    process.put(new Info(`${i}`, {}, true))
    process.node.scheduler.uncork()
  }
  t.equal(process.received.length, 3 * process.mailbox.limit)
})

t.test(
  'while it is suspended the mailbox waits, also for what could be taken at once; what is put first does not',
  async (t) => {
    const { node, process, put, rest } = setUp()
    process.open()
    process.suspend()
    node.scheduler.cork()
    put('a')
    t.same(process.received, [], 'it is not free')
    node.scheduler.uncork()
    await rest()
    t.same(process.received, [])
    process.putFirst({ kind: 'note', message: 'first', takenAt: 0 })
    await rest()
    t.same(process.received, ['first'])
    const idle = process.whenIdle().then(() => process.received.push('idle'))
    process.resume()
    await rest()
    await idle
    t.same(process.received, ['first', 'a', 'idle'])
  },
)

t.test('one that is suspended in the midst of a slice takes no more of it', async (t) => {
  const { process, put, rest } = setUp()
  process.onReceive = () => process.suspend()
  process.open()
  put('a', 'b')
  await rest()
  t.same(process.received, ['a'])
  t.ok(process.suspended)
})

t.test('what yields comes after everything else that is put first, and tells when it is dropped', async (t) => {
  const { process, rest } = setUp()
  const dropped: string[] = []
  const first = (message: string, yields?: true) =>
    process.putFirst({
      kind: 'note',
      message,
      takenAt: 0,
      ...(yields && { yields }),
      dropped: () => void dropped.push(message),
    } as never)
  first('order 1', true)
  first('step 1')
  first('order 2', true)
  first('step 2')
  process.open()
  await rest()
  t.same(process.received, ['step 1', 'step 2', 'order 1', 'order 2'])
  process.shut()
  first('late')
  process.halt()
  t.same(dropped, ['late'])
})
