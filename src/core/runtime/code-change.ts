/**
 * Puts other code under the servers of an implementation while they run (OTP: what the release handler does: suspend, load,
 * `sys:change_code/4`, resume).
 *
 * 1. All or nothing: either every server of the implementation runs on the new code with a migrated state, from one moment on, or
 *    all are as they were. All that can fail is done before that moment.
 * 2. Each server changes between two messages. What waits for it is handled by the new code.
 * 3. However it goes, nobody stays suspended who was not.
 * 4. It holds the thread for some milliseconds at a time, and for the moment in which all that are in memory go over.
 * 5. A server that is started meanwhile begins when it is over, so that starts without end do not hold it up.
 * 6. States in the store are tried, and migrated when they are loaded or written back. So that the trial stays true no server leaves
 *    memory meanwhile, and none is loaded once those in memory are suspended.
 *
 * `run`: `#tryAsleep`, which holds nobody up; `#prepare`, until every server is still and has its next state: `#suspend` → `#quieten`
 * → `#plan`. Then, at once, `#switch`.
 */

import type { Protocol } from '../definition/protocol.js'
import { Sleeper } from '../durable/sleeper.js'
import { storageFailed } from '../durable/storage-failed.js'
import { Breath } from '../kernel/breath.js'
import { GenServerError } from '../kernel/errors.js'
import type { Node } from '../kernel/node.js'
import { CODE_CHANGE } from '../kernel/suspender.js'
import type { Server } from '../server/server.js'
import type { Directory } from './directory.js'
import { Failures } from './failures.js'
import type { KeptStates } from './kept-states.js'
import { Migration } from './migration.js'
import type { CodeChanged } from './operations.js'
import type { Patience } from './patience.js'
import { Trial } from './trial.js'

/** What is to become of the state of a server that is in memory. */
interface Plan {
  /** The state that it was made for; `undefined` while there is none. */
  readonly from: object | undefined
  readonly next: object | undefined
}

export class CodeChange {
  readonly #migration: Migration
  readonly #plans = new Map<Server, Plan>()
  readonly #suspended = new Set<Server>()
  readonly #trial: Trial

  constructor(
    private readonly from: Protocol,
    private readonly to: Protocol,
    private readonly directory: Directory,
    private readonly node: Node,
    private readonly patience: Patience,
    /** `undefined`: all servers are in memory. */
    private readonly kept: KeptStates | undefined,
  ) {
    this.#migration = new Migration(to, node)
    this.#trial = new Trial(this.#migration, (ids) => (kept as KeptStates).of(ids), node.clock)
  }

  /**
   * `switchTo` is told when the moment has come, before the servers change.
   * @throws {GenServerError} `code_change_failed`, `storage_failed` · why the patience was given up
   */
  async run(switchTo: () => void, agreed?: () => Promise<void>): Promise<CodeChanged> {
    const { node, from } = this
    let release = () => {}
    node.changing = from.name // 6
    try {
      await this.#tryAsleep()
      const loading = this.#servers().filter(({ isStored }) => isStored)
      for (const { id } of this.#servers()) this.#trial.forget(id)
      release = this.kept?.hold(from.name) ?? release // 6
      await this.#whenHere(loading)
      await this.#prepare()
      if (agreed !== undefined) {
        await agreed()
        await this.#prepare()
      }
      switchTo()
      const changed = this.#switch()
      node.logger.info(changed, `${changed.implementation} runs version ${changed.to} from now on`)
      return changed
    } finally {
      node.changing = undefined
      release()
      for (const server of this.#suspended) server.resume(CODE_CHANGE)
    }
  }

  /** Until every server could change over. */
  async #prepare(): Promise<void> {
    for (let unready = this.#unready(); unready.length > 0; unready = this.#unready()) {
      this.#suspend(unready)
      await this.#quieten(unready)
      await this.#plan(unready.filter((server) => !server.ended && !isBusy(server)))
      this.patience.check()
    }
  }

  /** `server` has been made and has not begun. */
  holdBack(server: Server): void {
    if (server.protocol === this.from) this.#suspend([server]) // 5
  }

  /** What `run` would do, as things are now. It waits for nobody. @throws as `run` */
  async preview(): Promise<CodeChanged> {
    await this.#tryAsleep()
    const servers = this.#servers()
    for (const { id } of servers) this.#trial.forget(id)
    await this.#plan(servers)
    return this.#changed()
  }

  /** Those in memory, as they are now. */
  #servers(): Server[] {
    return [...this.directory.awake(this.to.name)]
  }

  async #tryAsleep(): Promise<void> {
    const isAsleep = (id: string) => this.directory.look(id) instanceof Sleeper
    for await (const page of this.directory.asleep(this.to.name)) {
      const ids = page.map(({ id }) => id)
      await this.#try(ids, isAsleep)
    }
    this.#mustSucceed(this.#trial.failures)
  }

  async #try(ids: readonly string[], wanted?: (id: string) => boolean): Promise<void> {
    const { name } = this.to
    const tried = this.#trial.of(ids, wanted).catch((error) => {
      throw storageFailed(name, error)
    })
    await this.patience.wait(tried, () => this.#late('not all states that are kept were looked at'))
  }

  /** Those that are on their way into memory have come, or will not. */
  async #whenHere(loading: readonly Server[]): Promise<void> {
    const here = Promise.allSettled(loading.map((server) => server.whenHere(() => {})))
    await this.patience.wait(here, () => this.#late('servers were still on their way into memory'))
    const back = loading.filter(({ id }) => this.directory.look(id) instanceof Sleeper)
    if (back.length > 0) await this.#try(back.map(({ id }) => id))
    this.#mustSucceed(this.#trial.failures)
  }

  #late(what: string): GenServerError {
    return new GenServerError(
      'code_change_failed',
      `${this.to.name} was not changed: ${what} after ${this.patience.timeout} ms`,
    )
  }

  /** Servers that are at work, or have another state than the one that was migrated. */
  #unready(): Server[] {
    return this.#servers().filter((server) => {
      if (server.isStored) return !this.#trial.has(server.id)
      const plan = this.#plans.get(server)
      return plan === undefined || !server.still || plan.from !== stateOf(server)
    })
  }

  #suspend(servers: readonly Server[]): void {
    for (const server of servers) {
      server.suspend(CODE_CHANGE)
      this.#suspended.add(server)
    }
  }

  async #quieten(servers: readonly Server[]): Promise<void> {
    const busy = servers.filter(isBusy)
    if (busy.length === 0) return
    await this.patience.wait(Promise.all(busy.map((server) => server.whenStill())), () => {
      const late = new Failures()
      const why = `it was still at work after ${this.patience.timeout} ms`
      for (const server of busy) if (isBusy(server) && !server.ended) late.add(server.id, why)
      return late.failure(this.to)
    })
  }

  async #plan(servers: readonly Server[]): Promise<void> {
    const stored = servers.filter(({ isStored }) => isStored)
    if (stored.length > 0) await this.#try(stored.map(({ id }) => id))
    const { failures } = this.#trial
    const breath = new Breath(this.node.clock)
    for (const server of servers) {
      if (server.isStored) continue
      const from = stateOf(server)
      try {
        this.#plans.set(server, {
          from,
          next: from && this.#migration.stateOf(server.id, from, server.protocol.version),
        })
      } catch (thrown) {
        failures.threw(server.id, thrown)
      }
      await breath.due
    }
    this.#mustSucceed(failures)
  }

  #mustSucceed(failures: Failures): void {
    if (!failures.areNone) throw failures.failure(this.to)
  }

  #switch(): CodeChanged {
    const changed = this.#changed()
    for (const server of this.#servers()) {
      if (!server.ended) server.changeCode(this.to, nextOf(this.#plans.get(server)))
    }
    return changed
  }

  #changed(): CodeChanged {
    const { from, to } = this
    const here = this.#servers().filter(({ isStored }) => !isStored)
    const migrated = here.filter((server) => nextOf(this.#plans.get(server)) !== undefined).length
    return {
      ...{ implementation: to.name, from: from.version, to: to.version },
      servers: here.length + this.#trial.servers,
      migrated: migrated + this.#trial.migrated,
    }
  }
}

function stateOf(server: Server): object | undefined {
  return server.hasState ? server.committed : undefined
}

/** It is to come to its end with something. What is in the store only is as it will be. */
function isBusy(server: Server): boolean {
  return !server.isStored && !server.still
}

/** The state that it will have, if that is another one. */
function nextOf(plan: Plan | undefined): object | undefined {
  return plan?.next === plan?.from ? undefined : plan?.next
}
