/**
 * Puts other code under the servers of an implementation while they run (OTP: what the release handler does: suspend, load,
 * `sys:change_code/4`, resume).
 *
 * 1. All or nothing: either every server of the implementation runs on the new code with a migrated state, from one moment on, or
 *    all are as they were. All that can fail is done before that moment.
 * 2. Each server changes between two messages. What waits for it is handled by the new code.
 * 3. However it goes, nobody stays suspended who was not.
 * 4. It holds the thread for `SLICE` migrations at a time, and for the moment in which all go over.
 * 5. A server that is started meanwhile begins when it is over, so that starts without end do not hold it up.
 *
 * `run`: `#prepare`, until every server is quiet and has its next state: `#suspend` → `#quieten` → `#migrate`. Then, at once,
 * `#switch`.
 */
import { GenServerError } from '../kernel/errors.js'
import type { Node } from '../kernel/node.js'
import { crashReason } from '../kernel/reason.js'
import { CODE_CHANGE } from '../kernel/suspender.js'
import { Migration } from './migration.js'
import type { CodeChanged } from './operations.js'
import type { Patience } from './patience.js'
import type { Protocol } from './protocol.js'
import type { Server } from './server.js'

const SLICE = 500

/** At most this many servers are named where a change fails. */
const MOST_FAILED = 100

/** What is to become of the state of a server. */
interface Plan {
  /** The state that it was made for; `undefined` while there is none. */
  readonly from: object | undefined
  readonly next: object | undefined
}

export class CodeChange {
  readonly #migration: Migration
  readonly #plans = new Map<Server, Plan>()
  readonly #suspended = new Set<Server>()

  constructor(
    private readonly from: Protocol,
    private readonly to: Protocol,
    /** The servers of the implementation, as they are now. */
    private readonly servers: () => Server[],
    private readonly node: Node,
    private readonly patience: Patience,
  ) {
    this.#migration = new Migration(to)
  }

  /**
   * `switchTo` is told when the moment has come, before the servers change.
   * @throws {GenServerError} `code_change_failed` · why the patience was given up
   */
  async run(switchTo: () => void, agreed?: () => Promise<void>): Promise<CodeChanged> {
    try {
      await this.#prepare()
      if (agreed !== undefined) {
        await agreed()
        this.patience.check()
        await this.#prepare()
      }
      switchTo()
      const changed = this.#switch()
      this.node.logger.info(changed, `${changed.implementation} runs version ${changed.to} from now on`)
      return changed
    } finally {
      for (const server of this.#suspended) server.resume(CODE_CHANGE)
    }
  }

  /** Until every server could change over. */
  async #prepare(): Promise<void> {
    for (let unready = this.#unready(); unready.length > 0; unready = this.#unready()) {
      this.#suspend(unready)
      await this.#quieten(unready)
      await this.#migrate(unready.filter(({ ended, quiet }) => !ended && quiet))
      this.patience.check()
    }
  }

  /** `server` has been made and has not begun. */
  holdBack(server: Server): void {
    if (server.protocol === this.from) this.#suspend([server]) // 5
  }

  /** What `run` would do, as things are now. It waits for nobody. @throws {GenServerError} `code_change_failed` */
  async preview(): Promise<CodeChanged> {
    const servers = this.servers()
    await this.#migrate(servers)
    return this.#changed(servers)
  }

  /** Servers that are at work, or have another state than the one that was migrated. */
  #unready(): Server[] {
    return this.servers().filter((server) => {
      const plan = this.#plans.get(server)
      return plan === undefined || !server.quiet || plan.from !== stateOf(server)
    })
  }

  #suspend(servers: readonly Server[]): void {
    for (const server of servers) {
      server.suspend(CODE_CHANGE)
      this.#suspended.add(server)
    }
  }

  async #quieten(servers: readonly Server[]): Promise<void> {
    const busy = servers.filter(({ quiet }) => !quiet)
    if (busy.length === 0) return
    await this.patience.wait(Promise.all(busy.map((server) => server.whenQuiet())), () => {
      const late = busy.filter(({ quiet, ended }) => !quiet && !ended)
      const why = `it was still at work after ${this.patience.timeout} ms`
      return this.#failure(late.map(({ id }) => [id, why]))
    })
  }

  async #migrate(servers: readonly Server[]): Promise<void> {
    const failed: [id: string, why: string][] = []
    for (const [index, server] of servers.entries()) {
      if (index > 0 && index % SLICE === 0) await new Promise(setImmediate)
      const from = stateOf(server)
      try {
        this.#plans.set(server, { from, next: from && this.#migration.stateOf(server) })
      } catch (thrown) {
        failed.push([server.id, crashReason(thrown).error])
      }
    }
    if (failed.length > 0) throw this.#failure(failed)
  }

  #failure(failed: readonly (readonly [id: string, why: string])[]): GenServerError {
    const { name, version } = this.to
    const [[id, why] = []] = failed
    const more = failed.length > 1 ? `, and ${failed.length - 1} more` : ''
    return new GenServerError(
      'code_change_failed',
      `no server of ${name} runs version ${version}: ${id}: ${why}${more}`,
      { failed: failed.slice(0, MOST_FAILED).map(([id, message]) => ({ id, message })) },
    )
  }

  #switch(): CodeChanged {
    const servers = this.servers()
    const changed = this.#changed(servers)
    for (const server of servers) if (!server.ended) server.changeCode(this.to, this.#plans.get(server)?.next)
    return changed
  }

  #changed(servers: readonly Server[]): CodeChanged {
    const { from, to } = this
    const plans = servers.map((server) => this.#plans.get(server))
    const migrated = plans.filter((plan) => plan?.next !== plan?.from).length
    return { implementation: to.name, from: from.version, to: to.version, servers: servers.length, migrated }
  }
}

function stateOf(server: Server): object | undefined {
  return server.hasState ? server.committed : undefined
}
