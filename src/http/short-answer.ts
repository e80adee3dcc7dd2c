/**
 * Answers on the hot path, written past Fastify's own reply: no serializer to look up, no hook to run, no table of
 * headers to copy, which together cost more than a small message does. Headers that a hook may have set on the reply are
 * not in it, but for the id of the request where the client gave one. The answer is counted like any other.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { countAnswer } from './every-request.js'

export type Asked = Pick<FastifyRequest, 'id' | 'headers' | 'meter' | 'receivedAt'>

/** Answers `status` with `body`, which is JSON. `headers` are names and values by turns. */
export function answerJson(
  asked: Asked,
  reply: FastifyReply,
  status: number,
  headers: readonly string[],
  body: string,
): void {
  const length = String(Buffer.byteLength(body))
  const described = ['content-type', 'application/json; charset=utf-8', 'content-length', length, ...headers]
  write(asked, reply, status, described, body)
}

/** Answers `status` without a body. */
export function answerEmpty(asked: Asked, reply: FastifyReply, status: number, headers: readonly string[]): void {
  write(asked, reply, status, ['content-length', '0', ...headers], undefined)
}

function write(asked: Asked, reply: FastifyReply, status: number, headers: string[], body: string | undefined): void {
  const { raw } = reply
  reply.hijack()
  countAnswer(asked, raw, status)
  if (asked.headers['x-request-id'] !== undefined) headers.push('x-request-id', asked.id)
  raw.writeHead(status, headers)
  raw.end(body)
}
