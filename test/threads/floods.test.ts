/** Threads that say more than can be heard: what that costs the gateway's thread is bounded, and so is what waits for it. */
import { Writable } from 'node:stream'
import t from 'tap'
import { Hearing } from '../../src/threads/host/hearing.js'
import { boundOutput } from '../../src/threads/node/bounded-output.js'
import { Lines } from '../../src/threads/node/lines.js'
import { threadLogger } from '../../src/threads/node/thread-logger.js'
import { Board, BoardLog } from '../../src/threads/wire/board.js'
import type { Channel } from '../../src/threads/wire/channel.js'
import type { FromNode, Logged } from '../../src/threads/wire/messages.js'
import { eventually, openHost } from './hosts.js'

type Looked = { readonly heard: readonly unknown[] }

const said = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i): FromNode => ({ kind: 'unclaim', id: String(from + i) }))

t.test('what a thread says is heard in order, and the event loop turns meanwhile', async (t) => {
  const heard: FromNode[] = []
  const hearing = new Hearing((part) => {
    heard.push(...part)
    for (const until = performance.now() + 3; performance.now() < until; );
  })
  hearing.push(said(0, 1000))
  hearing.push(said(1000, 1100))
  t.ok(heard.length < 1000, `${heard.length} in the first turn`)
  const first = heard.length
  await new Promise((resolve) => setImmediate(resolve))
  t.ok(heard.length > first)
  hearing.hearAll()
  hearing.push(said(1100, 1101))
  await new Promise((resolve) => setImmediate(resolve))
  t.same(heard, said(0, 1101), 'each once')
})

t.test(
  'lines of a log beyond what is written are dropped, and it is told how many; errors have room left',
  async (t) => {
    const board = new Board()
    const log = new BoardLog(board.memory)
    const written: Logged[] = []
    const channel = { say: (line: Logged) => written.push(line) } as unknown as Channel<FromNode>
    const lines = new Lines(channel, () => log.linesHeard)
    const logger = threadLogger(lines)
    for (let i = 0; i < 1500; i++) logger.info({ i }, 'said')
    t.equal(written.length, 1000)
    lines.tellDropped()
    t.equal(written.length, 1000, 'there is no room for that either')
    for (let i = 0; i < 1500; i++) logger.error({ i }, 'said')
    t.equal(written.length, 2000)
    for (const _ of written.splice(0)) board.lineHeard()
    logger.child({ of: 'a' }).info({}, 'said again')
    lines.tellDropped()
    t.match(written, [
      { level: 'warn', fields: { dropped: 1000 } },
      { level: 'info', fields: { of: 'a' }, message: 'said again' },
    ])
    t.equal(written.length, 2)
  },
)

t.test('what is printed beyond what is written is dropped, and it is told how often', async (t) => {
  const written: string[] = []
  let writeOn = () => {}
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(String(chunk))
      writeOn = done
    },
  })
  boundOutput(stream)
  const text = 'x'.repeat(64 * 1024)
  const flushed: number[] = []
  for (let i = 0; i < 6; i++) stream.write(text, () => flushed.push(i))
  await new Promise((resolve) => setImmediate(resolve))
  t.same(flushed, [4, 5], 'whoever waits for what was dropped waits no longer')
  for (let i = 0; i < 4; i++) writeOn()
  stream.write('again')
  writeOn()
  t.match(written.slice(4), [/2 writes were dropped/, 'again'])
})

t.test('who sends more to a server on another node than its mailbox takes is refused', async (t) => {
  const { host, start, call } = await openHost(t, 2)
  await start('a')
  await start('b', {}, { mailbox: 50 })
  t.same([(await host.info('a')).node, (await host.info('b')).node], ['1', '2'])
  await t.rejects(call('a', 'tellOften', { to: 'b', times: 51 }), {
    code: 'server_crashed',
    message: /has 50 messages/,
  })
  for (let round = 1; round <= 3; round++) {
    await call('a', 'tellOften', { to: 'b', times: 50 })
    await eventually(async () => ((await call('b', 'look')) as Looked).heard.length === 50 * round)
  }
})

t.test('who logs without end is not heard to the end, and everybody else is', async (t) => {
  const { start, call, logged } = await openHost(t, 1)
  await start('a')
  await call('a', 'log', { times: 3000 })
  await eventually(() => logged.some(({ fields }) => (fields as { dropped?: number }).dropped !== undefined))
  const dropped = logged.reduce((sum, { fields }) => sum + ((fields as { dropped?: number }).dropped ?? 0), 0)
  t.equal(logged.filter(({ message }) => message === 'said').length + dropped, 3000)
  t.ok(dropped > 0)
})

t.test('what the code of a thread does with its parent port is nothing to the gateway', async (t) => {
  const { host, start, call, logged } = await openHost(t, 1)
  await start('a')
  await call('a', 'takeParentPort')
  t.equal(await call('a', 'add'), 1)
  t.match(await host.nodes(), [{ restarts: 0, servers: 1 }])
  t.same(logged, [])
})
