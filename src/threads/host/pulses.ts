/**
 * Finds threads that show signs of life and answer nobody: code of an implementation has broken what all code there stands on, as a
 * prototype or a global function. Each is asked now and then for nothing but an answer, which goes the way of all of them.
 */
import type { ThreadNode } from './thread-node.js'

/** Milliseconds between an answer and the next question. */
const EVERY = 1000

interface Pulse {
  /** Of the thread that was asked. */
  readonly board: object
  isAnswered: boolean
  /** Milliseconds since it was asked. */
  ms: number
}

export class Pulses {
  readonly #pulses = new Map<ThreadNode, Pulse>()

  /** Asks the node again when that is due. Gives for how many milliseconds it has not answered. `passed`: since the last look. */
  look(node: ThreadNode, passed: number): number {
    const pulse = this.#pulses.get(node)
    if (pulse?.board !== node.board) this.#ask(node)
    else {
      pulse.ms += passed
      if (!pulse.isAnswered) return pulse.ms
      if (pulse.ms >= EVERY) this.#ask(node)
    }
    return 0
  }

  #ask(node: ThreadNode): void {
    const pulse: Pulse = { board: node.board, isAnswered: false, ms: 0 }
    this.#pulses.set(node, pulse)
    const answered = () => {
      pulse.isAnswered = true
    }
    node.channel.question({ answered }, (n) => ({ kind: 'ping', n }))
  }
}
