/** A place in shared memory that shows at what a thread is: a server, its message, and since when. The thread writes, the gateway reads. */

/** What a server can be at: a kind of message, or a callback of its own; and a thread, before it has any. */
const KINDS = [
  ...['call', 'cast', 'info', 'continue', 'replace', 'crash', 'stop'],
  ...['init', 'redact', 'codeChange', 'reply'],
  'load',
] as const

const TEXT = 512
const SINCE_AT = 0
const NUMBERS_AT = 8
const [KIND, ID_LENGTH, MESSAGE_LENGTH] = [0, 1, 2] as const
/** What follows is of eight bytes each. */
const TEXT_AT = 24

/** Of the memory; a whole number of eights. */
export const SHOWN_BYTES = TEXT_AT + TEXT

export interface Shown {
  readonly server: string
  readonly kind: string
  readonly message: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

export class ShownWork {
  readonly #since: Float64Array
  readonly #numbers: Int32Array
  readonly #text: Buffer
  #id = ''
  #kind = ''
  #message = ''

  constructor(memory: SharedArrayBuffer, at: number) {
    this.#since = new Float64Array(memory, at + SINCE_AT, 1)
    this.#numbers = new Int32Array(memory, at + NUMBERS_AT, 3)
    this.#text = Buffer.from(memory, at + TEXT_AT, TEXT)
  }

  show(id: string, kind: string, message: string): void {
    // Often it is the same as before, and to write it costs more than all else here.
    if (id !== this.#id || message !== this.#message || kind !== this.#kind) this.#write(id, kind, message)
    this.#since[0] = Date.now()
  }

  /** There is nothing to be shown. */
  clear(): void {
    this.#since[0] = 0
  }

  get shown(): Shown | undefined {
    const since = this.#since[0] as number
    if (since === 0) return undefined
    const idLength = Atomics.load(this.#numbers, ID_LENGTH)
    const server = this.#text.toString('latin1', 0, idLength)
    const message = this.#text.toString('utf8', idLength, idLength + Atomics.load(this.#numbers, MESSAGE_LENGTH))
    const kind = KINDS[Atomics.load(this.#numbers, KIND)] as string
    return { server, kind, message, since }
  }

  #write(id: string, kind: string, message: string): void {
    const idLength = this.#text.write(id, 'latin1')
    this.#numbers[KIND] = Math.max(0, KINDS.indexOf(kind as (typeof KINDS)[number]))
    this.#numbers[MESSAGE_LENGTH] = this.#text.write(message, idLength)
    this.#numbers[ID_LENGTH] = idLength
    this.#id = id
    this.#kind = kind
    this.#message = message
  }
}
