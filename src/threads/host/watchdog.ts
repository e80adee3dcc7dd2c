/**
 * Finds threads that do not come back to their event loop: an endless loop, a regular expression without end, a native call that
 * blocks. For that it looks at their boards and asks nobody.
 *
 * 1. A thread is lost when it has shown no sign of life for the limit of the implementation at whose message it is; where it is at
 *    none, for the longest limit of those that may have something to do there.
 * 2. Time in which the gateway's own thread did not run counts for nobody: a machine that slept has no stuck threads.
 * 3. The thread that will take its place is there by then.
 * 4. A thread that has not loaded the implementations in time has got stuck in one of them.
 * 5. One that comes back and does not answer is lost too (`pulses.ts`). It has no less time for that than its handlers have.
 */
import type { Clock, ClockTimer } from '../../index.js'
import { Pulses } from './pulses.js'
import type { ThreadNode } from './thread-node.js'

interface Silence {
  beat: number
  board: object
  isReady: boolean
  ms: number
}

export interface Watched {
  /** The nodes that are ready, or are beginning. */
  readonly nodes: Iterable<ThreadNode>
  /** Milliseconds in which a thread must have loaded the implementations. */
  readonly loadLimit: number
  /** Milliseconds for which whatever it is at may hold the thread of the node. */
  limitOf(node: ThreadNode): number
  /** Milliseconds for which a thread may answer nobody, if no such limit is longer. */
  readonly deafLimit: number
  /** `why`: what the thread does not do. */
  stuck(node: ThreadNode, why: string): void
  /** A thread is half-way to its limit. */
  suspect(): void
}

export class Watchdog {
  readonly #silences = new Map<ThreadNode, Silence>()
  readonly #pulses = new Pulses()
  #timer: ClockTimer | undefined = undefined
  #looked: number

  constructor(
    private readonly clock: Clock,
    /** Milliseconds between two looks. */
    private readonly every: number,
    private readonly watched: Watched,
  ) {
    this.#looked = clock.monotonic()
    this.#arm()
  }

  /** For how many milliseconds the node has shown no sign of life, as far as was looked. */
  silenceOf(node: ThreadNode): number {
    const silence = this.#silences.get(node)
    return silence !== undefined && isStill(silence, node) ? silence.ms : 0
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #arm(): void {
    this.#timer = this.clock.setTimer(this.every, () => {
      this.#arm()
      this.#look()
    })
    this.#timer.unref()
  }

  #look(): void {
    const now = this.clock.monotonic()
    const passed = Math.min(now - this.#looked, 2 * this.every) // 2
    this.#looked = now
    for (const node of [...this.watched.nodes]) {
      // Their boards tell which casts are not waiting there any more.
      node.sweep()
      const ms = this.#silence(node, passed)
      if (node.isReady) {
        const limit = this.watched.limitOf(node)
        this.#judgeSilent(node, ms, limit)
        this.#judgeDeaf(node, passed, limit)
      } else this.#judgeBeginning(node, ms)
    }
  }

  /** As `silenceOf`, as of now. */
  #silence(node: ThreadNode, passed: number): number {
    const silence = this.#silences.get(node)
    if (silence !== undefined && isStill(silence, node)) {
      silence.ms += passed
      return silence.ms
    }
    const { board, isReady } = node
    this.#silences.set(node, { beat: board.beat, board, isReady, ms: 0 })
    return 0
  }

  #judgeBeginning(node: ThreadNode, ms: number): void {
    if (ms >= this.watched.loadLimit) this.watched.stuck(node, 'get ready') // 4
  }

  #judgeSilent(node: ThreadNode, ms: number, limit: number): void {
    if (ms >= limit)
      this.watched.stuck(node, 'come back') // 1
    else if (ms >= limit / 2) this.watched.suspect() // 3
  }

  #judgeDeaf(node: ThreadNode, passed: number, limit: number): void {
    // It may have been given up a moment ago. What has come and is not heard yet is nothing that it has not said.
    if (!node.isReady || node.isUnheard) return
    const longest = Math.max(this.watched.deafLimit, limit)
    if (this.#pulses.look(node, passed) >= longest) this.watched.stuck(node, 'answer') // 5
  }
}

/** It is the same thread, in the same silence. */
function isStill({ beat, board, isReady }: Silence, node: ThreadNode): boolean {
  return board === node.board && isReady === node.isReady && beat === node.board.beat
}
