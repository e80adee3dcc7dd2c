/**
 * A durable server that is known and not in memory: the store has all of it. It comes with its first message or its first timer
 * (`Restoration.wake`); whoever only looks does not wake it.
 */

import type { ServerInfo } from '../definition/info.js'
import type { ServerTerms } from '../definition/options.js'
import type { Protocol } from '../definition/protocol.js'
import type { ClockTimer } from '../kernel/clock.js'
import type { KeptBrief } from '../kernel/kept.js'
import type { Node } from '../kernel/node.js'
import type { Keeper } from '../server/keeper.js'
import type { Remembered } from '../server/resting.js'

/** Where it is. */
interface Home {
  readonly node: Node
  findProtocol(implementation: string): Protocol | undefined
}

const NOTHING: Remembered = { handled: 0, replies: 0, crashes: 0, lastExit: undefined }

export class Sleeper {
  readonly args = null
  #alarm: ClockTimer | undefined = undefined

  constructor(
    public brief: KeptBrief,
    private readonly home: Home,
    readonly terms: ServerTerms,
    public keeper: Keeper,
    /** Of its time in memory. */
    readonly remembered: Remembered = NOTHING,
  ) {}

  /** Of its code as it is now: that changes without it. Its state may be of another version. */
  get protocol(): Protocol {
    return this.home.findProtocol(this.brief.implementation) as Protocol
  }

  /** What is kept of it is the state of other code. */
  get isOutdated(): boolean {
    return this.brief.version !== this.protocol.version
  }

  get id(): string {
    return this.brief.id
  }

  get startedAt(): number {
    return this.brief.startedAt
  }

  get incarnation(): number {
    return this.brief.incarnation
  }

  /** It has work, or will have some: `wake` is called at once, or when that is due. */
  setAlarm(wake: () => void): void {
    const { hasCasts, due } = this.brief
    this.#alarm?.cancel()
    const { clock } = this.home.node
    if (hasCasts) wake()
    else if (due !== null) this.#alarm = clock.setTimer(Math.max(0, due - clock.now()), wake)
  }

  /** It is woken, or its runtime closes. */
  cancelAlarm(): void {
    this.#alarm?.cancel()
  }

  get seenStatus(): 'running' {
    return 'running'
  }

  get info(): ServerInfo {
    const { brief, terms, protocol, keeper } = this
    const { node } = this.home
    const { handled, replies, crashes, lastExit } = this.remembered
    return {
      ...{ id: brief.id, node: node.name, implementation: protocol.name, version: protocol.version, status: 'running' },
      ...{ incarnation: brief.incarnation, revision: brief.revision, startedAt: node.timeText(brief.startedAt) },
      ...{ restarts: brief.restarts, attempts: 0, restart: terms.restart, restartFrom: terms.restartFrom },
      ...{
        supervisor: keeper.supervisor ?? null,
        labels: terms.labels,
        mailbox: { length: 0, limit: terms.mailbox, oldestAge: 0 },
      },
      ...{ handled, replies, crashes, current: null },
      lastExit: lastExit ? { reason: lastExit.reason, at: new Date(lastExit.at).toISOString() } : null,
    }
  }
}
