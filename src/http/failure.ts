/** What a client may be told of an error, whichever it is. */
import type { FastifyRequest } from 'fastify'
import type { GenServerError, Logger } from '../index.js'
import { foreignError } from './foreign-errors.js'
import { HttpProblem } from './problem-document.js'
import type { ProblemCode } from './problems.js'

export type Failure = HttpProblem | GenServerError

/** Judges an error that `request` has met, and counts it. */
export type JudgeError = (error: unknown, request: Pick<FastifyRequest, 'id' | 'method' | 'url'>) => Failure

declare module 'fastify' {
  interface FastifyInstance {
    judgeError: JudgeError
  }
}

/**
 * What nobody foresaw is logged and tells the client nothing. Crashes of servers are logged by the runtime, once, with the
 * request id.
 */
export function errorJudge(logger: Logger, count: (code: ProblemCode) => void): JudgeError {
  return (error, { id, method, url }) => {
    const known = foreignError(error)
    const failure =
      known ?? new HttpProblem('internal_error', `a bug in the gateway; its log has more under request ${id}`)
    if (known === undefined) logger.error({ err: error, requestId: id, method, url }, 'the gateway failed')
    count(failure.code)
    return failure
  }
}
