/** Many messages in one request. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { batchAnswer, batchBody, NDJSON } from '../src/http/batch-schemas.js'
import type { Batches } from '../src/http/batches.js'
import { NoQuery } from '../src/http/parameters.js'
import { problemResponses } from '../src/http/problem-schema.js'
import type { Host } from '../src/index.js'

export const batchRoutes: FastifyPluginAsyncTypebox<{ host: Host; batches: Batches }> = async (
  app,
  { host, batches },
) => {
  app.route({
    method: 'POST',
    url: '/batch',
    config: { body: { content: { [NDJSON]: { schema: batchBody } } } },
    schema: {
      operationId: 'sendBatch',
      tags: ['messages'],
      summary: 'Send many messages',
      description:
        'Calls and casts, one a line, as NDJSON: `{"to": "stack-1", "call": "pop"}`. Each line is answered by one of the ' +
        'answer, as soon as it is done, with its number: `{"line": 1, "status": 200, "reply": 3, "revision": 7}`; a line that ' +
        'is at fault, or whose message fails, by a problem document with `line`. Messages to one server are taken in ' +
        'the order of their lines. Read the answer while you send: a client that does not is not read from either.',
      querystring: NoQuery,
      response: {
        200: {
          description: 'The answers, in the order in which they are done.',
          content: { [NDJSON]: { schema: batchAnswer } },
        },
        ...problemResponses('unsupported_media_type'),
      },
    },
    handler: async (request, reply) => batches.answer(request as never, reply as never, host),
  })
}
