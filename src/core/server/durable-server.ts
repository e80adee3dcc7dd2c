/**
 * A server whose state, casts and timers are kept by a store. Handlers know nothing of it. What it is made of: its mailbox
 * (`kept-mailbox.ts`), its output gate (`gated-server.ts`), and its life, here.
 *
 * 1. It is there, and has ended, as far as others can tell, when that is kept.
 * 2. It does not end because it crashes too often: what is kept would be lost with it.
 * 3. It comes out of the store as it was last kept: when the runtime begins (`restore`), when its node was lost (`comeOut`), and when
 *    what it did could not be kept (`fallBack`).
 */
import type { ClockTimer } from '../kernel/clock.js'
import { GenServerError } from '../kernel/errors.js'
import type { AnswerKey, Kept, KeptBrief } from '../kernel/kept.js'
import type { Pending } from '../kernel/process.js'
import type { Reason } from '../kernel/reason.js'
import { TimerReceipt } from '../kernel/receipt.js'
import type { Awaitable } from './definition.js'
import { adopt } from './draft.js'
import { GatedServer } from './gated-server.js'
import { type Cause, type Comeback, comesBack, LONGEST_DELAY } from './keeper.js'
import { keptExit, keptServer, keptText, keptTimer, restoredTimed } from './kept-text.js'
import { outcomeText } from './outcome.js'
import type { Scope } from './scope.js'
import { type Remembered, restingUntil } from './sleeper.js'
import { notRead, storageFailed } from './storage-failed.js'
import { Timers } from './timers.js'

type Numbers = Pick<KeptBrief, 'incarnation' | 'revision'>

export class DurableServer extends GatedServer {
  /** The store has it. */
  #isKept = false
  /** That it was started is to be kept under this. */
  #startKey: AnswerKey | undefined = undefined
  #isEnding = false
  #bedtime: ClockTimer | undefined = undefined
  /** While it comes into memory. */
  #coming: Promise<void> | undefined = undefined

  protected override get isEnding(): boolean {
    return this.#isEnding
  }

  protected override makeTimers(): Timers {
    const { id, commits } = this
    return new Timers(this.node.clock, (envelope) => this.putNow(envelope), {
      set: (ref, due, envelope) => commits.add(id, { kind: 'timer', id, timer: keptTimer(ref, due, envelope) }),
      gone: (ref) => commits.add(id, { kind: 'timerDone', id, ref }),
      cleared: () => commits.add(id, { kind: 'timersDone', id }),
      receipt: (ref) => new TimerReceipt(id, ref),
    })
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
    this.#coming = this.#comeOut(load, undefined)
  }

  /** It leaves memory when it has had nothing to do for long enough. */
  #stayUp(): void {
    const idle = this.terms.idle ?? this.node.idle
    this.activeAt = this.node.clock.monotonic()
    if (idle !== Number.POSITIVE_INFINITY && !this.ended) this.#wait(idle, idle)
  }

  #wait(ms: number, idle: number): void {
    this.#bedtime?.cancel()
    this.#bedtime = this.node.clock.setTimer(ms, () => {
      const left = idle - (this.node.clock.monotonic() - this.activeAt)
      if (left > 0) this.#wait(left, idle)
      else if (this.#canLeave) this.#fallAsleep()
      else this.#wait(idle, idle)
    })
    this.#bedtime.unref()
  }

  /** Nobody holds anything of it, and nothing of it is anywhere but in the store. */
  get #canLeave(): boolean {
    const hasNothing = this.idle && this.mailbox.taken === 0 && this.anyWaiters?.areNone !== false && this.pipes === 0
    const isWanted = this.feed?.isWatched || this.anyListeners?.size || this.tracer !== undefined
    const isTied = this.anyTies?.areNone === false || this.anyIdleTimeout?.isArmed
    const isWell = this.status === 'running' && this.hasState && !this.suspended && !this.#isEnding
    return hasNothing && !isWanted && !isTied && isWell && !this.commits.concerns(this.id)
  }

  #fallAsleep(): void {
    const resting = restingUntil(this, this.anyTimers?.nextDue ?? null)
    this.anyTimers?.forget()
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

  protected override halt(): void {
    this.#bedtime?.cancel()
    super.halt()
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
    this.waiters.giveUp(failure, this.mailbox)
    this.forgetAtHand()
    this.#isEnding = false
    this.status = 'restarting'
    this.absence.begin(0, () => this.#comeOut(load, undefined))
  }

  async #comeOut(load: () => Promise<Kept | undefined>, last: Reason | undefined): Promise<void> {
    let kept: Kept | undefined
    try {
      kept = await load()
      this.#coming = undefined
    } catch (error) {
      this.retire(notRead(this.id, error as Error))
      return
    }
    if (this.ended || this.#isEnding) return
    if (kept === undefined) this.unload(new GenServerError('unknown_server', `no server has the id ${this.id}`))
    else this.restore(kept, last)
  }

  /** Comes out of the store, as it was when it was last kept; in another life, if there is a reason why the last one ended. */
  restore({ server, casts, timers, upTo }: Kept, last?: Reason): void {
    const { id, revision, incarnation, restarts } = server
    this.#isKept = true
    this.args = JSON.parse(server.args)
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
    for (const timer of timers) this.timers.restore(timer.ref, timer.due, restoredTimed(timer))
    if (last !== undefined) this.peers.began(this)
    this.open()
    this.#stayUp()
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
            this.#stayUp()
          }
          resolve()
        },
        (error) => {
          this.#isKept = wasKept
          this.notStarted(scope, storageFailed(this.id, error), 'killed')
          resolve()
        },
      ),
    )
  }

  protected override afterKept(tell: () => void): void {
    this.commits.whenKept(tell, tell)
  }

  /** It is not given up: it comes back in the longest time that anybody waits. */
  protected override askKeeper(reason: Reason, cause: Cause): Comeback | undefined {
    const comeback = super.askKeeper(reason, cause)
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
    if (!this.#isEnding) super.die(reason)
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
