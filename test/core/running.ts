/**
 * A runtime under test: its time is moved by hand, what it logs is kept, and when the test has ended nothing may be left
 * over. Every test calls `close`, which closes the runtime and looks.
 */
import {
  type AnyDefinition,
  type Clock,
  createRuntime,
  type GenServerError,
  type Logger,
  type Runtime,
  type RuntimeOptions,
} from 'genservers'
import { createSimulatedClock, type SimulatedClock } from 'genservers/testing'
import type { Test } from 'tap'

export interface Logged {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Record<string, unknown>
  readonly message: string
}

export interface Running {
  readonly runtime: Runtime
  readonly clock: SimulatedClock
  readonly logged: Logged[]
  /** What was logged as an error. */
  reports(): Logged[]
  /** Closes the runtime and holds it to leaving nothing behind. */
  close(): Promise<void>
}

type Implementations = Readonly<Record<string, AnyDefinition>>

export function running(
  t: Test,
  implementations: Implementations | ((clock: Clock) => Implementations),
  options: Omit<RuntimeOptions, 'implementations' | 'clock' | 'logger'> = {},
): Running {
  const clock = createSimulatedClock()
  const logged: Logged[] = []
  const runtime = createRuntime({
    ...options,
    implementations: typeof implementations === 'function' ? implementations(clock) : implementations,
    clock,
    logger: logInto(logged),
  })
  return {
    runtime,
    clock,
    logged,
    reports: () => logged.filter(({ level }) => level === 'error'),
    async close() {
      const closed = observe(runtime.close({ timeout: 60_000 }))
      for (let seconds = 0; seconds < 120 && closed.outcome === 'pending'; seconds++) await clock.advance(1000)
      t.equal(closed.outcome, 'resolved', 'the runtime closes')
      t.same(runtime.list().servers, [], 'no server is left')
      t.equal(clock.pending, 0, 'no timer is left')
      t.same([runtime.queued, runtime.queuedBytes], [0, 0], 'no place in a mailbox is left taken')
    },
  }
}

export function logInto(logged: Logged[], bound: object = {}): Logger {
  const at = (level: Logged['level']) => (fields: object, message?: string) =>
    void logged.push({ level, fields: { ...bound, ...fields }, message: message ?? '' })
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => logInto(logged, { ...bound, ...fields }),
  }
}

/** A promise that is watched: `outcome` says at any moment what has become of it. */
export interface Observed<T> {
  readonly outcome: 'pending' | 'resolved' | 'rejected'
  readonly value: T | undefined
  readonly error: GenServerError | undefined
  readonly promise: Promise<T>
}

export function observe<T>(promise: Promise<T>): Observed<T> {
  const observed = {
    promise,
    outcome: 'pending' as Observed<T>['outcome'],
    value: undefined as T | undefined,
    error: undefined as GenServerError | undefined,
  }
  promise.then(
    (value) => Object.assign(observed, { outcome: 'resolved', value }),
    (error) => Object.assign(observed, { outcome: 'rejected', error }),
  )
  return observed
}

/** Resolves when `ms` milliseconds of the clock have passed: slow work of a handler. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(ms, resolve))
}

/** A promise that a test settles by hand. */
export function latch<T = void>(): { readonly promise: Promise<T>; open(value: T): void; fail(error: Error): void } {
  let open: (value: T) => void = () => {}
  let fail: (error: Error) => void = () => {}
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { promise, open: (value) => open(value), fail: (error) => fail(error) }
}
