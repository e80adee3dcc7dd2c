/**
 * What can be known of a thread without asking it, for it may not come back: memory that it shares with the gateway's thread.
 * The thread writes and the gateway reads, but for the tickets, which are 0 again when the gateway gives their numbers again, and
 * for what the gateway has heard.
 *
 *     numbers    beat, what waits, which message was taken last, how long its name is and of which kind it is, how many lines of its
 *                log were heard
 *     times      since when, and how many bytes wait
 *     text       the server's id and the message
 *     tickets    of each message by its number: whether it waits, has been taken, or is not to be taken any more
 */
import { type LocalRuntime, MessageLog, type Taken } from '../../adapters.js'

/** So many messages that a thread has not yet taken are known one by one. */
const TICKETS = 65_536
const TEXT = 512
// An even number: what follows is of eight bytes.
const [BEAT, QUEUED, ID_LENGTH, NAME_LENGTH, KIND, LINES_HEARD, NUMBERS] = [0, 1, 2, 3, 4, 5, 6] as const
const [SINCE, QUEUED_BYTES, TIMES] = [0, 1, 2] as const

const [WAITS, TAKEN, WITHDRAWN] = [0, 1, 2] as const

/** What can be at work. */
const KINDS = ['init', 'call', 'cast', 'info', 'continue', 'replace', 'crash', 'stop']

const TIMES_AT = NUMBERS * 4
const TEXT_AT = TIMES_AT + TIMES * 8
const TICKETS_AT = TEXT_AT + TEXT

interface View {
  readonly numbers: Int32Array
  readonly times: Float64Array
  readonly text: Buffer
  readonly tickets: Int32Array
}

function view(memory: SharedArrayBuffer): View {
  return {
    numbers: new Int32Array(memory, 0, NUMBERS),
    times: new Float64Array(memory, TIMES_AT, TIMES),
    text: Buffer.from(memory, TEXT_AT, TEXT),
    tickets: new Int32Array(memory, TICKETS_AT, TICKETS),
  }
}

export const createMemory = () => new SharedArrayBuffer(TICKETS_AT + TICKETS * 4)

/** A message that was taken, by whom, and since when: milliseconds since the epoch. */
export interface LastTaken {
  readonly server: string
  readonly kind: string
  readonly message: string
  readonly since: number
}

/** The gateway's side. */
export class Board {
  readonly #view: View
  constructor(readonly memory = createMemory()) {
    this.#view = view(memory)
  }

  /** Changes as long as the thread comes back to its event loop. */
  get beat(): number {
    return Atomics.load(this.#view.numbers, BEAT)
  }

  get queued(): number {
    return Atomics.load(this.#view.numbers, QUEUED)
  }

  get queuedBytes(): number {
    return this.#view.times[QUEUED_BYTES] as number
  }

  get lastTaken(): LastTaken | undefined {
    const { numbers, times, text } = this.#view
    const idLength = Atomics.load(numbers, ID_LENGTH)
    if (idLength === 0) return undefined
    const server = text.toString('latin1', 0, idLength)
    const message = text.toString('utf8', idLength, idLength + Atomics.load(numbers, NAME_LENGTH))
    const kind = KINDS[Atomics.load(numbers, KIND)] as string
    return { server, kind, message, since: times[SINCE] as number }
  }

  /** One line of its log. */
  lineHeard(): void {
    Atomics.add(this.#view.numbers, LINES_HEARD, 1)
  }

  /** The message with this number is about to be sent. */
  clear(n: number): void {
    if (n < TICKETS) Atomics.store(this.#view.tickets, n, WAITS)
  }

  /** Whether the message with this number has been taken; of one that has no place here, it may have been. */
  isTaken(n: number): boolean {
    return n >= TICKETS || Atomics.load(this.#view.tickets, n) !== WAITS
  }

  /** The call with this number is not to be taken any more. `false`: it has been, or may have been. */
  withdraw(n: number): boolean {
    return n < TICKETS && Atomics.compareExchange(this.#view.tickets, n, WAITS, WITHDRAWN) === WAITS
  }
}

/** The thread's side: writes down what is taken. */
export class BoardLog extends MessageLog {
  readonly #view: View
  #id = ''
  #kind = ''
  #message = ''

  constructor(memory: SharedArrayBuffer) {
    super()
    this.#view = view(memory)
  }

  override add(id: string, taken: Taken, at: number): void {
    super.add(id, taken, at)
    this.#isAt(id, taken.kind, taken.message)
    if (taken.kind !== 'call') this.dropped(taken)
  }

  override claims({ ticket = 0 }: Pick<Taken, 'ticket'>): boolean {
    if (ticket === 0 || ticket >= TICKETS) return true
    return Atomics.compareExchange(this.#view.tickets, ticket, WAITS, TAKEN) !== WITHDRAWN
  }

  override begins(id: string): void {
    this.#isAt(id, 'init', 'init')
  }

  /** Nobody is to bring it again. */
  override dropped({ ticket = 0 }: Pick<Taken, 'ticket'>): void {
    if (ticket !== 0 && ticket < TICKETS) Atomics.store(this.#view.tickets, ticket, TAKEN)
  }

  #isAt(id: string, kind: string, message: string): void {
    // Often it is the same as before, and to write it costs more than all else here.
    if (id !== this.#id || message !== this.#message || kind !== this.#kind) this.#write(id, kind, message)
    this.#view.times[SINCE] = Date.now()
  }

  #write(id: string, kind: string, message: string): void {
    const { numbers, text } = this.#view
    numbers[KIND] = Math.max(0, KINDS.indexOf(kind))
    const idLength = text.write(id, 'latin1')
    numbers[NAME_LENGTH] = text.write(message, idLength)
    numbers[ID_LENGTH] = idLength
    this.#id = id
    this.#kind = kind
    this.#message = message
  }

  /** How many lines of the log of this thread the gateway has dealt with. It wraps. */
  get linesHeard(): number {
    return Atomics.load(this.#view.numbers, LINES_HEARD)
  }

  beat({ node: { places } }: LocalRuntime): void {
    const { numbers, times } = this.#view
    Atomics.add(numbers, BEAT, 1)
    Atomics.store(numbers, QUEUED, places.taken)
    times[QUEUED_BYTES] = places.bytes
  }
}
