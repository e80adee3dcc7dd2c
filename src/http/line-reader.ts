/**
 * Cuts bytes that come in pieces into lines, and gives them one by one to whoever is ready for the next (NDJSON: a line ends
 * with LF; the CR before it, and empty lines, are nothing). A line longer than is taken is passed over, and known to have been
 * there. What it costs grows with the bytes, however small the pieces are.
 */

const LF = 10
const CR = 13

/** Pieces of a line that are kept before they are put together. */
const MOST_PIECES = 1000

/** It stands for a line that was too long. */
export const TOO_LONG = Symbol('too long')

type Line = Buffer | typeof TOO_LONG

export class LineReader {
  /** What has been pushed and not been looked at yet, from `#at` in the first of them. */
  readonly #pushed: Buffer[] = []
  #at = 0
  /** The beginning of a line whose end is not there yet. */
  #pieces: Buffer[] = []
  #length = 0
  #hasEnded = false
  /** The number of the line that was given last; the first is 1. Empty lines count. */
  number = 0

  /** @param longest in bytes */
  constructor(private readonly longest: number) {}

  push(bytes: Buffer): void {
    this.#pushed.push(bytes)
  }

  /** Nothing is pushed any more: what is left is the last line. */
  end(): void {
    this.#hasEnded = true
  }

  /** The next line that is not empty, if it is there as a whole. */
  next(): Line | undefined {
    for (let line = this.#any(); line !== undefined; line = this.#any()) {
      this.number++
      if (line === TOO_LONG || line.length > 0) return line
    }
    return undefined
  }

  #any(): Line | undefined {
    for (let bytes = this.#pushed[0]; bytes !== undefined; bytes = this.#pushed[0]) {
      const end = bytes.indexOf(LF, this.#at)
      this.#keep(bytes.subarray(this.#at, end < 0 ? bytes.length : end))
      this.#at = end + 1
      if (end >= 0) return this.#whole()
      this.#pushed.shift()
    }
    return this.#hasEnded && this.#length > 0 ? this.#whole() : undefined
  }

  /** Nothing is kept of a line that is too long. */
  #keep(piece: Buffer): void {
    this.#length += piece.length
    if (this.#length > this.longest) this.#pieces = []
    else if (this.#pieces.push(piece) === MOST_PIECES) this.#pieces = [Buffer.concat(this.#pieces)]
  }

  #whole(): Line {
    const line = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces)
    const isTooLong = this.#length > this.longest
    this.#pieces = []
    this.#length = 0
    if (isTooLong) return TOO_LONG
    return line.at(-1) === CR ? line.subarray(0, -1) : line
  }
}
