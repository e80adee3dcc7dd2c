/** Everything of a host that goes on by itself. */
import type { CrashRecords, Deadlines } from '../../adapters.js'
import type { Clock, DefinitionData } from '../../index.js'
import type { KeptServers } from './kept-servers.js'
import type { Lives } from './lives.js'
import type { Places } from './places.js'
import type { Reloads } from './reloads.js'
import type { ThreadNode } from './thread-node.js'
import type { ThreadNodes } from './thread-nodes.js'
import type { Watchdog } from './watchdog.js'
import type { Watches } from './watches.js'

export interface Machinery {
  readonly clock: Clock
  readonly implementations: ReadonlyMap<string, DefinitionData>
  readonly places: Places
  readonly nodes: ThreadNodes
  readonly kept: KeptServers
  readonly lives: Lives
  readonly crashes: CrashRecords
  readonly watches: Watches
  readonly watchdog: Watchdog
  readonly deadlines: Deadlines
  readonly reloads: Reloads
  /** Loads an implementation for trial, in a thread of nobody, for at most so many milliseconds. @throws as `tryFile` */
  tryFile(implementation: string, timeout: number): Promise<void>
  /** The thread is to be given up now. */
  replace(node: ThreadNode): void
  end(timeout: number): Promise<void>
}
