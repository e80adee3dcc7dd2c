/**
 * The typed routes: the same operations as `/servers`, where the path names implementation and message and the body is
 * the args. Each is a route of its own; `typed-operations.ts` writes them into the OpenAPI document. The routes with
 * parameters take what is left: names that are unknown, and implementations that a route pattern cannot spell.
 */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
import type { MessageRoutesOptions } from '../src/http/message-routes.js'
import { callTimeout, castDelay } from '../src/http/message-schemas.js'
import { ImplementationPath, MessagePath, Query, ServerPath } from '../src/http/parameters.js'
import { sendCall, sendCast, sendStart } from '../src/http/sending.js'
import { serverId, startLabels, startOptions } from '../src/http/server-schemas.js'
import { unknownImplementation } from '../src/http/unknown-implementation.js'
import { GenServerError, type Host } from '../src/index.js'

const StartQuery = Query({ id: Type.Optional(serverId()), label: startLabels(), ...startOptions })
const optionsOf = ({ label, ...options }: Static<typeof StartQuery>) => ({ ...options, labels: label })
const CallQuery = Query({ timeout: Type.Optional(callTimeout()) })
const CastQuery = Query({ delay: Type.Optional(castDelay()) })

/** Names that mean themselves in a route pattern; those of messages always do. */
const plain = /^[A-Za-z0-9._~-]+$/

export const typedMessageRoutes: FastifyPluginAsyncTypebox<MessageRoutesOptions> = async (app, options) => {
  const { host } = options
  const method = 'POST'
  const base = '/implementations'

  for (const [name, definition] of host.implementations) {
    if (!plain.test(name)) continue
    app.route({
      method,
      url: `${base}/${name}/servers`,
      schema: { hide: true, querystring: StartQuery },
      handler: (request, reply) => sendStart(options, request, reply, name, request.body, optionsOf(request.query)),
    })
    for (const message of Object.keys(definition.calls ?? {})) {
      app.route({
        method,
        url: `${base}/${name}/servers/:id/call/${message}`,
        schema: { hide: true, params: ServerPath, querystring: CallQuery },
        handler: (request, reply) =>
          sendCall(options, request, reply, request.params.id, message, request.body, {
            timeout: request.query.timeout,
            implementation: name,
          }),
      })
    }
    for (const message of Object.keys(definition.casts ?? {})) {
      app.route({
        method,
        url: `${base}/${name}/servers/:id/cast/${message}`,
        schema: { hide: true, params: ServerPath, querystring: CastQuery },
        handler: (request, reply) =>
          sendCast(options, request, reply, request.params.id, message, request.body, {
            delay: request.query.delay,
            implementation: name,
          }),
      })
    }
  }

  app.route({
    method,
    url: `${base}/:name/servers`,
    schema: { hide: true, params: ImplementationPath, querystring: StartQuery },
    handler: (request, reply) =>
      sendStart(options, request, reply, request.params.name, request.body, optionsOf(request.query)),
  })
  app.route({
    method,
    url: `${base}/:name/servers/:id/call/:message`,
    schema: { hide: true, params: MessagePath, querystring: CallQuery },
    handler: (request, reply) => {
      const { name, id, message } = request.params
      mustDeclare(host, name, 'call', message)
      const parts = { timeout: request.query.timeout, implementation: name }
      sendCall(options, request, reply, id, message, request.body, parts)
    },
  })
  app.route({
    method,
    url: `${base}/:name/servers/:id/cast/:message`,
    schema: { hide: true, params: MessagePath, querystring: CastQuery },
    handler: (request, reply) => {
      const { name, id, message } = request.params
      mustDeclare(host, name, 'cast', message)
      const parts = { delay: request.query.delay, implementation: name }
      sendCast(options, request, reply, id, message, request.body, parts)
    },
  })
}

/** The path is at fault before the server is asked for, which may not be there. In the words of the runtime. */
function mustDeclare(host: Host, name: string, kind: 'call' | 'cast', message: string): void {
  const definition = host.implementations.get(name)
  if (!definition) throw unknownImplementation(name)
  const { calls = {}, casts = {} } = definition
  const [these, others, other] = kind === 'call' ? [calls, casts, 'cast'] : [casts, calls, 'call']
  if (Object.hasOwn(these, message)) return
  const hint = Object.hasOwn(others, message) ? `; it is a ${other}` : ''
  throw new GenServerError('unknown_message', `${name} has no ${kind} ${message}${hint}`)
}
