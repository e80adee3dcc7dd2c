/** A client that takes what waits for it at the moments at which a stream that is behind may miss it. */
import { EventEmitter } from 'node:events'
import t from 'tap'
import { EventStream } from '../../src/http/event-stream.js'
import { Gathering } from '../../src/http/gathering.js'

const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))

/** As a `Socket` is, whose client takes what waits when the test says so. */
class Connection extends EventEmitter {
  writableLength = 0
  writableNeedDrain = false

  write(text: Buffer): boolean {
    this.writableLength += text.length
    this.writableNeedDrain ||= this.writableLength >= 16_384
    return !this.writableNeedDrain
  }

  take(): void {
    this.writableLength = 0
    if (!this.writableNeedDrain) return
    this.writableNeedDrain = false
    this.emit('drain')
  }
}

async function begun() {
  const socket = new Connection()
  const response = Object.assign(new EventEmitter(), { socket, write: (text: Buffer) => socket.write(text) })
  Object.defineProperty(response, 'writableLength', { get: () => socket.writableLength })
  const asked: (() => void)[] = []
  let isHeld = false
  const follow = async () => {
    const held = new Promise<void>((resolve) => asked.push(resolve))
    if (isHeld) await held
    return { position: `x.${asked.length}`, close: () => {} }
  }
  const stream = new EventStream(response as never, follow, new Gathering())
  await stream.begin(undefined, () => {})
  socket.take()
  return {
    ...{ socket, stream, asked },
    hold: () => {
      isHeld = true
    },
    /** It goes on from where it is: the answer to what it has asked for last. */
    answer: async () => {
      isHeld = false
      asked.at(-1)?.()
      await turn()
    },
    tell: async (...kilobytes: number[]) => {
      for (const size of kilobytes) {
        stream.write(Buffer.alloc(size * 1024))
        await turn()
      }
    },
  }
}

t.test('one that falls behind again while it catches up goes on, whenever its client takes what waits', async (t) => {
  for (const [late, asksAtOnce] of [
    [0, true],
    [1, true],
    [100, false],
  ] as const) {
    const { socket, asked, hold, answer, tell } = await begun()
    await tell(200, 100)
    hold()
    socket.take()
    await turn()
    t.equal(asked.length, 2, 'it catches up')
    await tell(200, 100)
    socket.take()
    if (late > 0) await tell(late)
    t.equal(asked.length, 2)
    await answer()
    t.equal(asked.length, asksAtOnce ? 3 : 2, 'nothing is asked for while too much waits')
    socket.take()
    await turn()
    t.equal(asked.length, 3, `${late} KiB more`)
  }
})

t.test('one that is not behind any more asks for nothing', async (t) => {
  const { socket, asked, tell } = await begun()
  await tell(200, 100)
  socket.take()
  await turn()
  t.equal(asked.length, 2)
  await tell(20)
  socket.take()
  await turn()
  t.equal(asked.length, 2)
})

t.test('one that is told more at once than may wait is not told it again and again', async (t) => {
  const { socket, asked, tell } = await begun()
  await tell(300)
  socket.take()
  await turn()
  t.equal(asked.length, 1)
  await tell(300, 1)
  socket.take()
  await turn()
  t.equal(asked.length, 2, 'what comes while it waits is too much')
})
