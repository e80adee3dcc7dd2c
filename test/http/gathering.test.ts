/** What many streams are written in one turn of the event loop. */
import { EventEmitter } from 'node:events'
import t from 'tap'
import { EventStream } from '../../src/http/event-stream.js'
import { Gathering } from '../../src/http/gathering.js'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Streams of one gateway, and what each of their connections was given, a write each. */
function openStreams(count: number) {
  const gathering = new Gathering()
  return Array.from({ length: count }, () => {
    const written: Buffer[] = []
    const write = (text: Buffer) => written.push(text) > 0
    const socket = Object.assign(new EventEmitter(), { write, writableLength: 0 })
    const response = Object.assign(new EventEmitter(), { socket, write, writableLength: 0, end: () => {} })
    const stream = new EventStream(response as never, () => ({ position: 'x.0', close: () => {} }), gathering)
    return { stream, written }
  })
}

async function begun(count: number) {
  const streams = openStreams(count)
  for (const { stream, written } of streams) {
    await stream.begin(undefined, () => {})
    written.length = 0
  }
  await turn()
  return streams
}

const text = (n: number) => Buffer.from(`data: ${n}\n\n`)
const asTexts = (written: readonly Buffer[]) => written.map(String)

t.test('the first text of a turn leaves at once, and all others of it as one when it is over', async (t) => {
  const [{ stream, written }] = (await begun(1)) as [Awaited<ReturnType<typeof begun>>[0]]
  for (const n of [1, 2, 3]) stream.write(text(n))
  t.same(asTexts(written), ['data: 1\n\n'])
  await turn()
  t.same(asTexts(written), ['data: 1\n\n', 'data: 2\n\ndata: 3\n\n'])
  stream.write(text(4))
  t.equal(written.length, 3, 'a turn of its own')
  await turn()
  t.equal(written.length, 3)
})

t.test('streams that are told the same share one text; one that is told something else has its own', async (t) => {
  const streams = await begun(3)
  const texts = [1, 2, 3].map(text)
  for (const [i, { stream }] of streams.entries()) {
    const last = i === 2 ? text(4) : (texts[2] as Buffer)
    for (const one of [...texts.slice(0, 2), last]) stream.write(one)
  }
  await turn()
  const [one, other, third] = streams.map(({ written }) => written)
  t.equal(one?.[1], other?.[1])
  t.same(asTexts(third ?? []), ['data: 1\n\n', 'data: 2\n\ndata: 4\n\n'])
})

t.test('what is gathered is bounded, and leaves before a stream ends, but not to a client that has gone', async (t) => {
  const streams = await begun(3)
  const [wide, ending, gone] = streams as [(typeof streams)[0], (typeof streams)[0], (typeof streams)[0]]
  const large = Buffer.alloc(20 * 1024)
  for (let n = 0; n < 5; n++) wide.stream.write(large)
  t.same(
    wide.written.map(({ length }) => length / 1024),
    [20, 80],
  )
  for (const { stream } of [ending, gone]) for (const n of [1, 2]) stream.write(text(n))
  ending.stream.end()
  t.equal(ending.written.length, 2)
  gone.stream.leave()
  await turn()
  t.same(
    [wide, ending, gone].map(({ written }) => written.length),
    [2, 2, 1],
  )
})
