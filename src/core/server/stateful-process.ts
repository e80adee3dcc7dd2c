/**
 * A process with a state, which runs turns on it.
 *
 * 1. A handler's changes, effects and reply take hold together, after it has succeeded, or not at all.
 * 2. A turn that was cut off is not heard any more, whatever it still does.
 * 3. A `readOnly` handler gets the frozen state and holds nothing up.
 */

import type { Busy, Call } from '../kernel/call.js'
import { Info } from '../kernel/envelope.js'
import type { GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import type { Node } from '../kernel/node.js'
import { Process } from '../kernel/process.js'
import type { Aside } from './aside.js'
import { discard } from './effects.js'
import { commit, release, type Source } from './gate.js'
import { IdleTimeout } from './idle-timeout.js'
import type { PublishedEvent } from './info.js'
import type { Peers } from './peers.js'
import type { Handler, Protocol, Take } from './protocol.js'
import type { Scope } from './scope.js'
import { Timers } from './timers.js'
import { freeze, isThenable, type Turned, turn } from './turn.js'
import { TurnContext } from './turn-context.js'

/** Something that is done when the promise settles; `undefined`: it is done. */
export type Pending = Promise<void> | undefined

export abstract class StatefulProcess extends Process<Aside> implements Source {
  incarnation = 1
  revision = 0
  lineage = 0
  /** The turn that is on. */
  protected scope: Scope | undefined = undefined
  /** Turns that only look, and take their time. */
  #looks: Set<Scope> | undefined = undefined
  protected state: object = NO_STATE
  #frozen: object = NO_STATE
  #timers: Timers | undefined = undefined
  #idleTimeout: IdleTimeout | undefined = undefined
  #listeners: Set<(event: PublishedEvent) => void> | undefined = undefined

  constructor(
    readonly id: string,
    readonly protocol: Protocol,
    readonly peers: Peers,
    node: Node,
    mailboxLimit: number,
  ) {
    super(node, mailboxLimit)
  }

  /** A turn has succeeded: its state and effects hold. */
  protected abstract succeeded(scope: Scope, answer: Turned['answer']): Pending
  /** A turn has failed: nothing of it holds. */
  protected abstract failed(scope: Scope, thrown: unknown): Pending
  abstract notTaken(call: Call): GenServerError
  abstract forget(call: Call): void

  /** The last committed state, frozen. */
  get committed(): object {
    if (this.#frozen !== this.state) this.#frozen = this.state = freeze(this.state)
    return this.#frozen
  }

  get timers(): Timers {
    this.#timers ??= new Timers(this.node.clock, (envelope) => this.put(envelope))
    return this.#timers
  }

  /** How many timers are due, without making room for any. */
  get timerCount(): number {
    return this.#timers?.size ?? 0
  }

  get idleTimeout(): IdleTimeout {
    this.#idleTimeout ??= new IdleTimeout(this.node.clock, this.mailbox, (info) => this.put(info))
    return this.#idleTimeout
  }

  /** A message is taken, which ends the idle timeout. Gives the milliseconds it had been armed with. */
  protected disarmIdle(taken: unknown): number | undefined {
    return this.#idleTimeout?.disarm(taken)
  }

  /** The state is given up, and what belongs to it. */
  protected loseState(): void {
    this.lineage++
    this.forgetFirst()
    this.#timers?.clear()
    this.#idleTimeout?.disarm()
    this.state = this.#frozen = NO_STATE
  }

  protected context(scope: Scope): TurnContext {
    this.scope = scope
    return new TurnContext(this, this.peers, scope)
  }

  /** Runs one message: the draft becomes the state, and the effects leave, when the handler has succeeded. */
  protected attempt(scope: Scope, handler: Handler, args: Json, reply: Take): Pending {
    let turned: Turned | Promise<Turned>
    try {
      turned = turn(handler, this.state, args, this.context(scope), reply)
    } catch (error) {
      return this.fail(scope, error)
    }
    if (!(turned instanceof Promise)) return this.#commit(scope, turned)
    return turned.then(
      (settled) => this.#commit(scope, settled),
      (error) => this.fail(scope, error),
    )
  }

  /** Runs a handler that only looks, beside whatever else runs. */
  protected look(scope: Scope, handler: Handler, args: Json, reply: Take): Json | Promise<Json> {
    const result = handler(this.committed, args, new TurnContext(this, this.peers, scope))
    return isThenable(result) ? Promise.resolve(result).then(reply) : reply(result)
  }

  override get idle(): boolean {
    return super.idle && !this.#looks?.size
  }

  /** What a look was asked for comes later. */
  protected looking(scope: Scope): void {
    this.#looks ??= new Set()
    this.#looks.add(scope)
  }

  protected looked(scope: Scope): void {
    scope.over = true
    if (this.#looks?.delete(scope)) this.rest()
  }

  /** Whatever runs is cut off. The caller of the turn hears `failure`, those who only look hear `looksFailure`. */
  protected cutOff(failure: GenServerError, looksFailure: GenServerError): void {
    const { scope } = this
    abandonWaits(this)
    if (scope !== undefined) {
      this.discardEffects(scope)
      scope.cut()
      scope.call?.fail(failure)
    }
    for (const look of this.#looks ?? []) {
      const call = look.call as Call
      abandonWaits(call)
      look.cut()
      call.fail(looksFailure)
    }
    this.#looks = undefined
  }

  #commit(scope: Scope, turned: Turned): Pending {
    if (this.scope !== scope) return
    const changed = turned.state !== this.state
    const kept = changed ? commit(this.node.store, this.id, this.revision + 1, turned.state) : undefined
    if (kept === undefined) return this.#settle(scope, turned, changed)
    return kept.then(
      () => (this.scope === scope ? this.#settle(scope, turned, changed) : undefined),
      (error) => this.fail(scope, error),
    )
  }

  #settle(scope: Scope, turned: Turned, changed: boolean): Pending {
    if (changed) {
      this.state = turned.state as object
      this.revision++
    }
    this.releaseEffects(scope)
    return this.succeeded(scope, turned.answer)
  }

  protected releaseEffects(scope: Scope): void {
    this.#over(scope)
    if (scope.effects.length > 0) release(this, scope.effects, this.node.transport)
  }

  protected fail(scope: Scope, thrown: unknown): Pending {
    if (this.scope !== scope) return
    this.discardEffects(scope)
    return this.failed(scope, thrown)
  }

  protected discardEffects(scope: Scope): void {
    this.#over(scope)
    discard(scope.effects)
  }

  /** The turn is over. Calls that it has made and not waited for hold nobody up any more. */
  #over(scope: Scope): void {
    this.scope = this.waits = undefined
    scope.over = true
  }

  continueWith(name: string, args: Json): void {
    this.first({ kind: 'continue', message: name, args })
  }

  deliverInfo(message: string, args: Json): void {
    this.put(new Info(message, args, false))
  }

  subscribe(listener: (event: PublishedEvent) => void): () => void {
    this.#listeners ??= new Set()
    this.#listeners.add(listener)
    return () => this.#listeners?.delete(listener)
  }

  tell(event: string, data: Json): void {
    for (const listener of this.#listeners ?? []) {
      try {
        listener({ id: this.id, event, data })
      } catch (error) {
        this.node.logger.error({ err: error, server: this.id, event }, 'a subscriber failed')
      }
    }
  }
}

function abandonWaits({ waits }: Busy): void {
  for (const wait of waits ?? []) (wait as Partial<Call>).abandon?.()
}

/** Before `init` and after the end. */
const NO_STATE: object = Object.freeze({})
