/** For the container: is the process alive, should it get work. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { responsesOf } from '../src/http/problem-schema.js'
import { Ref, Words } from '../src/http/schema-ref.js'
import { GenServerError } from '../src/index.js'

export const Health = Type.Object({ status: Words(['ok']) }, { $id: 'Health' })

export const healthRoutes: FastifyPluginAsyncTypebox<{ ready: () => boolean }> = async (app, { ready }) => {
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
      description: 'No longer so from the moment in which the gateway shuts down, while it still finishes its work.',
      response: { 200: Ref(Health, { description: 'It should.' }), ...responsesOf(['headers_too_large', 'draining']) },
    },
    handler: async () => {
      if (!ready()) throw new GenServerError('draining', 'the gateway is shutting down')
      return { status: 'ok' } as const
    },
  })
}
