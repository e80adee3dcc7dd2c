/**
 * Whether the log of a store has lost what was committed. SQLite (https://www.sqlite.org/walformat.html) reads the log up to the first
 * frame whose checksum is wrong, and takes the rest for the work of a process that was cut off. So would a bit that has flipped in the
 * middle take back, without a word, all that was committed after it.
 *
 * 1. The next commit is begun when the last one is on disk. So after a power cut there is one commit at most that is whole and comes
 *    after something that is not: the last. More of them were acknowledged, and the log is damaged.
 * 2. Each frame can be told to be whole by itself: its checksum goes on from the one that is written in the frame before it.
 * 3. What was flipped in the last commit cannot be told from a power cut in its midst (nor in the last but one, where that is one frame).
 * 4. A log that was begun anew, which happens when all of it is in the database, is written over the old one, whose rest has other salts.
 */
import { closeSync, openSync, readSync } from 'node:fs'

const HEADER = 32
const FRAME_HEADER = 24
/** How a log begins whose checksums are of little-endian numbers, or of big-endian ones. */
const LITTLE = 0x37_7f_06_82
const BIG = 0x37_7f_06_83

type Checksum = readonly [number, number]

interface Frame {
  /** It ends a commit. */
  readonly isCommit: boolean
  /** The log was begun anew under another. */
  readonly salt: string
  /** What is written in it. */
  readonly checksum: Checksum
  /** What it would be, after that of the frame before. */
  checksumAfter(before: Checksum): Checksum
}

/** How many commits a log has at least lost of which that was not to be expected. */
export function commitsLostIn(log: string, pageSize: number): number {
  const file = open(log)
  if (file === undefined) return 0
  try {
    const header = read(file, 0, HEADER)
    const lost = header === undefined ? 0 : Math.max(...commitsAfterBreak(header, file, pageSize))
    return lost > 1 ? lost : 0 // 1
  } finally {
    closeSync(file)
  }
}

/** `undefined`: it is not there. */
function open(log: string): number | undefined {
  try {
    return openSync(log, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** How many commits are whole after the place at which SQLite stops to read; for each kind of log that it may be. */
function commitsAfterBreak(header: Buffer, file: number, pageSize: number): number[] {
  const isLittle = header.readUInt32BE(0) === LITTLE
  const isKnown = isLittle || header.readUInt32BE(0) === BIG
  const isSound = isKnown && header.readUInt32BE(8) === pageSize && hasOwnChecksum(header, isLittle)
  // Which kind it is may be what has flipped.
  const kinds = isSound ? [isLittle] : [true, false]
  return kinds.map((kind) => {
    let salt = isSound ? saltIn(header, 16) : undefined
    let isBroken = !isSound
    let before = checksumIn(header, 24)
    let commits = 0
    for (const frame of framesOf(file, pageSize, kind)) {
      const isWhole = isSame(frame.checksumAfter(before), frame.checksum) // 2
      salt ??= frame.salt
      isBroken ||= !isWhole || frame.salt !== salt
      if (isBroken && isWhole && frame.isCommit && frame.salt === salt) commits++ // 4
      before = frame.checksum
    }
    return commits
  })
}

function hasOwnChecksum(header: Buffer, isLittle: boolean): boolean {
  return isSame(sum(header.subarray(0, 24), [0, 0], isLittle), checksumIn(header, 24))
}

function* framesOf(file: number, pageSize: number, isLittle: boolean): Generator<Frame> {
  for (let at = HEADER; ; at += FRAME_HEADER + pageSize) {
    const frame = read(file, at, FRAME_HEADER + pageSize)
    if (frame === undefined) return
    yield {
      isCommit: frame.readUInt32BE(4) !== 0,
      salt: saltIn(frame, 8),
      checksum: checksumIn(frame, 16),
      checksumAfter(before) {
        return sum(frame.subarray(FRAME_HEADER), sum(frame.subarray(0, 8), before, isLittle), isLittle)
      },
    }
  }
}

/** `undefined`: there is not as much. */
function read(file: number, at: number, length: number): Buffer | undefined {
  const bytes = Buffer.alloc(length)
  return readSync(file, bytes, 0, length, at) === length ? bytes : undefined
}

const checksumIn = (bytes: Buffer, at: number): Checksum => [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)]
const saltIn = (bytes: Buffer, at: number) => bytes.toString('hex', at, at + 8)
const isSame = (a: Checksum, b: Checksum) => a[0] === b[0] && a[1] === b[1]

function sum(bytes: Buffer, [first, second]: Checksum, isLittle: boolean): Checksum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let [a, b] = [first, second]
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + view.getUint32(at, isLittle) + b) >>> 0
    b = (b + view.getUint32(at + 4, isLittle) + a) >>> 0
  }
  return [a, b]
}
