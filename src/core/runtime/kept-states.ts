/**
 * What a change of code means for servers that are not in memory: their states stay in the store, in the form of the code that wrote
 * them, until they come out of it or are written back (`write-back.ts`).
 *
 * 1. A server comes out with a state of its own code, and that is kept before anybody sees it.
 * 2. While an implementation is held none of its servers comes out.
 */

import type { Protocol } from '../definition/protocol.js'
import { statesOf } from '../durable/kept-pages.js'
import { GenServerError } from '../kernel/errors.js'
import type { GroupCommit } from '../kernel/group-commit.js'
import type { Kept, KeptState } from '../kernel/kept.js'
import type { Node } from '../kernel/node.js'
import { crashReason } from '../kernel/reason.js'
import type { Store } from '../kernel/store.js'
import type { Directory } from './directory.js'
import { Migration } from './migration.js'
import { WriteBack } from './write-back.js'

/** A server that comes out of the store. */
interface Coming {
  readonly id: string
  /** Another one after a change of code. */
  readonly protocol: Protocol
}

export class KeptStates {
  readonly writeBack: WriteBack
  readonly #migrations = new Map<string, Migration>()
  #held: { readonly implementation: string; readonly over: Promise<void> } | undefined = undefined

  constructor(
    private readonly store: Store,
    private readonly node: Node,
    directory: Directory,
  ) {
    this.writeBack = new WriteBack(store, directory, node, this)
  }

  of(ids: readonly string[]): AsyncGenerator<KeptState[], void, undefined> {
    return statesOf(this.store, ids)
  }

  /** To the code of a protocol. */
  migrationTo(protocol: Protocol): Migration {
    const known = this.#migrations.get(protocol.name)
    if (known?.to === protocol) return known
    const migration = new Migration(protocol, this.node)
    this.#migrations.set(protocol.name, migration)
    return migration
  }

  /** No server of the implementation comes out of the store until what this gives is called. */
  hold(implementation: string): () => void {
    let release = () => {}
    const over = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#held = { implementation, over }
    return () => {
      this.#held = undefined
      release()
    }
  }

  /** @throws what the store throws · {GenServerError} as `migrate` */
  async load(server: Coming): Promise<Kept | undefined> {
    if (this.#held?.implementation === server.protocol.name) await this.#held.over // 2
    const kept = await this.store.load(server.id)
    if (kept === undefined || kept.server.version === server.protocol.version) return kept
    const next = this.migrate(kept.server, server.protocol)
    await this.#keep(kept.server, next) // 1
    return { ...kept, server: { ...kept.server, ...next } }
  }

  /** @throws {GenServerError} `server_crashed` */
  migrate(kept: KeptState, protocol: Protocol): Omit<KeptState, 'id'> {
    try {
      return this.migrationTo(protocol).ofKept(kept)
    } catch (thrown) {
      const reason = crashReason(thrown)
      throw new GenServerError('server_crashed', `${notTaken(kept, protocol)}: ${reason.error}`, { reason })
    }
  }

  #keep({ id, revision }: KeptState, next: Omit<KeptState, 'id'>): Promise<void> {
    if (next.revision !== revision) this.#commits.state(id, next.revision, next.state)
    this.#commits.add(id, { kind: 'version', id, version: next.version })
    return this.whenKept((error) => error)
  }

  /** All that was given to the store until now is kept. @throws what `lost` makes of it, if it is not */
  whenKept(lost: (error: Error) => Error): Promise<void> {
    return new Promise((resolve, reject) => this.#commits.whenKept(resolve, (error) => reject(lost(error))))
  }

  get #commits(): GroupCommit {
    return this.node.commits as GroupCommit
  }
}

function notTaken({ id, version }: KeptState, { name, version: to }: Protocol): string {
  return `${id} is kept by version ${version} of ${name}, and cannot be taken to version ${to}`
}
