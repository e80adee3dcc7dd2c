/** What a kill may interrupt, and by which file it shows how far that has come. */
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextMoment } from 'node:timers/promises'
import { STORE_FILE } from '../../src/stores/store-file.js'
import { forkBare } from '../bare-program.js'
import { largeState } from './known-commits.js'

const LARGE = largeState.length

/** Of a store whose data directory lies beside it. */
export const COPY = 'copy.db'

interface Watched {
  /** The file that grows meanwhile, from the data directory. */
  readonly file: string
  /** By so many bytes at least. */
  readonly by: number
}

export const points = {
  closing: { file: STORE_FILE, by: LARGE },
  'full log': { file: STORE_FILE, by: 2 * LARGE },
  migration: { file: `${STORE_FILE}-wal`, by: 5 * 4120 },
  backup: { file: `${STORE_FILE}.backup`, by: LARGE },
  'backup command': { file: join('..', `${COPY}.partial`), by: LARGE },
} as const satisfies Record<string, Watched>

export type Point = keyof typeof points

/**
 * Begins it in a process of its own, which is killed as soon as the file has grown by more than this part of what it grows by; below 0:
 * as soon as it begins. Gives whether the kill came in time.
 */
export async function cutOff(point: Point, directory: string, part: number): Promise<boolean> {
  const { file, by } = points[point]
  const size = () => statSync(join(directory, file), { throwIfNoEntry: false })?.size ?? 0
  const enough = size() + part * by
  const child = forkBare(new URL('./interrupted.js', import.meta.url), [point, directory])
  // What it has said before its end has been heard then.
  const gone = Promise.all([once(child, 'exit'), once(child, 'disconnect')])
  const said = new Set<unknown>()
  child.on('message', (each) => said.add(each))
  const isOver = () => said.has('done') || child.exitCode !== null
  await Promise.race([once(child, 'message'), gone])
  while (size() <= enough && !isOver()) {
    // It may be over within the time that a turn of the event loop takes.
    for (let looks = 0; looks < 200 && size() <= enough; looks++);
    await nextMoment()
  }
  child.kill('SIGKILL')
  const [[code]] = await gone
  if (code > 0) throw new Error(`${point} has failed`)
  return said.has('now') && !said.has('done')
}
