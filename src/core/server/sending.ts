/** Messages to a server, checked before they reach its mailbox: a typo or a wrong type never crashes a server. */

import { checkPlain } from '../definition/plain.js'
import type { CallOperation, Check, Operation, Protocol } from '../definition/protocol.js'
import { Call } from '../kernel/call.js'
import { Cast, type Envelope, Info } from '../kernel/envelope.js'
import { GenServerError } from '../kernel/errors.js'
import type { AnswerKey } from '../kernel/kept.js'
import type { Origin } from '../kernel/queued.js'
import type { Addressee } from './effects.js'
import type { Peer } from './peers.js'

/** @throws {GenServerError} `unknown_message` */
export function callOperation(protocol: Protocol, message: string): CallOperation {
  return protocol.calls.get(message) ?? refuseMessage(protocol, 'call', message)
}

/** @throws {GenServerError} `unknown_message` */
export function castOperation(protocol: Protocol, message: string): Operation {
  return protocol.casts.get(message) ?? refuseMessage(protocol, 'cast', message)
}

/** What an info may bring: any JSON, unless it is declared. */
export function infoCheck(protocol: Protocol, message: string): Check {
  return protocol.infos.get(message)?.check ?? checkPlain
}

function refuseMessage(protocol: Protocol, kind: 'call' | 'cast', message: string): never {
  const other = kind === 'call' ? protocol.casts : protocol.calls
  const hint = other.has(message) ? `; it is a ${kind === 'call' ? 'cast' : 'call'}` : ''
  throw new GenServerError('unknown_message', `${protocol.name} has no ${kind} ${message}${hint}`)
}

/**
 * Holds a message to `protocol` that was checked for other code: it brings what it now has to. Gives the refusal of one that
 * does not fit any more.
 */
export function checkAgain(protocol: Protocol, envelope: Envelope): GenServerError | undefined {
  try {
    if (envelope.kind === 'call') envelope.args = callOperation(protocol, envelope.message).check(envelope.args)
    if (envelope.kind === 'cast') envelope.args = castOperation(protocol, envelope.message).check(envelope.args)
    if (envelope.kind === 'info') envelope.args = infoCheck(protocol, envelope.message)(envelope.args)
    return undefined
  } catch (refusal) {
    return refusal as GenServerError
  }
}

/** @throws {GenServerError} `mailbox_full`, `overloaded` */
export function reservePlace({ id, mailbox }: Addressee, bytes = 0): void {
  if (mailbox.reserve(bytes)) return
  const { reserved, isFull, retryAfter } = mailbox
  throw isFull
    ? new GenServerError('mailbox_full', `${id} has ${reserved} messages waiting and takes no more`, { retryAfter })
    : new GenServerError('overloaded', 'as many messages wait for all servers together as are taken', { retryAfter })
}

/** As `reservePlace`, for a message that will have its place when the store has it. */
export function mustHavePlace(to: Addressee): void {
  reservePlace(to)
  to.mailbox.release()
}

interface SendOptions {
  readonly origin?: Origin | undefined
  readonly ifMatch?: number | undefined
  readonly bytes?: number | undefined
  readonly ticket?: number | undefined
  readonly chain?: readonly string[] | undefined
  readonly key?: AnswerKey | undefined
}

/**
 * A call with a place in the mailbox of `to`.
 * @throws {GenServerError} `unknown_message`, `invalid_args`, `mailbox_full`, `overloaded`
 */
export function makeCall(to: Peer, message: string, args: unknown, timeout: number, options: SendOptions): Call {
  const call = callOf(to, message, args, timeout, options)
  reservePlace(to, call.bytes)
  return call
}

/** A call without a place, as one that the store has, for `acceptKept`. @throws {GenServerError} `unknown_message`, `invalid_args` */
export function callOf(to: Peer, message: string, args: unknown, timeout: number, options: SendOptions): Call {
  const operation = callOperation(to.protocol, message)
  const { origin, ifMatch, key, chain, bytes = 0, ticket = 0 } = options
  // Its own name for the message, which is there already: the one that was sent need not be kept for any log.
  const call = new Call(to, operation.message, operation.check(args), timeout, origin, ifMatch)
  call.bytes = bytes
  call.ticket = ticket
  call.chain = chain
  if (key !== undefined) call.keyed = { key, overdue: undefined }
  return call
}

/** A cast with a place in the mailbox of `to`. @throws {GenServerError} as `makeCall` */
export function makeCast(to: Peer, message: string, args: unknown, options: SendOptions): Cast {
  const cast = castOf(to, message, args, options)
  reservePlace(to, cast.bytes)
  return cast
}

/** A cast without a place, as one that the store has, for `acceptKept`. @throws {GenServerError} `unknown_message`, `invalid_args` */
export function castOf(to: Peer, message: string, args: unknown, options: SendOptions): Cast {
  const operation = castOperation(to.protocol, message)
  const { origin, ifMatch, bytes = 0, ticket = 0 } = options
  const cast = new Cast(operation.message, operation.check(args), origin, ifMatch, true)
  cast.bytes = bytes
  cast.ticket = ticket
  return cast
}

/** A plain message with a place in the mailbox of `to`. @throws {GenServerError} `invalid_args`, `mailbox_full`, `overloaded` */
export function makeInfo(to: Peer, message: string, args: unknown): Info {
  const checked = infoCheck(to.protocol, message)(args)
  reservePlace(to)
  return new Info(message, checked, true)
}
