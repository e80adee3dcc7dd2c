/**
 * How a server gets its first state (OTP: `init/1` and `proc_lib:start`).
 *
 * 1. Nothing is received before `init` has succeeded.
 * 2. A durable server is there, and its starter hears so, when its first state is kept.
 * 3. A server whose first `init` did not succeed is gone, and its id free, before its starter hears so.
 *
 * `begin` → `initialise` → `init` → `initialised` (it gave a state, or chose not to) or `initFailed` (it threw)
 * → `running`, or `notStarted` → `notBegun` (the first time) or `notRestarted` (after a crash).
 */

import { isDraftable } from 'mutative'
import { Ignore, Refuse, StartIgnored, Stop } from '../definition/answer.js'
import type { Status } from '../definition/info.js'
import type { Protocol } from '../definition/protocol.js'
import { GenServerError } from '../kernel/errors.js'
import { copyJson, type Json } from '../kernel/json.js'
import type { Node } from '../kernel/node.js'
import type { Pending } from '../kernel/process.js'
import { crashReason, describeReason, legible, printable, type Reason } from '../kernel/reason.js'
import { CODE_CHANGE, type Suspender } from '../kernel/suspender.js'
import { reportCrash, reportEnd } from './crash.js'
import { adopt } from './draft.js'
import type { Peers } from './peers.js'
import { Scope } from './scope.js'
import { StatefulProcess } from './stateful-process.js'
import { isThenable } from './turn.js'

/** How the first `init` went, and who is told when it takes its time. */
interface FirstStart {
  isOver: boolean
  failure: Error | undefined
  /** It waits until the change of code is over. */
  isHeldBack: boolean
  tell: ((failure: Error | undefined) => void) | undefined
  /** Settles when it is over. */
  told: Promise<void> | undefined
}

export abstract class Beginning extends StatefulProcess {
  status: Status = 'starting'
  /** Its `init` has chosen not to start. */
  hasIgnored = false
  /** While `init` runs for the first time. */
  #firstStart: FirstStart | undefined = undefined

  constructor(
    id: string,
    protocol: Protocol,
    /** Another form of them after a change of code. */
    public args: Json,
    peers: Peers,
    node: Node,
    mailboxLimit: number,
  ) {
    super(id, protocol, peers, node, mailboxLimit)
  }

  /** The first `init` gave no state: the server leaves without a trace. */
  protected abstract notBegun(failure: Error): void
  /** The `init` of a restart gave no state. */
  protected abstract notRestarted(failure: Error, reason: Reason): Pending

  /**
   * Runs `init` for the first time; resolves when it has succeeded, or is `undefined` where it has succeeded at once.
   * `timeout` holds for this time only: nobody waits for the `init` of a restart, so it may take as long as it likes, and
   * `kill` ends it.
   * @throws {GenServerError} `init_refused`, `init_crashed`, `init_timeout` · {StartIgnored}
   */
  begin(timeout: number): Promise<void> | undefined {
    const { clock } = this.node
    const deadline = this.node.tick() + timeout
    const isHeldBack = this.suspended
    const first: FirstStart = { isOver: false, failure: undefined, isHeldBack, tell: undefined, told: undefined }
    this.#firstStart = first
    if (!isHeldBack) this.initialiseSafely()
    if (first.isOver) return first.failure && Promise.reject(first.failure)
    first.told = new Promise<void>((resolve, reject) => {
      const timer = clock.setTimer(Math.max(0, deadline - clock.monotonic()), () => this.initTimedOut(timeout))
      first.tell = (failure) => {
        timer.cancel()
        if (failure === undefined) resolve()
        else reject(failure)
      }
    })
    return first.told
  }

  private initialiseSafely(): void {
    this.initialise()?.catch((error) => this.broken(error))
  }

  override resume(by?: Suspender): void {
    super.resume(by)
    const first = this.#firstStart
    if (first?.isHeldBack !== true || by !== CODE_CHANGE) return
    first.isHeldBack = false
    this.initialiseSafely()
  }

  private firstStartOver(failure?: Error): void {
    const first = this.#firstStart
    if (first === undefined) return
    this.#firstStart = undefined
    first.isOver = true
    first.failure = failure
    first.tell?.(failure)
  }

  /**
   * Waits for a start that somebody else has asked for, which goes on when this wait is over.
   * @throws {GenServerError} as `begin`
   */
  begun(timeout: number): Promise<void> | undefined {
    const { id } = this
    const told = this.#firstStart?.told
    if (told === undefined || timeout === Number.POSITIVE_INFINITY) return told
    return new Promise((resolve, reject) => {
      const timer = this.node.clock.setTimer(timeout, () =>
        reject(new GenServerError('init_timeout', `${id} was still starting after ${timeout} ms; its start goes on`)),
      )
      told.finally(() => timer.cancel()).then(resolve, reject)
    })
  }

  /** Runs `init`, at first and for a fresh restart. */
  protected initialise(): Pending {
    const scope = new Scope(undefined, undefined, false)
    const { workLog } = this.node
    workLog.begins(this.id, 'init')
    let result: unknown
    try {
      result = this.protocol.definition.init(copyJson(this.args), this.openTurn(scope))
      // A promise of somebody else's make comes back as one of ours.
      if (isThenable(result)) result = Promise.resolve(result)
    } catch (error) {
      workLog.returned(this.id, false)
      return this.initFailed(scope, error)
    }
    workLog.returned(this.id, result instanceof Promise)
    if (!(result instanceof Promise)) return this.initialised(scope, result)
    const over = (then: () => Pending) => {
      workLog.over(this.id)
      return then()
    }
    return result.then(
      (state) => over(() => this.initialised(scope, state)),
      (error) => over(() => this.initFailed(scope, error)),
    )
  }

  private initialised(scope: Scope, result: unknown): Pending {
    if (this.scope !== scope) return
    if (result instanceof Ignore) {
      this.hasIgnored = true
      return this.notStarted(scope, new StartIgnored(`${this.id}: init chose to be ignored`), 'normal')
    }
    if (result instanceof Refuse) return this.refused(scope, result.reason)
    if (result instanceof Stop) {
      reportEnd(this, result.reason, 'init')
      return this.refused(scope, result.reason)
    }
    if (typeof result !== 'object' || !isDraftable(result)) {
      return this.initFailed(scope, new Error(`bad_return_value: ${printable(result)}`))
    }
    return this.firstState(scope, result as object)
  }

  /** `init` has given a state. */
  protected firstState(scope: Scope, state: object): Pending {
    return this.goLive(scope, state)
  }

  protected goLive(scope: Scope, state: object): Pending {
    // The author may give the same object to every server.
    this.state = adopt(state, undefined)
    this.revision++
    this.status = 'running'
    this.peers.began(this)
    this.feed?.changed(this)
    // Whoever was told may have killed it.
    if (this.scope !== scope) return undefined
    this.releaseEffects(scope)
    this.open()
    this.firstStartOver()
    return undefined
  }

  private refused(scope: Scope, reason: Reason): Pending {
    const message = `${this.protocol.name} refused to start: ${describeReason(reason)}`
    return this.notStarted(scope, new GenServerError('init_refused', message, { reason }), reason)
  }

  protected initFailed(scope: Scope, error: unknown): Pending {
    if (this.scope !== scope) return
    const thrown = legible(error)
    const reason = crashReason(thrown)
    reportCrash(this, { reason, thrown, message: 'init' })
    const message = `init of ${this.protocol.name} crashed: ${reason.error}`
    return this.notStarted(scope, new GenServerError('init_crashed', message, { reason }), reason)
  }

  protected initTimedOut(timeout: number): void {
    const { scope } = this
    const failure = new GenServerError('init_timeout', `init of ${this.protocol.name} took longer than ${timeout} ms`)
    if (this.#firstStart?.isHeldBack) this.firstStartFailed(failure)
    else if (scope !== undefined) this.notStarted(scope, failure, 'killed')
  }

  /** `init` gave no state: a first start has failed; a restart is tried again while the budget lasts. */
  protected notStarted(scope: Scope, failure: Error, reason: Reason): Pending {
    this.discardEffects(scope)
    scope.cut(failure.message)
    if (this.#firstStart === undefined) return this.notRestarted(failure, reason)
    this.firstStartFailed(failure)
    return undefined
  }

  private firstStartFailed(failure: Error): void {
    this.notBegun(failure)
    this.firstStartOver(failure)
  }

  /** A signal ends `init`, if that is on. */
  protected cutInit(reason: Reason): boolean {
    const { scope, status } = this
    const message = `init of ${this.protocol.name} was ended: ${describeReason(reason)}`
    const failure = new GenServerError('init_crashed', message, { reason })
    if (this.#firstStart?.isHeldBack) this.firstStartFailed(failure)
    else if (scope === undefined || (status !== 'starting' && status !== 'restarting')) return false
    else this.notStarted(scope, failure, reason)
    return true
  }

  /** A first start was cut off from outside. */
  protected cutBeginning(failure: Error): void {
    this.firstStartOver(failure)
  }
}
