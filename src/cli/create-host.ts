/** Where the servers of the program run: in its own thread, or in others beside it. */
import type { Reload } from '../http/reload.js'
import type { Host, Logger, Runtime } from '../index.js'
import { findImplementations } from '../loading/find-implementations.js'
import { createRuntimeOf, loadImplementations } from '../loading/load-implementations.js'
import { reloadImplementation } from '../loading/reload.js'
import type { ImplementationFiles } from '../loading/watch.js'
import { type OpenedStore, openStore } from '../stores/open-store.js'
import { hasStore } from '../stores/store-file.js'
import { createThreadHost } from '../threads/host/create-thread-host.js'
import type { Settings } from './settings.js'

export interface Hosted {
  readonly host: Host
  /** @throws {LoadError} beside what `Reload` throws. */
  readonly reload: Reload
  readonly implementations: ImplementationFiles
  /** Of its durable servers, if there can be any. */
  store(): OpenedStore | undefined
  /** To be called when the host is closed. */
  closeStore(): Promise<void>
}

/**
 * With the servers that are kept, but for supervisors that are `declared` and will be started. A store is opened only where there is an implementation whose servers are.
 * @throws {LoadError} · {StoreNotOpened} · {NotRestored}
 */
export async function createHost(
  settings: Settings,
  logger: Logger,
  storeFailed: (error: Error) => void,
  declared: Iterable<string>,
): Promise<Hosted> {
  const { maxQueued, maxQueuedBytes, maxRestarts, maxSeconds, maxStateBytes, maxAttempts, rememberExits, idle } =
    settings
  const bounds = {
    ...{ maxQueued, maxQueuedBytes, maxRestarts, maxSeconds },
    ...{ maxStateBytes, maxAttempts, rememberExits, idle },
  }
  const { threads, handlerLimit, threadHeap, data, implementations: directories } = settings
  if (threads === 0) {
    const implementations = await loadImplementations(directories)
    const isAnyDurable = [...implementations.values()].some(({ definition }) => definition.durable)
    const store = isAnyDurable || hasStore(data) ? await openStore(data) : undefined
    const closeStore = async () => store?.close()
    try {
      const kept = store === undefined ? {} : { store: store.client, storeFailed }
      const host = createRuntimeOf(implementations, { logger, ...bounds, ...kept })
      await restore(host, logger, declared)
      const reload: Reload = (name, options) => reloadImplementation(host, implementations, name, options)
      return { host, reload, implementations, store: () => store, closeStore }
    } catch (error) {
      await closeStore()
      throw error
    }
  }
  const files = await findImplementations(directories)
  const limits = { bounds, handlerLimit, threadHeap }
  const host = await createThreadHost({ threads, directories, logger, ...limits, data, storeFailed, declared })
  const implementations = new Map([...files].map(([name, file]) => [name, { file }]))
  // The host closes its store itself.
  const closeStore = async () => {}
  const reload: Reload = (name, options) => host.reload(name, options)
  return { host, reload, implementations, store: () => host.store, closeStore }
}

async function restore(host: Runtime, logger: Logger, except: Iterable<string>): Promise<void> {
  const restored = await host.restore({ except })
  if (restored > 0) logger.info({ servers: restored }, 'durable servers are back')
}
