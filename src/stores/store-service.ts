/**
 * What the thread of a store does for those who ask it.
 *
 * 1. What several have asked to be committed is committed as one, so that they share a flush.
 * 2. What a connection has said that is fenced off is not committed any more once the fence is told to stand.
 * 3. What builds on a commit that is lost is lost with it, though it came before anybody could hear so.
 */
import type { MessagePort } from 'node:worker_threads'
import { builtOnLost, type Change, StoreFull } from '../adapters.js'
import type { SqliteStore } from './sqlite-store.js'
import { carryFailure, type StoreAnswer, type StoreOrder, type StoreQuestion } from './store-messages.js'

type Port = Pick<MessagePort, 'postMessage'>

/** Asked to be committed, and by whom. */
interface Commit {
  readonly port: Port
  readonly n: number
  readonly changes: readonly Change[]
  /** The number of its chain, if it is in one. The chains of a connection follow each other. */
  readonly chain: number | undefined
}

export class StoreService {
  readonly #connections = new Map<number, MessagePort>()
  #commits: Commit[] = []
  /** Of each connection the last chain that is broken. */
  readonly #broken = new Map<Port, number>()

  constructor(private readonly store: SqliteStore) {}

  order(owner: MessagePort, said: StoreOrder | StoreQuestion): void {
    if (!('order' in said)) this.ask(owner, said)
    else if (said.order === 'connect') {
      this.#connections.set(said.connection, said.port)
      said.port.on('message', (question: StoreQuestion) => this.ask(said.port, question))
    } else if (said.order === 'fence') {
      const port = this.#connections.get(said.connection)
      this.#connections.delete(said.connection)
      this.#commits = this.#commits.filter((commit) => commit.port !== port) // 2
      if (port !== undefined) this.#broken.delete(port)
      port?.close()
      answer(owner, { n: said.n, value: undefined })
    } else this.#close(owner, said.n)
  }

  #close(owner: MessagePort, n: number): void {
    this.#commitAll()
    this.store.close()
    answer(owner, { n, value: undefined })
    for (const port of this.#connections.values()) port.close()
    owner.close()
  }

  ask(port: Port, { n, what, args }: StoreQuestion): void {
    if (what !== 'commit') {
      // It sees what was said before it.
      this.#commitAll()
      tell(port, n, () => (this.store[what] as (...args: readonly unknown[]) => unknown)(...args))
      return
    }
    const [changes, chain] = args as readonly [readonly Change[], number | undefined]
    const commit = { port, n, changes, chain }
    if (this.#isBroken(commit)) this.#refuse(commit, builtOnLost())
    else if (this.#commits.push(commit) === 1) setImmediate(() => this.#commitAll())
  }

  #commitAll(): void {
    if (this.#commits.length > 0) this.#commit(this.#commits.splice(0))
  }

  #commit(commits: readonly Commit[]): void {
    try {
      const numbers = this.store.commit(commits.flatMap(({ changes }) => changes)) // 1
      let told = 0
      for (const { port, n, changes } of commits) {
        // Most commits come alone, and need not be looked through.
        const own = commits.length === 1 ? numbers.length : changes.filter(({ kind }) => NUMBERED.has(kind)).length
        answer(port, { n, value: numbers.slice(told, told + own) })
        told += own
      }
    } catch (error) {
      if (commits.length > 1 && error instanceof StoreFull) this.#commitEach(commits)
      else for (const commit of commits) this.#refuse(commit, error)
    }
  }

  /** There may be room for some of them. */
  #commitEach(commits: readonly Commit[]): void {
    for (const commit of commits) {
      if (this.#isBroken(commit)) this.#refuse(commit, builtOnLost())
      else this.#commit([commit])
    }
  }

  /** One before it in its chain is lost, or its chain was followed by one that is broken. */
  #isBroken({ port, chain }: Commit): boolean {
    return chain !== undefined && chain <= this.#brokenOf(port)
  }

  #brokenOf(port: Port): number {
    return this.#broken.get(port) ?? 0
  }

  #refuse({ port, n, chain }: Commit, error: unknown): void {
    if (chain !== undefined && error instanceof StoreFull) {
      this.#broken.set(port, Math.max(chain, this.#brokenOf(port))) // 3
    }
    answer(port, { n, failure: carryFailure(error) })
  }
}

const NUMBERED: ReadonlySet<Change['kind']> = new Set(['cast', 'letterReplayed'])

function tell(port: Port, n: number, work: () => unknown): void {
  try {
    answer(port, { n, value: work() })
  } catch (error) {
    answer(port, { n, failure: carryFailure(error) })
  }
}

export const answer = (port: Port, said: StoreAnswer) => port.postMessage(said)
