/**
 * The generic server (OTP: `gen_server`): takes each message to the handler that its implementation has for it, and
 * tells the caller what came of it. The staircase below it: `lifecycle.ts`, `ending.ts`, `beginning.ts`,
 * `stateful-process.ts`, `equipped.ts`, `kernel/process.ts`. There may be very many servers, so each of these keeps its fields
 * few, and its methods `private` and not `#`: a class with `#` methods has a mark in each of its objects.
 *
 * A call's way, with the file of each step:
 *
 *     LocalRuntime.#request                    local-runtime   which server
 *       makeCall                              sending         the args are checked, a place in the mailbox reserved
 *       deadlines.add, transport.deliver      kernel          its time runs from here
 *     put → wake → Scheduler → handle         process         next in line; not if its deadline has passed
 *                                                             (put → takeAtOnce → handle where nobody is before it)
 *       receive → takeCall                    server          `ifMatch`; the idle timeout ends
 *         attempt → turn                      stateful-process, turn       the handler, on a draft
 *         commit → apply → releaseEffects     stateful-process, gate      kept if durable; then it takes hold
 *         succeeded → Call.answer             server, call    the caller has its answer
 *
 * If the handler throws: attempt → fail → failed → crash (lifecycle): the caller is told, and the server goes on with the
 * state it had, or → giveUp → `terminate` → startOver → initialise, or → end. Which, its keeper says.
 */

import { NoReply, Stop } from '../definition/answer.js'
import type { SeenStatus, ServerInfo } from '../definition/info.js'
import type { CallOperation, Handler, Protocol } from '../definition/protocol.js'
import type { Call } from '../kernel/call.js'
import type { Cast, Envelope, Info, StopOrder } from '../kernel/envelope.js'
import type { GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import type { Pending } from '../kernel/process.js'
import { legible, type Reason } from '../kernel/reason.js'
import { crashFailure, exitFailure } from './crash.js'
import { Lifecycle } from './lifecycle.js'
import { Replacement } from './replacement.js'
import { Scope } from './scope.js'
import { checkAgain } from './sending.js'
import { noAnswer, type Turned } from './turn.js'
import type { Urgent } from './urgent.js'

export class Server extends Lifecycle {
  protected receive(envelope: Envelope | Urgent): Pending {
    const { workLog, recent } = this.node
    workLog.add(this.id, envelope, recent)
    let pending: Pending
    try {
      pending = this.take(envelope)
      return pending
    } finally {
      workLog.returned(this.id, pending !== undefined)
    }
  }

  protected override over(): void {
    this.node.workLog.over(this.id)
  }

  private take(envelope: Envelope | Urgent): Pending {
    if (this.tracer !== undefined) {
      this.tracer.taken(envelope)
      if (this.ended) {
        // Whoever was told has killed it, so this comes too late.
        if (envelope.kind === 'call') envelope.fail(this.failure as GenServerError)
        else if (envelope.kind === 'stop') this.put(envelope)
        return undefined
      }
    }
    switch (envelope.kind) {
      case 'call':
        return this.takeCall(envelope)
      case 'cast':
        return this.takeCast(envelope)
      case 'info':
        return this.takeInfo(envelope)
      case 'stop':
        return this.takeStop(envelope)
      case 'continue':
        return this.runMessage(envelope, this.protocol.continues.get(envelope.message) as Handler, envelope.args)
      case 'crash':
        return this.crash(envelope.thrown, envelope.message, undefined)
      case 'replace':
        return this.takeReplacement(envelope)
    }
  }

  protected expired(call: Call): void {
    call.fail(this.notTaken(call))
  }

  private takeCall(call: Call): Pending {
    call.phase = 'taken'
    const mismatch = this.mismatch(call.ifMatch)
    if (mismatch !== undefined) {
      call.fail(mismatch)
      return undefined
    }
    const operation = this.protocol.calls.get(call.message) as CallOperation
    const scope = new Scope(call, call.origin, operation.readOnly)
    scope.idleBefore = this.disarmIdle(call)
    if (operation.readOnly) return this.startLook(scope, call, operation)
    return this.attempt(scope, operation.handler, call.args, operation.checkReply)
  }

  private takeCast(cast: Cast): Pending {
    const mismatch = this.mismatch(cast.ifMatch)
    if (mismatch !== undefined) {
      this.node.logger.warn({ server: this.id, cast: cast.message, ...cast.origin }, `dropped: ${mismatch.message}`)
      return undefined
    }
    return this.runMessage(cast, this.protocol.casts.get(cast.message)?.handler as Handler, cast.args)
  }

  private takeInfo(info: Info): Pending {
    const handler = this.protocol.infos.get(info.message)?.handler
    if (info.message === 'DOWN') this.anyTies?.downTaken(info)
    if (handler !== undefined) return this.runMessage(info, handler, info.args)
    // A stray message is nothing that happened; the idle timeout itself has happened.
    if (info.message === 'timeout') this.disarmIdle(info)
    this.node.logger.warn({ server: this.id, info: info.message }, 'dropped: there is no handleInfo for it')
    return undefined
  }

  private takeStop(order: StopOrder): Pending {
    const mismatch = this.mismatch(order.ifMatch)
    if (mismatch === undefined) return order.isHold ? this.holdOnOrder(order) : this.stopOnOrder(order)
    order.done(mismatch)
    return undefined
  }

  /** A message that nobody waits for. */
  private runMessage(taken: Cast | Info | Urgent, handler: Handler, args: Json): Pending {
    const scope = new Scope(undefined, taken.kind === 'cast' ? taken.origin : undefined, false)
    if (taken.kind !== 'continue') scope.idleBefore = this.disarmIdle(taken)
    return this.attempt(scope, handler, args, noAnswer)
  }

  /**
   * Its caller is told of a failure at once; the server crashes in its turn, unless the state that was looked at, or the code
   * that looked, is given up by then.
   */
  private startLook(scope: Scope, call: Call, operation: CallOperation): Pending {
    if (scope.idleBefore !== undefined) this.idleTimeout.arm(scope.idleBefore)
    const { revision, lineage, protocol } = this
    const answer = (reply: Json) => {
      this.endLook(scope)
      this.whenKept(call, () => {
        this.replies++
        call.answer(reply, revision)
      })
    }
    const failed = (error: unknown) => {
      const thrown = legible(error)
      this.endLook(scope)
      call.fail(crashFailure(this.id, call.message, thrown))
      if (this.lineage === lineage && this.protocol === protocol) this.crashNext(call.message, thrown)
    }
    call.beside = call
    try {
      const reply = this.runReadOnly(scope, operation.handler, call.args, operation.checkReply)
      if (reply instanceof Promise) {
        this.addLook(scope)
        reply.then(answer, failed)
      } else answer(reply)
    } catch (error) {
      failed(error)
    }
    return undefined
  }

  /** `next` gives the next state, at once or when the message that is being handled is done; `call` hears of it. */
  replaceState(call: Call, next: (state: object) => object): void {
    const replacement = new Replacement(this, call, next)
    call.onSettled = () => this.takeBack(replacement)
    this.putFirst(replacement)
  }

  private takeReplacement({ call, next }: Replacement): Pending {
    call.phase = 'taken'
    try {
      const mismatch = this.mismatch(call.ifMatch)
      if (mismatch !== undefined) throw mismatch
      return this.replaceBy(new Scope(call, call.origin, false), next(this.latest))
    } catch (error) {
      call.fail(error as Error)
      return undefined
    }
  }

  /**
   * Runs on other code from now on, and has the state `next` if it has one (OTP: `sys:change_code/4`). It must be quiet. What
   * is still to come was checked for the code before: what does not fit any more is refused, as if it came only now.
   */
  changeCode(protocol: Protocol, next: object | undefined): void {
    this.protocol = protocol
    this.args = argsFor(protocol, this.args)
    this.feed?.forgetView()
    if (next !== undefined) this.replaceBy(new Scope(undefined, undefined, false), next)
    // It is away: what it has still to do would be for its next life.
    this.forgetUrgent(
      ({ kind, message }) => kind === 'crash' || (kind === 'continue' && protocol.continues.has(message)),
    )
    for (const envelope of this.mailbox.waiting()) {
      const refusal = checkAgain(protocol, envelope)
      if (refusal !== undefined) this.refuse(envelope, refusal)
    }
    for (const [ref, envelope] of this.anyTimers?.waiting() ?? []) {
      const refusal = checkAgain(protocol, envelope)
      if (refusal === undefined) continue
      this.anyTimers?.cancel(ref)
      this.refuse(envelope, refusal)
    }
  }

  refuse(envelope: Envelope, refusal: GenServerError): void {
    this.mailbox.remove(envelope)
    this.node.workLog.dropped(envelope)
    if (envelope.kind === 'call') envelope.fail(refusal)
    else this.node.logger.warn({ server: this.id, message: envelope.message }, `dropped: ${refusal.message}`)
  }

  protected succeeded({ call }: Scope, answer: Turned['answer']): Pending {
    this.tracer?.turned()
    if (answer instanceof Stop) return this.stopping(call, answer)
    if (answer instanceof NoReply) {
      if (call !== undefined) this.defer(call)
    } else if (call !== undefined) {
      if (this.current === call) this.replies++
      call.answer(answer, this.revision)
    }
    return undefined
  }

  /** A handler has chosen to stop. */
  protected stopping(call: Call | undefined, { reason, answer }: Stop<Json>): Pending {
    if (call !== undefined) this.defer(call)
    return this.stopItself(reason, (final) => {
      if (answer) {
        this.replies++
        call?.answer(answer.reply, this.revision)
      } else call?.fail(exitFailure(this.id, final, this.node.clock.now(), 'unknown'))
    })
  }

  protected failed(scope: Scope, thrown: unknown): Pending {
    const { current: taken, lineage } = this
    const pending = this.crash(thrown, taken?.message ?? '', scope)
    if (this.lineage === lineage && scope.idleBefore !== undefined) this.idleTimeout.arm(scope.idleBefore)
    return pending
  }

  crashed(message: string, reason: Reason): void {
    this.remember({ crashes: this.crashes + 1 })
    this.tracer?.crashed(message, reason)
  }

  get seenStatus(): SeenStatus {
    return this.suspended && this.status === 'running' ? 'suspended' : this.status
  }

  /** Never waits for the server: it works while a handler is stuck. */
  get info(): ServerInfo {
    const now = this.node.clock.monotonic()
    const { current, lastExit, terms, mailbox } = this
    return {
      id: this.id,
      node: this.node.name,
      implementation: this.protocol.name,
      version: this.protocol.version,
      status: this.seenStatus,
      incarnation: this.incarnation,
      revision: this.committedRevision,
      startedAt: this.node.timeText(this.startedAt),
      restarts: this.restarts,
      attempts: this.attempts,
      restart: terms.restart,
      restartFrom: terms.restartFrom,
      supervisor: this.keeper.supervisor ?? null,
      labels: terms.labels,
      mailbox: { length: mailbox.length, limit: mailbox.limit, oldestAge: Math.round(mailbox.oldestAge(now)) },
      handled: this.handled,
      replies: this.replies,
      crashes: this.crashes,
      current: current
        ? { kind: current.kind, message: current.message, runningFor: Math.round(now - current.takenAt) }
        : null,
      lastExit: lastExit ? { reason: lastExit.reason, at: new Date(lastExit.at).toISOString() } : null,
    }
  }
}

/** The args of a start, for the next `init`. Those that its new code does not take are left as they are. */
export function argsFor({ checkStartArgs }: Protocol, args: Json): Json {
  try {
    return checkStartArgs(args)
  } catch {
    return args
  }
}
