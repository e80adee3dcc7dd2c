/** What has befallen a server since it was started. Most share one past, in which nothing has. */
import type { Reason } from '../kernel/reason.js'

export interface Past {
  readonly restarts: number
  readonly crashes: number
  /** When it was restarted of late, on a clock that stands still while it is away. */
  readonly restartTimes: readonly number[]
  /** Why its last life ended, or why it could not begin another, and when (milliseconds since the epoch). */
  readonly lastExit: { readonly reason: Reason; readonly at: number } | undefined
}

/** What goes on counting where the server is brought back on another node. */
export interface Lived extends Pick<Past, 'restarts' | 'crashes' | 'lastExit'> {
  /** When it was first started: milliseconds since the epoch. */
  readonly startedAt: number
}

export const NOTHING_YET: Past = Object.freeze({
  restarts: 0,
  crashes: 0,
  restartTimes: Object.freeze([]),
  lastExit: undefined,
})
