/**
 * The lines of a thread's log, on their way to the gateway's thread, which writes them: so many and no more, for there they are
 * work like any other. What is too much is dropped and counted.
 */
import type { Channel } from '../wire/channel.js'
import type { FromNode, Logged } from '../wire/messages.js'

/** As many errors find room beside them. */
const MOST_UNHEARD = 1000

export class Lines {
  #said = 0
  #dropped = 0

  constructor(
    private readonly channel: Channel<FromNode>,
    /** How many were dealt with. It may wrap, as 32 bits do. */
    private readonly heard: () => number,
  ) {}

  /** Whether there is room for one more. `false`: it counts as dropped. */
  reserve(level: Logged['level']): boolean {
    const hasRoom = this.#unheard < (level === 'error' ? 2 * MOST_UNHEARD : MOST_UNHEARD)
    if (!hasRoom) this.#dropped++
    else if (this.#dropped > 0) this.tellDropped()
    return hasRoom
  }

  say(line: Logged): void {
    this.#said++
    this.channel.say(line)
  }

  /** How many there was no room for since this was told last. */
  tellDropped(): void {
    const dropped = this.#dropped
    if (dropped === 0 || this.#unheard >= MOST_UNHEARD) return
    this.#dropped = 0
    const message = 'lines of the log were dropped: there were more than could be written'
    this.say({ kind: 'log', level: 'warn', fields: { dropped }, message })
  }

  get #unheard(): number {
    return (this.#said - this.heard()) | 0
  }
}
