/**
 * Who takes the place of a thread that has ended, does not come back, or cannot begin.
 *
 * 1. Until all threads have begun for the first time, one that cannot is a failure to start, and nobody takes its place.
 * 2. The node goes on in another thread at once; where that ended soon after its begin, or before it was ready, and again, later and
 *    later.
 * 3. When the host is over nobody takes any place.
 */
import type { Clock, ClockTimer, Logger } from '../../index.js'
import { LoadError, NEVER_LOADED } from '../../loading/load-error.js'
import type { KeptServers } from './kept-servers.js'
import type { Places } from './places.js'
import type { Recovery } from './recovery.js'
import type { Router } from './router.js'
import type { ThreadNode } from './thread-node.js'
import type { Watches } from './watches.js'

/** A thread that ends so soon after its begin had better not be begun again at once. Milliseconds. */
const SOON = 2000
const FIRST_DELAY = 100
const LONGEST_DELAY = 10_000

interface SuccessionTerms {
  readonly clock: Clock
  readonly logger: Logger
  readonly directories: readonly string[]
  readonly places: Places
  readonly kept: KeptServers
  readonly recovery: Recovery
  readonly router: Router
  readonly watches: Watches
  /** For how many milliseconds the thread of the node has shown no sign of life. */
  silenceOf(node: ThreadNode): number
}

export class Succession {
  /** Those that have not begun for the first time: who waits for that. */
  readonly #beginnings = new Map<ThreadNode, (error: Error | undefined) => void>()
  /** How many threads of a node have ended soon after their begin, one after the other. */
  readonly #early = new Map<ThreadNode, number>()
  /** Those that wait for their next thread to begin. */
  readonly #delayed = new Map<ThreadNode, ClockTimer>()
  #isOver = false

  constructor(private readonly terms: SuccessionTerms) {}

  /** Resolves when the node has begun for the first time. */
  begun(node: ThreadNode): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#beginnings.set(node, (error) => (error === undefined ? resolve() : reject(error))),
    )
  }

  ready(node: ThreadNode): void {
    this.#beginnings.get(node)?.(undefined)
    this.#beginnings.delete(node)
  }

  /** Its thread has ended, or is no use. */
  ended(node: ThreadNode, error: Error | undefined): void {
    if (!this.#failToBegin(node, error)) this.replace(node, `the thread ${node.name} ended`, error)
  }

  /** Its thread is given up, because of `why`. */
  stuck(node: ThreadNode, why: string): void {
    if (!this.#failToBegin(node, undefined)) this.replace(node, why)
  }

  /** `false`: it has begun once. */
  #failToBegin(node: ThreadNode, error: Error | undefined): boolean {
    const waiting = this.#beginnings.get(node)
    this.#beginnings.delete(node)
    waiting?.(error ?? new LoadError(node.board.loading ?? this.terms.directories.join(', '), NEVER_LOADED)) // 1
    return waiting !== undefined
  }

  /** Gives its thread up, and lets another one take the place. */
  replace(node: ThreadNode, why: string, err?: Error): void {
    if (this.#isOver) {
      this.giveUp(node) // 3
      return
    }
    const { clock, kept, logger, recovery, router, watches } = this.terms
    const { isReady } = node
    const silent = this.terms.silenceOf(node)
    const { loading } = node.board
    const remains = node.giveUp()
    kept.fence(node)
    const { activity } = remains
    logger.error(
      {
        ...{ node: node.name, server: activity?.server, message: activity?.message },
        ...(loading !== undefined && { implementation: loading }),
        ...(err && { err }),
      },
      `${why}: it is replaced`,
    )
    router.forget(node)
    this.introduce(node)
    node.restarts++
    const at = clock.now()
    const delay = this.#delayOf(node, isReady ? at - node.startedAt : 0)
    recovery.recover(node, remains, silent)
    watches.moved(node, new Date(at).toISOString())
    if (delay === 0) this.#begin(node)
    else
      this.#delayed.set(
        node,
        clock.setTimer(delay, () => this.#begin(node)),
      )
  }

  /** Milliseconds until its next thread may begin. */
  #delayOf(node: ThreadNode, lasted: number): number {
    const early = lasted < SOON ? (this.#early.get(node) ?? 0) + 1 : 0
    this.#early.set(node, early)
    return early < 2 ? 0 : Math.min(FIRST_DELAY * 2 ** (early - 2), LONGEST_DELAY) // 2
  }

  #begin(node: ThreadNode): void {
    this.#delayed.delete(node)
    node.begin(this.terms.clock.now())
  }

  /** Tells a thread that is about to begin who is on the other nodes, and who has ended. */
  introduce(node: ThreadNode): void {
    const { places } = this.terms
    const others = [...places.all()].filter((place) => place.node !== node && place.terms !== undefined)
    if (others.length > 0) node.channel.say({ kind: 'named', servers: others.map(({ name }) => name) })
    const { all: exits } = places.exits
    if (exits.length > 0) node.channel.say({ kind: 'ended', exits })
  }

  /** From now on nobody takes the place of anybody. */
  close(): void {
    this.#isOver = true
    for (const timer of this.#delayed.values()) timer.cancel()
  }

  /** Ends its thread for good. Whoever waits hears so. */
  giveUp(node: ThreadNode): void {
    this.terms.recovery.giveUp(node.giveUp())
  }
}
