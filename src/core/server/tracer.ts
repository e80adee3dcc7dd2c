/**
 * Tells whoever looks what a server does (OTP: `sys:trace/2`, `sys:install/2`). A server that nobody looks at has no
 * tracer, and finds that out by one comparison a message.
 *
 * 1. A name is installed once: a listener is its own name unless it is given another.
 * 2. A listener that throws is removed, and the server is unharmed.
 * 3. What is shown is what operators may see (see `shown.ts`).
 */

import type { AnyDefinition } from '../definition/definition.js'
import { Call } from '../kernel/call.js'
import type { Clock } from '../kernel/clock.js'
import { GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import { type Logger, logError } from '../kernel/logger.js'
import type { Origin } from '../kernel/queued.js'
import type { Reason } from '../kernel/reason.js'
import type { WorkLog } from '../kernel/work-log.js'
import { type ShownState, showState, showValue } from './shown.js'

/** Each with `at`, RFC 3339. Texts are JSON, cut to a length. */
export type TraceEvent =
  /** A message was taken. `args` is `null` where it brings none. */
  | {
      readonly event: 'in'
      readonly at: string
      readonly kind: string
      readonly message: string
      readonly args: string | null
      readonly requestId?: string
    }
  /** The caller of a call that was taken has its answer, one of the two; `to` is its request, where that has a name. */
  | {
      readonly event: 'out'
      readonly at: string
      readonly message: string
      readonly to: string | null
      readonly reply?: string
      readonly failure?: { readonly code: string; readonly detail: string }
    }
  /** A message has changed the state. */
  | {
      readonly event: 'state'
      readonly at: string
      readonly revision: number
      readonly before: ShownState
      readonly after: ShownState
    }
  /** A message has crashed the server, or its `terminate` or an `init` has. */
  | {
      readonly event: 'crash'
      readonly at: string
      readonly message: string
      readonly reason: Reason
      readonly incarnation: number
    }
  /** The server has ended, and nothing follows. `reason` is `null` where it had never begun. */
  | { readonly event: 'end'; readonly at: string; readonly reason: Reason | null }

export type TraceListener = (event: TraceEvent) => void

type WithoutTime<Event> = Event extends TraceEvent ? Omit<Event, 'at'> : never

/** The server that is looked at. */
export interface Traced {
  readonly id: string
  readonly protocol: { readonly definition: AnyDefinition }
  readonly committed: object
  readonly committedRevision: number
  readonly incarnation: number
  readonly node: { readonly clock: Clock; readonly logger: Logger; readonly workLog: Pick<WorkLog, 'during'> }
  tracer: Tracer | undefined
}

/** A message that is taken. */
interface TracedMessage {
  readonly kind: string
  readonly message: string
  readonly args?: Json
  readonly origin?: Origin | undefined
  /** Who waits for it, if it is not a call itself. */
  readonly call?: Call
}

export class Tracer {
  readonly #listeners = new Map<unknown, TraceListener>()
  #before: object

  constructor(private readonly server: Traced) {
    this.#before = server.committed
  }

  /** Returns how to remove it. */
  install(name: unknown, listener: TraceListener): () => void {
    if (!this.#listeners.has(name)) this.#listeners.set(name, listener)
    return () => this.#remove(name)
  }

  #remove(name: unknown): void {
    this.#listeners.delete(name)
    if (this.#listeners.size === 0) this.clear()
  }

  clear(): void {
    this.#listeners.clear()
    if (this.server.tracer === this) this.server.tracer = undefined
  }

  taken(taken: TracedMessage): void {
    // It is frozen by being looked at, so that the turn makes another.
    this.#before = this.server.committed
    const { kind, message, args, origin, call } = taken
    const from = origin?.requestId === undefined ? {} : { requestId: origin.requestId }
    this.#tell({ event: 'in', kind, message, args: this.#show(args), ...from })
    if (taken instanceof Call) this.#follow(taken)
    else if (call !== undefined) this.#follow(call)
  }

  /** Tells when the call settles, in whichever way, at once or later. */
  #follow(call: Call): void {
    const { onSettled } = call
    call.onSettled = (settled) => {
      onSettled?.(settled)
      const { error, reply } = settled.outcome
      if (error === undefined) this.turned()
      const to = settled.origin?.requestId ?? null
      const said = error === undefined ? { reply: this.#show(reply) as string } : { failure: failureOf(error) }
      this.#tell({ event: 'out', message: settled.message, to, ...said })
    }
  }

  /** A turn has succeeded. Told once for each change of the state. */
  turned(): void {
    const { id, node, committed, protocol, committedRevision: revision } = this.server
    const before = this.#before
    if (committed === before) return
    this.#before = committed
    const show = (state: object) => node.workLog.during(id, 'redact', () => showState(protocol, state))
    this.#tell({ event: 'state', revision, before: show(before), after: show(committed) })
  }

  crashed(message: string, reason: Reason): void {
    this.#tell({ event: 'crash', message, reason, incarnation: this.server.incarnation })
  }

  /** Told when those who wait for the server have been: what they hear is told before. */
  ended(reason: Reason | undefined): void {
    void Promise.resolve().then(() => {
      this.#tell({ event: 'end', reason: reason ?? null })
      this.clear()
    })
  }

  #show(value: Json | undefined): string | null {
    return value === undefined ? null : showValue(this.server.protocol, value)
  }

  #tell(event: WithoutTime<TraceEvent>): void {
    const { id, node } = this.server
    const told = { ...event, at: new Date(node.clock.now()).toISOString() } as TraceEvent
    for (const [name, listener] of [...this.#listeners]) {
      try {
        listener(told)
      } catch (error) {
        this.#remove(name)
        logError(node.logger, { err: error, server: id }, 'a trace listener failed and is removed')
      }
    }
  }
}

function failureOf(error: Error): { readonly code: string; readonly detail: string } {
  return { code: error instanceof GenServerError ? error.code : 'error', detail: error.message }
}
