/** What may be said of one server when it is started; a definition gives the defaults for its servers. */
import type { RestartBudget } from './restart-budget.js'

/**
 * Which ends are followed by a restart (OTP: restart type). `permanent`: all but an ordered stop from outside;
 * `transient`: crashes; `temporary`: none.
 */
export type Restart = 'permanent' | 'transient' | 'temporary'

/**
 * What a restarted server begins with: its last good `state` and timers, or a fresh `init` with the args it was started
 * with (OTP always does the latter).
 */
export type RestartFrom = 'state' | 'init'

export interface ServerOptions {
  /** Default `transient`. */
  readonly restart?: Restart | undefined
  /** Default `state`. */
  readonly restartFrom?: RestartFrom | undefined
  /** How many milliseconds `terminate` may take when the runtime closes; then the server is killed. Default 5000. */
  readonly shutdown?: number | undefined
  /** How many messages may wait; further ones are refused with `mailbox_full`. Default 1000. */
  readonly mailbox?: number | undefined
}

export interface StartOptions extends ServerOptions {
  /** The name to register: 1 to 128 of `A-Z a-z 0-9 . _ ~ : -`, not `.` or `..`. Without it one is made. */
  readonly id?: string | undefined
  /** Milliseconds that `init` may take, or `Infinity`. Default 5000. */
  readonly timeout?: number | undefined
}

/** What was settled for one server when it was started. */
export interface Terms {
  readonly restart: Restart
  readonly restartFrom: RestartFrom
  readonly shutdown: number
  readonly mailbox: number
  readonly budget: RestartBudget
}
