/**
 * Requests that have a name (`known-answers.ts`), from HTTP and back: those with an Idempotency-Key, and calls whose answer is asked
 * for later. Off the hot path: most requests have none.
 */
import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { configure } from 'safe-stable-stringify'
import {
  type AnswerKey,
  type CastOptions,
  failureOf,
  GenServerError,
  type Host,
  type Outcome,
  outcomeText,
  type Request,
  type RequestOptions,
  StartIgnored,
  type StartOptions,
} from '../index.js'
import { type CallName, nameOfCall, newCallRef, scopeOf } from './call-ref.js'
import type { Attempt, Named } from './known-answers.js'
import { type Message, type MessageRoutesOptions, timerLocation } from './message-routes.js'
import { idempotencyKey } from './request-headers.js'
import { type Asked, answerEmpty, answerJson } from './short-answer.js'
import { answerIgnored, answerStarted } from './start-server.js'

type Start = NonNullable<RequestOptions['start']>

/** The order in which a client writes the members of an object means nothing. */
const stableText = configure({ deterministic: true })

/** What a request asks for; not how long its sender waits, nor who that is. */
function fingerprint(...asked: readonly unknown[]): string {
  return createHash('sha256')
    .update(stableText(asked) as string)
    .digest('base64url')
}

/** A call, with the options that it is to be sent with. */
export interface KeyedCall {
  readonly id: string
  readonly message: string
  readonly args: unknown
  readonly options: RequestOptions
}

/** Sends a call once, however often it is asked for. A caller that hangs up takes its call out of the mailbox. */
export function sendCallOnce(
  { host, hangUps, answers }: MessageRoutesOptions,
  asked: Message,
  reply: FastifyReply,
  { id, message, args, options }: KeyedCall,
  applied: readonly string[],
): void {
  const { ifMatch, start } = options
  const named: Named = {
    ...{ scope: scopeOf(id), key: idempotencyKey(asked.headers) },
    fingerprint: fingerprint('call', message, args, ifMatch, start),
    isDurable: () => host.isDurable(id),
  }
  const send = (key: AnswerKey): Attempt => {
    const { socket } = asked.raw
    const request = host.sendRequest(id, message, args, { ...options, key })
    if (!request.settled) hangUps.watch(socket, request)
    const overdue = new Promise<never>((_resolve, reject) => request.whenOverdue(reject))
    overdue.catch(() => hangUps.forget(socket, request))
    const outcome = outcomeOf(request).finally(() => hangUps.forget(socket, request))
    return { outcome, overdue }
  }
  answer(answers.once(named, send), asked, reply, id, applied)
}

function outcomeOf(request: Request): Promise<string> {
  return new Promise((resolve, reject) =>
    request.whenSettled((error) => {
      if (error !== undefined) return reject(error)
      // A reply may be longer than a string can be, and what is thrown here the server would have to answer for.
      try {
        resolve(`{"kind":"replied","revision":${request.revision},"reply":${request.replyText}}`)
      } catch (tooLong) {
        reject(tooLong)
      }
    }),
  )
}

/** Sends a call, and says where its answer will be if it has none within `wait` milliseconds (RFC 7240, section 4.1). */
export async function sendCallForLater(
  { host, answers }: MessageRoutesOptions,
  asked: Message,
  reply: FastifyReply,
  { id, message, args, options: { start, ...options } }: KeyedCall,
  wait: number,
): Promise<void> {
  try {
    if (start !== undefined) await beThere(host, id, start)
    const ref = newCallRef(id)
    const named: Named = { ...(nameOfCall(ref) as CallName), fingerprint: '', isDurable: () => host.isDurable(id) }
    const key = answers.keyOf(named)
    const seq = await host.keepCall(id, message, args, { ...options, key })
    // What is kept waits as long as it takes, and so does what is not.
    const sent = { ...options, timeout: Number.POSITIVE_INFINITY, seq, key }
    answers.later(named, () => ({ outcome: outcomeOf(host.sendRequest(id, message, args, sent)) }))
    const outcome = wait > 0 ? await answers.look(named, wait) : undefined
    if (outcome !== undefined && outcome.kind !== 'running') answerOutcome(asked, reply, id, outcome, [])
    else answerEmpty(asked, reply, 202, ['location', `/calls/${ref}`, 'preference-applied', 'respond-async'])
  } catch (error) {
    reply.send(error)
  }
}

/** Whoever has the id, whatever its implementation. */
async function beThere(host: Host, id: string, { implementation, args }: Start): Promise<void> {
  try {
    await host.getOrStart(implementation, args, { id })
  } catch (error) {
    if (!(error instanceof GenServerError && error.code === 'already_started')) throw error
  }
}

/** Sends a cast once, however often it is asked for. */
export function sendCastOnce(
  { host, answers }: MessageRoutesOptions,
  asked: Message,
  reply: FastifyReply,
  id: string,
  message: string,
  args: unknown,
  options: CastOptions,
): void {
  const { ifMatch, start, delay } = options
  const named: Named = {
    ...{ scope: scopeOf(id), key: idempotencyKey(asked.headers) },
    fingerprint: fingerprint('cast', message, args, ifMatch, start, delay),
    isDurable: () => host.isDurable(id),
  }
  const send = async (key: AnswerKey) => {
    const timer = await host.cast(id, message, args, { ...options, key })
    return outcomeText({ kind: 'accepted', ...(timer !== undefined && { timer }) })
  }
  answer(
    answers.once(named, (key) => ({ outcome: send(key) })),
    asked,
    reply,
    id,
    [],
  )
}

/** Starts a server once, however often it is asked for. */
export function startOnce(
  { host, answers }: Pick<MessageRoutesOptions, 'host' | 'answers'>,
  asked: Asked,
  reply: FastifyReply,
  implementation: string,
  args: unknown,
  options: StartOptions,
): void {
  const named: Named = {
    ...{ scope: 'servers', key: idempotencyKey(asked.headers) },
    fingerprint: fingerprint('start', implementation, args, { ...options, timeout: undefined }),
    isDurable: () => host.implementations.get(implementation)?.durable === true,
  }
  const start = async (key: AnswerKey) => {
    try {
      return outcomeText({ kind: 'started', server: await host.start(implementation, args, { ...options, key }) })
    } catch (error) {
      if (error instanceof StartIgnored) return outcomeText({ kind: 'ignored' })
      throw error
    }
  }
  answer(
    answers.once(named, (key) => ({ outcome: start(key) })),
    asked,
    reply,
    '',
    [],
  )
}

function answer(
  outcome: Promise<Outcome>,
  asked: Asked,
  reply: FastifyReply,
  id: string,
  headers: readonly string[],
): void {
  outcome.then((known) => answerOutcome(asked, reply, id, known, headers)).catch((error) => reply.send(error))
}

/** The answer of the route that it was asked by. `id` is whom it was asked of. */
export function answerOutcome(
  asked: Asked,
  reply: FastifyReply,
  id: string,
  outcome: Outcome,
  headers: readonly string[],
): void {
  switch (outcome.kind) {
    case 'replied': {
      const body = JSON.stringify({ reply: outcome.reply })
      answerJson(asked, reply, 200, ['etag', `"${outcome.revision}"`, ...headers], body)
      break
    }
    case 'accepted':
      answerEmpty(asked, reply, 202, [...timerLocation(id, outcome.timer), ...headers])
      break
    case 'started':
      answerStarted(asked, reply, outcome.server)
      break
    case 'ignored':
      answerIgnored(asked, reply)
      break
    case 'running':
      answerEmpty(asked, reply, 202, headers)
      break
    case 'failed':
      reply.send(failureOf(outcome))
  }
}
