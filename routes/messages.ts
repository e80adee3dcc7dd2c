/** Calls and casts, the envelope naming the message. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { MessageRoutesOptions } from '../src/http/message-routes.js'
import { CallReply, CallRequest, CastRequest } from '../src/http/message-schemas.js'
import { CallHeaders, CastHeaders, etagHeader, locationHeader, NoQuery, ServerPath } from '../src/http/parameters.js'
import { bodyProblems, problemResponses } from '../src/http/problem-schema.js'
import { callProblems, castProblems } from '../src/http/route-problems.js'
import { Empty, Ref } from '../src/http/schema-ref.js'
import { sendCall, sendCast } from '../src/http/sending.js'

export const messageRoutes: FastifyPluginAsyncTypebox<MessageRoutesOptions> = async (app, options) => {
  app.route({
    method: 'POST',
    url: '/servers/:id/call',
    schema: {
      operationId: 'callServer',
      tags: ['messages'],
      summary: 'Call a server',
      description:
        'Sends a message and waits for the reply. A caller that hangs up takes its call out of the mailbox. ' +
        'With `Prefer: respond-async` the answer is told later, where `Location` says.',
      params: ServerPath,
      querystring: NoQuery,
      headers: CallHeaders,
      body: Ref(CallRequest),
      response: {
        200: Ref(CallReply, { description: 'The reply.', headers: etagHeader }),
        202: Empty(
          'It was asked for later, and is on its way.',
          locationHeader('the answer (`Prefer: respond-async`)'),
        ),
        ...problemResponses(...callProblems, 'unknown_implementation', ...bodyProblems),
      },
    },
    handler: (request, reply) => {
      const { message, args, timeout, start } = request.body
      sendCall(options, request, reply, request.params.id, message, args, { timeout, start, mayBeLater: true })
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
      headers: CastHeaders,
      body: Ref(CastRequest),
      response: {
        202: Empty('It is in the mailbox, or its timer is set.', locationHeader('the timer (only with a delay)')),
        ...problemResponses(...castProblems, 'unknown_implementation', ...bodyProblems),
      },
    },
    handler: (request, reply) => {
      const { message, args, delay, start } = request.body
      sendCast(options, request, reply, request.params.id, message, args, { delay, start })
    },
  })
}
