/**
 * What a process has of a store on disk until it is killed, at a point of a commit. Nothing is told to it then, and what its files have
 * at that moment is what a kill leaves.
 */
import { mkdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Test } from 'tap'
import { type Change, type KeptAnswer, StoreFailed } from '../../src/adapters.js'
import { SqliteStore } from '../../src/stores/sqlite-store.js'
import { StoreClient } from '../../src/stores/store-client.js'
import { STORE_FILE } from '../../src/stores/store-file.js'
import type { StoreAnswer, StoreQuestion } from '../../src/stores/store-messages.js'
import { copyFiles } from '../disk/killed-store.js'

export const killPoints = ['before it is written', 'before all of it is written', 'before it is told'] as const

export interface Kill {
  readonly point: (typeof killPoints)[number]
  /** In a commit that has such a change. */
  readonly kind: Change['kind']
  /** Where the next process finds what is left. */
  readonly left: string
}

export class MortalStore extends StoreClient {
  #kill: Kill | undefined = undefined
  #died = () => {}
  #bury = (_error: Error) => {}
  /** It knows no answers: a fault on purpose. */
  isForgetful = false

  private constructor(
    port: MessagePort,
    private readonly file: string,
  ) {
    super(port)
  }

  static open(t: Test, directory: string): MortalStore {
    mkdirSync(directory, { recursive: true })
    const file = join(directory, STORE_FILE)
    const store = new SqliteStore(file)
    // A thread of its own would take long to start, and would do no more.
    const { port1, port2 } = new MessageChannel()
    port2.on('message', ({ n, what, args }: StoreQuestion) => {
      const value = (store[what] as (...args: readonly unknown[]) => unknown)(...args)
      port2.postMessage({ n, value } satisfies StoreAnswer)
    })
    t.teardown(() => {
      port2.close()
      store.close()
    })
    return new MortalStore(port1, file)
  }

  /** Resolves when the process is dead. */
  kill(kill: Kill): Promise<void> {
    this.#kill = kill
    return new Promise((resolve) => {
      this.#died = resolve
    })
  }

  /** Lets it end, so that nothing of it is left over. */
  bury(): void {
    const error = new StoreFailed('its process is dead')
    this.fail(error)
    this.#bury(error)
  }

  override async commit(changes: readonly Change[]): Promise<readonly number[]> {
    const kill = this.#kill
    if (kill === undefined || !changes.some(({ kind }) => kind === kill.kind)) return super.commit(changes)
    const { point, left } = kill
    if (point !== 'before it is written') await super.commit(changes)
    mkdirSync(left, { recursive: true })
    const file = join(left, STORE_FILE)
    copyFiles(this.file, file)
    // The last thing of a commit in a log is what makes it one.
    if (point === 'before all of it is written') truncateSync(`${file}-wal`, statSync(`${file}-wal`).size - 1)
    return new Promise((_resolve, reject) => {
      this.#bury = reject
      this.#died()
    })
  }

  override async answer(scope: string, key: string, now: number): Promise<KeptAnswer | undefined> {
    return this.isForgetful ? undefined : super.answer(scope, key, now)
  }
}
