/** From a request to a message for a group, and back. The counterpart of `sending.ts`, where no request is a hot path. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GroupFailure, GroupReplies, Host } from '../index.js'
import type { MessageRoutesOptions } from './message-routes.js'
import { problemDocument } from './problem-document.js'
import { mustBeForMany, originOf, preferredWait } from './request-headers.js'
import { LONGEST_TIMEOUT } from './server-schemas.js'
import { type Asked, answerJson } from './short-answer.js'

type Message = Asked & Pick<FastifyRequest, 'raw'>

interface GroupRequest {
  readonly message: string
  readonly args?: unknown
  readonly timeout?: number
}

/** Sends a call to the whole group, and answers when all have replied or the time is over. */
export function sendGroupCall(
  { host, hangUps }: MessageRoutesOptions,
  asked: Message,
  reply: FastifyReply,
  label: string,
  { message, args, timeout }: GroupRequest,
): void {
  const {
    id,
    headers,
    raw: { socket },
  } = asked
  mustBeForMany(headers)
  const preferred = timeout === undefined ? preferredWait(headers, LONGEST_TIMEOUT) : undefined
  const applied = preferred === undefined ? [] : ['preference-applied', `wait=${preferred / 1000}`]
  const options = { timeout: timeout ?? preferred, origin: originOf(id, headers) }
  hangUps
    .attend(socket, (signal) => host.callGroup(label, message, args, { ...options, signal }))
    .then((outcome) => answerJson(asked, reply, 200, applied, repliesBody(outcome)))
    .catch((error) => reply.send(error))
}

/** Sends a cast to the whole group, and answers who has it. */
export function sendGroupCast(
  host: Host,
  asked: Message,
  reply: FastifyReply,
  label: string,
  { message, args }: GroupRequest,
): void {
  const { id, headers } = asked
  mustBeForMany(headers)
  Promise.resolve(host.castGroup(label, message, args, { origin: originOf(id, headers) }))
    .then(({ sent, failures }) =>
      answerJson(asked, reply, 202, [], JSON.stringify({ sent, failures: failures.map(failureBody) })),
    )
    .catch((error) => reply.send(error))
}

function repliesBody({ replies, failures }: GroupReplies): string {
  return JSON.stringify({ replies, failures: failures.map(failureBody) })
}

const failureBody = ({ id, error }: GroupFailure) => ({ id, ...problemDocument(error) })
