/** Puts a host of threads together. */
import { Deadlines, Exits, RootKeeper } from '../../adapters.js'
import { type DefinitionData, type Logger, systemClock } from '../../index.js'
import { LoadError, NEVER_LOADED } from '../../loading/load-error.js'
import type { Ready } from '../wire/messages.js'
import type { Bounds } from '../wire/thread-data.js'
import { Lives } from './lives.js'
import { Places } from './places.js'
import { Recovery } from './recovery.js'
import { Reloads } from './reloads.js'
import { Router } from './router.js'
import { StandBy } from './stand-by.js'
import { ThreadHost } from './thread-host.js'
import type { ThreadNode } from './thread-node.js'
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
  /** Megabytes; 0 is Node's own bound. */
  readonly threadHeap: number
  /** Node's options for the threads. Default: those of this process. */
  readonly execArgv?: readonly string[]
}

/** A thread that ends again so soon after its begin is begun later and later. Milliseconds. */
const SOON = 2000
const FIRST_DELAY = 100
const LONGEST_DELAY = 10_000

/** What threads may take longer to close than they were given, before that is not waited for. Milliseconds. */
const BEYOND = 1000

/**
 * Resolves when all threads have loaded the implementations.
 * @throws {Error} what one of them said that could not.
 */
export async function createThreadHost(options: ThreadHostOptions): Promise<ThreadHost> {
  const { threads, directories, logger, bounds, handlerLimit, threadHeap, execArgv } = options
  const clock = systemClock
  const implementations = new Map<string, DefinitionData>()
  const exits = new Exits(clock, bounds.rememberExits)
  const places = new Places(exits)
  const lives = new Lives(clock, logger)
  const deadlines = new Deadlines(clock)
  const watches = new Watches(places, () => nodes.all)
  const reloads = new Reloads(
    () => nodes.all,
    (name, data) => {
      implementations.set(name, data)
      standBy.renew()
    },
  )
  const keeper = new RootKeeper({ maxRestarts: bounds.maxRestarts, maxSeconds: bounds.maxSeconds })
  /** Until all have begun: who waits for a node. */
  const beginnings = new Map<ThreadNode, (error: Error | undefined) => void>()
  const early = new Map<ThreadNode, number>()
  let isOver = false

  const router = new Router({
    places,
    nodes: () => nodes,
    lives,
    logger,
    attend: (call) => deadlines.add(call, clock.monotonic()),
    start: (...server) => host.start(...server),
    agree: (node, n) => reloads.agree(node, n),
    unfit: (node, why) => ended(node, why),
    ready(node: ThreadNode, said: Ready) {
      node.ready()
      for (const [name, data] of said.implementations) if (!implementations.has(name)) implementations.set(name, data)
      beginnings.get(node)?.(undefined)
      beginnings.delete(node)
    },
  })
  /** The thread of a node has ended, or is no use. */
  const ended = (node: ThreadNode, error: Error | undefined) => {
    const waiting = beginnings.get(node)
    beginnings.delete(node)
    if (waiting) waiting(error ?? new LoadError(directories.join(', '), NEVER_LOADED))
    else if (isOver) recovery.giveUp(node.giveUp())
    else replace(node, `the thread ${node.name} ended`, error)
  }
  const freed = ({ id, node }: { readonly id: string; readonly node: ThreadNode }) => {
    for (const other of nodes.all) {
      if (other !== node) other.channel.say({ kind: 'unnamed', id, exit: exits.get(id) })
    }
  }
  const recovery = new Recovery({
    places,
    lives,
    keeper,
    logger,
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    freed,
    lost(node, servers) {
      for (const other of nodes.all) if (other !== node) other.channel.say({ kind: 'lost', servers })
    },
  })

  /** Gives the thread up, and lets another one take its place. */
  const replace = (node: ThreadNode, why: string, err?: Error) => {
    const remains = node.giveUp()
    const { lastTaken } = remains
    logger.error(
      { node: node.name, server: lastTaken?.server, message: lastTaken?.message, ...(err && { err }) },
      `${why}: it is replaced`,
    )
    const at = clock.now()
    router.forget(node)
    introduce(node)
    node.restarts++
    const soon = at - node.startedAt < SOON ? (early.get(node) ?? 0) + 1 : 0
    early.set(node, soon)
    recovery.recover(node, remains)
    watches.moved(node, new Date(at).toISOString())
    const begin = () => {
      if (!isOver) node.begin(clock.now())
    }
    if (soon < 2) begin()
    else clock.setTimer(Math.min(FIRST_DELAY * 2 ** (soon - 2), LONGEST_DELAY), begin)
  }

  /** Tells a thread that is about to begin who is on the other nodes. */
  const introduce = (node: ThreadNode) => {
    const others = [...places.all()].filter((place) => place.node !== node && place.terms !== undefined)
    if (others.length === 0) return
    node.channel.say({ kind: 'named', servers: others.map(({ id, implementation }) => [id, implementation]) })
  }

  const share = shareOf(bounds, threads)
  const standBy = new StandBy(
    { data: { directories, bounds: share, beat: beatOf(handlerLimit) }, heap: threadHeap, execArgv },
    clock,
  )
  const nodes = new ThreadNodes(
    { threads, clock, introduce, standBy, maxQueued: share.maxQueued },
    {
      heard: (node, said) => router.hear(node, said),
      ended,
      dropped: (server, message, why) => logger.debug({ server, message }, `dropped: ${why.message}`),
      leaving: () => deadlines.enterLanes(),
    },
    implementations,
  )
  const watchdog = new Watchdog(clock, beatOf(handlerLimit), {
    get nodes() {
      return nodes.all.filter(({ isReady }) => isReady)
    },
    limitOf: (server) =>
      implementations.get(places.find(server ?? '')?.implementation ?? '')?.handlerLimit ?? handlerLimit,
    stuck: (node) => replace(node, `the thread ${node.name} does not come back`),
    suspect: () => standBy.prepare(),
  })
  /** Servers stop in order within `timeout`, which they may need twice; then their threads end, whatever they do. */
  const end = async (timeout: number) => {
    isOver = true
    const closing = Promise.allSettled(nodes.all.filter(({ isReady }) => isReady).map((node) => node.close(timeout)))
    const late = new Promise<void>((resolve) => {
      const timer = clock.setTimer(2 * timeout + BEYOND, resolve)
      void closing.then(() => timer.cancel())
    })
    await Promise.race([closing, late])
    watchdog.stop()
    standBy.close()
    for (const node of nodes.all) recovery.giveUp(node.giveUp())
    await Promise.race([Promise.all(nodes.all.map(({ gone }) => gone)), late])
    deadlines.close()
  }
  const host = new ThreadHost({
    ...{ clock, implementations, places, nodes, lives, watches, watchdog, deadlines, reloads, end },
    replace: (node) => replace(node, `a server of the thread ${node.name} was killed that did not come back`),
  })

  nodes.begin()
  const begun = nodes.all.map(
    (node) =>
      new Promise<void>((resolve, reject) =>
        beginnings.set(node, (error) => (error === undefined ? resolve() : reject(error))),
      ),
  )
  try {
    await Promise.all(begun)
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
