/**
 * From a request to a message and back, for the routes that send one, whether the envelope names the message or the path
 * does. This is the hot path: one look at each header, and nothing made that is not handed on.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CastOptions, RequestOptions, Runtime } from '../index.js'
import type { HangUps } from './hang-ups.js'
import { originOf, preferredWait, revisionToMatch } from './request-headers.js'
import { LONGEST_TIMEOUT } from './server-schemas.js'

/** What the routes need that send messages. */
export interface MessageRoutesOptions {
  readonly runtime: Runtime
  readonly hangUps: HangUps
}

/** What of a route's request is used here, so that every route fits. */
type Asked = Pick<FastifyRequest, 'id' | 'headers' | 'raw'>
type Answer = Pick<FastifyReply, 'raw' | 'header' | 'code'>

type CallParts = Pick<RequestOptions, 'timeout' | 'start' | 'implementation'>
type CastParts = Pick<CastOptions, 'delay' | 'start' | 'implementation'>

/** For `serializerCompiler`: writes `{ reply }`. Most replies are small, and the braces cost more than what is in them. */
export const writeReply =
  () =>
  ({ reply }: { readonly reply: unknown }): string =>
    `{"reply":${JSON.stringify(reply)}}`

/** Sends a call, and answers when the server has replied. Without a promise: each costs a turn of the microtask queue. */
export function sendCall(
  runtime: Runtime,
  hangUps: HangUps,
  { id: requestId, headers, raw: { socket } }: Asked,
  reply: Answer,
  id: string,
  message: string,
  args: unknown,
  { timeout, start, implementation }: CallParts,
): void {
  let wait = timeout
  if (wait === undefined && headers['prefer'] !== undefined) {
    wait = preferredWait(headers, LONGEST_TIMEOUT)
    if (wait !== undefined) reply.header('preference-applied', `wait=${wait / 1000}`)
  }
  const request = runtime.sendRequest(id, message, args, {
    timeout: wait,
    start,
    implementation,
    ifMatch: revisionToMatch(headers),
    origin: originOf(requestId, headers),
  })
  request.whenSettled((error, answer) => {
    hangUps.forget(socket, request)
    if (error !== undefined) return void (reply as FastifyReply).send(error)
    reply.header('etag', `"${request.revision}"`)
    ;(reply as FastifyReply).send({ reply: answer })
  })
  if (!request.settled) hangUps.watch(socket, request)
}

/** Sends a cast, and says where its timer is if it goes later. */
export function sendCast(
  runtime: Runtime,
  { id: requestId, headers }: Asked,
  reply: FastifyReply | Answer,
  id: string,
  message: string,
  args: unknown,
  { delay, start, implementation }: CastParts,
): void {
  const timer = runtime.cast(id, message, args, {
    delay,
    start,
    implementation,
    ifMatch: revisionToMatch(headers),
    origin: originOf(requestId, headers),
  })
  reply.code(202)
  if (timer !== undefined) reply.header('location', `/servers/${id}/timers/${encodeURIComponent(timer)}`)
  ;(reply as FastifyReply).send()
}
