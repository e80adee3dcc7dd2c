/** The `ctx` of one turn (see `context.ts` for what each member promises). */

import { IGNORE, type Ignore, NO_REPLY, type NoReply, Refuse, Stop } from '../definition/answer.js'
import type { StartFromHandler } from '../definition/context.js'
import { checkReason } from '../definition/ordered-reason.js'
import { checkPlain } from '../definition/plain.js'
import type { Waiter } from '../kernel/call.js'
import type { Cast, Info } from '../kernel/envelope.js'
import type { Json } from '../kernel/json.js'
import type { Logger } from '../kernel/logger.js'
import { printable, type Reason } from '../kernel/reason.js'
import type { Effect } from './effects.js'
import type { Peer, Peers, Self } from './peers.js'
import type { Scope } from './scope.js'
import { infoCheck, makeCast, makeInfo } from './sending.js'

/** Authors hold one in their hands, so what it works with is `#private`. */
export class TurnContext {
  readonly #self: Self
  readonly #peers: Peers
  readonly #scope: Scope
  #log: Logger | undefined = undefined

  constructor(self: Self, peers: Peers, scope: Scope) {
    this.#self = self
    this.#peers = peers
    this.#scope = scope
  }

  get id(): string {
    return this.#self.id
  }

  get incarnation(): number {
    return this.#self.incarnation
  }

  get log(): Logger {
    if (this.#log === undefined) {
      const { id, incarnation, protocol, node } = this.#self
      this.#log = node.logger.child({ server: id, implementation: protocol.name, incarnation, ...this.#scope.origin })
    }
    return this.#log
  }

  now(): number {
    return this.#self.node.clock.now()
  }

  get signal(): AbortSignal {
    return this.#scope.signal
  }

  get from(): string {
    this.#mustBeOn('from')
    if (this.#scope.call === undefined) throw new Error('ctx.from: only a call has a caller')
    return this.#peers.address(this.#scope.call)
  }

  call(id: string, message: string, args?: unknown, options?: { timeout?: number }): Promise<Json> {
    this.#mustBeOn('call')
    return this.#peers.callFrom(id, message, args, {
      waiter: this.#waiter,
      timeout: options?.timeout,
      chain: this.#scope.call?.chain,
      deadline: this.#scope.call?.deadline ?? Number.POSITIVE_INFINITY,
      origin: this.#scope.origin,
      kept: this.#self.kept(),
    })
  }

  start(implementation: string, args?: unknown, options: StartFromHandler = {}): Promise<string | undefined> {
    this.#mustBeOn('start')
    const { link, ...rest } = options
    return this.#peers.startFrom(this.#waiter, implementation, args, { ...rest, link: link ? this.#self : undefined })
  }

  whereis(id: string): string | undefined {
    return this.#peers.find(id)?.id
  }

  cast(id: string, message: string, args?: unknown): void {
    this.#mayAct('cast')
    const to = this.#peers.find(id)
    if (to === undefined) this.log.debug({ to: id, cast: message }, 'a cast to nobody')
    else this.#send(to, makeCast(to, message, args, { origin: this.#scope.origin }))
  }

  send(id: string, message: string, args?: unknown): void {
    this.#mayAct('send')
    const to = this.#peers.find(id)
    if (to === undefined) this.log.debug({ to: id, info: message }, 'a message to nobody')
    else this.#send(to, makeInfo(to, message, args))
  }

  noReply(): NoReply {
    return NO_REPLY
  }

  reply(from: string, value: unknown): boolean {
    this.#mayAct('reply')
    const call = this.#peers.waiting(from)
    if (call === undefined) {
      this.log.debug({ from }, 'a reply to a caller that is gone or answered')
      return false
    }
    if (this.#scope.repliesTo(call)) {
      this.log.warn({ from }, 'a second reply to one call')
      return false
    }
    const operation = (call.to as Self).protocol.calls.get(call.message)
    this.#scope.reply(call, operation ? operation.checkReply(value) : checkPlain(value))
    return true
  }

  /** Whether there is a reply is told by how many arguments there are: `undefined` may be one. */
  stop(reason: Reason = 'normal', ...answer: [reply?: unknown]): Stop {
    this.#mayAct('stop')
    return new Stop(checkReason(reason), answer.length === 0 ? undefined : { reply: answer[0] })
  }

  ignore(): Ignore {
    return IGNORE
  }

  refuse(reason: string): Refuse {
    return new Refuse(typeof reason === 'string' ? reason : printable(reason))
  }

  continue(name: string, args?: unknown): void {
    this.#mayAct('continue')
    if (!this.#self.protocol.continues.has(name)) throw new Error(`there is no handleContinue.${name}`)
    this.#scope.add({ kind: 'continue', name, args: checkPlain(args) })
  }

  sendAfter(ms: number, message: string, args?: unknown): string {
    this.#mayAct('sendAfter')
    mustBeMilliseconds('sendAfter', ms)
    const ref = this.#self.node.makeRef('t')
    this.#scope.add({ kind: 'timer', ref, ms, message, args: infoCheck(this.#self.protocol, message)(args) })
    return ref
  }

  cancelTimer(ref: string): number | false {
    this.#mayAct('cancelTimer')
    const fresh = this.#scope.effects.find((effect) => effect.kind === 'timer' && effect.ref === ref)
    const isCancelled = this.#scope.effects.some((effect) => effect.kind === 'cancelTimer' && effect.ref === ref)
    const left = fresh?.kind === 'timer' ? fresh.ms : (this.#self.anyTimers?.left(ref) ?? false)
    if (left === false || isCancelled) return false
    this.#scope.add({ kind: 'cancelTimer', ref })
    return left
  }

  idleTimeout(ms: number): void {
    this.#mayAct('idleTimeout')
    mustBeMilliseconds('idleTimeout', ms)
    this.#scope.add({ kind: 'idleTimeout', ms })
  }

  link(id: string): void {
    this.#act('link', { kind: 'link', id })
  }

  unlink(id: string): void {
    this.#act('unlink', { kind: 'unlink', id })
  }

  monitor(id: string): string {
    const ref = this.#self.node.makeRef('m')
    this.#act('monitor', { kind: 'monitor', ref, id })
    return ref
  }

  demonitor(ref: string): void {
    this.#act('demonitor', { kind: 'demonitor', ref })
  }

  trapExit(on = true): void {
    this.#act('trapExit', { kind: 'trapExit', on })
  }

  exit(id: string, reason: Reason): void {
    this.#act('exit', { kind: 'exit', id, reason: checkReason(reason) })
  }

  publish(event: string, data: unknown): void {
    this.#mayAct('publish')
    const check = this.#self.protocol.events.get(event)
    if (check === undefined) throw new Error(`${this.#self.protocol.name} declares no event ${event}`)
    this.#scope.add({ kind: 'publish', event, data: check(data) })
  }

  pipe(promise: Promise<unknown>, message: string): void {
    const piped = Promise.resolve(promise)
    // Whatever becomes of this turn, the author has handed the promise over: nobody else hears its rejection.
    piped.catch(() => {})
    this.#mayAct('pipe')
    this.#scope.add({ kind: 'pipe', promise: piped, message })
  }

  #send(to: Peer, envelope: Cast | Info): void {
    this.#scope.add({ kind: 'send', to, envelope, checkedFor: to.protocol })
  }

  /** A call that only looks holds its server up for nobody. */
  get #waiter(): Waiter {
    const { call, readOnly } = this.#scope
    return readOnly && call !== undefined ? call : this.#self
  }

  #mustBeOn(member: string): void {
    if (this.#scope.over) throw new Error(`ctx.${member}: this turn is over`)
  }

  #act(member: string, effect: Effect): void {
    this.#mayAct(member)
    this.#scope.add(effect)
  }

  #mayAct(member: string): void {
    this.#mustBeOn(member)
    if (this.#scope.readOnly) throw new Error(`ctx.${member}: a readOnly call only looks`)
  }
}

/** OTP: a wrong timeout in a callback's return is a `bad_return_value`. */
function mustBeMilliseconds(member: string, ms: unknown): void {
  if (typeof ms === 'number' && ms >= 0 && Number.isFinite(ms)) return
  throw new Error(`bad_return_value: ctx.${member} takes milliseconds, not ${String(ms)}`)
}
