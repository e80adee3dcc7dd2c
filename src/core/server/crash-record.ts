/**
 * Makes the record of a crash. It is made of what is there when something has crashed and at no other time, but for the
 * log of the last messages; and it never fails, whatever was thrown.
 */

import type { AnyDefinition } from '../definition/definition.js'
import type { Status } from '../definition/info.js'
import type { Clock } from '../kernel/clock.js'
import type { CrashRecord, CrashRecords } from '../kernel/crash-records.js'
import type { Json } from '../kernel/json.js'
import type { Logger } from '../kernel/logger.js'
import type { Origin } from '../kernel/queued.js'
import { cutText, type Reason } from '../kernel/reason.js'
import type { WorkLog } from '../kernel/work-log.js'
import { type ShownState, showValue } from './shown.js'

/** In characters. */
const MOST_REASON = 1024
const MOST_STACK = 4096
const MOST_NAME = 128

/** The server that has crashed. */
export interface Crashed {
  readonly id: string
  readonly incarnation: number
  readonly revision: number
  readonly status: Status
  readonly protocol: { readonly name: string; readonly definition: AnyDefinition }
  readonly committed: object
  /** What it was started with. */
  readonly args: Json
  /** What is being handled. */
  readonly current: { readonly kind: string; readonly args?: Json } | undefined
  /** Counts it, and tells it to whoever looks. */
  crashed(message: string, reason: Reason): void
  readonly node: {
    readonly logger: Logger
    readonly clock: Clock
    readonly crashes: CrashRecords
    readonly workLog: WorkLog
  }
}

export interface Crash {
  readonly reason: { readonly error: string }
  /** What was thrown, with its stack. */
  readonly thrown: unknown
  /** The message that was being handled. */
  readonly message: string
  readonly origin?: Origin | undefined
}

export function crashRecord(
  server: Crashed,
  { reason, thrown, message, origin }: Crash,
  shown: ShownState,
): CrashRecord {
  const { incarnation, revision, status, protocol, current, node } = server
  const { clock } = node
  const isLive = status === 'running'
  const isInit = !isLive && message === 'init'
  // `init` and `terminate` run where no message is taken, or instead of one that was.
  const args = isLive ? current?.args : isInit ? server.args : undefined
  return {
    at: new Date(clock.now()).toISOString(),
    incarnation,
    revision,
    kind: (isLive && current?.kind) || message,
    message: cutText(message, MOST_NAME),
    args: args === undefined ? null : showValue(protocol, args),
    reason: { error: cutText(reason.error, MOST_REASON) },
    stack: stackOf(thrown),
    ...(isInit ? { state: null } : shown),
    ...(origin?.requestId !== undefined && { requestId: origin.requestId }),
    log: node.workLog.of(server.id, clock.now(), clock.monotonic()),
  }
}

/** An error may have a getter of its own for its stack, and that may throw too. */
function stackOf(thrown: unknown): string | null {
  try {
    return thrown instanceof Error && typeof thrown.stack === 'string' ? cutText(thrown.stack, MOST_STACK) : null
  } catch {
    return null
  }
}
