/** Where the servers of the program run: in its own thread, or in others beside it. */
import type { Reload } from '../http/reload.js'
import type { Host, Logger } from '../index.js'
import { createRuntimeOf, loadImplementations } from '../loading/load-implementations.js'
import { createThreadHost } from '../threads/create-thread-host.js'
import { reloadOnChange, reloadOnRequest } from './reloading.js'
import type { Settings } from './settings.js'

export interface Hosted {
  readonly host: Host
  readonly reload: Reload | undefined
  /** Reloads implementations when their files change. Returns how to stop that. */
  readonly watch: () => Promise<() => Promise<void>>
}

/** @throws {LoadError} */
export async function createHost(settings: Settings, logger: Logger): Promise<Hosted> {
  const { maxQueued, maxQueuedBytes, maxRestarts, maxSeconds, rememberExits } = settings
  const bounds = { maxQueued, maxQueuedBytes, maxRestarts, maxSeconds, rememberExits }
  const { threads, handlerLimit, threadHeap, implementations: directories } = settings
  if (threads > 0) {
    const host = await createThreadHost({ threads, directories, logger, bounds, handlerLimit, threadHeap })
    return { host, reload: undefined, watch: async () => async () => {} }
  }
  const implementations = await loadImplementations(directories)
  const runtime = createRuntimeOf(implementations, { logger, ...bounds })
  return {
    host: runtime,
    reload: reloadOnRequest(runtime, implementations),
    watch: () => reloadOnChange(runtime, implementations, logger),
  }
}
