/**
 * Real faults of a disk that need no rights and no compiler: the number under which this process has a file open is given to another
 * one, for which the system refuses what is asked of the disk. So whoever has the file open, as SQLite has, meets real system calls
 * that fail in the middle of its work. It needs `/proc`, which Linux has.
 */
import { closeSync, constants, openSync, readdirSync, readlinkSync } from 'node:fs'
import { platform } from 'node:process'

export type Fault =
  /** Writes fail with ENOSPC, as on a disk that is full: it is /dev/full. */
  | 'full'
  /** Writes fail with EBADF; to SQLite that is any other refusal, such as EDQUOT, EFBIG or EROFS. It is the file, open for reading. */
  | 'unwritable'
  /** What is written is gone, and its flush fails (EINVAL), as where the kernel has dropped pages after EIO: it is /dev/null. */
  | 'unflushed'
  /** Reads fail with EBADF: it is the file, open for writing. */
  | 'unreadable'

export const canBreakFiles = platform === 'linux'

/** Says why tests are skipped that need it. */
export const skipped = canBreakFiles ? {} : { skip: 'open files can be broken on Linux only' }

/** Breaks the file, if this process has it open; `undefined` mends it. */
export function breakFile(file: string, fault: Fault | undefined): void {
  const number = numbers.get(file) ?? numberOf(file)
  numbers.set(file, number)
  const holes: number[] = []
  // The lowest number that is free is given next.
  for (let hole = openSync('/dev/null', 'r'); ; hole = openSync('/dev/null', 'r')) {
    holes.push(hole)
    if (hole > number) break
  }
  closeSync(number)
  const taken = openSync(...instead(file, fault))
  for (const hole of holes) closeSync(hole)
  if (taken !== number) throw new Error(`somebody else has taken the number of ${file}`)
}

/** Of files that are, or were, broken: their numbers cannot be found any more. */
const numbers = new Map<string, number>()

function numberOf(file: string): number {
  const number = readdirSync('/proc/self/fd').find((each) => fileOf(each) === file)
  if (number === undefined) throw new Error(`${file} is not open`)
  return Number(number)
}

function fileOf(number: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${number}`)
  } catch {
    // The one by which the directory was read.
    return undefined
  }
}

function instead(file: string, fault: Fault | undefined): [path: string, flags: number] {
  const { O_RDWR, O_RDONLY, O_WRONLY } = constants
  switch (fault) {
    case 'full':
      return ['/dev/full', O_RDWR]
    case 'unflushed':
      return ['/dev/null', O_RDWR]
    case 'unwritable':
      return [file, O_RDONLY]
    case 'unreadable':
      return [file, O_WRONLY]
    case undefined:
      return [file, O_RDWR]
  }
}
