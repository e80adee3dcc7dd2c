/**
 * From a request to a message and back, for the routes that send one, whether the envelope names the message or the path
 * does. This is the hot path: one look at each header, and nothing made that is not handed on.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CastOptions, Host, Request, RequestOptions } from '../index.js'
import type { HangUps } from './hang-ups.js'
import { originOf, preferredWait, revisionToMatch } from './request-headers.js'
import { LONGEST_TIMEOUT } from './server-schemas.js'
import { type Asked, answerEmpty, answerJson } from './short-answer.js'

/** What the routes need that send messages. */
export interface MessageRoutesOptions {
  readonly host: Host
  readonly hangUps: HangUps
}

/** What of a route's request is used here, so that every route fits. */
type Message = Asked & Pick<FastifyRequest, 'raw' | 'bodySize'>

const NONE: readonly string[] = []

type CallParts = Pick<RequestOptions, 'timeout' | 'start' | 'implementation'>
type CastParts = Pick<CastOptions, 'delay' | 'start' | 'implementation'>

/**
 * Sends a call, and answers when the server has replied. Without a promise: each costs a turn of the microtask queue. Most
 * servers are idle and reply while this runs; only a call that waits needs somebody to watch whether its caller hangs up.
 */
export function sendCall(
  host: Host,
  hangUps: HangUps,
  asked: Message,
  reply: FastifyReply,
  id: string,
  message: string,
  args: unknown,
  { timeout, start, implementation }: CallParts,
): void {
  const {
    id: requestId,
    headers,
    bodySize: bytes,
    raw: { socket },
  } = asked
  let wait = timeout
  let applied = NONE
  if (wait === undefined && headers['prefer'] !== undefined) {
    wait = preferredWait(headers, LONGEST_TIMEOUT)
    if (wait !== undefined) {
      applied = ['preference-applied', `wait=${wait / 1000}`]
      // For a problem document, which goes Fastify's way.
      reply.header('preference-applied', `wait=${wait / 1000}`)
    }
  }
  // Before the cork: it throws where the header is at fault, and nothing may be corked then.
  const ifMatch = revisionToMatch(headers)
  const origin = originOf(requestId, headers)
  let isWatched = false
  host.cork()
  const request = host.sendRequest(id, message, args, {
    timeout: wait,
    start,
    implementation,
    ifMatch,
    origin,
    bytes,
  })
  request.whenSettled((error) => {
    if (isWatched) hangUps.forget(socket, request)
    const written = error ?? replyBody(request)
    if (typeof written !== 'string') reply.send(written)
    else answerJson(asked, reply, 200, ['etag', `"${request.revision}"`, ...applied], written)
  })
  host.uncork()
  if (request.settled) return
  isWatched = true
  hangUps.watch(socket, request)
}

/** An error, where the reply is longer than a string can be: this runs in the server's turn and must not throw. */
function replyBody(request: Request): string | Error {
  try {
    return `{"reply":${request.replyText}}`
  } catch (error) {
    return error as Error
  }
}

/** Sends a cast, and says where its timer is if it goes later. */
export function sendCast(
  host: Host,
  asked: Message,
  reply: FastifyReply,
  id: string,
  message: string,
  args: unknown,
  { delay, start, implementation }: CastParts,
): void {
  const { id: requestId, headers, bodySize: bytes } = asked
  host.cork()
  try {
    const sent = host.cast(id, message, args, {
      delay,
      start,
      implementation,
      ifMatch: revisionToMatch(headers),
      origin: originOf(requestId, headers),
      bytes,
    })
    const told = (timer: string | undefined) => {
      const where = timer === undefined ? NONE : ['location', `/servers/${id}/timers/${encodeURIComponent(timer)}`]
      answerEmpty(asked, reply, 202, where)
    }
    if (sent instanceof Promise) sent.then(told, (error) => reply.send(error))
    else told(sent)
  } finally {
    // It is handled when its sender has the answer.
    host.uncork()
  }
}
