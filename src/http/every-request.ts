/**
 * What is done with every request to a route: it is timed and counted, its name is echoed if the client gave it one, and
 * it is judged if the part of the app that the route is in asks something of requests. One hook before and one after, for
 * each one costs.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyRequest, onRequestHookHandler, onSendHookHandler } from 'fastify'
import type { Meter, Metrics } from './metrics.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** When its headers were there: `performance.now()`. */
    receivedAt: number
    /** Counts the answers of its route. */
    meter: Meter
  }
  interface FastifyInstance {
    /** Judges requests to the routes that are added to this part of the app. */
    checkRequest?: RequestCheck
  }
}

/** What is wrong with a request that is refused before its route sees it. */
export type RequestCheck = (request: FastifyRequest) => Error | undefined

/** For the routes that are added to `app` from now on. */
export function attendRequests(app: FastifyInstance, metrics: Metrics): void {
  app.decorateRequest('receivedAt', 0)
  app.decorateRequest('meter', null as never)
  const ours = new Set<unknown>([finish])
  app.addHook('onRoute', function (route) {
    const receive = receiver(metrics.meterOf(String(route.method), route.url), this.checkRequest)
    ours.add(receive)
    // Fastify makes the HEAD route of a GET from its options, with the hooks that are in them by then.
    const others = (hooks: unknown) => [hooks ?? []].flat().filter((hook) => !ours.has(hook))
    route.onRequest = [receive, ...others(route.onRequest)] as onRequestHookHandler[]
    route.onSend = [finish, ...others(route.onSend)] as onSendHookHandler[]
  })
}

function receiver(meter: Meter, check: RequestCheck | undefined): onRequestHookHandler {
  return (request, reply, done) => {
    request.receivedAt = performance.now()
    request.meter = meter
    if (request.headers['x-request-id'] !== undefined) reply.header('x-request-id', request.id)
    done(check?.(request))
  }
}

/** Hooks cost less than listeners on the response, of which each request would need new ones. */
const finish: onSendHookHandler = (request, reply, _payload, done) => {
  countAnswer(request, reply.raw, reply.statusCode)
  done()
}

/** What nginx writes where the client left before the answer. */
const CLIENT_LEFT = 499

/** Counts an answer of `status` that is about to be written. */
export function countAnswer(
  { meter, receivedAt }: Pick<FastifyRequest, 'meter' | 'receivedAt'>,
  response: ServerResponse,
  status: number,
): void {
  meter.count(response.destroyed ? CLIENT_LEFT : status, performance.now() - receivedAt)
}
