/** Servers as they are kept, for tests of stores. */
import type { Change, KeptChild, KeptServer, KeptSupervisor } from '../../src/adapters.js'

export const kept = (id: string, more: Partial<KeptServer> = {}): KeptServer => ({
  ...{ id, implementation: 'counter', version: 1, args: '{}', terms: '{}', supervisor: null, startedAt: 7 },
  ...{ incarnation: 1, restarts: 0, revision: 1, state: '{"n":0}', ...more },
})

export const server = (id: string, more: Partial<KeptServer> = {}): Change => ({
  kind: 'server',
  server: kept(id, more),
})

export const supervisor = (id: string, more: Partial<KeptSupervisor> = {}): Change => ({
  kind: 'supervisor',
  supervisor: {
    ...{ id, args: '{}', flags: '{"maxRestarts":1}', terms: '{}', supervisor: null, startedAt: 7, incarnation: 1 },
    ...more,
  },
})

export const child = (of: string, id: string, place: number, more: Partial<KeptChild> = {}): Change => ({
  kind: 'child',
  supervisor: of,
  child: { id, place, spec: '{}', terms: '{}', isDynamic: false, isStopped: false, ...more },
})
