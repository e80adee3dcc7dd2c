/**
 * What came of requests that a client has named: by an Idempotency-Key, so that it may send one again and it is done once
 * (draft-ietf-httpapi-idempotency-key-header-07), or by asking for the answer later (RFC 7240, `respond-async`).
 *
 * 1. Of requests with one name at most one is under way.
 * 2. What is known here is known for `retention`, or until there is too much of it. What durable servers did is in the store as well,
 *    kept with what they did, and is known to the next process.
 * 3. A request that had no effect is forgotten, and may be sent again under its name.
 */
import { type AnswerKey, failedText, GenServerError, type Host, type Outcome, readOutcome } from '../index.js'
import { HttpProblem } from './problem-document.js'

/** A request with a name. */
export interface Named extends Omit<AnswerKey, 'expires'> {
  /** Whether what it does is kept by a store. */
  readonly isDurable: () => boolean
}

/** A request that has been sent. */
export interface Attempt {
  /** What comes of it in the end (`Outcome`, as JSON). */
  readonly outcome: Promise<string>
  /** Rejects when whoever sent it waits no longer, and it goes on. */
  readonly overdue?: Promise<never>
}

interface Entry {
  readonly key: AnswerKey
  /** `undefined`: it is under way. */
  outcome: string | undefined
  /** Resolves when it is over, or not known here any more. */
  readonly over: Promise<void>
  readonly end: () => void
}

/** How many may be known here, and with how many characters. */
const MOST = 100_000
const MOST_CHARACTERS = 64 * 1024 * 1024

/** How many of them may be under way: one that never ends is never forgotten. */
const MOST_UNDER_WAY = 10_000

/** How often the store is asked for an answer that is to come from elsewhere. Milliseconds. */
const AGAIN = 50

export class KnownAnswers {
  /** In the order in which they were asked. */
  readonly #entries = new Map<string, Entry>()
  #underWay = 0
  #characters = 0

  constructor(
    private readonly host: Host,
    /** Milliseconds. */
    private readonly retention: number,
  ) {}

  /**
   * Sends a request, unless it has been sent before: then its answer is the one that was given.
   * @throws {HttpProblem} `idempotency_conflict`: it is under way, or what was asked under its name was something else.
   */
  async once(named: Named, send: (key: AnswerKey) => Attempt): Promise<Outcome> {
    const known = this.#entries.get(nameOf(named))
    // 1: also where it takes longer than it is known.
    if (known !== undefined && (known.outcome === undefined || known.key.expires > this.host.clock.now())) {
      return answerOf(named, known.key.fingerprint, known.outcome)
    }
    const entry = this.#reserve(named) // 1
    let attempt: Attempt
    try {
      const kept = await this.host.keptAnswer(named)
      if (kept !== undefined) {
        this.#forget(entry)
        return answerOf(named, kept.fingerprint, kept.outcome)
      }
      attempt = send(entry.key)
    } catch (error) {
      this.#forget(entry)
      throw error
    }
    const outcome = this.#attend(entry, attempt, (error) => error.effect === 'unknown' && !named.isDurable())
    const { overdue } = attempt
    return readOutcome(await (overdue === undefined ? outcome : Promise.race([outcome, overdue])))
  }

  /** Sends a request whose answer is asked for later (`look`). Its name is nobody else's. */
  later(named: Named, send: (key: AnswerKey) => Attempt): void {
    const entry = this.#reserve(named)
    this.#attend(entry, send(entry.key), () => !named.isDurable()).catch(() => {})
  }

  /** What came of a request; what has come of it when it is over, or `wait` milliseconds have passed. `undefined`: it is not known. */
  async look(named: Pick<AnswerKey, 'scope' | 'key'>, wait: number): Promise<Outcome | undefined> {
    const { clock } = this.host
    const until = clock.monotonic() + wait
    const entry = this.#entries.get(nameOf(named))
    if (entry?.outcome !== undefined) return readOutcome(entry.outcome)
    if (entry !== undefined) {
      await this.#within(wait, entry.over)
      if (entry.outcome !== undefined) return readOutcome(entry.outcome)
      if (this.#entries.get(nameOf(named)) === entry) return { kind: 'running' }
    }
    for (;;) {
      const kept = await this.host.keptAnswer(named)
      const outcome = kept && readOutcome(kept.outcome)
      const left = until - clock.monotonic()
      if (outcome?.kind !== 'running' || left <= 0) return outcome
      await this.#within(Math.min(left, AGAIN), new Promise(() => {}))
    }
  }

  #within(ms: number, over: Promise<void>): Promise<void> {
    if (ms <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = this.host.clock.setTimer(ms, resolve)
      over.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  /** The name with how long it is known from now on. */
  keyOf({ scope, key, fingerprint }: Omit<AnswerKey, 'expires'>): AnswerKey {
    return { scope, key, fingerprint, expires: this.host.clock.now() + this.retention }
  }

  #reserve(named: Named): Entry {
    if (this.#underWay >= MOST_UNDER_WAY) {
      throw new GenServerError('overloaded', `${this.#underWay} requests with a key are under way`, { retryAfter: 1 })
    }
    this.#makeRoom(this.host.clock.now())
    let end = () => {}
    const over = new Promise<void>((resolve) => {
      end = resolve
    })
    const entry = { key: this.keyOf(named), outcome: undefined, over, end }
    this.#underWay++
    this.#entries.set(nameOf(entry.key), entry)
    return entry
  }

  #makeRoom(now: number): void {
    for (const [name, { key, outcome }] of this.#entries) {
      const isTooMuch = this.#entries.size >= MOST || this.#characters > MOST_CHARACTERS
      if (key.expires > now && !isTooMuch) return // 2
      if (outcome === undefined) continue
      this.#entries.delete(name)
      this.#characters -= outcome.length
    }
  }

  /** Until it is over. Its failure is what came of it too, where it `isKnown`. */
  async #attend(entry: Entry, { outcome }: Attempt, isKnown: (error: GenServerError) => boolean): Promise<string> {
    try {
      const text = await outcome
      this.#settle(entry, text)
      return text
    } catch (error) {
      if (error instanceof GenServerError && isKnown(error)) this.#settle(entry, failedText(error))
      else this.#forget(entry) // 3
      throw error
    }
  }

  #settle(entry: Entry, outcome: string): void {
    entry.outcome = outcome
    this.#characters += outcome.length
    this.#underWay--
    entry.end()
  }

  #forget(entry: Entry): void {
    this.#entries.delete(nameOf(entry.key))
    this.#underWay--
    entry.end()
  }
}

function nameOf({ scope, key }: Pick<AnswerKey, 'scope' | 'key'>): string {
  return `${scope} ${key}`
}

function answerOf(named: Named, fingerprint: string, text: string | undefined): Outcome {
  if (fingerprint !== named.fingerprint) {
    throw new HttpProblem('idempotency_conflict', 'the key was given to another request, and this one is not done')
  }
  const outcome = text === undefined ? undefined : readOutcome(text)
  if (outcome === undefined || outcome.kind === 'running') {
    throw new HttpProblem('idempotency_conflict', 'the first request with this key is still under way', {}, {}, 409)
  }
  return outcome
}
