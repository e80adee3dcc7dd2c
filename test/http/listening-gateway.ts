/** A gateway on a real port, and servers that publish, for the tests of event streams. */
import type { AddressInfo, Socket } from 'node:net'
import { createRuntime, defineServer, type RuntimeOptions, Type } from 'genservers'
import { createSimulatedClock } from 'genservers/testing'
import type { Test } from 'tap'
import { createGateway, type GatewayOptions } from '../../src/gateway.js'
import { type EventReader, readEvents } from './event-reader.js'

const N = Type.Object({ n: Type.Integer() })

export const radio = defineServer({
  description: 'Tells its news.',
  state: Type.Object({ n: Type.Integer(), list: Type.Array(Type.Integer()), secret: Type.String() }),
  events: { news: N, blob: Type.Object({ n: Type.Integer(), text: Type.String() }) },
  casts: { tell: { args: N }, set: { args: N }, push: { args: N }, crash: {}, wide: { args: N } },
  redact: ({ n, list }) => ({ n, list }),
  init: () => ({ n: 0, list: [], secret: 'hush' }),
  handleCast: {
    tell: (_state, { n }, ctx) => ctx.publish('news', { n }),
    set: (state, { n }) => {
      state.n = n
    },
    push: (state, { n }, ctx) => {
      state.list.push(n)
      ctx.publish('news', { n })
    },
    crash: () => {
      throw new Error('boom')
    },
    wide: (_state, { n }, ctx) => ctx.publish('blob', { n, text: 'x'.repeat(64 * 1024) }),
  },
})

/** The gateway of a runtime with one radio, `r`. Time is moved by hand. */
export async function listenToRadio(t: Test, feeds: RuntimeOptions['feeds'] = {}, options: GatewayOptions = {}) {
  const clock = createSimulatedClock()
  const runtime = createRuntime({ implementations: { radio }, clock, feeds })
  const watches = countWatches(runtime)
  const app = await createGateway(runtime, { docs: false, ...options })
  const sockets: Socket[] = []
  app.server.on('connection', (socket) => sockets.push(socket))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  await runtime.start('radio', {}, { id: 'r' })
  const close = async () => {
    const closed = runtime.close({ timeout: 0 })
    await clock.advance(10_000)
    await closed
    await app.close()
  }
  t.teardown(close)
  return {
    app,
    runtime,
    clock,
    port,
    watches,
    close,
    /** The server's ends of the connections, in the order in which they came. */
    sockets,
    read: (path: string, headers?: object): Promise<EventReader> => readEvents(port, path, headers),
    cast: (message: string, n = 0) => void runtime.cast('r', message, message === 'crash' ? {} : { n }),
  }
}

/** How many watches of servers are open. */
function countWatches(runtime: ReturnType<typeof createRuntime>) {
  const watches = { open: 0 }
  const { watch } = runtime
  runtime.watch = (...args) => {
    const inner = watch.apply(runtime, args)
    let isOpen = true
    watches.open++
    return {
      get position() {
        return inner.position
      },
      close() {
        if (isOpen) watches.open--
        isOpen = false
        inner.close()
      },
    }
  }
  return watches
}
