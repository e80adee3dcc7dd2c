/**
 * Cuts bytes that come in pieces into lines, and gives them one by one to whoever is ready for the next (NDJSON: a line ends
 * with LF; the CR before it, and empty lines, are nothing). A line longer than is taken is passed over, and known to have been
 * there.
 */

const LF = 10
const CR = 13

/** It stands for a line that was too long. */
export const TOO_LONG = Symbol('too long')

export class LineReader {
  /** What has been pushed and not been given yet. */
  #bytes: Buffer = EMPTY
  #at = 0
  /** How far `#bytes` is known to hold no end of a line. */
  #searched = 0
  #isSkipping = false
  #hasEnded = false
  /** The number of the line that was given last; the first is 1. Empty lines count. */
  number = 0

  /** @param longest in bytes */
  constructor(private readonly longest: number) {}

  push(bytes: Buffer): void {
    this.#bytes = this.#at === this.#bytes.length ? bytes : Buffer.concat([this.#bytes.subarray(this.#at), bytes])
    this.#searched -= this.#at
    this.#at = 0
    if (this.#searched < 0) this.#searched = 0
  }

  /** Nothing is pushed any more: what is left is the last line. */
  end(): void {
    this.#hasEnded = true
  }

  /** The next line that is not empty, if it is there as a whole. */
  next(): Buffer | typeof TOO_LONG | undefined {
    for (let line = this.#any(); line !== undefined; line = this.#any()) {
      this.number++
      if (line === TOO_LONG || line.length > 0) return line
    }
    return undefined
  }

  #any(): Buffer | typeof TOO_LONG | undefined {
    const end = this.#bytes.indexOf(LF, this.#searched)
    if (end >= 0) return this.#take(end, end + 1)
    if (this.#hasEnded && (this.#isSkipping || this.#at < this.#bytes.length)) {
      return this.#take(this.#bytes.length, this.#bytes.length)
    }
    this.#searched = this.#bytes.length
    if (this.#isSkipping || this.#searched - this.#at > this.longest) {
      this.#isSkipping = true
      this.#at = this.#searched
    }
    return undefined
  }

  #take(end: number, next: number): Buffer | typeof TOO_LONG {
    const isWhole = !this.#isSkipping && end - this.#at <= this.longest
    const last = isWhole && end > this.#at && this.#bytes[end - 1] === CR ? end - 1 : end
    const line = isWhole ? this.#bytes.subarray(this.#at, last) : TOO_LONG
    this.#at = this.#searched = next
    this.#isSkipping = false
    return line
  }
}

const EMPTY = Buffer.alloc(0)
