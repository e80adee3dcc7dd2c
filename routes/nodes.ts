/** Where servers are: the nodes of the gateway. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { NodeList } from '../src/http/node-schemas.js'
import { NoQuery } from '../src/http/parameters.js'
import { problemResponses } from '../src/http/problem-schema.js'
import { Ref } from '../src/http/schema-ref.js'
import type { Host } from '../src/index.js'

export const nodeRoutes: FastifyPluginAsyncTypebox<{ host: Host }> = async (app, { host }) => {
  app.route({
    method: 'GET',
    url: '/nodes',
    schema: {
      operationId: 'listNodes',
      tags: ['nodes'],
      summary: 'List the nodes',
      description:
        'What runs the servers: threads, or `main` where they share the thread of the gateway. Never waits for a node: it ' +
        'works while one is stuck, and tells at what.',
      querystring: NoQuery,
      response: { 200: Ref(NodeList, { description: 'All nodes.' }), ...problemResponses() },
    },
    handler: async () => ({ nodes: await host.nodes() }),
  })
}
