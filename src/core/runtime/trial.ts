/**
 * Whether servers that are not in memory could run on other code: the state of each is migrated for trial, and what comes of that thrown
 * away. Nobody is woken for it.
 */
import { Breath } from '../kernel/breath.js'
import type { Clock } from '../kernel/clock.js'
import type { KeptState } from '../kernel/kept.js'
import { Failures } from './failures.js'
import type { Migration } from './migration.js'

export class Trial {
  /** Those that were tried: whether they will have another state. */
  readonly #tried = new Map<string, boolean>()
  #migrated = 0
  readonly failures = new Failures()
  readonly #breath: Breath

  constructor(
    private readonly migration: Migration,
    private readonly states: (ids: readonly string[]) => AsyncGenerator<KeptState[], void, undefined>,
    clock: Clock,
  ) {
    this.#breath = new Breath(clock)
  }

  /** Tries those that are still `wanted` when their states have come. @throws what the store throws */
  async of(ids: readonly string[], wanted: (id: string) => boolean = () => true): Promise<void> {
    for await (const states of this.states(ids)) {
      for (const state of states) {
        if (wanted(state.id)) this.#try(state)
        await this.#breath.due
      }
    }
    // There is nothing to try of one that is not kept any more.
    for (const id of ids) if (!this.#tried.has(id) && wanted(id)) this.#set(id, false)
  }

  #try(kept: KeptState): void {
    try {
      this.#set(kept.id, this.migration.ofKept(kept).revision !== kept.revision)
    } catch (thrown) {
      this.failures.threw(kept.id, thrown)
    }
  }

  #set(id: string, isMigrated: boolean): void {
    this.forget(id)
    this.#tried.set(id, isMigrated)
    if (isMigrated) this.#migrated++
  }

  has(id: string): boolean {
    return this.#tried.has(id)
  }

  /** It has come into memory, and what it has there counts. */
  forget(id: string): void {
    if (this.#tried.get(id) === true) this.#migrated--
    this.#tried.delete(id)
  }

  get servers(): number {
    return this.#tried.size
  }

  get migrated(): number {
    return this.#migrated
  }
}
