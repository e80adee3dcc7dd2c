/** The trace of a server (OTP: `sys:trace/2`), as an event stream. For those who run the gateway. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { type EventStreams, streaming } from '../src/http/event-streams.js'
import { gapText, plainText } from '../src/http/event-text.js'
import { NoQuery, ServerPath } from '../src/http/parameters.js'
import { problemResponses } from '../src/http/problem-schema.js'
import { lookProblems } from '../src/http/route-problems.js'
import type { Host } from '../src/index.js'

export interface TraceRoutesOptions {
  readonly host: Host
  readonly streams: EventStreams
}

export const traceRoutes: FastifyPluginAsyncTypebox<TraceRoutesOptions> = async (app, { host, streams }) => {
  app.route({
    method: 'GET',
    url: '/servers/:id/trace',
    sse: streaming,
    schema: {
      operationId: 'traceServer',
      tags: ['operators'],
      summary: 'Trace a server',
      description:
        'What it does, from now on: `in` (a message was taken), `out` (its caller has its answer), `state` (before and after, ' +
        'as operators may see it), `crash`, and last `end`. It cannot be resumed; `gap` tells a slow reader that it has missed some.',
      params: ServerPath,
      querystring: NoQuery,
      response: {
        200: { description: 'The trace, without end.', content: { 'text/event-stream': { schema: Type.String() } } },
        ...problemResponses(...lookProblems, 'overloaded'),
      },
    },
    handler: async (request, reply) => {
      const { id } = request.params
      let isFirst = true
      await streams.answer(request as never, reply as never, '', async (to) => {
        // Each reader has a name of its own, under which it listens.
        const stop = await host.trace(
          id,
          (event) => {
            to.write(plainText(event.event, event))
            if (event.event === 'end') to.end()
          },
          Symbol(id),
        )
        if (!isFirst) to.write(gapText)
        isFirst = false
        return { position: '', close: stop }
      })
    },
  })
}
