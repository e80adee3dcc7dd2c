/**
 * Port: keeps what durable servers must not lose. It is asked for their states only: the first one, which `init` gave,
 * and each that a turn has changed. Nothing of that is told to anybody before the store has kept it.
 */

/** What one turn, or `init`, changed. */
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
