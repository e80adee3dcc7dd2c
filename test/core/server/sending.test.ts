/** Messages to a server, checked before they reach its mailbox. */
import { defineServer, Type } from 'genservers'
import t from 'tap'
import { compileProtocol } from '../../../src/core/definition/protocol.js'
import { Mailbox } from '../../../src/core/kernel/mailbox.js'
import type { Peer } from '../../../src/core/server/peers.js'
import {
  callOperation,
  castOperation,
  makeCall,
  makeCast,
  makeInfo,
  reservePlace,
} from '../../../src/core/server/sending.js'
import { thrownBy } from '../thrown-by.js'

const Element = Type.Object({ element: Type.Integer() })
const stack = compileProtocol(
  'stack',
  defineServer({
    state: Type.Object({}),
    calls: { pop: { args: Element }, size: {} },
    casts: { push: { args: Element } },
    infos: { tick: { args: Element } },
    init: () => ({}),
    handleCall: { pop() {}, size() {} },
    handleCast: { push() {} },
    handleInfo: { tick() {} },
  }),
)

const peer = (limit = 10) => ({ id: 's1', protocol: stack, mailbox: new Mailbox(limit) }) as unknown as Peer

/** How many places are left. */
function left({ mailbox }: Peer): number {
  let places = 0
  while (mailbox.reserve()) places++
  return places
}

t.test('B19: a message that the implementation has not is refused by its name', async (t) => {
  t.equal(callOperation(stack, 'pop'), stack.calls.get('pop'))
  t.equal(castOperation(stack, 'push'), stack.casts.get('push'))
  const unknown = (message: string) => ({
    code: 'unknown_message',
    effect: 'none',
    message: new RegExp(`^${message}$`),
  })
  t.match(
    thrownBy(() => callOperation(stack, 'pup')),
    unknown('stack has no call pup'),
  )
  t.match(
    thrownBy(() => castOperation(stack, 'constructor')),
    unknown('stack has no cast constructor'),
  )
})

t.test('who sends a call as a cast, or a cast as a call, is told so', async (t) => {
  t.throws(() => callOperation(stack, 'push'), { message: 'stack has no call push; it is a cast' })
  t.throws(() => castOperation(stack, 'pop'), { message: 'stack has no cast pop; it is a call' })
})

t.test('a message that is made has its place, its args and what was said with it', async (t) => {
  const to = peer(3)
  const options = { origin: { requestId: 'r' }, ifMatch: 3 }
  const call = makeCall(to, 'pop', { element: 1 }, 700, options)
  t.match(call, { kind: 'call', message: 'pop', args: { element: 1 }, timeout: 700, ...options, bounded: true })
  t.equal(call.to, to)
  t.match(makeCast(to, 'push', { element: 1 }, options), { kind: 'cast', message: 'push', ...options, bounded: true })
  t.match(makeInfo(to, 'tick', { element: 1 }), { kind: 'info', message: 'tick', bounded: true })
  t.equal(left(to), 0)
})

t.test('a message that is refused takes no place', async (t) => {
  const to = peer()
  const args = { element: 'x' }
  t.throws(() => makeCall(to, 'pop', args, 1, {}), { code: 'invalid_args' })
  t.throws(() => makeCall(to, 'nope', {}, 1, {}), { code: 'unknown_message' })
  t.throws(() => makeCast(to, 'push', args, {}), { code: 'invalid_args' })
  t.throws(() => makeCast(to, 'nope', {}, {}), { code: 'unknown_message' })
  t.throws(() => makeInfo(to, 'tick', args), { code: 'invalid_args' })
  t.equal(left(to), 10)
})

t.test('an info that nobody declared takes any JSON, and only JSON', async (t) => {
  t.strictSame(makeInfo(peer(), 'news', [1]).args, [1])
  t.throws(() => makeInfo(peer(), 'news', 1n), { code: 'invalid_args' })
})

t.test('X4: a full mailbox takes no message of any kind', async (t) => {
  const to = peer(1)
  reservePlace(to)
  const full = {
    code: 'mailbox_full',
    effect: 'none',
    message: 's1 has 1 messages waiting and takes no more',
    details: { retryAfter: 1 },
  }
  const sends = [
    () => reservePlace(to),
    () => makeCall(to, 'size', {}, 1, {}),
    () => makeCast(to, 'push', { element: 1 }, {}),
    () => makeInfo(to, 'tick', { element: 1 }),
  ]
  for (const send of sends) t.match(thrownBy(send), full)
})
