/** Clients that do not read, or not fast enough: what waits for them is bounded, and they hurt nobody else. */
import { EventEmitter } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { EventStream } from '../../src/http/event-stream.js'
import { Gathering } from '../../src/http/gathering.js'
import type { Heard } from './event-reader.js'
import { listenToRadio } from './listening-gateway.js'
import { until } from './open-gateway.js'

/** What the system itself keeps of a connection before a write has to wait, at most, in events of 64 KiB. */
const MOST_IN_THE_SYSTEM = 400
/** What may wait in the gateway: the limit, an event, what a feed keeps, and the frames around them. */
const MOST_WAITING = (256 + 64 + 64 + 16) * 1024

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Publishes large events until more than `waiting` bytes wait for `socket`. Gives the number of the last. */
async function fill(
  { cast }: { cast: (message: string, n: number) => void },
  socket: Socket,
  waiting = 256 * 1024,
): Promise<number> {
  let n = 0
  while (n < MOST_IN_THE_SYSTEM && socket.writableLength <= waiting) {
    cast('wide', ++n)
    await turn()
  }
  return n
}

/** Each number once and in order; where some are missing a gap says how many. Gives the last. */
function checkOrder(t: Test, heard: readonly Heard[]): number {
  let last = 0
  for (const { event, data } of heard) {
    if (event === 'gap') last += data.missed
    else if (data.n !== undefined) {
      t.equal(data.n, last + 1)
      last = data.n
    }
  }
  return last
}

async function stalled(world: Awaited<ReturnType<typeof listenToRadio>>, path: string) {
  const reader = await world.read(path)
  await until(() => reader.lastEventId !== '')
  reader.pause()
  return { reader, socket: world.sockets.at(-1) as Socket }
}

t.test('what waits for a client that does not read is bounded; it hears of the gap when it reads again', async (t) => {
  const world = await listenToRadio(t)
  const { reader, socket } = await stalled(world, '/servers/r/events')
  let n = await fill(world, socket)
  t.ok(socket.writableLength > 256 * 1024, 'the client is behind')
  await until(() => world.watches.open === 0)
  let most = 0
  for (let i = 0; i < 200; i++) {
    world.cast('wide', ++n)
    await turn()
    most = Math.max(most, socket.writableLength)
  }
  t.ok(most <= MOST_WAITING, `${most} bytes waited`)
  reader.resume()
  await until(() => world.watches.open === 1)
  world.cast('tell', ++n)
  await until(() => reader.heard.at(-1)?.data.n === n)
  t.equal(checkOrder(t, reader.heard), n)
  t.ok(reader.heard.some(({ event }) => event === 'gap'))
})

t.test('a client that was behind for less than is kept misses nothing', async (t) => {
  const world = await listenToRadio(t, { bytes: 100 * 1024 * 1024, events: 10_000 })
  const { reader, socket } = await stalled(world, '/servers/r/events')
  let n = await fill(world, socket)
  for (let i = 0; i < 20; i++) world.cast('tell', ++n)
  reader.resume()
  await until(() => reader.heard.at(-1)?.data.n === n)
  t.equal(checkOrder(t, reader.heard), n)
  t.notOk(reader.heard.some(({ event }) => event === 'gap'))
})

t.test('a burst in one turn is no reason to miss anything', async (t) => {
  const { read, cast } = await listenToRadio(t)
  const reader = await read('/servers/r/events')
  for (let n = 1; n <= 1000; n++) cast('tell', n)
  t.equal(checkOrder(t, await reader.has(1000)), 1000)
})

t.test('a client that was behind gets the state anew, and then patches of that', async (t) => {
  const world = await listenToRadio(t)
  const { reader, socket } = await stalled(world, '/servers/r/events?patches=true')
  await fill(world, socket)
  world.cast('set', 1)
  world.cast('set', 2)
  await turn()
  reader.resume()
  await until(() => reader.heard.filter(({ event }) => event === 'state').length === 2)
  world.cast('set', 3)
  await until(() => reader.heard.at(-1)?.event === 'patch')
  t.match(
    reader.heard.filter(({ event }) => event === 'state' || event === 'patch').map(({ data }) => data),
    [{ state: { n: 0 } }, { state: { n: 2 }, revision: 3 }, { patch: [{ path: '/n', value: 3 }], revision: 4 }],
  )
})

t.test(
  'a client that is behind when the server ends hears of it when it reads again, if that is remembered',
  async (t) => {
    for (const isForgotten of [false, true]) {
      const world = await listenToRadio(t)
      const { reader, socket } = await stalled(world, '/servers/r/events')
      await fill(world, socket)
      world.runtime.kill('r')
      // Time does not pass for the connection: a heartbeat would find it stuck.
      if (isForgotten) await world.runtime.start('radio', {}, { id: 'r' }).then(() => world.runtime.kill('r'))
      reader.resume()
      const heard = await reader.ended()
      t.equal(heard.at(-1)?.event, isForgotten ? 'blob' : 'exit')
      await world.close()
    }
  },
)

t.test('a client that takes nothing for a minute is cut off, and one that reads is not', async (t) => {
  const world = await listenToRadio(t)
  const reading = await world.read('/servers/r/events')
  const { reader, socket } = await stalled(world, '/servers/r/events')
  await fill(world, socket)
  await turn()
  for (let i = 0; i < 4; i++) await world.clock.advance(15_000)
  t.notOk(socket.destroyed, 'it has its minute')
  await world.clock.advance(15_000)
  t.ok(socket.destroyed)
  reader.resume()
  await reader.ended()
  t.notOk(reading.over)
  t.equal(world.watches.open, 1)
})

t.test('the gateway closes at once also where a client does not read', async (t) => {
  const world = await listenToRadio(t, {}, { closeTimeout: 1_000_000 })
  const behind = await stalled(world, '/servers/r/events')
  await fill(world, behind.socket)
  // One whose stream has ended, but not for the client.
  const ended = await stalled(world, '/servers/r/events')
  await fill(world, ended.socket, 0)
  world.runtime.kill('r')
  await world.app.close()
  t.ok(behind.socket.destroyed && ended.socket.destroyed)
  await until(() => world.watches.open === 0 && world.clock.pending === 0)
  for (const { reader } of [behind, ended]) {
    reader.resume()
    await reader.ended()
  }
})

t.test('one that falls behind again and again asks its connection once each time', async (t) => {
  const waiting = 300 * 1024
  const write = () => false
  const socket = Object.assign(new EventEmitter(), { write, writableLength: waiting })
  const response = Object.assign(new EventEmitter(), { socket, write, writableLength: waiting })
  let follows = 0
  const follow = (to: EventStream) => {
    follows++
    queueMicrotask(() => to.write(Buffer.from('much')))
    return { position: 'x.1', close: () => {} }
  }
  const stream = new EventStream(response as never, follow, new Gathering())
  stream.begin('x.0', () => {})
  for (let n = 0; n < 20; n++) {
    await turn()
    t.equal(socket.listenerCount('drain'), 1)
    if (n % 2 === 0) response.emit('drain')
    else socket.emit('drain')
  }
  t.equal(follows, 21)
})

t.test('a thousand clients of one server: each event is written once, and leaves at once', async (t) => {
  const READERS = 1000
  const { port, cast, watches, clock } = await listenToRadio(t)
  const seen: number[] = []
  const sockets = Array.from({ length: READERS }, (_, i) => {
    seen[i] = 0
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /servers/r/events HTTP/1.1\r\nHost: x\r\n\r\n')
    socket.setEncoding('utf8').on('data', (text: unknown) => {
      seen[i] = (seen[i] as number) + String(text).split('event: news').length - 1
    })
    return socket
  })
  await until(() => watches.open === READERS)
  const told = async (count: number) => {
    const began = process.cpuUsage()
    for (let n = 0; n < count; n++) {
      cast('tell', n)
      await turn()
    }
    const { user, system } = process.cpuUsage(began)
    return (user + system) / 1000 / count
  }
  await told(5)
  const cost = await told(20)
  await until(() => seen.every((count) => count === 25))
  // 10 ms of CPU is usual, nine tenths of it the system's for its writes. Here the clients run in the same process and the
  // machine may be slow: this only finds what grows beyond all measure.
  t.ok(cost < 200, `${cost} ms for ${READERS} clients`)
  t.comment(`${cost.toFixed(1)} ms of CPU for an event and ${READERS} clients, theirs included`)
  for (const socket of sockets) socket.destroy()
  await until(() => watches.open === 0 && clock.pending === 0)
})
