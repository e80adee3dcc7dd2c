/**
 * The output gate of a durable server: what a turn gave is given to the group commit, and what others can see of it leaves when it is
 * kept.
 *
 * 1. A turn builds on the one before at once.
 * 2. In one batch go: the state, the message that had its effect, timers, and casts to other durable servers.
 * 3. Whoever looks from outside sees what is kept. A `readOnly` call sees what the turns before it did, and is answered when that is kept.
 */

import { NoReply, Stop } from '../definition/answer.js'
import type { Protocol } from '../definition/protocol.js'
import type { Call } from '../kernel/call.js'
import { Cast } from '../kernel/envelope.js'
import { GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import type { Pending } from '../kernel/process.js'
import { freeze, seal } from '../server/draft.js'
import type { Effect } from '../server/effects.js'
import { OWN, release } from '../server/gate.js'
import type { Scope } from '../server/scope.js'
import type { Turned } from '../server/turn.js'
import { KeptMailbox } from './kept-mailbox.js'
import { keptCast, keptText } from './kept-text.js'
import { failedText, repliedText } from './outcome.js'
import { storageFailed } from './storage-failed.js'

interface Shown {
  readonly state: object
  readonly revision: number
  frozen: object | undefined
}

export abstract class GatedServer extends KeptMailbox {
  /** What is kept, for whoever looks. */
  #shown: Shown | undefined = undefined
  /** Effects of `init` that wait for its state to be kept. */
  #heldByInit: readonly Effect[] | undefined = undefined

  override get committed(): object {
    const shown = this.#shown
    if (shown === undefined) return super.committed
    // When somebody first asks for it.
    shown.frozen ??= freeze(shown.state)
    return shown.frozen
  }

  override get committedRevision(): number {
    return this.#shown?.revision ?? this.revision
  }

  override get still(): boolean {
    return super.still && this.committedRevision === this.revision
  }

  override async whenStill(): Promise<void> {
    await super.whenStill()
    if (!this.still) await this.kept().catch(() => {})
  }

  protected override get latest(): object {
    this.state = freeze(this.state)
    return this.state
  }

  /** What is kept from now on. */
  protected shows(state: object, revision: number): void {
    this.#shown = { state, revision, frozen: undefined }
  }

  /** Its end is on its way. */
  protected abstract get isEnding(): boolean

  protected override commit(scope: Scope, { state, answer }: Turned): Pending {
    if (this.scope !== scope) return undefined
    if (state !== this.state) {
      try {
        const text = keptText(state, this.node.maxStateBytes)
        this.state = seal(state)
        this.revision++
        this.commits.state(this.id, this.revision, text)
      } catch (error) {
        return this.fail(scope, error)
      }
    }
    this.settle()
    const { call } = scope
    const counts = call !== undefined && this.current === call
    const turned = { state: this.state, revision: this.revision, frozen: undefined }
    if (call?.keyed !== undefined) this.keepAnswer(call.keyed.key, this.#answerOf(call, answer))
    const held = this.#hold(scope)
    if (call !== undefined && (answer instanceof NoReply || answer instanceof Stop)) this.defer(call)
    const open = () => {
      this.#show(turned)
      release(this, held, this.node.transport, turned.revision)
    }
    const lost = (error: Error) => {
      this.#drop(held)
      call?.fail(storageFailed(this.id, error))
    }
    if (answer instanceof Stop) return this.#stopWhenKept(call, answer, open, lost)
    this.commits.whenKept(() => {
      open()
      this.tracer?.turned()
      if (call === undefined || answer instanceof NoReply) return
      if (counts) this.replies++
      call.answer(answer, turned.revision)
    }, lost)
    return undefined
  }

  /** What is kept of it now. A reply that comes later takes the place of this, if the server lives to give it. */
  #answerOf({ message }: Call, answer: Turned['answer']): string {
    if (answer instanceof Stop && answer.answer !== undefined) return repliedText(answer.answer.reply, this.revision)
    if (answer instanceof NoReply || answer instanceof Stop) {
      const why = `${this.id} had taken ${message}, and was not there any more when its reply was due`
      return failedText(new GenServerError('server_crashed', why, { reason: 'killed', effect: 'unknown' }))
    }
    return repliedText(answer, this.revision)
  }

  #stopWhenKept(call: Call | undefined, answer: Stop<Json>, open: () => void, lost: (error: Error) => void): Pending {
    return new Promise((resolve) =>
      this.commits.whenKept(
        () => {
          open()
          resolve(this.ended || this.isEnding ? undefined : this.stopping(call, answer))
        },
        (error) => {
          lost(error)
          resolve(undefined)
        },
      ),
    )
  }

  /** Also where it has the same state with that: whoever finds it in the store must know. */
  override changeCode(protocol: Protocol, next: object | undefined): void {
    const { id } = this
    const { version } = this.protocol
    super.changeCode(protocol, next)
    if (protocol.version === version || this.isStored || !this.hasState) return
    this.commits.add(id, { kind: 'version', id, version: protocol.version })
  }

  /** What concerns only the server itself takes hold; gives the rest. Casts to durable servers are kept with it. */
  #hold(scope: Scope): readonly Effect[] {
    const { effects } = scope
    this.closeTurn(scope)
    if (effects.length === 0) return effects
    release(
      this,
      effects.filter(({ kind }) => OWN.has(kind)),
      this.node.transport,
    )
    const held = effects.filter(({ kind }) => !OWN.has(kind))
    for (const effect of held) {
      if (effect.kind === 'reply' && effect.call.keyed !== undefined) {
        this.keepAnswer(effect.call.keyed.key, repliedText(effect.reply, this.revision))
      }
      if (effect.kind !== 'send' || !(effect.envelope instanceof Cast)) continue
      const { to, envelope } = effect
      if (to.protocol.definition.durable) envelope.receipt = this.commits.cast(to.id, keptCast(envelope)) // 2
    }
    return held
  }

  protected override whenKept(call: Call, tell: () => void): void {
    this.commits.whenKept(tell, (error) => call.fail(storageFailed(this.id, error))) // 3
  }

  #drop(held: readonly Effect[]): void {
    for (const effect of held) if (effect.kind === 'send') effect.to.mailbox.release()
  }

  #show(turned: Shown): void {
    if (this.#shown?.revision === turned.revision) return
    this.#shown = turned
    if (!this.ended) this.feed?.changed(this)
  }

  /** The effects of `init` and `terminate`. */
  protected override releaseEffects(scope: Scope): void {
    const held = this.#heldByInit ?? this.#hold(scope)
    this.#heldByInit = undefined
    this.closeTurn(scope)
    if (held.length === 0) return
    this.commits.whenKept(
      () => release(this, held, this.node.transport),
      () => this.#drop(held),
    )
  }

  /** What `init` said leaves when its state is kept. */
  protected holdInit(scope: Scope): void {
    this.#heldByInit = this.#hold(scope)
    // The turn of `init` is over, and yet to be told.
    this.scope = scope
  }
}
