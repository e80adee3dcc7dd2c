/**
 * How a server crashes, restarts and ends (OTP: `gen_server`, and the part of `supervisor` that concerns one child).
 *
 * 1. `terminate` runs when the state is given up: on every ordered stop, and on a crash unless the server restarts from
 *    its state. Never after a kill or a failed `init`.
 * 2. A crash is told at once to the caller of the message and to all who wait for a deferred reply. Messages that were
 *    not yet taken stay in the mailbox.
 * 3. When a server ends, its id is free in the same tick, and everybody who waits is told.
 */
import { type Call, timedOut } from '../kernel/call.js'
import type { Envelope, StopOrder } from '../kernel/envelope.js'
import { GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import type { Node } from '../kernel/node.js'
import { crashReason, type Reason } from '../kernel/reason.js'
import { StartIgnored } from './answer.js'
import { Beginning } from './beginning.js'
import { crashFailure, exitFailure, reportCrash } from './crash.js'
import type { Terms } from './options.js'
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
  /** Once the server has ended. */
  #tellTheEnd: (() => void) | undefined = undefined
  #restartTimes: readonly number[] = NO_TIMES

  constructor(
    id: string,
    protocol: Protocol,
    args: Json,
    readonly terms: Terms,
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
    this.#tellTheEnd?.()
  }

  protected notBegun(failure: Error): void {
    this.#close(failure instanceof GenServerError ? failure : undefined, undefined)
  }

  /** Tries again while the budget lasts. */
  protected notRestarted(failure: Error, reason: Reason): Pending {
    if (failure instanceof StartIgnored) return this.end('normal')
    this.lastExit = { reason, at: this.node.clock.now() }
    return this.#maySpend() ? this.#restartFresh() : this.end(reason)
  }

  /** The server has crashed while it handled `message`. */
  protected crash(thrown: unknown, message: string, scope: Scope | undefined): Pending {
    const failure = crashFailure(this.id, message, thrown)
    const reason = crashReason(thrown)
    this.lastExit = { reason, at: this.node.clock.now() }
    reportCrash(this, { reason, thrown, message, origin: scope?.origin })
    scope?.call?.fail(failure)
    this.#waiters.failDeferred(failure)
    if (this.terms.restart === 'temporary' || !this.#maySpend()) {
      return this.#giveUp(reason, (final) => this.end(final))
    }
    if (this.terms.restartFrom === 'init') return this.#giveUp(reason, () => this.#restartFresh())
    this.incarnation++
    this.restarts++
    return undefined
  }

  #maySpend(): boolean {
    const times = spend(this.terms.budget, this.#restartTimes, this.node.clock.monotonic())
    if (times !== undefined) this.#restartTimes = times
    else
      this.node.logger.error(
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

  /** A handler chose to stop. Its caller hears the reply, or the reason, when `terminate` has run (S:D4). */
  protected stopItself(reason: Reason, tell: (final: Reason) => void): Pending {
    if (this.terms.restart !== 'permanent') {
      return this.#stop(reason, (final) => {
        tell(final)
        return this.end(final)
      })
    }
    return this.#stop(reason, (final) => {
      tell(final)
      this.lastExit = { reason: final, at: this.node.clock.now() }
      this.#waiters.failDeferred(exitFailure(this.id, final, this.lastExit.at))
      return this.#maySpend() ? this.#restartFresh() : this.end(final)
    })
  }

  /** Carries out an order from outside. */
  protected stopOnOrder(order: StopOrder): Pending {
    this.#waiters.stopOrdered(order)
    return this.#stop(order.reason, (final) => this.end(final))
  }

  /** An end that was chosen. It is reported here, unless `terminate` has failed and that was. */
  #stop(reason: Reason, then: (final: Reason) => Pending): Pending {
    return this.#giveUp(reason, (final) => {
      if (final === reason) reportCrash(this, { reason, message: 'stop' })
      return then(final)
    })
  }

  /** Runs `terminate`, then goes on with the reason that holds: its own failure, if it fails (S:H5). */
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
        this.context(scope),
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

  /** The server is no more, because of `reason`. */
  protected end(reason: Reason): undefined {
    this.#close(exitFailure(this.id, reason, this.node.clock.now()), reason)
    return undefined
  }

  /** Everybody who waits hears `failure`. Without a `reason` the server has never begun, and leaves no trace. */
  #close(failure: GenServerError | undefined, reason: Reason | undefined): void {
    if (this.ended) return
    const told = failure ?? new GenServerError('unknown_server', `${this.id} was not started`)
    this.halt()
    this.loseState()
    this.peers.ended(this, reason)
    this.cutOff(reason === undefined ? told : exitFailure(this.id, reason, this.node.clock.now(), 'unknown'), told)
    this.#tellTheEnd = () => this.#waiters.ended(this.id, reason, told, this.mailbox)
    this.#tellTheEnd()
  }

  /** The call's reply comes later. */
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
