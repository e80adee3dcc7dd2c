/** A store that is in another thread. */
import type { MessagePort, Worker } from 'node:worker_threads'
import {
  type Change,
  type CommitChain,
  type DeadLetter,
  type Found,
  type Kept,
  type KeptAnswer,
  type KeptBrief,
  type KeptExit,
  type KeptFamily,
  type KeptName,
  type KeptState,
  type KeptSupervisor,
  type PageOptions,
  type Search,
  StoreFailed,
} from '../adapters.js'
import type { Store } from '../index.js'
import { type StoreAnswer, type StoreMember, type StoreQuestion, uncarryFailure } from './store-messages.js'

interface Asker {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

export class StoreClient implements Store {
  readonly #askers = new Map<number, Asker>()
  readonly #open = new Set<Promise<unknown>>()
  readonly #chains = new WeakMap<CommitChain, number>()
  #count = 0
  #chained = 0
  #end: Error | undefined = undefined

  constructor(private readonly port: MessagePort | Worker) {
    port.on('message', (answer: StoreAnswer) => this.#answered(answer))
    const gone = () => this.fail(new StoreFailed('the thread of the store is gone'))
    port.on('close', gone)
    port.on('exit', gone)
  }

  commit(changes: readonly Change[], chain?: CommitChain): Promise<readonly number[]> {
    return this.#ask('commit', changes, chain && this.#numberOf(chain))
  }

  #numberOf(chain: CommitChain): number {
    const known = this.#chains.get(chain)
    if (known !== undefined) return known
    this.#chains.set(chain, ++this.#chained)
    return this.#chained
  }

  load(id: string): Promise<Kept | undefined> {
    return this.#ask('load', id)
  }

  briefs(ids: readonly string[]): Promise<KeptBrief[]> {
    return this.#ask('briefs', ids)
  }

  states(ids: readonly string[], most: number): Promise<KeptState[]> {
    return this.#ask('states', ids, most)
  }

  servers(options: PageOptions): Promise<KeptName[]> {
    return this.#ask('servers', options)
  }

  index(properties: ReadonlyMap<string, readonly string[]>): Promise<void> {
    return this.#ask('index', properties)
  }

  find(search: Search): Promise<Found> {
    return this.#ask('find', search)
  }

  supervisors(options: PageOptions): Promise<KeptSupervisor[]> {
    return this.#ask('supervisors', options)
  }

  family(supervisor: string): Promise<KeptFamily | undefined> {
    return this.#ask('family', supervisor)
  }

  exits(since: number, limit: number): Promise<KeptExit[]> {
    return this.#ask('exits', since, limit)
  }

  deadLetters(id: string, options: PageOptions): Promise<DeadLetter[]> {
    return this.#ask('deadLetters', id, options)
  }

  answer(scope: string, key: string, now: number): Promise<KeptAnswer | undefined> {
    return this.#ask('answer', scope, key, now)
  }

  sweep(exitsBefore: number, now: number): Promise<void> {
    return this.#ask('sweep', exitsBefore, now)
  }

  /** Writes all that is kept at one moment into a new file. */
  backup(file: string): Promise<void> {
    return this.#ask('backup', file)
  }

  /** What was given is kept, or lost, when this resolves. */
  async close(): Promise<void> {
    this.#end ??= new StoreFailed('the store is closed')
    await Promise.allSettled(this.#open)
    if ('close' in this.port) this.port.close()
  }

  /** Whoever waits hears `error`, and whoever comes. */
  fail(error: Error): void {
    this.#end ??= error
    for (const { reject } of this.#askers.values()) reject(this.#end)
    this.#askers.clear()
  }

  #ask<T>(what: StoreMember, ...args: readonly unknown[]): Promise<T> {
    return this.ask((n) => ({ n, what, args }) satisfies StoreQuestion)
  }

  /** The answer to the first question has the number 1. */
  ask<T>(make: (n: number) => object): Promise<T> {
    if (this.#end !== undefined) return Promise.reject(this.#end)
    const n = ++this.#count
    const asked = new Promise<T>((resolve, reject) => {
      this.#askers.set(n, { resolve, reject })
      this.port.postMessage(make(n))
    })
    this.#open.add(asked)
    const over = () => this.#open.delete(asked)
    asked.then(over, over)
    return asked
  }

  #answered(answer: StoreAnswer): void {
    const asker = this.#askers.get(answer.n)
    this.#askers.delete(answer.n)
    if ('failure' in answer) asker?.reject(uncarryFailure(answer.failure))
    else asker?.resolve(answer.value as never)
  }
}
