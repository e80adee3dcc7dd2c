/** What is asked of every request to the API before its route sees it. */
import type { FastifyInstance, onRequestHookHandler } from 'fastify'
import { GenServerError } from '../index.js'
import { HttpProblem } from './problem-document.js'

/** With its charset too: some clients name it, and a parameter that is asked for must be offered. */
const offered = ['application/json', 'application/json; charset=utf-8']

/** The same without the checks, for the routes that take every request. */
export function echoRequestIds(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.headers['x-request-id'] !== undefined) reply.header('x-request-id', request.id)
    done()
  })
}

/**
 * Adds the checks to the routes of `api`, and the name of the request to their answers if the client gave it: one hook,
 * for each one costs. A problem document tells the name in any case (see `error-answers.ts`).
 */
export function checkRequests(api: FastifyInstance): void {
  let closing = false
  api.addHook('preClose', (done) => {
    closing = true
    done()
  })

  const check: onRequestHookHandler = (request, reply, done) => {
    const { accept, host, 'x-request-id': name } = request.headers
    if (name !== undefined) reply.header('x-request-id', request.id)
    if (closing) return done(new GenServerError('draining', 'The gateway is shutting down.'))
    if (host === undefined && request.raw.httpVersion === '1.1') {
      return done(new HttpProblem('invalid_request', 'HTTP/1.1 requires a Host header.'))
    }
    if (accept !== undefined && accept !== '*/*' && accept !== 'application/json' && !request.type(offered)) {
      return done(new HttpProblem('not_acceptable', 'The answer is application/json.'))
    }
    done()
  }
  // A hook of the route, not of `api`: those run first, and the request would be refused before it is counted.
  api.addHook('onRoute', (route) => {
    const given = [route.onRequest ?? []].flat().filter((hook) => hook !== check)
    route.onRequest = [...given, check] as onRequestHookHandler[]
  })
}
