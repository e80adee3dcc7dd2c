/**
 * Answers on the hot path, written past Fastify's own reply: no serializer to look up, no hook to run, no table of
 * headers to copy, which together cost more than a small message does. Headers that a hook may have set on the reply are
 * not in it, but for the id of the request where the client gave one. The answer is counted like any other.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { countAnswer } from './every-request.js'

export type Asked = Pick<FastifyRequest, 'id' | 'headers' | 'meter' | 'receivedAt'>

/** Answers `status` with `body`, which is JSON. `headers` are names and values by turns, and more of them are added. */
export function answerJson(asked: Asked, reply: FastifyReply, status: number, headers: string[], body: string): void {
  const length = Buffer.byteLength(body)
  headers.push('content-type', 'application/json; charset=utf-8', 'content-length', String(length))
  const raw = begin(asked, reply, status, headers)
  // Given to `end`, the body would leave with an empty piece behind it, and two pieces take a slower way through Node than
  // one does. Corked, `write` does not put its piece off to the next tick.
  const { socket } = raw
  socket?.cork()
  raw.write(body, length === body.length ? 'latin1' : 'utf8')
  socket?.uncork()
  raw.end()
}

/** Answers `status` without a body. */
export function answerEmpty(asked: Asked, reply: FastifyReply, status: number, headers: readonly string[]): void {
  begin(asked, reply, status, ['content-length', '0', ...headers]).end()
}

function begin(asked: Asked, reply: FastifyReply, status: number, headers: string[]): ServerResponse {
  const { raw } = reply
  reply.hijack()
  countAnswer(asked, raw, status)
  if (asked.headers['x-request-id'] !== undefined) headers.push('x-request-id', asked.id)
  return raw.writeHead(status, headers)
}
