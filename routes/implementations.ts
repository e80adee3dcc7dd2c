/** What can be started. It does not change while the gateway runs, so it is described once. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { describeImplementation, ImplementationInfo, ImplementationList } from '../src/http/implementation-schemas.js'
import { ImplementationPath, NoQuery } from '../src/http/parameters.js'
import { problemResponses } from '../src/http/problem-schema.js'
import { Ref } from '../src/http/schema-ref.js'
import { unknownImplementation } from '../src/http/unknown-implementation.js'
import type { Runtime } from '../src/index.js'

export const implementationRoutes: FastifyPluginAsyncTypebox<{ runtime: Runtime }> = async (app, { runtime }) => {
  const described = new Map([...runtime.implementations].map(([name, d]) => [name, describeImplementation(name, d)]))
  const list = { implementations: [...described.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) }

  app.route({
    method: 'GET',
    url: '/implementations',
    schema: {
      operationId: 'listImplementations',
      tags: ['implementations'],
      summary: 'List implementations',
      description: 'All that can be started, with JSON schemas.',
      querystring: NoQuery,
      response: { 200: Ref(ImplementationList, { description: 'All implementations.' }), ...problemResponses() },
    },
    handler: async () => list,
  })

  app.route({
    method: 'GET',
    url: '/implementations/:name',
    schema: {
      operationId: 'getImplementation',
      tags: ['implementations'],
      summary: 'Look at an implementation',
      description: 'Its messages, with the JSON schemas of their args and replies.',
      params: ImplementationPath,
      querystring: NoQuery,
      response: {
        200: Ref(ImplementationInfo, { description: 'The implementation.' }),
        ...problemResponses('unknown_implementation', 'uri_too_long'),
      },
    },
    handler: async ({ params: { name } }) => {
      const found = described.get(name)
      if (!found) throw unknownImplementation(name)
      return found
    },
  })
}
