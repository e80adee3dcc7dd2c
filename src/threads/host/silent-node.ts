/** What can be said of the servers of a node that does not come back, or is not there yet: as much as the gateway knows itself. */
import { pageSize } from '../../adapters.js'
import type { GenServerError, ListOptions, ServerCount, ServerInfo, ServerPage } from '../../index.js'
import { carry } from '../wire/carried-failure.js'
import type { CarriedReplies, CarriedSent } from '../wire/carried-groups.js'
import type { Activity } from './activity.js'
import type { Place } from './place.js'

export function silentInfo(place: Place, version: number, taken: Activity | undefined, now: number): ServerInfo {
  const { id, implementation, node, terms, incarnation, revision, restarts, crashes, lastExit, supervisor } = place
  const isAtWork = taken?.server === id
  return {
    id,
    node: node.name,
    implementation,
    version,
    status: statusOf(place),
    incarnation,
    revision,
    startedAt: new Date(place.startedAt ?? node.startedAt).toISOString(),
    restarts,
    attempts: 0,
    restart: terms?.restart ?? 'transient',
    restartFrom: terms?.restartFrom ?? 'state',
    supervisor: supervisor ?? null,
    labels: terms?.labels ?? [],
    mailbox: { length: node.waitingFor(id), limit: terms?.mailbox ?? 0, oldestAge: 0 },
    handled: 0,
    replies: 0,
    crashes,
    current: isAtWork
      ? { kind: taken.kind, message: taken.message, runningFor: Math.max(0, Math.round(now - taken.since)) }
      : null,
    lastExit: lastExit ? { reason: lastExit.reason, at: new Date(lastExit.at).toISOString() } : null,
  }
}

function statusOf({ hasBegun, node }: Place): ServerInfo['status'] {
  if (!hasBegun) return 'starting'
  return node.isReady ? 'running' : 'restarting'
}

/** A page of the servers whose places these are. */
export function silentPage(
  places: readonly Place[],
  { after = '', implementation, label, status, limit: wanted }: ListOptions,
  infoOf: (place: Place) => ServerInfo,
): ServerPage {
  const limit = pageSize(wanted)
  const fitting = places.filter(
    (place) =>
      place.id > after &&
      (implementation === undefined || place.implementation === implementation) &&
      (label === undefined || place.terms?.labels.includes(label) === true) &&
      (status === undefined || statusOf(place) === status),
  )
  const page = fitting.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit)
  const servers = page.map(infoOf)
  return fitting.length > limit ? { servers, next: page.at(-1)?.id as string } : { servers }
}

export function silentCounts(places: readonly Place[]): ServerCount[] {
  return places.map((place) => ({ implementation: place.implementation, status: statusOf(place), count: 1 }))
}

/** What stands for the answer of a node to a message for a group. */
export function silentGroup(
  members: Iterable<Place>,
  failureOf: (id: string) => GenServerError,
): CarriedReplies & CarriedSent {
  const failures = [...members].map(({ id }) => {
    const error = failureOf(id)
    return { id, code: error.code, error: carry(error) }
  })
  return { sent: 0, replies: [], failures }
}
