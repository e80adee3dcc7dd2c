/**
 * Writes the states of servers that are not in memory in the form of their code, where that is another by now: some at a time, while
 * everybody else goes on. Where it does not come to its end the next start goes on with it; each server that wakes does it by itself.
 *
 * 1. What is kept is replaced only if it is still what was migrated.
 */

import type { Protocol } from '../definition/protocol.js'
import { Sleeper } from '../durable/sleeper.js'
import { Breath } from '../kernel/breath.js'
import type { Change, KeptState } from '../kernel/kept.js'
import { logError } from '../kernel/logger.js'
import type { Node } from '../kernel/node.js'
import type { Store } from '../kernel/store.js'
import type { Directory } from './directory.js'

/** States that are kept (`kept-states.ts`). */
interface States {
  of(ids: readonly string[]): AsyncGenerator<KeptState[], void, undefined>
  migrate(kept: KeptState, protocol: Protocol): Omit<KeptState, 'id'>
}

type Migrated = Extract<Change, { kind: 'migrated' }>

export class WriteBack {
  /** Settles when nothing is written. */
  #last: Promise<void> = Promise.resolve()
  #stops = 0
  readonly #breath: Breath

  constructor(
    private readonly store: Store,
    private readonly directory: Directory,
    private readonly node: Node,
    private readonly states: States,
  ) {
    this.#breath = new Breath(node.clock)
  }

  begin(): void {
    const isOn = this.#isOn()
    this.#last = this.#last.then(() => this.#writeAll(isOn))
  }

  /** Until it is begun again. Resolves when nothing is on its way any more. */
  stop(): Promise<void> {
    this.#stops++
    return this.#last
  }

  #isOn(): () => boolean {
    const stops = this.#stops
    return () => this.#stops === stops
  }

  async #writeAll(isOn: () => boolean): Promise<void> {
    try {
      for await (const page of this.directory.asleep()) {
        if (!isOn()) return
        const outdated = page.filter(({ isOutdated }) => isOutdated).map(({ id }) => id)
        for await (const states of this.states.of(outdated)) {
          const migrated = await this.#migrate(states)
          if (!isOn()) return
          await this.#write(migrated)
        }
      }
    } catch (error) {
      if (!isOn()) return
      const left = 'states of servers that are not in memory stay in the form of their old code until these wake'
      logError(this.node.logger, { err: error }, left)
    }
  }

  async #migrate(states: readonly KeptState[]): Promise<Map<Sleeper, Migrated>> {
    const migrated = new Map<Sleeper, Migrated>()
    for (const state of states) {
      const sleeper = this.directory.look(state.id)
      if (!(sleeper instanceof Sleeper)) continue
      const { id, version, revision } = state
      try {
        const to = this.states.migrate(state, sleeper.protocol)
        migrated.set(sleeper, { kind: 'migrated', of: { id, version, revision }, to })
      } catch (error) {
        this.node.logger.error({ server: id }, (error as Error).message)
      }
      await this.#breath.due
    }
    return migrated
  }

  async #write(migrated: ReadonlyMap<Sleeper, Migrated>): Promise<void> {
    if (migrated.size === 0) return
    await this.store.commit([...migrated.values()]) // 1
    for (const [sleeper, { of, to }] of migrated) {
      // One that has been awake meanwhile is another.
      if (this.directory.look(of.id) !== sleeper) continue
      sleeper.brief = { ...sleeper.brief, version: to.version, revision: to.revision }
    }
  }
}
