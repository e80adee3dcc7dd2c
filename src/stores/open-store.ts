/** Opens the embedded store of a directory, which is its own from then on. */
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { StoreFailed } from '../adapters.js'
import { Backups } from './backups.js'
import { StoreClient } from './store-client.js'
import { STORE_FILE } from './store-file.js'
import { type StoreAnswer, type StoreOrder, type StoreThreadData, uncarryFailure } from './store-messages.js'
import { StoreNotOpened } from './store-not-opened.js'

/** By which another thread reaches the store. */
export interface StoreConnection {
  /** For the other thread, which makes a `StoreClient` of it. */
  readonly port: MessagePort
  /**
   * When it resolves, nothing that was said by this connection is committed any more; and whoever connects after it was asked for
   * sees all that was.
   */
  fence(): Promise<void>
}

export interface OpenedStore {
  readonly client: StoreClient
  readonly backups: Backups
  connect(): StoreConnection
  /** What was said is kept, and then the file is free. */
  close(): Promise<void>
}

/** @throws {StoreNotOpened} */
export async function openStore(
  directory: string,
  options: { readonly execArgv?: readonly string[] } = {},
): Promise<OpenedStore> {
  const refuse = (error: unknown) => new StoreNotOpened(directory, error as Error)
  try {
    // What is in it are whole states.
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw refuse(error)
  }
  const file = join(directory, STORE_FILE)
  const worker = new Worker(new URL('./store-thread.js', import.meta.url), {
    name: 'genservers store',
    workerData: { file } satisfies StoreThreadData,
    ...(options.execArgv !== undefined && { execArgv: [...options.execArgv] }),
  })
  let said: StoreAnswer
  try {
    ;[said] = (await once(worker, 'message')) as [StoreAnswer]
  } catch (error) {
    throw refuse(error)
  }
  if ('failure' in said) {
    await worker.terminate()
    throw refuse(uncarryFailure(said.failure))
  }
  const client = new StoreClient(worker)
  worker.on('error', (error) => client.fail(new StoreFailed(error.message)))
  const backups = new Backups(client, file)
  try {
    await backups.begin()
  } catch (error) {
    await worker.terminate()
    throw refuse(error)
  }
  let connections = 0
  let isClosed = false
  worker.on('exit', () => {
    isClosed = true
  })
  return {
    client,
    backups,
    connect() {
      if (isClosed) throw new StoreFailed('the store is closed')
      const connection = ++connections
      const { port1, port2 } = new MessageChannel()
      worker.postMessage({ order: 'connect', connection, port: port1 } satisfies StoreOrder, [port1])
      return { port: port2, fence: () => client.ask((n) => ({ order: 'fence', n, connection }) satisfies StoreOrder) }
    },
    async close() {
      if (isClosed) return
      isClosed = true
      const exit = once(worker, 'exit')
      await client.ask((n) => ({ order: 'close', n }) satisfies StoreOrder).catch(() => worker.terminate())
      await exit
    },
  }
}
