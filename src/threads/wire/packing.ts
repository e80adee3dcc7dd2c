/**
 * The two messages that are most of all, calls and their answers, travel without the names of their members: what is cloned is
 * written member by member with its name, which costs more than all that is in it. Nobody else knows this form.
 */
import type { Origin } from '../../index.js'
import type { Answer, CallMessage, FromNode, ToNode } from './messages.js'

const CALL = 0
const ANSWER = 1

type PackedCall = readonly [
  typeof CALL,
  n: number,
  to: string,
  message: string,
  args: unknown,
  timeout: number | undefined,
  bytes: number | undefined,
  requestId: string | undefined,
  traceparent: string | undefined,
]
type PackedAnswer = readonly [typeof ANSWER, n: number, reply: string, revision: number]
export type Packed<Said> = Said | PackedCall | PackedAnswer

export function pack<Said extends ToNode | FromNode>(said: Said): Packed<Said> {
  if (said.kind === 'answer') return [ANSWER, said.n, said.reply, said.revision]
  return said.kind === 'call' && isPlain(said) ? packCall(said) : said
}

/** It has no more than what is packed. */
function isPlain({ start, implementation, ifMatch, chain, key, seq }: CallMessage): boolean {
  const isForAny = start === undefined && implementation === undefined && ifMatch === undefined
  return isForAny && chain === undefined && key === undefined && seq === undefined
}

function packCall({ n, to, message, args, timeout, bytes, origin }: CallMessage): PackedCall {
  return [CALL, n, to, message, args, timeout, bytes, origin?.requestId, origin?.traceparent]
}

export function unpack<Said extends ToNode | FromNode>(packed: Packed<Said>): Said {
  if (!Array.isArray(packed)) return packed as Said
  return (packed[0] === CALL ? unpackCall(packed as never) : unpackAnswer(packed as never)) as Said
}

function unpackCall([, n, to, message, args, timeout, bytes, requestId, traceparent]: PackedCall): CallMessage {
  const origin = originOf(requestId, traceparent)
  return { kind: 'call', n, to, message, args, timeout, bytes, origin, ticket: n }
}

function originOf(requestId: string | undefined, traceparent: string | undefined): Origin | undefined {
  if (traceparent !== undefined) return requestId === undefined ? { traceparent } : { requestId, traceparent }
  return requestId === undefined ? undefined : { requestId }
}

function unpackAnswer([, n, reply, revision]: PackedAnswer): Answer {
  return { kind: 'answer', n, reply, revision }
}
