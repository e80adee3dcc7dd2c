/** How long the disk takes to keep something. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Quartiles, quartilesOf } from './figures.js'

const TIMES = 500
const BYTES = 4096

/** Milliseconds of an `fdatasync` after 4 KiB, in a file of the directory. */
export function flushTimes(directory: string): Quartiles {
  const file = openSync(join(directory, 'flushes'), 'w')
  const block = Buffer.alloc(BYTES, 'x')
  const times: number[] = []
  for (let i = 0; i < TIMES; i++) {
    writeSync(file, block)
    const since = performance.now()
    fdatasyncSync(file)
    times.push(performance.now() - since)
  }
  closeSync(file)
  return quartilesOf(times)
}
