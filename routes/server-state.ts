/** What a server holds and waits for: its last committed state, and its timers. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { mustBeEmpty } from '../src/http/no-body.js'
import { etagHeader, NoQuery, ServerPath, StateHeaders, TimerPath } from '../src/http/parameters.js'
import { bodyProblems, problemResponses } from '../src/http/problem-schema.js'
import { isKnown, revisionToMatch } from '../src/http/request-headers.js'
import { lookProblems } from '../src/http/route-problems.js'
import { Empty, Ref } from '../src/http/schema-ref.js'
import { ServerState, TimerList } from '../src/http/server-schemas.js'
import { GenServerError, type Host } from '../src/index.js'

export const serverStateRoutes: FastifyPluginAsyncTypebox<{ host: Host }> = async (app, { host }) => {
  app.route({
    method: 'GET',
    url: '/servers/:id/state',
    schema: {
      operationId: 'getServerState',
      tags: ['servers'],
      summary: 'Look at the state of a server',
      description: 'The last committed state, as its implementation lets it be seen. Never waits for the server.',
      params: ServerPath,
      querystring: NoQuery,
      headers: StateHeaders,
      response: {
        200: Ref(ServerState, { description: 'The state.', headers: etagHeader }),
        304: Empty('The client has it already.', etagHeader),
        ...problemResponses(...lookProblems, 'revision_mismatch'),
      },
    },
    handler: async ({ params: { id }, headers }, reply) => {
      const wanted = revisionToMatch(headers as never)
      const view = await host.state(id)
      if (wanted !== undefined && wanted !== view.revision) {
        throw new GenServerError('revision_mismatch', `${id} has revision ${view.revision}, not ${wanted}`)
      }
      const etag = `"${view.revision}"`
      reply.header('etag', etag).header('cache-control', 'no-cache')
      if (isKnown(headers as never, etag)) return reply.code(304).send()
      return view
    },
  })

  app.route({
    method: 'GET',
    url: '/servers/:id/timers',
    schema: {
      operationId: 'listTimers',
      tags: ['servers'],
      summary: 'List the timers of a server',
      description: "The server's own timers and casts with a delay that are still to come.",
      params: ServerPath,
      querystring: NoQuery,
      response: {
        200: Ref(TimerList, { description: 'The timers.' }),
        ...problemResponses(...lookProblems),
      },
    },
    handler: async ({ params }) => ({ timers: await host.timers(params.id) }),
  })

  app.route({
    method: 'DELETE',
    url: '/servers/:id/timers/:ref',
    schema: {
      operationId: 'cancelTimer',
      tags: ['servers'],
      summary: 'Cancel a timer',
      description: 'A timer that is cancelled never fires. One that has fired is not known any more.',
      params: TimerPath,
      querystring: NoQuery,
      response: {
        204: Empty('It will not fire.'),
        ...problemResponses(...lookProblems, 'unknown_timer', ...bodyProblems),
      },
    },
    handler: async ({ params: { id, ref }, body }, reply) => {
      mustBeEmpty(body)
      if ((await host.cancelTimer(id, ref)) === false) {
        throw new GenServerError('unknown_timer', `${id} has no timer ${ref}; it may have fired`)
      }
      return reply.code(204).send()
    },
  })
}
