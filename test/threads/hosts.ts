/** The same servers in this thread, in one other, or in several. Time is real here, since it passes for each thread by itself. */
import { fileURLToPath } from 'node:url'
import type { Host } from 'genservers'
import type { Test } from 'tap'
import { createRuntimeOf, loadImplementations } from '../../src/loading/load-implementations.js'
import { createThreadHost, type ThreadHostOptions } from '../../src/threads/host/create-thread-host.js'
import { type Logged, logInto } from '../core/running.js'

const directories = [fileURLToPath(new URL('./implementations', import.meta.url))]

/** Without what the test runner has Node load: a thread needs none of it, and each would take a second for that. */
export const limits = { handlerLimit: 10_000, threadHeap: 0, execArgv: ['--enable-source-maps'] }

export const bounds = {
  maxRestarts: 3,
  maxSeconds: 60,
  maxQueued: 100_000,
  maxQueuedBytes: 2 ** 28,
  maxStateBytes: 256 * 1024,
  maxAttempts: 5,
  rememberExits: 600_000,
  idle: 300_000,
}

export interface Hosted {
  readonly host: Host
  readonly logged: Logged[]
  /** Starts an actor with the id. */
  readonly start: (id: string, args?: object, options?: object) => Promise<unknown>
  readonly call: (id: string, message: string, args?: object, options?: object) => Promise<unknown>
}

type Options = Partial<Omit<ThreadHostOptions, 'threads' | 'directories' | 'logger'>>

export async function openHost(t: Test, threads: number, options: Options = {}): Promise<Hosted> {
  const logged: Logged[] = []
  const logger = logInto(logged)
  const host: Host =
    threads === 0
      ? createRuntimeOf(await loadImplementations(directories), { logger, ...bounds })
      : await createThreadHost({
          ...{ threads, directories, logger, bounds, ...limits },
          ...options,
        })
  t.teardown(() => host.close({ timeout: 100 }))
  return {
    host,
    logged,
    start: (id, args = {}, options = {}) => host.start('actor', args, { id, ...options }),
    // A thread may have to be begun before it is answered, and a machine may be slow.
    call: (id, message, args, options) => host.sendRequest(id, message, args, { timeout: 30_000, ...options }).response,
  }
}

/** Waits until `look` gives something true, and gives that; the test's own timeout ends it otherwise. */
export async function eventually<T>(look: () => T | Promise<T>): Promise<T> {
  for (;;) {
    const seen = await look()
    if (seen) return seen
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}
