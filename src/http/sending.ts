/**
 * From a request to a message and back, for the routes that send one, whether the envelope names the message or the path
 * does. This is the hot path: one look at each header, and nothing made that is not handed on.
 */
import type { FastifyReply } from 'fastify'
import type { CastOptions, Request, RequestOptions, StartOptions } from '../index.js'
import { sendCallForLater, sendCallOnce, sendCastOnce, startOnce } from './keyed-sending.js'
import { type Message, type MessageRoutesOptions, timerLocation } from './message-routes.js'
import { originOf, preferredWait, prefersLater, revisionToMatch } from './request-headers.js'
import { LONGEST_TIMEOUT } from './server-schemas.js'
import { type Asked, answerEmpty, answerJson } from './short-answer.js'
import { answerStart } from './start-server.js'

const NONE: readonly string[] = []

type CallParts = Pick<RequestOptions, 'timeout' | 'start' | 'implementation'> & {
  /** Whether `Prefer: respond-async` is obeyed. */
  readonly mayBeLater?: boolean
}
type CastParts = Pick<CastOptions, 'delay' | 'start' | 'implementation'>

/**
 * Sends a call, and answers when the server has replied. Without a promise: each costs a turn of the microtask queue. Most
 * servers are idle and reply while this runs; only a call that waits needs somebody to watch whether its caller hangs up.
 */
export function sendCall(
  options: MessageRoutesOptions,
  asked: Message,
  reply: FastifyReply,
  id: string,
  message: string,
  args: unknown,
  { timeout, start, implementation, mayBeLater }: CallParts,
): void {
  const {
    id: requestId,
    headers,
    bodySize: bytes,
    raw: { socket },
  } = asked
  const { host, hangUps } = options
  let preferred: number | undefined
  let applied = NONE
  if (timeout === undefined && headers['prefer'] !== undefined) {
    preferred = preferredWait(headers, LONGEST_TIMEOUT)
    if (preferred !== undefined) {
      applied = ['preference-applied', `wait=${preferred / 1000}`]
      // For a problem document, which goes Fastify's way.
      reply.header('preference-applied', `wait=${preferred / 1000}`)
    }
  }
  const wait = timeout ?? preferred
  // Before the cork: it throws where the header is at fault, and nothing may be corked then.
  const ifMatch = revisionToMatch(headers)
  const origin = originOf(requestId, headers)
  if (headers['idempotency-key'] !== undefined) {
    const parts = { timeout: wait, start, implementation, ifMatch, origin, bytes }
    sendCallOnce(options, asked, reply, { id, message, args, options: parts }, applied)
    return
  }
  if (mayBeLater && headers['prefer'] !== undefined && prefersLater(headers)) {
    const parts = { start, implementation, ifMatch, origin, bytes }
    void sendCallForLater(options, asked, reply, { id, message, args, options: parts }, preferred ?? 0)
    return
  }
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
  options: MessageRoutesOptions,
  asked: Message,
  reply: FastifyReply,
  id: string,
  message: string,
  args: unknown,
  { delay, start, implementation }: CastParts,
): void {
  const { id: requestId, headers, bodySize: bytes } = asked
  const { host } = options
  const ifMatch = revisionToMatch(headers)
  const parts = { delay, start, implementation, ifMatch, origin: originOf(requestId, headers), bytes }
  if (headers['idempotency-key'] !== undefined) {
    sendCastOnce(options, asked, reply, id, message, args, parts)
    return
  }
  host.cork()
  try {
    const sent = host.cast(id, message, args, parts)
    const told = (timer: string | undefined) => answerEmpty(asked, reply, 202, timerLocation(id, timer))
    if (sent instanceof Promise) sent.then(told, (error) => reply.send(error))
    else told(sent)
  } finally {
    // It is handled when its sender has the answer.
    host.uncork()
  }
}

/** Starts a server, and answers when it has started. */
export function sendStart(
  options: Pick<MessageRoutesOptions, 'host' | 'answers'>,
  asked: Asked,
  reply: FastifyReply,
  implementation: string,
  args: unknown,
  startOptions: StartOptions,
): void {
  if (asked.headers['idempotency-key'] !== undefined) {
    startOnce(options, asked, reply, implementation, args, startOptions)
  } else answerStart(asked, reply, options.host.start(implementation, args, startOptions))
}
