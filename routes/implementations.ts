/** What can be started. Each is described once, and again when its code has changed. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from '@sinclair/typebox'
import { describeImplementation, ImplementationInfo, ImplementationList } from '../src/http/implementation-schemas.js'
import { ImplementationPath, NoQuery } from '../src/http/parameters.js'
import { problemResponses } from '../src/http/problem-schema.js'
import { Ref } from '../src/http/schema-ref.js'
import { unknownImplementation } from '../src/http/unknown-implementation.js'
import type { DefinitionData, Host } from '../src/index.js'

export const implementationRoutes: FastifyPluginAsyncTypebox<{ host: Host }> = async (app, { host }) => {
  const described = new Map<string, { readonly of: DefinitionData; readonly info: Static<typeof ImplementationInfo> }>()
  const describe = (name: string, of: DefinitionData) => {
    const known = described.get(name)
    if (known?.of === of) return known.info
    const info = describeImplementation(name, of)
    described.set(name, { of, info })
    return info
  }

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
    handler: async () => ({
      implementations: [...host.implementations]
        .map(([name, definition]) => describe(name, definition))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    }),
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
        ...problemResponses('unknown_implementation'),
      },
    },
    handler: async ({ params: { name } }) => {
      const definition = host.implementations.get(name)
      if (!definition) throw unknownImplementation(name)
      return describe(name, definition)
    },
  })
}
