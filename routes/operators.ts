/**
 * For those who run the gateway (OTP: the module `sys`). One plugin, so that it can be left out, or be served on a port of
 * its own.
 */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { mustBeEmpty } from '../src/http/no-body.js'
import { CrashList, ReplaceStateRequest } from '../src/http/operator-schemas.js'
import { etagHeader, ifMatchHeader, NoQuery, ServerPath } from '../src/http/parameters.js'
import { bodyProblems, problemResponses } from '../src/http/problem-schema.js'
import { originOf, revisionToMatch } from '../src/http/request-headers.js'
import { lookProblems, replaceProblems } from '../src/http/route-problems.js'
import { Empty, Ref } from '../src/http/schema-ref.js'
import type { Host } from '../src/index.js'

export const operatorRoutes: FastifyPluginAsyncTypebox<{ host: Host }> = async (app, { host }) => {
  app.route({
    method: 'POST',
    url: '/servers/:id/suspend',
    schema: {
      operationId: 'suspendServer',
      tags: ['operators'],
      summary: 'Suspend a server',
      description:
        'From now on it takes no message: what comes waits, and calls time out without effect. The message that is ' +
        'being handled is finished; `current` of the server tells whether there is one. Doing it twice is doing it once.',
      params: ServerPath,
      querystring: NoQuery,
      response: { 204: Empty('It takes no message.'), ...problemResponses(...lookProblems, ...bodyProblems) },
    },
    handler: async ({ params, body }, reply) => {
      mustBeEmpty(body)
      await host.suspend(params.id)
      return reply.code(204).send()
    },
  })

  app.route({
    method: 'POST',
    url: '/servers/:id/resume',
    schema: {
      operationId: 'resumeServer',
      tags: ['operators'],
      summary: 'Resume a server',
      description: 'It goes on with what waits, in order. Doing it twice is doing it once.',
      params: ServerPath,
      querystring: NoQuery,
      response: { 204: Empty('It takes messages.'), ...problemResponses(...lookProblems, ...bodyProblems) },
    },
    handler: async ({ params, body }, reply) => {
      mustBeEmpty(body)
      await host.resume(params.id)
      return reply.code(204).send()
    },
  })

  app.route({
    method: 'PUT',
    url: '/servers/:id/state',
    schema: {
      operationId: 'replaceServerState',
      tags: ['operators'],
      summary: 'Replace the state of a server',
      description:
        'Puts another state in the place of the one that is, between two messages and before those that wait; also while ' +
        'the server is suspended. A state with parts for which JSON has no form (Map, Set) cannot be replaced.',
      params: ServerPath,
      querystring: NoQuery,
      headers: ifMatchHeader,
      body: Ref(ReplaceStateRequest),
      response: {
        204: Empty('It has the new state.', etagHeader),
        ...problemResponses(...replaceProblems, ...bodyProblems),
      },
    },
    handler: async ({ id: requestId, params, headers, body }, reply) => {
      const revision = await host.replaceState(params.id, body.state as object, {
        timeout: body.timeout,
        ifMatch: revisionToMatch(headers as never),
        origin: originOf(requestId, headers as never),
      })
      reply.header('etag', `"${revision}"`)
      return reply.code(204).send()
    },
  })

  app.route({
    method: 'GET',
    url: '/servers/:id/crashes',
    schema: {
      operationId: 'listCrashes',
      tags: ['operators'],
      summary: 'List the last crashes of a server',
      description:
        'Never waits for the server, and works after its end as long as that is remembered. Texts are cut, and states ' +
        'are shown as the implementation lets them be seen.',
      params: ServerPath,
      querystring: NoQuery,
      response: { 200: Ref(CrashList, { description: 'The crashes.' }), ...problemResponses(...lookProblems) },
    },
    handler: async ({ params }) => ({ crashes: await host.crashes(params.id) }) as never,
  })
}
