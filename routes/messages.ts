/** Calls and casts, the envelope naming the message. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CallReply, CallRequest, CastRequest } from '../src/http/message-schemas.js'
import { CallHeaders, etagHeader, ifMatchHeader, locationHeader, NoQuery, ServerPath } from '../src/http/parameters.js'
import { bodyProblems, problemResponses } from '../src/http/problem-schema.js'
import { callProblems, castProblems } from '../src/http/route-problems.js'
import { Empty, Ref } from '../src/http/schema-ref.js'
import { type MessageRoutesOptions, sendCall, sendCast } from '../src/http/sending.js'

export const messageRoutes: FastifyPluginAsyncTypebox<MessageRoutesOptions> = async (app, { host, hangUps }) => {
  app.route({
    method: 'POST',
    url: '/servers/:id/call',
    schema: {
      operationId: 'callServer',
      tags: ['messages'],
      summary: 'Call a server',
      description: 'Sends a message and waits for the reply. A caller that hangs up takes its call out of the mailbox.',
      params: ServerPath,
      querystring: NoQuery,
      headers: CallHeaders,
      body: Ref(CallRequest),
      response: {
        200: Ref(CallReply, { description: 'The reply.', headers: etagHeader }),
        ...problemResponses(...callProblems, 'unknown_implementation', ...bodyProblems),
      },
    },
    handler: (request, reply) => {
      const { message, args, timeout, start } = request.body
      sendCall(host, hangUps, request, reply, request.params.id, message, args, { timeout, start })
    },
  })

  app.route({
    method: 'POST',
    url: '/servers/:id/cast',
    schema: {
      operationId: 'castServer',
      tags: ['messages'],
      summary: 'Cast to a server',
      description: 'Sends a message that nobody waits for; with `delay`, later.',
      params: ServerPath,
      querystring: NoQuery,
      headers: ifMatchHeader,
      body: Ref(CastRequest),
      response: {
        202: Empty('It is in the mailbox, or its timer is set.', locationHeader('the timer (only with a delay)')),
        ...problemResponses(...castProblems, 'unknown_implementation', ...bodyProblems),
      },
    },
    handler: (request, reply) => {
      const { message, args, delay, start } = request.body
      sendCast(host, request, reply, request.params.id, message, args, { delay, start })
    },
  })
}
