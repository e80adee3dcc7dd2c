/**
 * One end of the way between two threads.
 *
 * 1. What is said in one turn of the event loop travels as one message, in order.
 * 2. While nobody is at the other end, what is said waits.
 * 3. The number of a question is given again when the question is over. They lie in an array, for a Map that comes and goes
 *    keeps what is dead alive for the collector.
 * 4. What cannot be cloned keeps nothing else from its way.
 * 5. Whoever prepares what is said is told once a turn also while nobody is at the other end.
 * 6. How many messages for servers are open is known, and how many bytes they bring: what waits for a thread that does not come back
 *    waits here, and in the port. What else is asked is no load: most of it, after a loss, is what is to be begun again.
 */
import { carry, uncarry } from './carried-failure.js'
import type { Ask, FromNode, Response, ToNode } from './messages.js'
import { pack } from './packing.js'

/** A `MessagePort`. */
export interface Port {
  postMessage(value: unknown): void
}

/** Who has asked something, and waits. */
export interface Asker {
  /** Nobody waits any more. */
  readonly isOver?: boolean
  /** By which number. */
  asked?(n: number): void
  answered(response: Response): void
}

export interface Question<Said> {
  readonly said: Said
  readonly asker: Asker
  /** Counts all questions. */
  readonly at: number
  /** It has been answered, and is not over for whoever keeps it. */
  isAccepted: boolean
}

export class Channel<Said extends ToNode | FromNode> {
  #port: Port | undefined = undefined
  #unsent: Said[] = []
  #isArmed = false
  #count = 0
  /** By their numbers, of which the first is 1. */
  #questions: (Question<Said> | undefined)[] = [undefined]
  #free: number[] = []
  #messages = 0
  #bytes = 0

  constructor(
    /** Called before what was said is sent. */
    private readonly leaving: () => void = () => {},
    /** Whether a question is kept that has this answer, until it is `release`d. */
    private readonly keeps: (question: Question<Said>, response: Response) => boolean = () => false,
  ) {}

  attach(port: Port): void {
    this.#port = port
    if (this.#unsent.length > 0) this.#arm()
  }

  /** The other end is no more. Gives the questions that are not over, in the order in which they were asked. */
  detach(): { readonly n: number; readonly question: Question<Said> }[] {
    this.#port = undefined
    this.#unsent = []
    const open = this.#questions.flatMap((question, n) => (question === undefined ? [] : [{ n, question }]))
    this.#questions = [undefined]
    this.#free = []
    this.#messages = 0
    this.#bytes = 0
    return open.sort((a, b) => a.question.at - b.question.at)
  }

  /** What was said last, if it has not been sent. */
  get unsent(): Said | undefined {
    return this.#unsent.at(-1)
  }

  say(said: Said): void {
    this.#unsent.push(said)
    this.#arm()
  }

  #arm(): void {
    if (this.#isArmed) return
    this.#isArmed = true
    setImmediate(this.flush) // 5
  }

  /** Sends now what has been said. */
  readonly flush = (): void => {
    this.#isArmed = false
    this.leaving()
    if (this.#port === undefined || this.#unsent.length === 0) return
    const said = this.#unsent
    this.#unsent = []
    try {
      this.#port.postMessage(said.map(pack)) // 1
    } catch {
      this.#sendEach(this.#port, said)
    }
  }

  /** One of them cannot be cloned, as a state that is no JSON: whoever waits for that hears so, and the others go. */
  #sendEach(port: Port, said: readonly Said[]): void {
    for (const each of said) {
      try {
        port.postMessage([each])
      } catch (error) {
        this.#fail(port, each, error)
      }
    }
  }

  #fail(port: Port, said: Said, error: unknown): void {
    if (!('n' in said)) return
    const failed: Response = { kind: 'failed', n: said.n, failure: carry(error) }
    // Whoever has asked is here, and whoever is to be answered is there.
    if (this.#questions[said.n]?.said === said) this.answered(failed)
    else port.postMessage([failed])
  }

  /** Says what `make` makes of the number by which the answer will know the question. Gives the number. */
  question(asker: Asker, make: (n: number) => Said): number {
    const n = this.#free.pop() ?? this.#questions.length
    const said = make(n)
    this.#questions[n] = { said, asker, at: ++this.#count, isAccepted: false }
    if (isMessage(said)) this.#messages++
    this.#bytes += bytesOf(said)
    asker.asked?.(n)
    this.say(said)
    return n
  }

  /** How many questions are open that bring something for a server. */
  get messages(): number {
    return this.#messages // 6
  }

  /** How many bytes they are known to bring. */
  get bytes(): number {
    return this.#bytes
  }

  /** The question with this number, if it is open. */
  said(n: number): Said | undefined {
    return this.#questions[n]?.said
  }

  /** The questions that are open, with their numbers. */
  *open(): Generator<readonly [n: number, said: Said], void, undefined> {
    for (const [n, question] of this.#questions.entries()) if (question !== undefined) yield [n, question.said]
  }

  answered(response: Response): void {
    const { n } = response
    const question = this.#questions[n]
    if (question === undefined || question.isAccepted) return
    if (this.keeps(question, response)) question.isAccepted = true
    else this.#release(n)
    question.asker.answered(response)
  }

  /** Those that are kept and that `isOver` says are over. */
  release(isOver: (n: number) => boolean): void {
    for (let n = 1; n < this.#questions.length; n++) {
      if (this.#questions[n]?.isAccepted === true && isOver(n)) this.#release(n)
    }
  }

  #release(n: number): void {
    const said = this.#questions[n]?.said
    if (isMessage(said)) this.#messages--
    this.#bytes -= bytesOf(said)
    this.#questions[n] = undefined
    this.#free.push(n)
  }

  ask<T>(make: (n: number) => Said): Promise<T> {
    return new Promise((resolve, reject) => void this.question(promised(resolve, reject), make))
  }
}

function bytesOf(said: ToNode | FromNode | undefined): number {
  return (said as { readonly bytes?: number } | undefined)?.bytes ?? 0
}

/** Whether somebody has sent it; what brings bytes is what a client gave. */
function isMessage(said: ToNode | FromNode | undefined): boolean {
  const kind = said?.kind
  if (kind === 'ask') return (said as Ask).bytes !== undefined
  return kind === 'call' || kind === 'cast' || kind === 'info'
}

/** An asker for whom a promise stands. */
export function promised<T>(resolve: (value: T) => void, reject: (error: Error) => void): Asker {
  return {
    answered(response) {
      if (response.kind === 'failed') reject(uncarry(response.failure))
      else resolve((response.kind === 'told' ? response.value : response.reply) as T)
    },
  }
}
