/**
 * How a server crashes, dies of a signal, and comes back (OTP: `gen_server`, and what concerns one child of `supervisor`).
 *
 * 1. Whether it comes back, and when, is for its keeper to say. Until then its id stays its own, and so do the messages
 *    that were not yet taken; the one that crashed is not run again.
 * 2. A crash is told at once to the caller of the message and to all who wait for a deferred reply, and to its ties when the
 *    life is over: after `terminate`, if that runs.
 * 3. A life that begins is a new incarnation, with no ties to anybody.
 *
 * What the words do:
 * - `crash`: a message has failed. From the state the server goes on with that (`goOn`); else `giveUp`, then `startOver` or `end`.
 * - `die`: a signal came. As `crash`, but whatever runs is cut off, and `terminate` does not run.
 * - `stopItself`, `stopOnOrder`, `holdOnOrder`: a handler, somebody outside or the supervisor chose the end. `giveUp`, then
 *   `end` (or `startOver`).
 * - `startOver`: `loseState`, then `initialise`. `comeBack`: it lives again, at once or when its time has come.
 */

import { StartIgnored } from '../definition/answer.js'
import type { Restart, ServerTerms } from '../definition/options.js'
import type { Protocol } from '../definition/protocol.js'
import type { StopOrder } from '../kernel/envelope.js'
import { GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import { logError } from '../kernel/logger.js'
import type { Node } from '../kernel/node.js'
import type { Pending } from '../kernel/process.js'
import { crashReason, type Reason } from '../kernel/reason.js'
import { crashFailure, deferredFailure, exitFailure, reportCrash, reportEnd, signalFailure } from './crash.js'
import type { EarlierLife } from './earlier-life.js'
import { Ending } from './ending.js'
import { type Cause, type Comeback, comesBack, type Keeper, type Mortal } from './keeper.js'
import type { Peers } from './peers.js'
import type { Scope } from './scope.js'

export abstract class Lifecycle extends Ending implements Mortal {
  startedAt: number
  /** Servers are numbered in the order of their start. */
  readonly number: number
  /** A signal is about to end this life. */
  #isDying = false

  constructor(
    id: string,
    protocol: Protocol,
    args: Json,
    readonly terms: ServerTerms,
    /** Another one where a durable child is left by its supervisor, or taken in by the next. */
    public keeper: Keeper,
    peers: Peers,
    node: Node,
  ) {
    super(id, protocol, args, peers, node, terms.mailbox)
    this.startedAt = node.clock.now()
    this.number = node.nextNumber()
  }

  get restart(): Restart {
    return this.terms.restart
  }

  get uptime(): number {
    return this.node.clock.monotonic() - (this.anyAbsence?.waited ?? 0)
  }

  /** While it is away: its restarts that still count, with the one that is to come. */
  get attempts(): number {
    return this.status === 'restarting' ? this.restartTimes.length : 0
  }

  protected notRestarted(failure: Error, reason: Reason): Pending {
    if (failure instanceof StartIgnored) return this.end('normal')
    this.remember({ lastExit: { reason, at: this.node.clock.now() } })
    const comeback = this.askKeeper(reason, 'notRestarted')
    if (comeback === undefined) return this.end(reason)
    return this.comeBack(comeback, () => this.initialise())
  }

  /** The server has crashed while it handled `message`. */
  protected crash(thrown: unknown, message: string, scope: Scope | undefined): Pending {
    const failure = crashFailure(this.id, message, thrown)
    const reason = crashReason(thrown)
    this.remember({ lastExit: { reason, at: this.node.clock.now() } })
    reportCrash(this, { reason, thrown, message, origin: scope?.origin })
    this.afterKept(() => scope?.call?.fail(failure))
    this.anyWaiters?.failDeferred((call) => deferredFailure(this.id, call, thrown))
    const comeback = this.askKeeper(reason, 'crashed')
    if (comeback !== undefined && this.terms.restartFrom === 'state') return this.goOn(comeback, reason)
    return this.giveUp(reason, (final) => (comeback === undefined ? this.end(final) : this.startOver(comeback, final)))
  }

  /**
   * A signal ends this life, when what runs right now has returned: signals may come from whatever the server itself is
   * about to do. Until then nothing more is taken.
   */
  die(reason: Reason): void {
    if (this.ended || this.#isDying) return
    this.#isDying = true
    this.shut()
    this.node.scheduler.wake({ run: () => this.dieOf(reason) })
  }

  private dieOf(reason: Reason): void {
    if (!this.#isDying || this.ended) return
    this.#isDying = false
    if (this.cutInit(reason) || this.isAway) return
    const failure = signalFailure(this.id, reason)
    reportEnd(this, reason, 'signal')
    this.remember({ lastExit: { reason, at: this.node.clock.now() } })
    const then = this.status === 'stopping' ? this.afterTerminate : undefined
    this.cutLife(failure)
    if (then !== undefined) {
      // What was to come after `terminate` was decided when that began, and its reason is all that is new.
      then(reason)
      return
    }
    const comeback = this.askKeeper(reason, 'crashed')
    if (comeback === undefined) this.end(reason)
    else if (this.terms.restartFrom === 'state') this.goOn(comeback, reason)
    else this.startOver(comeback, reason)
  }

  /** Whatever runs or waits for an answer hears `failure`; what waits to be taken stays. */
  private cutLife(failure: GenServerError): void {
    // A suspension is of one process, and the next life would be another (OTP).
    this.resume()
    this.cutOff(failure, failure)
    this.abandonCurrent()
    this.anyWaiters?.failDeferred(() => failure)
  }

  protected comebackAfter(reason: Reason, cause: Cause): Comeback | undefined {
    return this.keeper.comeback(this, reason, cause)
  }

  protected askKeeper(reason: Reason, cause: Cause): Comeback | undefined {
    const { id, restarts, keeper, node } = this
    const comeback = this.comebackAfter(reason, cause)
    const isAlone = keeper.supervisor === undefined
    if (comeback === undefined && isAlone && cause !== 'stopped' && comesBack(this.restart, reason))
      logError(node.logger, { server: id, restarts }, `${id} restarts too often and is given up`)
    return comeback
  }

  /** The draft of the message that failed is dropped already, so the state is the last good one, and stays. */
  protected goOn(comeback: Comeback, reason: Reason): Pending {
    this.anyTies?.died(reason, true)
    return this.comeBack(comeback, () => {
      this.status = 'running'
      this.peers.began(this)
      this.open()
      return undefined
    })
  }

  private startOver(comeback: Comeback, reason: Reason): Pending {
    this.peers.lifeOver(this)
    this.anyTies?.died(reason, true)
    this.loseState()
    this.status = 'restarting'
    return this.comeBack(comeback, () => this.initialise())
  }

  /** Tells somebody what depends on all that the server has done until now. */
  protected afterKept(tell: () => void): void {
    tell()
  }

  /** The next life begins, at once or when its time has come. */
  protected comeBack(comeback: Comeback, begin: () => Pending): Pending {
    this.#isDying = false
    const live = () => {
      this.incarnation++
      this.remember({ restarts: this.restarts + 1 })
      return begin()
    }
    const liveSafely = () => {
      try {
        return live()?.catch((error) => this.broken(error))
      } catch (error) {
        this.broken(error)
        return undefined
      }
    }
    if (comeback === 0 && this.anyTies === undefined) return live()
    this.status = 'restarting'
    this.shut()
    // Also where it is to live at once: who was linked to this life dies first, and the next may be linked to who comes back.
    this.absence.begin(comeback, liveSafely)
    this.rest()
    this.obeyWhileAway()
    return undefined
  }

  /** It has lived elsewhere, and begins its next life here `delay` milliseconds from now. */
  comeFrom({ startedAt, incarnation, revision, restarts, crashes, lastExit }: EarlierLife, delay: number): void {
    this.startedAt = startedAt
    this.incarnation = incarnation
    this.revision = revision
    this.remember({ restarts, crashes, lastExit })
    this.status = 'restarting'
    this.comeBack(delay, () => this.initialise())
  }

  /** An order to stop is obeyed at once if there is no life that would take it. */
  obeyWhileAway(): void {
    if (!this.isAway) return
    for (const envelope of this.mailbox.waiting()) if (envelope.kind === 'stop') this.obeyAway(envelope)
  }

  private obeyAway(order: StopOrder): void {
    const mismatch = this.mismatch(order.ifMatch)
    if (mismatch === undefined && !order.isHold) {
      this.endIfAway(order.reason)
      return
    }
    this.mailbox.remove(order)
    order.done(mismatch)
  }

  /**
   * Its supervisor, which holds it, lets it live again, within `timeout` milliseconds. Gives the reason if that fails, and it
   * is held on. That it has ended is no failure: who is linked to it hears so.
   * @throws {Error} never: what fails here is `broken`.
   */
  async revive(timeout: number): Promise<Reason | undefined> {
    const timer = this.node.clock.setTimer(timeout, () => this.initTimedOut(timeout))
    // An `init` that is cut off never settles.
    await Promise.race([this.anyAbsence?.liveNow(), this.whenQuiet()])
    timer.cancel()
    return this.status === 'running' || this.ended ? undefined : (this.lastExit?.reason ?? 'killed')
  }

  /** Its last life is over, and the next has not begun. */
  get isAway(): boolean {
    return this.anyAbsence?.isAway === true
  }

  /** What whoever asked for another revision of the state hears. */
  mismatch(ifMatch: number | undefined): GenServerError | undefined {
    if (ifMatch === undefined || ifMatch === this.revision) return undefined
    return new GenServerError('revision_mismatch', `${this.id} has revision ${this.revision}, not ${ifMatch}`)
  }

  /** If it is away: there is no next life. */
  endIfAway(reason: Reason): void {
    if (this.isAway) this.end(reason)
  }

  /** Its supervisor takes it down at once, to start it again later: what waits to be taken stays. */
  hold(reason: Reason): void {
    if (this.ended || this.isAway) return
    if (this.anyWaiters?.areForTheEnd === true) {
      this.end(reason)
      return
    }
    const at = this.node.clock.now()
    this.remember({ lastExit: { reason, at } })
    this.cutLife(exitFailure(this.id, reason, at, 'unknown'))
    this.held(reason)
  }

  /** It waits until its supervisor lets it live again. */
  protected held(reason: Reason): Pending {
    return this.startOver('held', reason)
  }

  /** A handler chose to stop. Its caller hears the reply, or the reason, when `terminate` has run. */
  protected stopItself(reason: Reason, tell: (final: Reason) => void): Pending {
    return this.stop(reason, (final) => {
      tell(final)
      const comeback = this.askKeeper(final, 'stopped')
      if (comeback === undefined) return this.end(final)
      const at = this.node.clock.now()
      this.remember({ lastExit: { reason: final, at } })
      this.anyWaiters?.failDeferred(() => exitFailure(this.id, final, at))
      return this.startOver(comeback, final)
    })
  }

  /** Carries out an order from outside. */
  protected stopOnOrder(order: StopOrder): Pending {
    this.waiters.stopOrdered(order)
    return this.stop(order.reason, (final) => this.end(final))
  }

  /** Its supervisor takes it down in order, to start it again later. */
  protected holdOnOrder(order: StopOrder): Pending {
    this.waiters.stopOrdered(order)
    return this.stop(order.reason, (final) => {
      this.hold(final)
      this.anyWaiters?.held(order)
      return undefined
    })
  }
}
