/**
 * The program of the thread of a store, which runs no user code: nobody can hold it up or end it.
 *
 * 1. What several have asked to be committed is committed as one, so that they share a flush.
 * 2. What a connection has said that is fenced off is not committed any more once the fence is told to stand.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type Change, StoreFull } from '../adapters.js'
import { SqliteStore } from './sqlite-store.js'
import {
  carryFailure,
  type StoreAnswer,
  type StoreOrder,
  type StoreQuestion,
  type StoreThreadData,
} from './store-messages.js'

type Port = Pick<MessagePort, 'postMessage'>

/** Asked to be committed, and by whom. */
interface Commit {
  readonly port: Port
  readonly n: number
  readonly changes: readonly Change[]
}

class StoreService {
  readonly #connections = new Map<number, MessagePort>()
  #commits: Commit[] = []

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
    if (this.#commits.length === 0) setImmediate(() => this.#commitAll())
    this.#commits.push({ port, n, changes: args[0] as readonly Change[] })
  }

  #commitAll(): void {
    const commits = this.#commits
    if (commits.length === 0) return
    this.#commits = []
    try {
      const numbers = this.store.commit(commits.flatMap(({ changes }) => changes)) // 1
      let told = 0
      for (const { port, n, changes } of commits) {
        const own = commits.length === 1 ? numbers.length : changes.filter(({ kind }) => NUMBERED.has(kind)).length
        answer(port, { n, value: numbers.slice(told, told + own) })
        told += own
      }
    } catch (error) {
      if (commits.length > 1 && error instanceof StoreFull) this.#commitEach(commits)
      else for (const { port, n } of commits) answer(port, { n, failure: carryFailure(error) })
    }
  }

  /** There may be room for some of them. */
  #commitEach(commits: readonly Commit[]): void {
    for (const { port, n, changes } of commits) tell(port, n, () => this.store.commit(changes))
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

const answer = (port: Port, said: StoreAnswer) => port.postMessage(said)

const owner = parentPort as MessagePort
const { file } = workerData as StoreThreadData
try {
  const service = new StoreService(new SqliteStore(file))
  owner.on('message', (said: StoreOrder | StoreQuestion) => service.order(owner, said))
  answer(owner, { n: 0, value: undefined })
} catch (error) {
  answer(owner, { n: 0, failure: carryFailure(error) })
}
