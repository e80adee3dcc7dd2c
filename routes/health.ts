/** For the container: is the process alive, should it get work. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { responsesOf } from '../src/http/problem-schema.js'
import { Ref, Words } from '../src/http/schema-ref.js'
import { GenServerError, type Host } from '../src/index.js'

export const Health = Type.Object({ status: Words(['ok']) }, { $id: 'Health' })

export const healthRoutes: FastifyPluginAsyncTypebox<{ host: Host; ready: () => boolean }> = async (
  app,
  { host, ready },
) => {
  app.route({
    method: 'GET',
    url: '/health/live',
    schema: {
      operationId: 'isLive',
      tags: ['operation'],
      summary: 'Is the process alive',
      description: 'Answers as long as the process turns.',
      response: { 200: Ref(Health, { description: 'It is.' }), ...responsesOf(['headers_too_large']) },
    },
    handler: async () => ({ status: 'ok' }) as const,
  })

  app.route({
    method: 'GET',
    url: '/health/ready',
    schema: {
      operationId: 'isReady',
      tags: ['operation'],
      summary: 'Should it get work',
      description:
        'No longer so from the moment in which the gateway shuts down, while it still finishes its work; nor while no node is at ' +
        'work, as when the implementations cannot be loaded again.',
      response: {
        200: Ref(Health, { description: 'It should.' }),
        ...responsesOf(['headers_too_large', 'draining', 'restarting']),
      },
    },
    handler: async () => {
      if (!ready()) throw new GenServerError('draining', 'the gateway is shutting down')
      const nodes = await host.nodes()
      if (!nodes.some((node) => node.ready))
        throw new GenServerError('restarting', 'no node is at work', { retryAfter: 1 })
      return { status: 'ok' } as const
    },
  })
}
