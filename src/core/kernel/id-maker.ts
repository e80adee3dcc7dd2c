/**
 * Ids for servers that are started without one: UUIDs of version 7 (RFC 9562, 5.7), which grow in the order in which they
 * are made. So whatever keeps ids in order adds a new one at its end.
 *
 *     tttttttt-tttt-7ccc-vrrr-rrrrrrrrrrrr    time in milliseconds, count within one, variant, random
 */
import { randomFillSync } from 'node:crypto'
import type { Clock } from './clock.js'

/** The largest count that has room beside the time (RFC 9562, 6.2, method 1). */
const MOST_A_MILLISECOND = 0xfff
/** Random bytes of an id, the variant among them. */
const RANDOM = 8
/** Random bytes are cheap by the page only. */
const PAGE = 512 * RANDOM
const digits = Buffer.from('0123456789abcdef')

export class IdMaker {
  readonly #clock: Clock
  /** Made in place, since a string that is put together from parts stays in parts. */
  readonly #id = Buffer.from('00000000-0000-7000-8000-000000000000')
  /** As digits. */
  readonly #random = Buffer.alloc(2 * PAGE)
  #used = this.#random.length
  #time = 0
  #count = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  next(): string {
    const now = Math.trunc(this.#clock.now())
    if (now > this.#time) this.#startMillisecond(now)
    else if (this.#count < MOST_A_MILLISECOND) this.#count++
    // The clock stands still, or has gone back: ids go on.
    else this.#startMillisecond(this.#time + 1)
    this.#write(15, this.#count >> 8)
    this.#write(16, this.#count >> 4)
    this.#write(17, this.#count)
    this.#writeRandom()
    return this.#id.toString('latin1')
  }

  #startMillisecond(time: number): void {
    this.#time = time
    this.#count = 0
    const spelt = time.toString(16).padStart(12, '0')
    this.#id.write(`${spelt.slice(0, 8)}-${spelt.slice(8)}`, 'latin1')
  }

  #write(at: number, value: number): void {
    this.#id[at] = digits[value & 0xf] as number
  }

  #writeRandom(): void {
    if (this.#used === this.#random.length) this.#fillRandom()
    for (let at = 19; at < 36; at++) if (at !== 23) this.#id[at] = this.#random[this.#used++] as number
  }

  #fillRandom(): void {
    const bytes = randomFillSync(Buffer.alloc(PAGE))
    for (let at = 0; at < PAGE; at += RANDOM) bytes[at] = ((bytes[at] as number) & 0x3f) | 0x80
    this.#random.write(bytes.toString('hex'), 'latin1')
    this.#used = 0
  }
}
