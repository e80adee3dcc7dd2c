/**
 * What is written to many streams in one turn of the event loop. The first text of a turn leaves at once; what a stream is given after
 * that leaves as one text at the turn's end. A write costs as much as a hundred copies of an event: without this, a message that
 * publishes a hundred events to a thousand clients would hold up all others for a second.
 */

/** A stream with texts that wait for the end of the turn. */
export interface Gatherer {
  flush(): void
}

export class Gathering {
  #turn = 0
  #isOn = false
  #waiting: Gatherer[] = []
  #last: { readonly texts: readonly Buffer[]; readonly whole: Buffer } | undefined = undefined

  /** The number of the present turn. */
  get turn(): number {
    if (!this.#isOn) {
      this.#isOn = true
      setImmediate(this.#over)
    }
    return this.#turn
  }

  /** It is flushed when the turn is over. */
  add(stream: Gatherer): void {
    this.#waiting.push(stream)
  }

  /** Those who are told the same share one text. */
  join(texts: readonly Buffer[]): Buffer {
    const last = this.#last
    const isSame = last?.texts.length === texts.length && texts.every((text, i) => text === last.texts[i])
    if (isSame) return last.whole
    const whole = Buffer.concat(texts)
    this.#last = { texts, whole }
    return whole
  }

  readonly #over = (): void => {
    this.#isOn = false
    this.#turn++
    for (const stream of this.#waiting.splice(0)) stream.flush()
    this.#last = undefined
  }
}
