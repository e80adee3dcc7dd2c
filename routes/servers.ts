/** Servers as resources: start, look, list, stop; their state and their timers. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { MessageRoutesOptions } from '../src/http/message-routes.js'
import { mustBeEmpty } from '../src/http/no-body.js'
import {
  ifMatchHeader,
  KeyHeader,
  locationHeader,
  NoQuery,
  Query,
  ServerPath,
  StopQuery,
} from '../src/http/parameters.js'
import { bodyProblems, problemResponses } from '../src/http/problem-schema.js'
import { revisionToMatch } from '../src/http/request-headers.js'
import { lookProblems, startProblems, stopProblems } from '../src/http/route-problems.js'
import { Empty, Ref, Words } from '../src/http/schema-ref.js'
import { sendStart } from '../src/http/sending.js'
import {
  FoundOrIgnored,
  label,
  PutServerRequest,
  ServerInfo,
  ServerPage,
  StartIgnoredAnswer,
  StartServerRequest,
  serverStatuses,
} from '../src/http/server-schemas.js'
import { answerGetOrStart } from '../src/http/start-server.js'
import { readWhere, whereOfWhom } from '../src/http/where.js'

/** In one query. */
const MOST_CONDITIONS = 16

const ListQuery = Query({
  implementation: Type.Optional(
    Type.String({ description: 'Only servers of this implementation.', examples: ['stack'] }),
  ),
  label: Type.Optional(label('Only servers that have this label.')),
  status: Type.Optional(Words(serverStatuses, { description: 'Only servers with this status.' })),
  where: Type.Optional(
    Type.Array(Type.String({ pattern: '=' }), {
      maxItems: MOST_CONDITIONS,
      description:
        'Only durable servers in whose states this property has this value, `PROPERTY=VALUE`. With several, all of it. ' +
        'The property is among the `indexes` of the implementation, which must be given. A string is as it is; a number, `true`, ' +
        '`false` and `null` are as in JSON.',
      examples: [['status=paid']],
    }),
  ),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1000, description: 'How many at most (default 100).', examples: [100] }),
  ),
  after: Type.Optional(Type.String({ maxLength: 128, description: 'Only ids after this one: the `next` of a page.' })),
})

export const serverRoutes: FastifyPluginAsyncTypebox<Pick<MessageRoutesOptions, 'host' | 'answers'>> = async (
  app,
  options,
) => {
  const { host } = options
  app.route({
    method: 'POST',
    url: '/servers',
    schema: {
      operationId: 'startServer',
      tags: ['servers'],
      summary: 'Start a server',
      description: 'Answers when the server has started. The id may be chosen; otherwise one is made.',
      querystring: NoQuery,
      headers: KeyHeader,
      body: Ref(StartServerRequest),
      response: {
        200: Ref(StartIgnoredAnswer, { description: 'The implementation chose not to start one.' }),
        201: Ref(ServerInfo, { description: 'It has started.', headers: locationHeader('the server') }),
        ...problemResponses(...startProblems, 'idempotency_conflict', ...bodyProblems),
      },
    },
    handler: (request, reply) => {
      const { body } = request
      const { implementation, args, ...parts } = body
      sendStart(options, request, reply, implementation, args, parts)
    },
  })

  app.route({
    method: 'GET',
    url: '/servers',
    schema: {
      operationId: 'listServers',
      tags: ['servers'],
      summary: 'List servers',
      description: 'A page of servers, ordered by id. Nobody is woken for it, also where states are looked at.',
      querystring: ListQuery,
      response: { 200: Ref(ServerPage, { description: 'A page.' }), ...problemResponses('storage_failed') },
    },
    handler: async ({ query: { where, ...options } }) => {
      const { implementation } = options
      if (where === undefined) return (await host.list(options)) as never
      if (implementation === undefined) throw whereOfWhom()
      return (await host.find(
        implementation,
        readWhere(where, host.implementations.get(implementation)),
        options,
      )) as never
    },
  })

  app.route({
    method: 'GET',
    url: '/servers/:id',
    schema: {
      operationId: 'getServer',
      tags: ['servers'],
      summary: 'Look at a server',
      description: 'Never waits for the server: it works while a message is stuck.',
      params: ServerPath,
      querystring: NoQuery,
      response: {
        200: Ref(ServerInfo, { description: 'The server.' }),
        ...problemResponses(...lookProblems),
      },
    },
    handler: async ({ params }) => host.info(params.id),
  })

  app.route({
    method: 'PUT',
    url: '/servers/:id',
    schema: {
      operationId: 'putServer',
      tags: ['servers'],
      summary: 'Get or start a server',
      description: 'Starts the server if no server has the id. Doing it twice is doing it once.',
      params: ServerPath,
      querystring: NoQuery,
      body: Ref(PutServerRequest),
      response: {
        200: Ref(FoundOrIgnored, { description: 'It was there, or the implementation chose not to start one.' }),
        201: Ref(ServerInfo, { description: 'It has started.', headers: locationHeader('the server') }),
        ...problemResponses(...startProblems, ...bodyProblems),
      },
    },
    handler: (request, reply) => {
      const { body, params } = request
      answerGetOrStart(request, reply, host.getOrStart(body.implementation, body.args, { ...body, id: params.id }))
    },
  })

  app.route({
    method: 'DELETE',
    url: '/servers/:id',
    schema: {
      operationId: 'stopServer',
      tags: ['servers'],
      summary: 'Stop a server',
      description:
        'An ordered stop waits its turn in the mailbox, lets the server terminate, and answers when it has ended. ' +
        '`reason=kill` ends it at once, whatever it is doing.',
      params: ServerPath,
      querystring: StopQuery,
      headers: ifMatchHeader,
      response: { 204: Empty('It has ended.'), ...problemResponses(...stopProblems, ...bodyProblems) },
    },
    handler: async ({ params: { id }, query: { reason, timeout }, headers, body }, reply) => {
      mustBeEmpty(body)
      const ifMatch = revisionToMatch(headers as never)
      // A kill does not wait its turn, so its condition is judged now.
      if (reason === 'kill') await host.kill(id, { ifMatch })
      else await host.stop(id, { reason, timeout, ifMatch })
      return reply.code(204).send()
    },
  })
}
