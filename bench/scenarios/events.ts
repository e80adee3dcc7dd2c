/**
 * One event to a thousand clients that watch a server, beside the same event where nobody watches, and the same bytes written to as
 * many bare connections. What counts is the thread that answers requests: it is this that clients could hold up.
 */
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
  /** Makes as many events happen as there are in a cycle; resolves when they have. */
  readonly publish: () => Promise<unknown>
  /** Milliseconds of CPU for an event, a cycle each: of the thread that answers requests, and of all. */
  readonly main: number[]
  readonly all: number[]
}

interface RadioSide extends Side {
  readonly call: (message: string, args: object) => Promise<void>
}

async function run({ cycles }: Plan): Promise<Outcome> {
  const gateway = await ServerProcess.gateway(new URL('../implementations', import.meta.url))
  const bare = await ServerProcess.bareSockets()
  try {
    const watched = await watchRadio(gateway, READERS)
    const sides = [watched, atOnce(watched), await watchRadio(gateway, 0), await joinSockets(bare)] as const
    for (let cycle = -WARM_UP_CYCLES; cycle < cycles; cycle++) {
      for (const side of cycle % 2 === 0 ? sides : sides.toReversed()) await measure(side, cycle >= 0)
    }
    return report(...sides)
  } finally {
    await gateway.stop()
    await bare.stop()
  }
}

async function measure({ server, readers, publish, main, all }: Side, counts: boolean): Promise<void> {
  const before = await server.usage()
  const received = readers.received + readers.many * EVENTS
  await publish()
  await readers.until(received)
  const after = await server.usage()
  if (!counts) return
  main.push(((after.main - before.main) * 1000) / EVENTS)
  all.push(((after.cpu - before.cpu) * 1000) / EVENTS)
}

/** A radio of its own for `many` readers, which is told what to tell, an event a call. */
async function watchRadio(server: ServerProcess, many: number): Promise<RadioSide> {
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  }
  const id = `radio-${many}`
  await post('/servers', { implementation: 'radio', id })
  const head = `GET /servers/${id}/events HTTP/1.1\r\nHost: x\r\n\r\n`
  const call = (message: string, args: object) => post(`/servers/${id}/call`, { message, args })
  return {
    ...{ server, call, main: [], all: [] },
    readers: await Readers.open(server.port, many, head, 'event: news'),
    publish: () => inTurn(() => call('tell', { n: 100 })),
  }
}

/** The same, by one call. */
function atOnce(side: RadioSide): Side {
  return { ...side, main: [], all: [], publish: () => side.call('tellAll', { times: EVENTS }) }
}

async function inTurn(publish: () => Promise<unknown>): Promise<void> {
  for (let n = 0; n < EVENTS; n++) await publish()
}

async function joinSockets(server: ServerProcess): Promise<Side> {
  const readers = await Readers.open(server.port, READERS - 1, '', 'event: news')
  const sender = connect({ port: server.port, host: '127.0.0.1', noDelay: true })
  await once(sender, 'connect')
  readers.add(sender)
  const tell = () => {
    const told = once(sender, 'data')
    sender.write(TEXT)
    return told
  }
  return { server, readers, main: [], all: [], publish: () => inTurn(tell) }
}

/** Count the events that come on all their connections. */
class Readers {
  received = 0
  many = 0
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
    this.many++
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

function report(watched: Side, atOnce: Side, unwatched: Side, bare: Side): Outcome {
  const hundreds = READERS / 100
  /** What the readers cost, and not the request that makes the event happen. */
  const ofReaders = (watchedCost: number[], unwatchedCost: number[]) =>
    watchedCost.map((cost, cycle) => (cost - (unwatchedCost[cycle] as number)) / hundreds)
  const ofAll = (cost: number[]) => cost.map((each) => each / hundreds)
  const figure = ofReaders(watched.main, unwatched.main)
  const row = (what: string, main: number[], all: number[]) => [
    what,
    spread(quartilesOf(main)),
    spread(quartilesOf(all)),
  ]
  return {
    table: {
      columns: ['CPU, ms: median (quartiles)', 'the thread of requests', 'all threads'],
      rows: [
        row(`an event to ${count(READERS)} clients`, watched.main, watched.all),
        row('an event to nobody', unwatched.main, unwatched.all),
        row('each 100 clients', figure, ofReaders(watched.all, unwatched.all)),
        row(`each 100, of ${EVENTS} events that one call makes`, ofAll(atOnce.main), ofAll(atOnce.all)),
        row('each 100 bare connections', ofAll(bare.main), ofAll(bare.all)),
      ],
    },
    targets: [{ what: 'CPU of an event for each 100 clients', figure: medianOf(figure), unit: ' ms', atMost: 1 }],
    figures: { watched: watched.main, unwatched: unwatched.main, bare: bare.main },
  }
}
