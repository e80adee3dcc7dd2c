/** What may be said of one server when it is started; a definition gives the defaults for its servers. */
import type { InputError } from '../kernel/errors.js'
import type { AnswerKey } from '../kernel/kept.js'
import type { Bond } from './bond.js'

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
  /** Default `state`; `init` under a supervisor, unless the server is durable. */
  readonly restartFrom?: RestartFrom | undefined
  /** How many milliseconds an end may take that its supervisor orders, or the runtime when it closes; then the server is killed. Default 5000. */
  readonly shutdown?: number | undefined
  /** How many messages may wait; further ones are refused with `mailbox_full`. Default 1000. */
  readonly mailbox?: number | undefined
  /** After how many milliseconds without a message a durable server leaves memory, until the next one; or `Infinity`. Default 300000. */
  readonly idle?: number | undefined
}

export interface StartOptions extends ServerOptions {
  /** The name to register: 1 to 128 of `A-Z a-z 0-9 . _ ~ : -`, not `.` or `..`. Without it one is made. */
  readonly id?: string | undefined
  /** Milliseconds that `init` may take, or `Infinity`. Default 5000. */
  readonly timeout?: number | undefined
  /** The id of a supervisor, whose child it becomes. Without it the server stands alone. */
  readonly supervisor?: string | undefined
  /** The groups it is in (see `labels.ts`), for as long as it lives. Default none. */
  readonly labels?: readonly string[] | undefined
  /** That it was started is kept under this, with its state where it is durable and stands alone. */
  readonly key?: AnswerKey | undefined
}

/** What holds for one server: what was asked for when it was started, else what its definition says, else the defaults. */
export interface ServerTerms {
  readonly restart: Restart
  readonly restartFrom: RestartFrom
  readonly shutdown: number
  readonly mailbox: number
  /** Without it, what holds for all. */
  readonly idle?: number | undefined
  readonly labels: readonly string[]
  /** Of a durable child. */
  readonly bond?: Bond
}

const isOneOf =
  (...words: string[]) =>
  (value: unknown) =>
    words.includes(value as string)

const rules: Readonly<Record<keyof ServerOptions, readonly [(value: unknown) => boolean, expected: string]>> = {
  restart: [isOneOf('permanent', 'transient', 'temporary'), 'permanent, transient or temporary'],
  restartFrom: [isOneOf('state', 'init'), 'state or init'],
  shutdown: [(value) => typeof value === 'number' && value >= 0, 'milliseconds, 0 or more, or Infinity'],
  idle: [(value) => typeof value === 'number' && value > 0, 'milliseconds, more than 0, or Infinity'],
  mailbox: [(value) => Number.isInteger(value) && (value as number) >= 1, 'a positive integer'],
}

const options = Object.keys(rules) as (keyof ServerOptions)[]

/** What is wrong with the options that are given. */
export function faultsOfOptions(given: ServerOptions): InputError[] {
  const faults: InputError[] = []
  for (const option of options) {
    const value = given[option]
    const [holds, expected] = rules[option]
    if (value !== undefined && !holds(value)) faults.push({ path: `/${option}`, message: `Expected ${expected}` })
  }
  return faults
}
