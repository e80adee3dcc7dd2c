/**
 * Port: keeps what durable servers must not lose. The gate (`server/gate.ts`) lets nothing of a turn out before the
 * store has kept what the turn changed.
 */

/** What one turn changed. */
export interface Change {
  readonly id: string
  readonly revision: number
  readonly state: unknown
}

export interface Store {
  /** Whether what is committed survives the process. Implementations with `durable: true` need that. */
  readonly durable: boolean
  /** `undefined`: it is kept already. Otherwise it is kept when the promise resolves, and not if it rejects. */
  commit(change: Change): Promise<void> | undefined
}

/** Keeps nothing beyond the servers themselves. */
export const memoryStore: Store = {
  durable: false,
  commit: () => undefined,
}
