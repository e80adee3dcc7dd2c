/**
 * A server whose state, casts and timers are kept by a store. Handlers know nothing of it. What it is made of: its mailbox
 * (`kept-mailbox.ts`), its output gate (`gated-server.ts`), when it leaves memory (`idle-server.ts`), and its life, here.
 *
 * 1. It is there, and has ended, as far as others can tell, when that is kept.
 * 2. It does not end because it crashes too often: what is kept would be lost with it.
 * 3. It comes out of the store as it was last kept: when the runtime begins (`restore`), when its node was lost (`comeOut`), and when
 *    what it did could not be kept (`fallBack`). It comes with a state of its code (`kept-states.ts`).
 */
import type { Awaitable } from '../definition/definition.js'
import { GenServerError, unknownServer } from '../kernel/errors.js'
import type { AnswerKey, Kept, KeptBrief } from '../kernel/kept.js'
import type { Pending } from '../kernel/process.js'
import type { Reason } from '../kernel/reason.js'
import { adopt } from '../server/draft.js'
import { type Cause, type Comeback, comesBack, LONGEST_DELAY } from '../server/keeper.js'
import { type Remembered, restingUntil } from '../server/resting.js'
import type { Scope } from '../server/scope.js'
import { argsFor } from '../server/server.js'
import { Timers } from '../server/timers.js'
import { IdleServer } from './idle-server.js'
import { keptExit, keptServer, keptText } from './kept-text.js'
import { keptTimers } from './kept-timers.js'
import { outcomeText } from './outcome.js'
import { notRead, storageFailed } from './storage-failed.js'

/** Milliseconds before a server whose first write after it was loaded has failed is loaded again. */
const RETRY = 1000

type Numbers = Pick<KeptBrief, 'incarnation' | 'revision'>

export class DurableServer extends IdleServer {
  /** The store has it. */
  #isKept = false
  /** That it was started is to be kept under this. */
  #startKey: AnswerKey | undefined = undefined
  #isEnding = false
  /** While it comes into memory. */
  #coming: Promise<void> | undefined = undefined
  #isStored = false

  protected override get isEnding(): boolean {
    return this.#isEnding
  }

  protected override makeTimers(): Timers {
    return new Timers(this.node.clock, (envelope) => this.putNow(envelope), keptTimers(this.id, this.commits))
  }

  /** The store has it, and its end is not on its way. */
  get isThere(): boolean {
    return this.#isKept && !this.#isEnding && !this.ended
  }

  /** While it comes into memory: resolves when it is there. */
  protected get coming(): Promise<void> | undefined {
    return this.#coming
  }

  /** It was not in memory, and comes with what is kept: nobody but who looks closely sees that it was away. */
  comeAwake(
    { startedAt, incarnation, restarts, revision }: KeptBrief,
    { handled, replies, crashes, lastExit }: Remembered,
    load: () => Promise<Kept | undefined>,
  ): void {
    this.#isKept = true
    this.startedAt = startedAt
    this.incarnation = incarnation
    this.revision = revision
    this.remember({ restarts, crashes, lastExit })
    this.handled = handled
    this.replies = replies
    this.status = 'running'
    this.#isStored = true
    void this.#comeOut(load, undefined)
  }

  override get isStored(): boolean {
    return this.#isStored
  }

  protected override fallAsleep(): void {
    const resting = restingUntil(this, this.anyTimers?.nextDue ?? null)
    this.anyTimers?.forget()
    this.anyTies?.leaveParent()
    this.halt()
    this.peers.fellAsleep(resting)
  }

  /**
   * What is kept of it cannot be had: who waits hears `failure`. Its id stays its own, and it is tried again when somebody asks for it, or
   * for its casts and timers after a while.
   */
  retire(failure: GenServerError): void {
    const isThere = this.#isKept && !this.ended
    const resting = restingUntil(this, this.node.clock.now() + LONGEST_DELAY)
    this.unload(failure)
    if (isThere) this.peers.retired(resting)
  }

  override whenHere<T>(look: () => Awaitable<T>): Awaitable<T> {
    if (this.#coming === undefined) return look()
    return this.#coming.then(() => {
      if (this.failure !== undefined) throw this.failure
      return look()
    })
  }

  /** It has lost its node, and its next life begins `delay` milliseconds from now, with what is kept. */
  comeOut({ incarnation, revision }: Numbers, load: () => Promise<Kept | undefined>, delay: number): void {
    this.#isKept = true
    this.#isStored = true
    this.incarnation = incarnation
    this.revision = revision
    this.status = 'restarting'
    this.absence.begin(delay, () => this.#comeOut(load, 'killed'))
  }

  /** What it did last is lost: it goes back to what is kept, and whoever waits hears `failure`. */
  fallBack(failure: GenServerError, load: () => Promise<Kept | undefined>): void {
    this.lineage++
    this.shut()
    this.cutOff(failure, failure)
    this.abandonCurrent()
    this.forgetUrgent()
    this.anyTimers?.forget()
    this.waiters.giveUp(failure, this.mailbox, this.node.workLog)
    this.forgetAtHand()
    this.#isEnding = false
    this.status = 'restarting'
    const wasStored = this.#isStored
    this.#isStored = true
    this.#coming = undefined
    // It has yet to come out in any case.
    if (wasStored && this.isAway) return
    this.absence.begin(wasStored ? RETRY : 0, () => this.#comeOut(load, undefined))
  }

  #comeOut(load: () => Promise<Kept | undefined>, last: Reason | undefined): Promise<void> {
    this.#coming = this.#comeWith(load, last)
    return this.#coming
  }

  async #comeWith(load: () => Promise<Kept | undefined>, last: Reason | undefined): Promise<void> {
    const { lineage } = this
    let kept: Kept | undefined
    let failure: unknown
    try {
      kept = await load()
    } catch (error) {
      failure = error
    }
    // It has fallen back meanwhile.
    if (this.lineage !== lineage) return
    this.#coming = undefined
    if (this.ended || this.#isEnding) return
    if (failure instanceof GenServerError) this.#stayAway(failure)
    else if (failure !== undefined) this.retire(notRead(this.id, failure as Error))
    else if (kept === undefined) this.unload(unknownServer(this.id))
    else this.restore(kept, last)
  }

  /** It cannot run on the code that there is: it stays in the store, and whoever waits hears why. */
  #stayAway(failure: GenServerError): void {
    this.node.logger.error({ server: this.id }, failure.message)
    this.waiters.giveUp(failure, this.mailbox, this.node.workLog)
    this.fallAsleep()
  }

  /** Comes out of the store, as it was when it was last kept; in another life, if there is a reason why the last one ended. */
  restore({ server, casts, timers, upTo }: Kept, last?: Reason): void {
    const { id, revision, incarnation, restarts } = server
    this.#isKept = true
    this.#isStored = false
    this.args = argsFor(this.protocol, JSON.parse(server.args))
    this.startedAt = server.startedAt
    this.incarnation = incarnation
    this.revision = revision
    this.remember({ restarts })
    if (last !== undefined) {
      this.incarnation++
      this.remember({ restarts: restarts + 1, lastExit: { reason: last, at: this.node.clock.now() } })
      this.commits.add(id, { kind: 'life', id, incarnation: incarnation + 1, restarts: restarts + 1 })
    }
    this.state = JSON.parse(server.state)
    this.shows(this.state, revision)
    this.status = 'running'
    this.refill(casts, upTo)
    this.restoreTimers(timers)
    if (last !== undefined) this.peers.began(this)
    this.open()
    this.stayUp()
    // Whoever watches has not seen it yet, or as it was before.
    this.feed?.forgetView()
    this.feed?.changed(this)
  }

  override startedUnder(key: AnswerKey): void {
    this.#startKey = key
  }

  #keepStart(): void {
    const key = this.#startKey
    this.#startKey = undefined
    if (key === undefined) return
    const server = { ...this.info, status: 'running', revision: this.revision + 1 } as const
    this.keepAnswer(key, outcomeText({ kind: 'started', server }))
  }

  protected override firstState(scope: Scope, state: object): Pending {
    let own: object
    try {
      own = adopt(state, undefined)
      this.commits.add(this.id, { kind: 'server', server: keptServer(this, keptText(own, this.node.maxStateBytes)) })
      this.#keepStart()
    } catch (error) {
      return this.initFailed(scope, error)
    }
    const wasKept = this.#isKept
    this.#isKept = true
    this.holdInit(scope)
    return new Promise((resolve) =>
      this.commits.whenKept(
        () => {
          if (this.scope === scope && !this.#isEnding) {
            this.shows(own, this.revision + 1)
            this.goLive(scope, own)
            this.stayUp()
          }
          resolve()
        },
        (error) => {
          this.#isKept = wasKept
          // It may have been cut off meanwhile, and its starter have heard so.
          if (this.scope === scope) this.notStarted(scope, storageFailed(this.id, error), 'killed')
          resolve()
        },
      ),
    )
  }

  protected override afterKept(tell: () => void): void {
    this.commits.whenKept(tell, tell)
  }

  /** It is not given up: it comes back in the longest time that anybody waits. */
  protected override comebackAfter(reason: Reason, cause: Cause): Comeback | undefined {
    const comeback = super.comebackAfter(reason, cause)
    const isWanted = cause !== 'stopped' && comesBack(this.restart, reason)
    return comeback ?? (isWanted ? LONGEST_DELAY : undefined) // 2
  }

  protected override comeBack(comeback: Comeback, begin: () => Pending): Pending {
    this.putBackAtHand()
    return super.comeBack(comeback, () => {
      const { id, incarnation, restarts } = this
      this.commits.add(id, { kind: 'life', id, incarnation, restarts })
      return begin()
    })
  }

  override die(reason: Reason): void {
    if (this.#coming !== undefined) void this.#coming.then(() => this.die(reason))
    else if (!this.#isEnding) super.die(reason)
  }

  override kill(): void {
    if (!this.#isEnding) super.kill()
  }

  /** Its first `init` was cut off when its state was on its way already. */
  protected override notBegun(failure: Error): void {
    if (this.#isKept) this.#keepEnd('killed')
    super.notBegun(failure)
  }

  #keepEnd(reason: Reason): void {
    this.commits.add(this.id, { kind: 'end', exit: keptExit(this, reason, this.node.clock.now()) })
  }

  protected override end(reason: Reason): undefined {
    if (this.#isEnding || this.ended) return undefined
    if (!this.#isKept) return super.end(reason)
    this.#isEnding = true
    this.stopWork(reason)
    this.#keepEnd(reason)
    // Where it is lost, all are told who depend on that store.
    this.commits.whenKept(
      () => super.end(reason),
      () => {},
    ) // 1
    return undefined
  }

  /** Leaves memory: the store has all of it. */
  unload(failure: GenServerError): void {
    this.anyTimers?.forget()
    this.leave(failure)
  }
}
