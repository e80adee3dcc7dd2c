/**
 * What the code of a thread prints is written by the gateway's thread, which must not be at that alone: what is printed while as
 * much as this waits is dropped.
 */
import type { Writable } from 'node:stream'

/** In bytes. */
const MOST_UNWRITTEN = 256 * 1024

type Write = Writable['write']
type Written = (error?: Error | null) => void

export function boundOutput(stream: Pick<Writable, 'write' | 'writableLength'>): void {
  const write = stream.write.bind(stream) as (...given: unknown[]) => boolean
  let dropped = 0
  const bounded = (...given: unknown[]): boolean => {
    if (stream.writableLength >= MOST_UNWRITTEN) {
      dropped++
      const written = given.at(-1)
      if (typeof written === 'function') setImmediate(written as Written)
      return false
    }
    if (dropped > 0) {
      const lost = dropped
      dropped = 0
      write(`... ${lost} writes were dropped here: more was printed than could be written\n`)
    }
    return write(...given)
  }
  stream.write = bounded as Write
}
