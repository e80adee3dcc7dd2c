/**
 * A process with a state, which runs turns on it. A turn: `attempt` → `turn` → `commit` → `apply` → `succeeded`, or
 * `fail` → `failed`. A `readOnly` handler makes no turn but a look: `runReadOnly`, between `addLook` and `endLook` if it
 * takes its time.
 *
 * 1. A handler's changes, effects and reply take hold together, after it has succeeded, or not at all.
 * 2. A turn that was cut off is not heard any more, whatever it still does.
 * 3. A `readOnly` handler gets the frozen state and holds nothing up.
 */

import type { Awaitable } from '../definition/definition.js'
import type { PublishedEvent } from '../definition/info.js'
import type { Check, Handler } from '../definition/protocol.js'
import type { Busy, Call } from '../kernel/call.js'
import { type Cast, Info } from '../kernel/envelope.js'
import type { GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import type { AnswerKey } from '../kernel/kept.js'
import { logError } from '../kernel/logger.js'
import type { Pending } from '../kernel/process.js'
import { legible, type Reason } from '../kernel/reason.js'
import { adopt, freeze } from './draft.js'
import { discard } from './effects.js'
import { Equipped } from './equipped.js'
import type { Feed } from './feed.js'
import { release, type Source } from './gate.js'
import type { Scope } from './scope.js'
import { NO_STATE } from './state-view.js'
import type { Tracer } from './tracer.js'
import { isThenable, type Turned, turn } from './turn.js'
import { TurnContext } from './turn-context.js'

export abstract class StatefulProcess extends Equipped implements Source {
  // What each turn needs comes first, so that it lies together in memory.
  revision = 0
  /** There while somebody looks. */
  tracer: Tracer | undefined = undefined
  /** The turn that is on. */
  protected scope: Scope | undefined = undefined
  protected state: object = NO_STATE
  /** The state, if nobody else has it. */
  #own: object | undefined = undefined
  #frozen: object = NO_STATE
  /** Once somebody has watched it. */
  feed: Feed | undefined = undefined

  /** A turn has succeeded: its state and effects hold. */
  protected abstract succeeded(scope: Scope, answer: Turned['answer']): Pending
  /** A turn has failed: nothing of it holds. */
  protected abstract failed(scope: Scope, thrown: unknown): Pending
  /** Counts a crash, and tells it to whoever looks. */
  abstract crashed(message: string, reason: Reason): void

  /** The state as others may see it. It is frozen when somebody first asks for it, and goes on as the state in that form. */
  get committed(): object {
    if (this.#frozen !== this.state) this.#frozen = this.state = freeze(this.state)
    this.#own = undefined
    return this.#frozen
  }

  /** The state as the next turn finds it. */
  protected get latest(): object {
    return this.committed
  }

  /** Of `committed`. */
  get committedRevision(): number {
    return this.revision
  }

  /** A message is taken, which ends the idle timeout. Gives the milliseconds it had been armed with. */
  protected disarmIdle(taken: unknown): number | undefined {
    return this.anyIdleTimeout?.disarm(taken)
  }

  /** The state is given up, and what belongs to it. */
  protected loseState(): void {
    this.lineage++
    this.forgetUrgent()
    this.anyTimers?.clear()
    this.anyIdleTimeout?.disarm()
    if (this.anyTies !== undefined) this.anyTies.trapsExits = false
    this.state = this.#frozen = NO_STATE
    this.#own = undefined
  }

  /** The turn of `scope` is on from now. Gives its `ctx`. */
  protected openTurn(scope: Scope): TurnContext {
    this.scope = scope
    return new TurnContext(this, this.peers, scope)
  }

  /** Runs one message: the draft becomes the state, and the effects leave, when the handler has succeeded. */
  protected attempt(scope: Scope, handler: Handler, args: Json, checkReply: Check): Pending {
    let turned: Turned | Promise<Turned>
    try {
      turned = turn(handler, this.state, args, this.openTurn(scope), checkReply)
    } catch (error) {
      return this.fail(scope, error)
    }
    if (!(turned instanceof Promise)) return this.commit(scope, turned)
    return turned.then(
      (settled) => this.commit(scope, settled),
      (error) => this.fail(scope, error),
    )
  }

  /** `next`, which nobody else has, becomes the state, as by a turn of `scope` (OTP: `sys:replace_state/3`). */
  protected replaceBy(scope: Scope, next: object): Pending {
    this.scope = scope
    return this.commit(scope, { state: next, answer: null })
  }

  /** Runs a handler that only looks, beside whatever else runs. */
  protected runReadOnly(scope: Scope, handler: Handler, args: Json, checkReply: Check): Json | Promise<Json> {
    const result = handler(this.latest, args, new TurnContext(this, this.peers, scope))
    return isThenable(result) ? Promise.resolve(result).then(checkReply) : checkReply(result)
  }

  /** Also its `init` and its `terminate` are done. */
  override get quiet(): boolean {
    return super.quiet && this.scope === undefined
  }

  /** It is quiet, and nothing of its state is on its way to where that is kept. */
  get still(): boolean {
    return this.quiet
  }

  /** Resolves when it is still, as far as that depends on itself, or has ended. */
  whenStill(): Promise<void> {
    return this.whenQuiet()
  }

  /** What it is is in the store only: it comes out of it, or will. */
  get isStored(): boolean {
    return false
  }

  get hasState(): boolean {
    return this.state !== NO_STATE
  }

  override get idle(): boolean {
    return super.idle && !this.anyLooks?.size
  }

  /** What a look was asked for comes later. */
  protected addLook(scope: Scope): void {
    this.looks.add(scope)
    this.node.workLog.beside(this.id, scope)
  }

  /** It has its answer, at once or later. */
  protected endLook(scope: Scope): void {
    scope.over = true
    if (this.anyLooks?.delete(scope) !== true) return
    this.node.workLog.over(scope)
    this.rest()
  }

  /** The server ends: whatever runs is cut off. The caller of the turn hears `failure`, those who look `looksFailure`. */
  protected cutOff(failure: GenServerError, looksFailure: GenServerError): void {
    const { scope } = this
    abandonWaits(this)
    if (scope !== undefined) {
      this.discardEffects(scope)
      scope.cut(failure.message)
      scope.call?.fail(failure)
    }
    for (const look of this.anyLooks ?? []) {
      const call = look.call as Call
      abandonWaits(call)
      this.node.workLog.over(look)
      look.cut(looksFailure.message)
      call.fail(looksFailure)
    }
    this.anyLooks?.clear()
  }

  /** The turn has come to its end: what it gave takes hold. */
  protected commit(scope: Scope, { state, answer }: Turned): Pending {
    if (this.scope !== scope) return
    if (state === this.state) return this.releaseTurn(scope, answer)
    const adopted = adopt(state, this.#own)
    this.#own = adopted === state ? undefined : adopted
    return this.apply(scope, adopted, answer)
  }

  /** `state` holds from now. */
  private apply(scope: Scope, state: object, answer: Turned['answer']): Pending {
    this.state = state
    this.revision++
    if (this.feed !== undefined) {
      this.feed.changed(this)
      // Whoever was told may have killed it.
      if (this.scope !== scope) return undefined
    }
    return this.releaseTurn(scope, answer)
  }

  /** What the turn has said leaves. */
  private releaseTurn(scope: Scope, answer: Turned['answer']): Pending {
    this.releaseEffects(scope)
    return this.succeeded(scope, answer)
  }

  protected releaseEffects(scope: Scope): void {
    this.closeTurn(scope)
    if (scope.effects.length > 0) release(this, scope.effects, this.node.transport)
  }

  protected fail(scope: Scope, thrown: unknown): Pending {
    if (this.scope !== scope) return
    this.discardEffects(scope)
    return this.failed(scope, legible(thrown))
  }

  protected discardEffects(scope: Scope): void {
    this.closeTurn(scope)
    discard(scope.effects)
  }

  /** The turn is over. Calls that it has made and not waited for hold nobody up any more. */
  protected closeTurn(scope: Scope): void {
    this.scope = this.waits = undefined
    scope.over = true
  }

  continueWith(name: string, args: Json): void {
    this.putFirst({ kind: 'continue', message: name, args, takenAt: 0 })
  }

  deliverInfo(message: string, args: Json): void {
    this.putNow(new Info(message, args, false))
  }

  crashNext(message: string, thrown: unknown): void {
    this.putFirst({ kind: 'crash', message, thrown: legible(thrown), takenAt: 0 })
  }

  subscribe(listener: (event: PublishedEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  tell(event: string, data: Json): void {
    this.feed?.add(event, data)
    for (const listener of this.anyListeners ?? []) {
      try {
        listener({ id: this.id, event, data })
      } catch (error) {
        logError(this.node.logger, { err: error, server: this.id, event }, 'a subscriber failed')
      }
    }
  }

  /**
   * A cast from outside is for this server. `undefined`: it is accepted; otherwise it is when the promise resolves. That it was is to be
   * kept under `key`.
   */
  accept(cast: Cast, _key?: AnswerKey): Promise<void> | undefined {
    this.node.transport.deliver(this, cast)
    return undefined
  }

  /** A message that the store has already, by the number `seq`, is for this server: it finds a place also where there is none. */
  acceptKept(message: Cast | Call, _seq: number): void {
    this.mailbox.occupy(message.bytes)
    this.node.transport.deliver(this, message)
  }

  /** That it was started is to be kept under `key`. */
  startedUnder(_key: AnswerKey): void {}

  /** That is what came of what was asked under `key` (`Outcome`). */
  keepAnswer(_key: AnswerKey, _outcome: string): void {}

  /** What `look` gives, when it is in memory. */
  whenHere<T>(look: () => Awaitable<T>): Awaitable<T> {
    return look()
  }

  /** What `call` has looked at is told when it is kept. */
  protected whenKept(_call: Call, tell: () => void): void {
    tell()
  }

  /** When all that it has done until now is kept. `undefined`: there is nothing to wait for. */
  kept(): Promise<void> | undefined {
    return undefined
  }
}

function abandonWaits({ waits }: Busy): void {
  for (const wait of waits ?? []) (wait as Partial<Call>).abandon?.()
}
