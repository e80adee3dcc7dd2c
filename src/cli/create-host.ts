/** Where the servers of the program run: in its own thread, or in others beside it. */
import type { Reload } from '../http/reload.js'
import type { Host, Logger } from '../index.js'
import { findImplementations } from '../loading/find-implementations.js'
import { createRuntimeOf, loadImplementations } from '../loading/load-implementations.js'
import { reloadImplementation } from '../loading/reload.js'
import type { ImplementationFiles } from '../loading/watch.js'
import { createThreadHost } from '../threads/host/create-thread-host.js'
import type { Settings } from './settings.js'

export interface Hosted {
  readonly host: Host
  /** @throws {LoadError} beside what `Reload` throws. */
  readonly reload: Reload
  readonly implementations: ImplementationFiles
}

/** @throws {LoadError} */
export async function createHost(settings: Settings, logger: Logger): Promise<Hosted> {
  const { maxQueued, maxQueuedBytes, maxRestarts, maxSeconds, rememberExits } = settings
  const bounds = { maxQueued, maxQueuedBytes, maxRestarts, maxSeconds, rememberExits }
  const { threads, handlerLimit, threadHeap, implementations: directories } = settings
  if (threads === 0) {
    const implementations = await loadImplementations(directories)
    const host = createRuntimeOf(implementations, { logger, ...bounds })
    const reload: Reload = (name, options) => reloadImplementation(host, implementations, name, options)
    return { host, reload, implementations }
  }
  const files = await findImplementations(directories)
  const host = await createThreadHost({ threads, directories, logger, bounds, handlerLimit, threadHeap })
  const implementations = new Map([...files].map(([name, file]) => [name, { file }]))
  return { host, reload: (name, options) => host.reload(name, options), implementations }
}
