/**
 * One end of the way between two threads.
 *
 * 1. What is said in one turn of the event loop travels as one message, in order.
 * 2. While nobody is at the other end, what is said waits.
 */
import { uncarry } from './carried-failure.js'
import type { Response } from './wire.js'

/** A `Worker`, or the `parentPort` of one. */
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

/** What was asked and has not been answered. */
export interface Question<Said> {
  readonly said: Said
  readonly asker: Asker
  /** Hears the answer before the asker does. */
  readonly before: ((response: Response) => void) | undefined
}

export class Channel<Said extends object> {
  #port: Port | undefined = undefined
  #unsent: Said[] = []
  #isArmed = false
  #count = 0
  readonly #questions = new Map<number, Question<Said>>()

  constructor(
    /** Called before what was said is sent. */
    private readonly leaving: () => void = () => {},
  ) {}

  attach(port: Port): void {
    this.#port = port
    if (this.#unsent.length > 0) this.#arm()
  }

  /** The other end is no more. Gives what it has not answered, in the order in which it was asked. */
  detach(): Question<Said>[] {
    this.#port = undefined
    this.#unsent = []
    const unanswered = [...this.#questions.values()]
    this.#questions.clear()
    return unanswered
  }

  say(said: Said): void {
    this.#unsent.push(said)
    this.#arm()
  }

  #arm(): void {
    if (this.#isArmed || this.#port === undefined) return
    this.#isArmed = true
    setImmediate(this.flush)
  }

  /** Sends now what has been said. */
  readonly flush = (): void => {
    this.#isArmed = false
    this.leaving()
    if (this.#port === undefined || this.#unsent.length === 0) return
    const said = this.#unsent
    this.#unsent = []
    this.#port.postMessage(said) // 1
  }

  /** Says what `make` makes of the number by which the answer will know the question. Gives the number. */
  question(asker: Asker, make: (n: number) => Said, before?: (response: Response) => void): number {
    const n = ++this.#count
    const said = make(n)
    this.#questions.set(n, { said, asker, before })
    asker.asked?.(n)
    this.say(said)
    return n
  }

  /** What was asked by this number, as long as it is not answered. */
  asked(n: number): Said | undefined {
    return this.#questions.get(n)?.said
  }

  answered(response: Response): void {
    const question = this.#questions.get(response.n)
    if (question === undefined) return
    this.#questions.delete(response.n)
    question.before?.(response)
    question.asker.answered(response)
  }

  ask<T>(make: (n: number) => Said): Promise<T> {
    return new Promise((resolve, reject) => void this.question(promised(resolve, reject), make))
  }
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
