/** What is asked of every request to the API before its route sees it. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { GenServerError } from '../index.js'
import { SQLITE } from './backup.js'
import { HttpProblem } from './problem-document.js'

/** What routes answer with when all is well. With its charset too: a parameter that is asked for must be offered. */
const offers = {
  'application/json': ['application/json', 'application/json; charset=utf-8'],
  'application/x-ndjson': ['application/x-ndjson', 'application/x-ndjson; charset=utf-8'],
  [SQLITE]: [SQLITE],
  'text/event-stream': ['text/event-stream', 'text/event-stream; charset=utf-8'],
}

export interface RequestTerms {
  /** What the routes answer with. Default JSON. */
  readonly media?: keyof typeof offers
  /** Whether requests are refused because there is too much to do. Default never. */
  readonly isOverloaded?: () => boolean
}

/** Adds the checks to the routes that are added to `api` from now on. */
export function checkRequests(api: FastifyInstance, terms: RequestTerms = {}): void {
  const { media = 'application/json', isOverloaded = () => false } = terms
  const offered = offers[media]
  let closing = false
  api.addHook('preClose', (done) => {
    closing = true
    done()
  })
  api.decorate('checkRequest', (request: FastifyRequest) => {
    const { accept, host } = request.headers
    if (closing) return new GenServerError('draining', 'the gateway is shutting down')
    if (isOverloaded()) return new HttpProblem('overloaded', 'the gateway is behind with its work')
    if (host === undefined && request.raw.httpVersion === '1.1') {
      return new HttpProblem('invalid_request', 'HTTP/1.1 requires a Host header')
    }
    if (accept !== undefined && accept !== '*/*' && accept !== media && !request.type(offered)) {
      return new HttpProblem('not_acceptable', `the answer is ${media}`)
    }
    return undefined
  })
}
