/** What durable servers have in memory, in the form in which it is kept, and back. */

import { keepLabels } from '../definition/labels.js'
import type { ServerTerms } from '../definition/options.js'
import { STATE_DEPTH } from '../definition/state-check.js'
import { Call, type Callee } from '../kernel/call.js'
import { Cast, Info } from '../kernel/envelope.js'
import { copyJson, type Json } from '../kernel/json.js'
import type { KeptCast, KeptExit, KeptServer, KeptTimer } from '../kernel/kept.js'
import type { Origin } from '../kernel/queued.js'
import type { Reason } from '../kernel/reason.js'

/** @throws {Error} if the state is no JSON, or longer than `most` bytes. */
export function keptText(state: object, most: number): string {
  const text = JSON.stringify(copyJson(state, STATE_DEPTH))
  const bytes = text.length * 3 <= most ? 0 : Buffer.byteLength(text)
  if (bytes > most) throw new Error(`state_too_large: the state has ${bytes} bytes, of which ${most} are kept`)
  return text
}

export type KeptMessage = Omit<KeptCast, 'seq' | 'attempts'>

export function keptCast(cast: Cast): KeptMessage {
  return { message: cast.message, ...keptPayload(cast), answerTo: null }
}

export function keptTimer(ref: string, due: number, envelope: Cast | Info): KeptTimer {
  return { ref, due: Math.ceil(due), kind: envelope.kind, message: envelope.message, ...keptPayload(envelope) }
}

function keptPayload(envelope: Cast | Info) {
  const { origin, ifMatch } = envelope.kind === 'cast' ? envelope : { origin: undefined, ifMatch: undefined }
  return {
    args: JSON.stringify(envelope.args),
    origin: origin === undefined ? null : JSON.stringify(origin),
    ifMatch: ifMatch ?? null,
  }
}

/** What a timer brings. */
export function restoredTimed({ kind, message, ...kept }: KeptTimer): Cast | Info {
  if (kind === 'info') return new Info(message, JSON.parse(kept.args), false)
  const { args, origin, ifMatch } = restoredPayload(kept)
  return new Cast(message, args, origin, ifMatch, false)
}

/** A cast, or a call whose answer is asked for later. */
export function restoredMessage(to: Callee, { message, answerTo, ...kept }: KeptMessage): Cast | Call {
  const { args, origin, ifMatch } = restoredPayload(kept)
  if (answerTo === null) return new Cast(message, args, origin, ifMatch, true)
  const call = new Call(to, message, args, Number.POSITIVE_INFINITY, origin, ifMatch)
  call.keyed = { key: JSON.parse(answerTo), overdue: undefined }
  return call
}

function restoredPayload({ args, origin, ifMatch }: Pick<KeptMessage, 'args' | 'origin' | 'ifMatch'>) {
  return {
    args: JSON.parse(args) as Json,
    origin: origin === null ? undefined : (JSON.parse(origin) as Origin),
    ifMatch: ifMatch ?? undefined,
  }
}

/** There is no JSON for what never ends. */
export function keptTerms({ shutdown, idle, ...terms }: ServerTerms): string {
  const kept = (ms: number) => (Number.isFinite(ms) ? ms : null)
  return JSON.stringify({ ...terms, shutdown: kept(shutdown), ...(idle !== undefined && { idle: kept(idle) }) })
}

export function restoredTerms(kept: string): ServerTerms {
  const { shutdown, idle, labels, ...terms } = JSON.parse(kept)
  const forever = Number.POSITIVE_INFINITY
  return {
    ...terms,
    ...(idle !== undefined && { idle: idle ?? forever }),
    labels: keepLabels(labels),
    shutdown: shutdown ?? Number.POSITIVE_INFINITY,
  }
}

/** What is kept of a server itself. */
interface Living {
  readonly id: string
  readonly protocol: { readonly name: string; readonly version: number }
  readonly args: Json
  readonly terms: ServerTerms
  readonly startedAt: number
  readonly incarnation: number
  readonly restarts: number
  readonly revision: number
}

/** As it is when `init` has given `state`, its next revision. */
export function keptServer(server: Living, state: string): KeptServer {
  const { id, protocol, args, terms } = server
  return {
    ...{ id, implementation: protocol.name, version: protocol.version, args: JSON.stringify(args), state },
    ...{ terms: keptTerms(terms), supervisor: terms.bond?.supervisor ?? null, startedAt: server.startedAt },
    ...{ incarnation: server.incarnation, restarts: server.restarts, revision: server.revision + 1 },
  }
}

export function keptExit(server: Living, reason: Reason, at: number): KeptExit {
  const { id, protocol, incarnation, revision } = server
  return { id, implementation: protocol.name, reason: JSON.stringify(reason), at, incarnation, revision }
}
