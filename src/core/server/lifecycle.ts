/**
 * How a server crashes, restarts and ends (OTP: `gen_server`, and the part of `supervisor` that concerns one child).
 *
 * 1. `terminate` runs when the state is given up: on every ordered stop, and on a crash unless the server restarts from
 *    its state. Never after a kill or a failed `init`.
 * 2. A crash is told at once to the caller of the message and to all who wait for a deferred reply. Messages that were
 *    not yet taken stay in the mailbox.
 * 3. When a server ends, its id is free in the same tick, and everybody who waits is told.
 *
 * What the words do, from the mildest to the last:
 * - `crash`: a message has failed. From the state the server just goes on; else `#giveUp`, then `#restartFresh` or `end`.
 * - `stopItself`, `stopOnOrder`: a handler or somebody outside chose the end. `#giveUp`, then `end` (or `#restartFresh`).
 * - `#giveUp`: the state is given up: takes no more messages (`shut`) and runs `terminate`.
 * - `#restartFresh`: `loseState`, then `initialise`.
 * - `kill`: `end`, without `#giveUp`. `broken`: the same, where our own code has failed.
 * - `end`: `#close` with a reason that is remembered. `#close`: `halt` the process, `loseState`, free the id, `cutOff` what
 *   still runs, and answer whoever waits.
 */
import { type Call, timedOut } from '../kernel/call.js'
import type { Envelope, StopOrder } from '../kernel/envelope.js'
import { GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import { logError } from '../kernel/logger.js'
import type { Node } from '../kernel/node.js'
import { crashReason, type Reason } from '../kernel/reason.js'
import { StartIgnored } from './answer.js'
import { Beginning } from './beginning.js'
import { crashFailure, deferredFailure, exitFailure, reportCrash, reportEnd } from './crash.js'
import type { ServerTerms } from './options.js'
import type { Peers } from './peers.js'
import type { Protocol } from './protocol.js'
import { spend } from './restart-budget.js'
import { Scope } from './scope.js'
import type { Pending } from './stateful-process.js'
import { noAnswer, turn } from './turn.js'
import { Waiters } from './waiters.js'

const NO_TIMES: readonly number[] = Object.freeze([])

export abstract class Lifecycle extends Beginning {
  restarts = 0
  lastExit: { readonly reason: Reason; readonly at: number } | undefined = undefined
  readonly startedAt: number
  /** Servers are numbered in the order of their start. */
  readonly number: number
  #someWaiters: Waiters | undefined = undefined
  /** How the server ended, once it has. Without a `reason` it had never begun. */
  #ending: { readonly reason: Reason | undefined; readonly failure: GenServerError } | undefined = undefined
  #restartTimes: readonly number[] = NO_TIMES

  constructor(
    id: string,
    protocol: Protocol,
    args: Json,
    readonly terms: ServerTerms,
    peers: Peers,
    node: Node,
  ) {
    super(id, protocol, args, peers, node, terms.mailbox)
    this.startedAt = node.clock.now()
    this.number = node.nextNumber()
  }

  /** Made when first needed: most servers never have any. */
  get #waiters(): Waiters {
    this.#someWaiters ??= new Waiters()
    return this.#someWaiters
  }

  override put(envelope: Envelope): void {
    super.put(envelope)
    // It was on its way when the server ended, or `init` failed before what was meant for it came.
    if (this.ended) this.#answerAll()
  }

  protected notBegun(failure: Error): void {
    this.#close(failure instanceof GenServerError ? failure : undefined, undefined)
  }

  /** Tries again while the budget lasts. */
  protected notRestarted(failure: Error, reason: Reason): Pending {
    if (failure instanceof StartIgnored) return this.end('normal')
    this.lastExit = { reason, at: this.node.clock.now() }
    return this.#maySpend() ? this.#retry() : this.end(reason)
  }

  /** Not on the stack of the `init` that failed, and the others get their turns: a budget may be large. */
  #retry(): Promise<void> {
    return new Promise((resolve) => this.node.scheduler.wake({ run: () => resolve(this.#restartUnlessEnded()) }))
  }

  async #restartUnlessEnded(): Promise<void> {
    if (!this.ended) await this.#restartFresh()
  }

  /** The server has crashed while it handled `message`. */
  protected crash(thrown: unknown, message: string, scope: Scope | undefined): Pending {
    const failure = crashFailure(this.id, message, thrown)
    const reason = crashReason(thrown)
    this.lastExit = { reason, at: this.node.clock.now() }
    reportCrash(this, { reason, thrown, message, origin: scope?.origin })
    scope?.call?.fail(failure)
    this.#waiters.failDeferred((call) => deferredFailure(this.id, call.message, thrown))
    if (this.terms.restart === 'temporary' || !this.#maySpend()) {
      return this.#giveUp(reason, (final) => this.end(final))
    }
    if (this.terms.restartFrom === 'init') return this.#giveUp(reason, () => this.#restartFresh())
    // The draft of the message is dropped already: to go on with the state is the restart.
    this.incarnation++
    this.restarts++
    return undefined
  }

  #maySpend(): boolean {
    const times = spend(this.terms.budget, this.#restartTimes, this.node.clock.monotonic())
    if (times !== undefined) this.#restartTimes = times
    else
      logError(
        this.node.logger,
        { server: this.id, restarts: this.restarts },
        `${this.id} restarts too often and is given up`,
      )
    return times !== undefined
  }

  #restartFresh(): Pending {
    this.loseState()
    this.status = 'restarting'
    this.incarnation++
    this.restarts++
    return this.initialise()
  }

  /** A handler chose to stop. Its caller hears the reply, or the reason, when `terminate` has run. */
  protected stopItself(reason: Reason, tell: (final: Reason) => void): Pending {
    return this.#stop(reason, (final) => {
      tell(final)
      return this.terms.restart === 'permanent' ? this.#comeBack(final) : this.end(final)
    })
  }

  #comeBack(reason: Reason): Pending {
    const at = this.node.clock.now()
    this.lastExit = { reason, at }
    this.#waiters.failDeferred(() => exitFailure(this.id, reason, at))
    return this.#maySpend() ? this.#restartFresh() : this.end(reason)
  }

  /** Carries out an order from outside. */
  protected stopOnOrder(order: StopOrder): Pending {
    this.#waiters.stopOrdered(order)
    return this.#stop(order.reason, (final) => this.end(final))
  }

  /** An end that was chosen. It is reported here, unless `terminate` has failed and that was. */
  #stop(reason: Reason, then: (final: Reason) => Pending): Pending {
    return this.#giveUp(reason, (final) => {
      if (final === reason) reportEnd(this, reason, 'stop')
      return then(final)
    })
  }

  /** Runs `terminate`, then goes on with the reason that holds: its own failure, if it fails. */
  #giveUp(reason: Reason, then: (final: Reason) => Pending): Pending {
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
    const failed = (thrown: unknown) => {
      if (this.scope !== scope) return undefined
      this.discardEffects(scope)
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
      return turned instanceof Promise ? turned.then(succeeded, failed) : succeeded()
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
    this.end(crashReason(error))
  }

  /** The server is no more, because of `reason`. */
  protected end(reason: Reason): undefined {
    this.#close(exitFailure(this.id, reason, this.node.clock.now()), reason)
    return undefined
  }

  /** Everybody who waits hears `failure`. Without a `reason` the server has never begun, and leaves no trace. */
  #close(failure: GenServerError | undefined, reason: Reason | undefined): void {
    if (this.ended) return
    const told = failure ?? new GenServerError('unknown_server', `${this.id} was not started`)
    this.#ending = { reason, failure: told }
    this.halt()
    this.loseState()
    this.peers.ended(this, reason)
    this.cutOff(reason === undefined ? told : exitFailure(this.id, reason, this.node.clock.now(), 'unknown'), told)
    this.#answerAll()
  }

  #answerAll(): void {
    if (this.#ending === undefined) return
    const { reason, failure } = this.#ending
    this.#waiters.ended(this.id, reason, failure, this.mailbox)
  }

  /**
   * The call's reply comes later, so it gets its reply address now: the address is what makes it tell `forget` when it
   * settles. A call whose handler stops the server is deferred too, so that a kill during `terminate` answers it.
   */
  protected defer(call: Call): void {
    if (call.phase === 'settled') return
    this.peers.address(call)
    this.#waiters.defer(call)
  }

  forget(call: Call): void {
    this.#waiters.forget(call)
    this.peers.forget(call)
  }

  notTaken(call: Call): GenServerError {
    const waited = `${this.id} did not take ${call.message} within ${call.timeout} ms`
    if (this.status !== 'restarting') return timedOut(waited, 'none')
    return new GenServerError('restarting', `${waited}: it restarts`, { retryAfter: 1 })
  }
}
