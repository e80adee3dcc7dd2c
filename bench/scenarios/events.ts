/** One event to a thousand clients that watch a server, beside the same bytes written to as many bare connections. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { medianOf, quartilesOf } from '../figures.js'
import type { Outcome, Plan, Scenario } from '../outcome.js'
import { count, spread } from '../printing.js'
import { ServerProcess } from '../server-process.js'

const READERS = 1000
const EVENTS = 50
const WARM_UP_CYCLES = 2

/** As long as an event of the radio is. */
const TEXT = 'id: 0123456789ab-1.100\nevent: news\ndata: {"n":100}\n\n'

export const events: Scenario = {
  name: 'events',
  title: `events: one event to ${count(READERS)} clients`,
  run,
}

interface Side {
  readonly server: ServerProcess
  readonly readers: Readers
  /** Makes one event happen; resolves when it has. */
  readonly publish: () => Promise<unknown>
  /** Milliseconds of CPU for an event and a hundred clients. */
  readonly cost: number[]
}

async function run({ cycles }: Plan): Promise<Outcome> {
  const gateway = await ServerProcess.gateway(new URL('../implementations', import.meta.url))
  const bare = await ServerProcess.bareSockets()
  try {
    const [ours, theirs] = [await watchRadio(gateway), await joinSockets(bare)]
    for (let cycle = -WARM_UP_CYCLES; cycle < cycles; cycle++) {
      for (const side of cycle % 2 === 0 ? [ours, theirs] : [theirs, ours]) await measure(side, cycle >= 0)
    }
    return report(ours.cost, theirs.cost)
  } finally {
    await gateway.stop()
    await bare.stop()
  }
}

async function measure({ server, readers, publish, cost }: Side, counts: boolean): Promise<void> {
  const before = await server.usage()
  const received = readers.received + READERS * EVENTS
  for (let n = 0; n < EVENTS; n++) await publish()
  await readers.until(received)
  const { cpu } = await server.usage()
  if (counts) cost.push(((cpu - before.cpu) * 1000) / EVENTS / (READERS / 100))
}

async function watchRadio(server: ServerProcess): Promise<Side> {
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  }
  await post('/servers', { implementation: 'radio', id: 'r' })
  const head = 'GET /servers/r/events HTTP/1.1\r\nHost: x\r\n\r\n'
  const readers = await Readers.open(server.port, READERS, head, 'event: news')
  return {
    ...{ server, readers, cost: [] },
    publish: () => post('/servers/r/call', { message: 'tell', args: { n: 100 } }),
  }
}

async function joinSockets(server: ServerProcess): Promise<Side> {
  const readers = await Readers.open(server.port, READERS - 1, '', 'event: news')
  const sender = connect({ port: server.port, host: '127.0.0.1', noDelay: true })
  await once(sender, 'connect')
  readers.add(sender)
  return {
    ...{ server, readers, cost: [] },
    publish: () => {
      const told = once(sender, 'data')
      sender.write(TEXT)
      return told
    },
  }
}

/** Count the events that come on all their connections. */
class Readers {
  received = 0
  #wanted = Number.POSITIVE_INFINITY
  #reached = () => {}

  private constructor(private readonly mark: string) {}

  static async open(port: number, many: number, head: string, mark: string): Promise<Readers> {
    const readers = new Readers(mark)
    for (let n = 0; n < many; n++) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      await once(socket, 'connect')
      if (head !== '') {
        socket.write(head)
        await once(socket, 'data')
      }
      readers.add(socket)
    }
    return readers
  }

  add(socket: Socket): void {
    socket.setEncoding('latin1').on('data', (text) => {
      this.received += String(text).split(this.mark).length - 1
      if (this.received >= this.#wanted) this.#reached()
    })
    socket.on('error', () => {})
  }

  until(received: number): Promise<void> {
    if (this.received >= received) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wanted = received
      this.#reached = resolve
    })
  }
}

function report(ours: readonly number[], theirs: readonly number[]): Outcome {
  return {
    table: {
      columns: ['CPU for an event and 100 clients, ms', 'median (quartiles)'],
      rows: [
        ['the gateway, server-sent events', spread(quartilesOf(ours))],
        ['bare connections', spread(quartilesOf(theirs))],
        ['the difference of the medians', count(medianOf(ours) - medianOf(theirs))],
      ],
    },
    targets: [{ what: 'CPU for an event and 100 clients', figure: medianOf(ours), unit: ' ms', atMost: 1 }],
    figures: { ours, theirs },
  }
}
