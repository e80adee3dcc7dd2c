/** Puts a host of threads together. */
import { CrashRecords, Deadlines, Exits, RootKeeper } from '../../adapters.js'
import { type DefinitionData, type Logger, systemClock } from '../../index.js'
import { hasStore } from '../../stores/store-file.js'
import type { Bounds } from '../wire/thread-data.js'
import { tryFile } from './file-trial.js'
import { KeptServers } from './kept-servers.js'
import { Limits } from './limits.js'
import { Lives } from './lives.js'
import { Places } from './places.js'
import { Recovery } from './recovery.js'
import { Reloads } from './reloads.js'
import { Router } from './router.js'
import { StandBy } from './stand-by.js'
import { Succession } from './succession.js'
import { ThreadHost } from './thread-host.js'
import { ThreadNodes } from './thread-nodes.js'
import { Watchdog } from './watchdog.js'
import { Watches } from './watches.js'

export interface ThreadHostOptions {
  /** How many, beside those of implementations that are alone. */
  readonly threads: number
  /** Where the implementations are. */
  readonly directories: readonly string[]
  readonly logger: Logger
  readonly bounds: Bounds
  /** Milliseconds for which a callback may hold its thread. */
  readonly handlerLimit: number
  /** Milliseconds for which a thread that comes back may answer nobody; the limits of its handlers, where these are longer. Default 10,000. */
  readonly deafLimit?: number
  /** Milliseconds in which a thread must have loaded the implementations. Default 60,000. */
  readonly loadLimit?: number
  /** Megabytes; 0 is Node's own bound. */
  readonly threadHeap: number
  /** Node's options for the threads. Default: those of this process. */
  readonly execArgv?: readonly string[]
  /** Of what durable servers keep. Default `data`. */
  readonly data?: string
  /** Supervisors that are kept, and are started anew when the host is there. */
  readonly declared?: Iterable<string>
  /** Told once, when nothing is kept any more. */
  readonly storeFailed?: (error: Error) => void
}

/** What threads may take longer to close than they were given, before that is not waited for. Milliseconds. */
const BEYOND = 1000

/**
 * Resolves when all threads have loaded the implementations.
 * @throws {Error} what one of them said that could not.
 */
export async function createThreadHost(options: ThreadHostOptions): Promise<ThreadHost> {
  const {
    threads,
    directories,
    logger,
    bounds,
    handlerLimit,
    threadHeap,
    execArgv,
    data = 'data',
    deafLimit = 10_000,
    loadLimit = 60_000,
  } = options
  const clock = systemClock
  const beat = beatOf(handlerLimit)
  const share = shareOf(bounds, threads)
  const implementations = new Map<string, DefinitionData>()
  const places = new Places(new Exits(clock, bounds.rememberExits))
  const lives = new Lives(clock, logger)
  const crashes = new CrashRecords()
  const deadlines = new Deadlines(clock)
  const given = { directories, bounds: share, beat, hasStore: hasStore(data) }
  const standBy = new StandBy({ data: given, heap: threadHeap, execArgv }, clock)
  const allNodes = () => nodes.all
  const files = { directories, execArgv, clock }
  const watches = new Watches(places, allNodes)
  const reloads = new Reloads(
    allNodes,
    () => standBy.renew(),
    (name, data) => implementations.set(name, data),
    (node, error) => succession.replace(node, `the thread ${node.name} could not change over with the others`, error),
  )
  const router = new Router({
    ...{ places, lives, crashes, logger, nodes: allNodes },
    attend: (call) => deadlines.add(call, clock.monotonic()),
    start: (...server) => host.start(...server),
    agree: ({ asker: answer }, n) => reloads.agree({ answer, n }),
    unfit: (node, why) => succession.ended(node, why),
    needsStore: (node) => void kept.connect(node),
    storeHasFailed: (error) => options.storeFailed?.(error),
    ready(node, said) {
      node.ready()
      // Also where it is another node's: whoever comes later runs what is in the files by then.
      for (const [name, data] of said.implementations) implementations.set(name, data)
      succession.ready(node)
    },
  })
  const kept: KeptServers = new KeptServers({
    ...{ directory: data, places, implementations, logger, clock, execArgv, nodes: () => nodes },
    unfit: (node, why) => succession.ended(node, why),
  })
  const recovery = new Recovery({
    ...{ places, lives, crashes, logger, clock, kept, nodes: allNodes },
    keeper: new RootKeeper({ maxRestarts: bounds.maxRestarts, maxSeconds: bounds.maxSeconds }),
  })
  const succession = new Succession({
    ...{ clock, logger, directories, places, kept, recovery, router, watches },
    silenceOf: (node) => watchdog.silenceOf(node),
  })
  const nodes: ThreadNodes = new ThreadNodes(
    { threads, clock, standBy, most: share, introduce: (node) => succession.introduce(node) },
    {
      heard: (node, said) => router.hear(node, said),
      ended: (node, error) => succession.ended(node, error),
      dropped: (server, message, why) => logger.debug({ server, message }, `dropped: ${why.message}`),
      leaving: () => deadlines.enterLanes(),
    },
    implementations,
  )
  const limits = new Limits({ places, nodes, implementations, usual: handlerLimit })
  const watchdog: Watchdog = new Watchdog(clock, beat, {
    get nodes() {
      return nodes.all.filter(({ isReady, isBeginning }) => isReady || isBeginning)
    },
    deafLimit,
    loadLimit,
    limitOf: (node) => limits.of(node),
    stuck: (node, why) => succession.stuck(node, `the thread ${node.name} does not ${why}`),
    suspect: () => standBy.prepare(),
  })
  /** Waits for what is done, but no longer than so many milliseconds. */
  const within = async (ms: number, done: Promise<unknown>) => {
    const late = new Promise<void>((resolve) => {
      const timer = clock.setTimer(ms, resolve)
      void done.then(() => timer.cancel())
    })
    await Promise.race([done, late])
  }
  /** Servers stop in order within `timeout`, which they may need twice; then their threads end, whatever they do. */
  const end = async (timeout: number) => {
    succession.close()
    const closing = Promise.allSettled(nodes.all.filter(({ isReady }) => isReady).map((node) => node.close(timeout)))
    await within(2 * timeout + BEYOND, closing)
    watchdog.stop()
    standBy.close()
    for (const node of nodes.all) succession.giveUp(node)
    await within(BEYOND, Promise.all(nodes.all.map(({ gone }) => gone)))
    await kept.close()
    deadlines.close()
  }
  const host: ThreadHost = new ThreadHost({
    ...{ clock, implementations, places, nodes, kept, lives, crashes, watches, watchdog, deadlines, reloads, end },
    tryFile: (name, timeout) => tryFile(files, name, timeout),
    replace: (node) =>
      succession.replace(node, `a server of the thread ${node.name} was killed that did not come back`),
  })
  nodes.begin()
  try {
    await Promise.all(nodes.all.map((node) => succession.begun(node)))
    await kept.restore(options.declared ?? [])
  } catch (error) {
    await end(0)
    throw error
  }
  return host
}

/** What may wait in all mailboxes together is divided among the threads. */
function shareOf(bounds: Bounds, threads: number): Bounds {
  const part = (of: number) => Math.ceil(of / threads)
  return { ...bounds, maxQueued: part(bounds.maxQueued), maxQueuedBytes: part(bounds.maxQueuedBytes) }
}

/** Milliseconds between two signs of life, and between two looks for them. */
function beatOf(handlerLimit: number): number {
  return Math.max(5, Math.min(50, Math.floor(handlerLimit / 10)))
}
