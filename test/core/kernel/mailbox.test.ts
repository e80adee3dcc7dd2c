/** What waits for a process. */
import fc from 'fast-check'
import t from 'tap'
import { Cast, Info, StopOrder } from '../../../src/core/kernel/envelope.js'
import { Mailbox } from '../../../src/core/kernel/mailbox.js'

const cast = (message: string) => new Cast(message, {}, undefined, undefined, true)
const timer = (message: string) => new Info(message, {}, false)

function drain(mailbox: Mailbox): string[] {
  const messages = []
  for (let next = mailbox.shift(); next !== undefined; next = mailbox.shift()) messages.push(next.message)
  return messages
}

t.test('the oldest comes out first', async (t) => {
  const mailbox = new Mailbox(10)
  for (const message of ['a', 'b', 'c']) mailbox.push(timer(message), 0)
  t.equal(mailbox.length, 3)
  t.same(drain(mailbox), ['a', 'b', 'c'])
  t.equal(mailbox.length, 0)
  t.equal(mailbox.shift(), undefined)
})

t.test('an envelope can be taken out from wherever it waits', async (t) => {
  for (const out of [0, 1, 2]) {
    const mailbox = new Mailbox(10)
    const waiting = ['a', 'b', 'c'].map(timer)
    for (const envelope of waiting) mailbox.push(envelope, 0)
    mailbox.remove(waiting[out] as Info)
    mailbox.push(timer('d'), 0)
    t.equal(mailbox.length, 3)
    t.same(drain(mailbox), [...['a', 'b', 'c'].filter((_, i) => i !== out), 'd'])
  }
})

t.test('an envelope that is not in the mailbox is not taken out of it', async (t) => {
  const mailbox = new Mailbox(10)
  mailbox.push(timer('a'), 0)
  const [taken] = [mailbox.shift()]
  mailbox.push(timer('b'), 0)
  mailbox.remove(timer('never put in'))
  mailbox.remove(taken as Info)
  t.equal(mailbox.length, 1)
  t.same(drain(mailbox), ['b'])
})

t.test('after any pushes and removals the rest is there, in order', async () => {
  const steps = fc.array(fc.oneof(fc.constant('push'), fc.constant('shift'), fc.nat(20)), { maxLength: 60 })
  fc.assert(
    fc.property(steps, (todo) => {
      const mailbox = new Mailbox(1000)
      const model: Info[] = []
      for (const [i, step] of todo.entries()) {
        if (step === 'push') {
          const envelope = timer(`m${i}`)
          mailbox.push(envelope, 0)
          model.push(envelope)
        } else if (step === 'shift') {
          if (mailbox.shift() !== model.shift()) return false
        } else {
          const [removed] = model.splice(Number(step), 1)
          if (removed !== undefined) mailbox.remove(removed)
        }
        if (mailbox.length !== model.length) return false
      }
      return drain(mailbox).join() === model.map(({ message }) => message).join()
    }),
  )
})

t.test('X4: a full mailbox refuses bounded messages, and the others still get in', async (t) => {
  const mailbox = new Mailbox(2)
  t.equal(mailbox.reserve(), true)
  mailbox.push(cast('a'), 0)
  t.equal(mailbox.reserve(), true)
  t.equal(mailbox.reserve(), false, 'a place that is reserved is taken')
  mailbox.push(cast('b'), 0)
  mailbox.push(timer('timer'), 0)
  mailbox.push(new StopOrder('normal', undefined, () => {}), 0)
  t.equal(mailbox.reserve(), false)
  t.equal(mailbox.length, 4)
})

t.test('a bounded message gives its place back when it leaves, and an unbounded one has none to give', async (t) => {
  const mailbox = new Mailbox(1)
  mailbox.push(timer('timer'), 0)
  mailbox.reserve()
  mailbox.push(cast('a'), 0)
  t.equal(mailbox.shift()?.message, 'timer')
  t.equal(mailbox.reserve(), false)
  t.equal(mailbox.shift()?.message, 'a')
  t.equal(mailbox.reserve(), true)
})

t.test('a reserved place that is not used is given back', async (t) => {
  const mailbox = new Mailbox(1)
  mailbox.reserve()
  mailbox.release()
  t.equal(mailbox.reserve(), true)
})

t.test('the oldest age is that of the first that waits', async (t) => {
  const mailbox = new Mailbox(10)
  t.equal(mailbox.oldestAge(50), 0)
  mailbox.push(timer('a'), 100)
  mailbox.push(timer('b'), 130)
  t.equal(mailbox.oldestAge(150), 50)
  mailbox.shift()
  t.equal(mailbox.oldestAge(150), 20)
})
