/** Casts that crashed their durable server too often, for those who run the gateway: look, replay, discard. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { mustBeEmpty } from '../src/http/no-body.js'
import { DeadLetterPage } from '../src/http/operator-schemas.js'
import { NoQuery, Query, ServerPath } from '../src/http/parameters.js'
import { bodyProblems, problemResponses } from '../src/http/problem-schema.js'
import { lookProblems } from '../src/http/route-problems.js'
import { Empty, Ref } from '../src/http/schema-ref.js'
import { serverId } from '../src/http/server-schemas.js'
import type { Host } from '../src/index.js'

const DeadLetterPath = Type.Object({
  id: serverId(),
  ref: Type.String({ minLength: 1, description: 'The dead letter, as listed.', examples: ['17'] }),
})
const PageQuery = Query({
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1000, description: 'How many at most (default 100).', examples: [100] }),
  ),
  after: Type.Optional(
    Type.String({ pattern: '^\\d{1,15}$', description: 'Only those after this one: the `next` of a page.' }),
  ),
})

const problems = [...lookProblems, 'storage_failed'] as const

export const deadLetterRoutes: FastifyPluginAsyncTypebox<{ host: Host }> = async (app, { host }) => {
  app.route({
    method: 'GET',
    url: '/servers/:id/dead-letters',
    schema: {
      operationId: 'listDeadLetters',
      tags: ['operators'],
      summary: 'List the dead letters of a server',
      description: 'Casts that crashed their durable server too often and were set aside, the oldest first.',
      params: ServerPath,
      querystring: PageQuery,
      response: { 200: Ref(DeadLetterPage, { description: 'A page.' }), ...problemResponses(...problems) },
    },
    handler: async ({ params, query }) => (await host.deadLetters(params.id, query)) as never,
  })

  app.route({
    method: 'POST',
    url: '/servers/:id/dead-letters/:ref/replay',
    schema: {
      operationId: 'replayDeadLetter',
      tags: ['operators'],
      summary: 'Replay a dead letter',
      description: 'It goes to its server again, behind all that waits, and is no dead letter any more.',
      params: DeadLetterPath,
      querystring: NoQuery,
      response: {
        202: Empty('It is in the mailbox.'),
        ...problemResponses(...problems, 'unknown_dead_letter', 'unknown_message', 'invalid_args', ...bodyProblems),
      },
    },
    handler: async ({ params: { id, ref }, body }, reply) => {
      mustBeEmpty(body)
      await host.replayDeadLetter(id, ref)
      return reply.code(202).send()
    },
  })

  app.route({
    method: 'DELETE',
    url: '/servers/:id/dead-letters/:ref',
    schema: {
      operationId: 'discardDeadLetter',
      tags: ['operators'],
      summary: 'Discard a dead letter',
      description: 'It is thrown away, and will have no effect.',
      params: DeadLetterPath,
      querystring: NoQuery,
      response: { 204: Empty('It is gone.'), ...problemResponses(...problems, 'unknown_dead_letter', ...bodyProblems) },
    },
    handler: async ({ params: { id, ref }, body }, reply) => {
      mustBeEmpty(body)
      await host.discardDeadLetter(id, ref)
      return reply.code(204).send()
    },
  })
}
