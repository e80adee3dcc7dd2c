/** From a start to its answer, the same for the routes that name the implementation and for the typed ones. */
import type { FastifyReply } from 'fastify'
import { type ServerInfo, StartIgnored } from '../index.js'
import { type Asked, answerJson } from './short-answer.js'

/** Answers 201 with the server and where it is, or 200 and the word when its implementation chose not to start. */
export function answerStart(asked: Asked, reply: FastifyReply, starting: Promise<ServerInfo>): void {
  starting.then(
    (info) => answerStarted(asked, reply, info),
    (error) => answerNotStarted(asked, reply, error),
  )
}

/** The same, or 200 with the server that was there before. */
export function answerGetOrStart(
  asked: Asked,
  reply: FastifyReply,
  getting: Promise<{ readonly started: boolean; readonly info: ServerInfo }>,
): void {
  getting.then(
    ({ started, info }) => {
      if (started) answerStarted(asked, reply, info)
      else answerJson(asked, reply, 200, [], JSON.stringify(info))
    },
    (error) => answerNotStarted(asked, reply, error),
  )
}

export function answerStarted(asked: Asked, reply: FastifyReply, info: ServerInfo): void {
  answerJson(asked, reply, 201, ['location', `/servers/${info.id}`], JSON.stringify(info))
}

function answerNotStarted(asked: Asked, reply: FastifyReply, error: unknown): void {
  if (error instanceof StartIgnored) answerIgnored(asked, reply)
  else reply.send(error)
}

export function answerIgnored(asked: Asked, reply: FastifyReply): void {
  answerJson(asked, reply, 200, [], '{"status":"ignored"}')
}
