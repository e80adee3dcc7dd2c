/** How many event streams a gateway serves at once: no more than it was told, of whatever kind, and each place is given back. */
import { connect } from 'node:net'
import t from 'tap'
import { listenToRadio } from './listening-gateway.js'

/** How many streams are open, as the metrics tell. */
function streamsOf(app: Awaited<ReturnType<typeof listenToRadio>>['app']) {
  const open = async () => {
    const { body } = await app.inject({ url: '/metrics' })
    return Number(/^genservers_event_streams (\d+)$/m.exec(body)?.[1])
  }
  const hasOpen = async (count: number) => {
    while ((await open()) !== count) await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return { open, hasOpen }
}

t.test('one event stream more than there may be is overloaded, until one of them has ended', async (t) => {
  const { read, app, runtime } = await listenToRadio(t, {}, { eventStreams: 3 })
  const { open, hasOpen } = streamsOf(app)
  t.equal(await open(), 0)
  const paths = ['/servers/r/events', '/events', '/servers/r/trace']
  const readers = await Promise.all(paths.map((path) => read(path)))
  t.same(
    readers.map(({ status }) => status),
    [200, 200, 200],
  )
  t.equal(await open(), 3)
  for (const path of paths) {
    const refused = await read(path)
    t.match(refused, { status: 503, headers: { 'retry-after': '1', 'content-type': /problem\+json/ } }, path)
    const { statusCode } = await app.inject({ method: 'HEAD', url: path })
    t.equal(statusCode, 503, path)
  }
  t.match((await app.inject({ url: '/events' })).json(), { code: 'overloaded', effect: 'none' })
  t.equal(await open(), 3, 'who is refused takes no place')
  await readers[1]?.leave()
  await hasOpen(2)
  const next = await read('/events')
  t.equal(next.status, 200)
  t.equal((await read('/servers/nobody/events')).status, 503)
  // A stream that has ended by itself has given its place back too.
  runtime.kill('r')
  await readers[0]?.ended()
  await readers[2]?.ended()
  await hasOpen(1)
  t.equal((await read('/servers/nobody/events')).status, 404)
  t.equal(await open(), 1, 'nor does who asked for nothing that is')
  await next.leave()
})

t.test('a client that leaves while its streams stand behind another request leaves none', async (t) => {
  const { app, runtime, port } = await listenToRadio(t, {}, { eventStreams: 3 })
  runtime.suspend('r')
  const { hasOpen } = streamsOf(app)
  const slow = 'DELETE /servers/r?timeout=100000 HTTP/1.1\r\nHost: x\r\n\r\n'
  const streams = ['/servers/r/events', '/events', '/servers/r/trace']
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(slow + streams.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''))
  await hasOpen(3)
  socket.destroy()
  await hasOpen(0)
})
