/**
 * Gives the thread to the processes that have something to do, in turn.
 *
 * 1. A process runs after the code that woke it has finished, never inside it. Code that has corked asks for it: then the
 *    first message is handled at once, and the rest in `uncork`.
 * 2. Rounds run as microtasks, and after `ROUNDS` of them, or `SLICE_MS` milliseconds, the event loop gets its chance: processes that
 *    have much to do, or keep each other busy, do not keep the rest of the program waiting.
 */

export interface Runnable {
  /** Does a slice of work; wakes itself if there is more. */
  run(): void
}

const ROUNDS = 64

/** Of the machine's clock: it is about what else the thread has to do, and about no time of servers. */
const SLICE_MS = 10

const settled = Promise.resolve()

export class Scheduler {
  #ready: Runnable[] = []
  #spare: Runnable[] = []
  #armed = false
  #corked = false
  #firstIsFree = false

  constructor(
    /** Told of an exception that should have been handled below. */
    private readonly failed: (error: unknown) => void,
    /** Called when nothing is left to run, and before the event loop gets its chance. */
    private readonly resting: () => void = () => {},
  ) {}

  /** Processes are about to run, and `resting` is called after them. */
  get busy(): boolean {
    return this.#armed
  }

  wake(process: Runnable): void {
    this.#ready.push(process)
    if (!this.#armed) {
      this.#armed = true
      // `then` of a settled promise costs a third of `queueMicrotask`, which keeps an async resource.
      settled.then(this.#rounds)
    }
  }

  /** What is woken from now on runs in `uncork`, which must follow. Nothing is corked where processes are about to run anyway. */
  cork(): void {
    if (this.#armed) return
    this.#armed = this.#corked = this.#firstIsFree = true
  }

  /** Whether who asks may handle a message at once, without being woken: the first one after `cork`. */
  takeFirst(): boolean {
    const isFree = this.#firstIsFree
    this.#firstIsFree = false
    return isFree
  }

  uncork(): void {
    if (!this.#corked) return
    this.#corked = this.#firstIsFree = false
    this.#rounds()
  }

  readonly #rounds = (): void => {
    let until: number | undefined
    for (let round = 0; round < ROUNDS; round++) {
      const batch = this.#ready
      if (batch.length === 0) {
        this.#armed = false
        this.resting()
        return
      }
      until ??= performance.now() + SLICE_MS
      this.#ready = this.#spare
      let ran = 0
      for (const process of batch) {
        this.#run(process)
        ran++
        if (performance.now() > until && ran < batch.length) {
          // Those that had no turn come before those that want another.
          this.#ready = [...batch.slice(ran), ...this.#ready]
          this.#spare = []
          this.#yield()
          return
        }
      }
      batch.length = 0
      this.#spare = batch
    }
    this.#yield()
  }

  /** The event loop gets its chance. */
  #yield(): void {
    this.resting()
    setImmediate(this.#rounds)
  }

  /** What one process does wrong must not keep the others from running. */
  #run(process: Runnable): void {
    try {
      process.run()
    } catch (error) {
      this.failed(error)
    }
  }
}
