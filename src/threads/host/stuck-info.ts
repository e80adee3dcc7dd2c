/** What can be said of a server whose node does not come back, or is not there yet: as much as the gateway knows itself. */
import type { ServerInfo } from '../../index.js'
import type { LastTaken } from '../wire/board.js'
import type { Place } from './place.js'

export function stuckInfo(place: Place, version: number, taken: LastTaken | undefined, now: number): ServerInfo {
  const { id, implementation, node, terms, incarnation, revision, restarts, lastExit, supervisor, hasBegun } = place
  const isAtWork = taken?.server === id
  return {
    id,
    node: node.name,
    implementation,
    version,
    status: hasBegun ? (node.isReady ? 'running' : 'restarting') : 'starting',
    incarnation,
    revision,
    startedAt: new Date(node.startedAt).toISOString(),
    restarts,
    attempts: 0,
    restart: terms?.restart ?? 'transient',
    restartFrom: terms?.restartFrom ?? 'state',
    supervisor: supervisor ?? null,
    labels: terms?.labels ?? [],
    mailbox: { length: node.waitingFor(id), limit: terms?.mailbox ?? 0, oldestAge: 0 },
    handled: 0,
    replies: 0,
    crashes: 0,
    current: isAtWork
      ? { kind: 'call', message: taken.message, runningFor: Math.max(0, Math.round(now - taken.since)) }
      : null,
    lastExit: lastExit ? { reason: lastExit.reason, at: new Date(lastExit.at).toISOString() } : null,
  }
}
