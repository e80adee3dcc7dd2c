/**
 * What can be known of a thread without asking it, for it may not come back: memory that it shares with the gateway's thread.
 * The thread writes and the gateway reads, but for the tickets, which are 0 again when the gateway gives their numbers again, and
 * for what the gateway has heard.
 *
 *     numbers    beat, what waits, how many lines of its log were heard, at which question of the gateway it is, and whether it is at
 *                a message, or something else for a server
 *     times      how many bytes wait
 *     works      what it took last, and what goes on later of what it took before: since when, and the server's id and the message;
 *                which implementation it loads
 *     tickets    of each message by its number: whether it waits, has been taken, or is not to be taken any more
 */
import { type LocalRuntime, type Taken, WorkLog } from '../../adapters.js'
import { SHOWN_BYTES, type Shown, ShownWork } from './shown-work.js'
import { UnderWay, type Work } from './under-way.js'

/** So many messages that a thread has not yet taken are known one by one. */
const TICKETS = 65_536

const [BEAT, QUEUED, LINES_HEARD, QUESTION, IS_AT_WORK] = [0, 1, 2, 3, 4] as const
/** An even number: what follows is of eight bytes. */
const NUMBERS = 6
const QUEUED_BYTES = 0
const TIMES = 1

const [WAITS, TAKEN, WITHDRAWN] = [0, 1, 2] as const

const TIMES_AT = NUMBERS * 4
const TAKEN_AT = TIMES_AT + TIMES * 8
const UNDER_WAY_AT = TAKEN_AT + SHOWN_BYTES
const LOADING_AT = UNDER_WAY_AT + SHOWN_BYTES
const TICKETS_AT = LOADING_AT + SHOWN_BYTES

interface View {
  readonly numbers: Int32Array
  readonly times: Float64Array
  readonly taken: ShownWork
  readonly underWay: ShownWork
  readonly loading: ShownWork
  readonly tickets: Int32Array
}

function view(memory: SharedArrayBuffer): View {
  return {
    numbers: new Int32Array(memory, 0, NUMBERS),
    times: new Float64Array(memory, TIMES_AT, TIMES),
    taken: new ShownWork(memory, TAKEN_AT),
    underWay: new ShownWork(memory, UNDER_WAY_AT),
    loading: new ShownWork(memory, LOADING_AT),
    tickets: new Int32Array(memory, TICKETS_AT, TICKETS),
  }
}

export const createMemory = () => new SharedArrayBuffer(TICKETS_AT + TICKETS * 4)

/**
 * At what a thread is held to be. `running`: it is at this message now. `underWay`: at none, and this one has been waiting for
 * something and may have gone on. `done`: nothing else is known than what it took last, which is over.
 */
export interface LastTaken extends Shown {
  readonly phase: 'running' | 'underWay' | 'done'
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

  /** The name of the implementation that it is loading. */
  get loading(): string | undefined {
    return this.#view.loading.shown?.message
  }

  get queued(): number {
    return Atomics.load(this.#view.numbers, QUEUED)
  }

  get queuedBytes(): number {
    return this.#view.times[QUEUED_BYTES] as number
  }

  get lastTaken(): LastTaken | undefined {
    const { numbers, taken, underWay } = this.#view
    const isRunning = Atomics.load(numbers, IS_AT_WORK) === 1
    const waiting = isRunning ? undefined : underWay.shown
    if (waiting !== undefined) return { ...waiting, phase: 'underWay' }
    const last = taken.shown
    return last && { ...last, phase: isRunning ? 'running' : 'done' }
  }

  /** The number of the question that it looks at, before that is a message; 0: of none. */
  get question(): number {
    return Atomics.load(this.#view.numbers, QUESTION)
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
export class BoardLog extends WorkLog {
  readonly #view: View
  /** What it is at. */
  #id = ''
  #kind = ''
  #message = ''
  /** What it was at when something else was begun in the midst of that. */
  readonly #outer: Work[] = []
  readonly #underWay = new UnderWay()

  constructor(memory: SharedArrayBuffer) {
    super()
    this.#view = view(memory)
  }

  override add(id: string, taken: Taken, at: number): void {
    super.add(id, taken, at)
    if (this.#outer.length > 0) this.#outer.length = 0
    this.#isAt(id, taken.kind, taken.message)
    if (taken.kind !== 'call') this.dropped(taken)
  }

  override claims({ ticket = 0 }: Pick<Taken, 'ticket'>): boolean {
    if (ticket === 0 || ticket >= TICKETS) return true
    return Atomics.compareExchange(this.#view.tickets, ticket, WAITS, TAKEN) !== WITHDRAWN
  }

  override begins(id: string, what: string): void {
    if (this.#view.numbers[IS_AT_WORK] === 1) this.#outer.push(this.#work)
    this.#isAt(id, what, what)
  }

  override returned(id: string, underWay: boolean): void {
    if (underWay) this.#goesOn(id, { ...this.#work, id })
    const outer = this.#outer.pop()
    if (outer === undefined) this.#view.numbers[IS_AT_WORK] = 0
    else this.#isAt(outer.id, outer.kind, outer.message)
  }

  override beside(id: string, look: object): void {
    this.#goesOn(look, { ...this.#work, id })
  }

  override over(what: string | object): void {
    if (this.#underWay.delete(what)) this.#showUnderWay()
  }

  get #work(): Work {
    return { id: this.#id, kind: this.#kind, message: this.#message }
  }

  #goesOn(what: string | object, work: Work): void {
    this.#underWay.add(what, work)
    this.#showUnderWay()
  }

  #showUnderWay(): void {
    const { latest } = this.#underWay
    if (latest === undefined) this.#view.underWay.clear()
    else this.#view.underWay.show(latest.id, latest.kind, latest.message)
  }

  /** Nobody is to bring it again. */
  override dropped({ ticket = 0 }: Pick<Taken, 'ticket'>): void {
    if (ticket !== 0 && ticket < TICKETS) Atomics.store(this.#view.tickets, ticket, TAKEN)
  }

  #isAt(id: string, kind: string, message: string): void {
    this.#id = id
    this.#kind = kind
    this.#message = message
    this.#view.taken.show(id, kind, message)
    this.#view.numbers[IS_AT_WORK] = 1
  }

  /** It begins to load the implementation with this name; `undefined`: all are there. */
  loads(name: string | undefined): void {
    if (name === undefined) this.#view.loading.clear()
    else this.#view.loading.show('', 'load', name)
  }

  /** It looks at the question with this number; 0: at none any more. */
  hears(n: number): void {
    this.#view.numbers[QUESTION] = n
  }

  /** How many lines of the log of this thread the gateway has dealt with. It wraps. */
  get linesHeard(): number {
    return Atomics.load(this.#view.numbers, LINES_HEARD)
  }

  /** It has come back from whatever it was at. */
  comesBack(): void {
    Atomics.add(this.#view.numbers, BEAT, 1)
  }

  beat({ node: { backlog } }: LocalRuntime): void {
    const { numbers, times } = this.#view
    this.comesBack()
    Atomics.store(numbers, QUEUED, backlog.length)
    times[QUEUED_BYTES] = backlog.bytes
  }
}
