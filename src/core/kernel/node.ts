/** A node: what the processes of one runtime share. One thread or OS process runs one node. */
import type { Backlog } from './backlog.js'
import type { Clock } from './clock.js'
import { CrashRecords } from './crash-records.js'
import { Deadlines } from './deadlines.js'
import type { GroupCommit } from './group-commit.js'
import { IdMaker } from './id-maker.js'
import { type Logger, logError } from './logger.js'
import { Scheduler } from './scheduler.js'
import type { Transport } from './transport.js'
import { WorkLog } from './work-log.js'

/** The name of a node that has no neighbours. */
export const ALONE = 'main'

type Given =
  | 'name'
  | 'clock'
  | 'logger'
  | 'commits'
  | 'transport'
  | 'backlog'
  | 'maxStateBytes'
  | 'idle'
  | 'maxAttempts'

export type NodeTerms = Pick<Node, Given> & {
  readonly workLog?: WorkLog | undefined
  readonly crashes?: CrashRecords | undefined
}

export class Node {
  readonly name: string
  readonly clock: Clock
  readonly logger: Logger
  /** What durable servers change leaves by it; `undefined`: nothing is kept. */
  readonly commits: GroupCommit | undefined
  readonly transport: Transport
  readonly backlog: Backlog
  readonly workLog: WorkLog
  readonly crashes: CrashRecords
  /** Of one state, as JSON, that is kept. */
  readonly maxStateBytes: number
  /** Milliseconds after which a durable server that nobody asks leaves memory. */
  readonly idle: number
  /** A kept message that was taken so often, and crashed its server each time, is set aside. */
  readonly maxAttempts: number
  readonly scheduler: Scheduler
  readonly deadlines: Deadlines
  readonly ids: IdMaker
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  /** When `tick` was last called. Good enough for how long a message has waited. */
  recent: number
  /** The implementation whose code is being changed: none of its servers leaves memory. */
  changing: string | undefined = undefined
  #numbers = 0
  /** In each reference, so that no other node gives the same. */
  readonly #mark: string
  #lastTime = { at: Number.NaN, text: '' }

  constructor(terms: NodeTerms) {
    const { name, clock } = terms
    this.name = name
    this.clock = clock
    this.logger = terms.logger
    this.commits = terms.commits
    this.transport = terms.transport
    this.backlog = terms.backlog
    this.workLog = terms.workLog ?? new WorkLog()
    this.crashes = terms.crashes ?? new CrashRecords()
    this.maxStateBytes = terms.maxStateBytes
    this.idle = terms.idle
    this.maxAttempts = terms.maxAttempts
    this.deadlines = new Deadlines(clock)
    this.ids = new IdMaker(clock)
    this.scheduler = new Scheduler(
      (error) => this.reportStray(error),
      () => this.deadlines.enterLanes(),
    )
    this.#mark = name === ALONE ? '' : `${name}.${Math.trunc(clock.now()).toString(36)}.`
    this.startedAt = clock.now()
    this.recent = clock.monotonic()
  }

  /** Tells of an exception that should have been handled where it came from. */
  reportStray(error: unknown): void {
    logError(this.logger, { err: error }, 'a process broke its turn')
  }

  /** The clock's monotonic milliseconds. */
  tick(): number {
    this.recent = this.clock.monotonic()
    return this.recent
  }

  /** RFC 3339, for milliseconds since the epoch. Very many servers may start in one of them, and then share its text. */
  timeText(at: number): string {
    if (this.#lastTime.at !== at) this.#lastTime = { at, text: new Date(at).toISOString() }
    return this.#lastTime.text
  }

  /** 1, 2, 3 and so on. */
  nextNumber(): number {
    return ++this.#numbers
  }

  /** A reference that this node has not given before (OTP: `make_ref/0`). */
  makeRef(prefix: string): string {
    return prefix + this.#mark + this.nextNumber().toString(36)
  }
}
