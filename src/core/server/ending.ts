/**
 * How the life of a server ends, and how the server itself does.
 *
 * 1. `terminate` runs when the state is given up: on every ordered stop, and on a crash unless the server restarts from
 *    its state. Never after a kill, an exit signal or a failed `init`.
 * 2. When a server ends, its id is free in the same tick, and everybody who waits is told.
 *
 * What the words do:
 * - `giveUp`: the state is given up: takes no more messages (`shut`) and runs `terminate`. What comes then is for whoever
 *   asked. `stop`: the same, for an end that was chosen.
 * - `kill`: `end`, without `giveUp`. `broken`: the same, where our own code has failed.
 * - `end`: `close` with a reason that is remembered. `close`: `halt` the process, `loseState`, free the id, tell the ties,
 *   `cutOff` what still runs, and answer whoever waits.
 */

import { type Call, timedOut } from '../kernel/call.js'
import type { Envelope } from '../kernel/envelope.js'
import { GenServerError } from '../kernel/errors.js'
import type { Pending } from '../kernel/process.js'
import { crashReason, legible, type Reason } from '../kernel/reason.js'
import { Beginning } from './beginning.js'
import { exitFailure, reportCrash, reportEnd } from './crash.js'
import { Scope } from './scope.js'
import { noAnswer, turn } from './turn.js'

export abstract class Ending extends Beginning {
  /** How the server ended, once it has. Without a `reason` it had never begun. */
  #ending: { readonly reason: Reason | undefined; readonly failure: GenServerError } | undefined = undefined

  /** What those hear who still wait for it, once it has ended. */
  get failure(): GenServerError | undefined {
    return this.#ending?.failure
  }

  override put(envelope: Envelope): void {
    super.put(envelope)
    // It was on its way when the server ended, or `init` failed before what was meant for it came.
    if (this.ended) this.answerAll()
  }

  protected notBegun(failure: Error): void {
    this.close(failure instanceof GenServerError ? failure : undefined, undefined)
  }

  /** An end that was chosen. It is reported here, unless `terminate` has failed and that was. */
  protected stop(reason: Reason, then: (final: Reason) => Pending): Pending {
    return this.giveUp(reason, (final) => {
      if (final === reason) reportEnd(this, reason, 'stop')
      return then(final)
    })
  }

  /** Runs `terminate`, then goes on with the reason that holds: its own failure, if it fails. */
  protected giveUp(reason: Reason, then: (final: Reason) => Pending): Pending {
    this.status = 'stopping'
    this.shut()
    const { terminate } = this.protocol.definition
    if (terminate === undefined) return then(reason)
    const scope = new Scope(undefined, undefined, false)
    const succeeded = () => {
      if (this.scope !== scope) return undefined
      this.releaseEffects(scope)
      return then(reason)
    }
    const failed = (error: unknown) => {
      if (this.scope !== scope) return undefined
      this.discardEffects(scope)
      const thrown = legible(error)
      const final = crashReason(thrown)
      reportCrash(this, { reason: final, thrown, message: 'terminate' })
      return then(final)
    }
    try {
      const turned = turn(
        (state, _, ctx) => terminate(state, reason, ctx),
        this.state,
        null,
        this.openTurn(scope),
        noAnswer,
      )
      if (!(turned instanceof Promise)) return succeeded()
      this.afterTerminate = then
      return turned.then(succeeded, failed)
    } catch (error) {
      return failed(error)
    }
  }

  /** At once, whatever is going on (OTP: `exit(Pid, kill)`). */
  kill(): void {
    this.end('killed')
    this.cutBeginning(exitFailure(this.id, 'killed', this.node.clock.now()))
  }

  protected broken(error: unknown): void {
    this.node.reportStray(error)
    const reason = crashReason(error)
    this.end(reason)
    this.cutBeginning(exitFailure(this.id, reason, this.node.clock.now()))
  }

  /** The server is no more, because of `reason`. */
  protected end(reason: Reason): undefined {
    this.close(exitFailure(this.id, reason, this.node.clock.now()), reason)
    return undefined
  }

  /** Everybody who waits hears `failure`. Without a `reason` the server has never begun, and leaves no trace. */
  private close(failure: GenServerError | undefined, reason: Reason | undefined): void {
    if (this.ended) return
    const told = failure ?? new GenServerError('unknown_server', `${this.id} was not started`)
    this.#ending = { reason, failure: told }
    this.anyAbsence?.cancel()
    this.halt()
    this.loseState()
    const why = reason ?? told.details.reason ?? 'noproc'
    this.peers.ended(this, why, reason !== undefined)
    this.anyTies?.died(why, false)
    this.cutOff(reason === undefined ? told : exitFailure(this.id, reason, this.node.clock.now(), 'unknown'), told)
    this.answerAll()
  }

  /** Whatever runs hears that it is over. What waits to be taken waits for the end, which is to come. */
  protected stopWork(reason: Reason): void {
    this.anyAbsence?.cancel()
    this.shut()
    this.status = 'stopping'
    const failure = exitFailure(this.id, reason, this.node.clock.now(), 'unknown')
    this.cutOff(failure, failure)
    this.abandonCurrent()
  }

  /** It leaves this node, and has not ended. */
  protected leave(failure: GenServerError): void {
    this.close(failure, undefined)
  }

  private answerAll(): void {
    if (this.#ending === undefined) return
    const { reason, failure } = this.#ending
    this.waiters.ended(this.id, reason, failure, this.mailbox, this.node.workLog)
  }

  /**
   * The call's reply comes later, so it gets its reply address now: the address is what makes it tell `forget` when it
   * settles. A call whose handler stops the server is deferred too, so that a kill during `terminate` answers it.
   */
  protected defer(call: Call): void {
    if (call.phase === 'settled') return
    this.peers.address(call)
    this.waiters.defer(call)
  }

  forget(call: Call): void {
    this.anyWaiters?.forget(call)
    this.peers.forget(call)
  }

  notTaken(call: Call): GenServerError {
    const waited = `${this.id} did not take ${call.message} within ${call.timeout} ms`
    if (this.status === 'restarting') {
      const retryAfter = Math.max(1, Math.ceil((this.anyAbsence?.left ?? 0) / 1000))
      return new GenServerError('restarting', `${waited}: it restarts`, { retryAfter })
    }
    const { current, suspended } = this
    const why = current !== undefined ? `: it is at ${current.message}` : suspended ? ': it is suspended' : ''
    return timedOut(waited + why, 'none')
  }
}
