/** What tools read: the OpenAPI document and the metrics. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Metrics } from '../src/http/metrics.js'

export const observationRoutes: FastifyPluginAsyncTypebox<{ metrics: Metrics }> = async (app, { metrics }) => {
  let written: { readonly document: object; readonly text: string } | undefined
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    const document = app.swagger()
    if (written?.document !== document) written = { document, text: JSON.stringify(document) }
    return reply.type('application/json').send(written.text)
  })
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.render()),
  )
}
