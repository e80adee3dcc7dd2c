/** Puts a runtime together from its ports; each has a version that needs nothing but memory. */

import { compileProtocol, type Protocol } from '../definition/protocol.js'
import { Backlog } from '../kernel/backlog.js'
import { systemClock } from '../kernel/clock.js'
import { Exits } from '../kernel/exits.js'
import { GroupCommit } from '../kernel/group-commit.js'
import { silentLogger } from '../kernel/logger.js'
import { ALONE, Node } from '../kernel/node.js'
import { MemoryRegistry, type Registry } from '../kernel/registry.js'
import { localTransport } from '../kernel/transport.js'
import { RootKeeper } from '../server/keeper.js'
import type { Server } from '../server/server.js'
import { defineSupervisor, SUPERVISOR } from '../supervisor/supervisor.js'
import { admit } from './admit.js'
import { defaultBounds } from './bounds.js'
import { Directory } from './directory.js'
import { LocalFamily } from './local-family.js'
import { LocalRuntime } from './local-runtime.js'
import { noNeighbours } from './neighbours.js'
import type { Runtime, RuntimeOptions } from './runtime.js'

/**
 * A runtime with the given implementations.
 *
 * @example
 * const runtime = createRuntime({ implementations: { counter } })
 * const { id } = await runtime.start('counter')
 * await runtime.call(id, 'increment', { by: 2 })
 * await runtime.close()
 * @throws {Error} if a definition contradicts itself.
 */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  // The overloads that type a call by its definition have no body: at run time there is one `call`.
  return createNode(options) as unknown as Runtime
}

/** The same, as those see it who carry what goes on between it and other nodes. */
export function createNode(options: RuntimeOptions): LocalRuntime {
  const { clock = systemClock, logger = silentLogger, store, transport = localTransport } = options
  const protocols = new Map<string, Protocol>()
  for (const [name, definition] of Object.entries(options.implementations ?? {})) {
    protocols.set(name, admit(name, definition, store !== undefined))
  }
  const { neighbours = noNeighbours } = options
  const bounds = boundsOf(options)
  const exits = options.exits ?? new Exits(clock, bounds.rememberExits)
  const directory = new Directory((options.registry ?? new MemoryRegistry()) as Registry<Server>, exits)
  const root = new RootKeeper(bounds)
  const family = new LocalFamily(directory, (...server) => runtime.makeClaimed(...server), neighbours, root, store)
  protocols.set(SUPERVISOR, compileProtocol(SUPERVISOR, defineSupervisor(family)))
  const losses = {
    lost: (ids: ReadonlySet<string>, error: Error) => runtime.lost(ids, error),
    failed: (error: Error) => options.storeFailed?.(error),
    stray: (error: unknown) => node.reportStray(error),
  }
  const node: Node = new Node({
    ...{ name: options.node ?? ALONE, clock, logger, transport },
    commits: store && new GroupCommit(store, losses),
    backlog: new Backlog(bounds.maxQueued, bounds.maxQueuedBytes),
    workLog: options.workLog,
    crashes: options.crashes,
    maxStateBytes: bounds.maxStateBytes,
    idle: bounds.idle,
    maxAttempts: bounds.maxAttempts,
  })
  const runtime: LocalRuntime = new LocalRuntime(
    node,
    protocols,
    directory,
    root,
    family,
    options.feeds ?? {},
    neighbours,
    store,
  )
  return runtime
}

type Bounds = { readonly [Name in keyof typeof defaultBounds]: number }

/** A program that is not typed may say `undefined`. */
function boundsOf(options: RuntimeOptions): Bounds {
  const names = Object.keys(defaultBounds) as (keyof Bounds)[]
  return Object.fromEntries(names.map((name) => [name, options[name] ?? defaultBounds[name]])) as Bounds
}
