/** Calls whose answer was asked for later (`Prefer: respond-async`). */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { nameOfCall } from '../src/http/call-ref.js'
import { answerOutcome } from '../src/http/keyed-sending.js'
import type { MessageRoutesOptions } from '../src/http/message-routes.js'
import { CallReply } from '../src/http/message-schemas.js'
import { etagHeader, Query } from '../src/http/parameters.js'
import { HttpProblem } from '../src/http/problem-document.js'
import { problemResponses } from '../src/http/problem-schema.js'
import { callProblems } from '../src/http/route-problems.js'
import { Empty, Ref } from '../src/http/schema-ref.js'

const CallPath = Type.Object({
  ref: Type.String({
    minLength: 1,
    description: 'The call, as `Location` named it.',
    examples: ['8e03978e-40d5-43dd-bc93-6894a57f9324.cart-17'],
  }),
})
const WaitQuery = Query({
  wait: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 60,
      description: 'Seconds to wait for the answer (default 0).',
      examples: [10],
    }),
  ),
})

export const callRoutes: FastifyPluginAsyncTypebox<Pick<MessageRoutesOptions, 'answers'>> = async (
  app,
  { answers },
) => {
  app.route({
    method: 'GET',
    url: '/calls/:ref',
    schema: {
      operationId: 'getCall',
      tags: ['messages'],
      summary: 'Get the answer of a call',
      description:
        'Answers as the call would have that asked for its answer later: with the reply, or with the problem. That of a durable ' +
        'server is known after a restart too.',
      params: CallPath,
      querystring: WaitQuery,
      response: {
        200: Ref(CallReply, { description: 'The reply.', headers: etagHeader }),
        202: Empty('There is no answer yet.'),
        ...problemResponses(...callProblems, 'unknown_call', 'unknown_implementation'),
      },
    },
    handler: async (request, reply) => {
      const { ref } = request.params
      const name = nameOfCall(ref)
      const outcome = name && (await answers.look(name, (request.query.wait ?? 0) * 1000))
      if (outcome === undefined) throw new HttpProblem('unknown_call', 'no call with this ref is known (any more)')
      answerOutcome(request, reply, '', outcome, [])
      return reply
    },
  })
}
