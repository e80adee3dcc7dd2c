/** What happens, as it happens: event streams of one server, and of the lives of all. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import { type EventStreams, streaming } from '../src/http/event-streams.js'
import { LastEventId, Query, ServerPath } from '../src/http/parameters.js'
import { problemResponses } from '../src/http/problem-schema.js'
import { lastEventId } from '../src/http/request-headers.js'
import { lookProblems } from '../src/http/route-problems.js'
import type { FeedEvent, Host, StateView } from '../src/index.js'

const lastEventIdQuery = Type.Optional(
  Type.String({ maxLength: 128, description: 'As the header `Last-Event-ID`, for clients that cannot send that.' }),
)
const EventsQuery = Query({
  lastEventId: lastEventIdQuery,
  patches: Type.Optional(Type.Boolean({ description: 'Also tell the state, and each change of it.' })),
})
const LivesQuery = Query({ lastEventId: lastEventIdQuery })

const stream = (description: string) => ({
  description,
  content: { 'text/event-stream': { schema: Type.String() } },
})

const resuming =
  'Send the id of the last event as `Last-Event-ID` to go on after it, as browsers do of themselves. `gap` ' +
  '(`{missed}`; null if nobody knows how many) stands for events that are not kept any more.'

/** The runtime takes what it is not asked for as the wish to begin now. */
const positionOf = (request: FastifyRequest, query: { readonly lastEventId?: string }) =>
  lastEventId(request.headers) ?? (query.lastEventId || undefined)

export interface EventRoutesOptions {
  readonly host: Host
  readonly streams: EventStreams
}

export const eventRoutes: FastifyPluginAsyncTypebox<EventRoutesOptions> = async (app, { host, streams }) => {
  const { text } = streams

  app.route({
    method: 'GET',
    url: '/servers/:id/events',
    sse: streaming,
    schema: {
      operationId: 'watchServer',
      tags: ['events'],
      summary: 'Watch a server',
      description:
        'What the server publishes, by the names and schemas of its implementation; `restart` (`{incarnation, reason, ' +
        'at}`) when it is back; and last `exit` (`{reason, at}`), with which the stream ends. With ' +
        '`patches`, `state` (as `GET /servers/{id}/state` shows it) at first, and whenever it must be told anew; then ' +
        '`patch` (`{patch, revision, incarnation}`, a JSON Patch of RFC 6902 from the last state to the new one) for ' +
        `each revision. ${resuming}`,
      params: ServerPath,
      querystring: EventsQuery,
      headers: LastEventId,
      response: { 200: stream('The events, without end.'), ...problemResponses(...lookProblems, 'overloaded') },
    },
    handler: async (request, reply) => {
      const { params, query } = request
      await streams.answer(request as never, reply as never, positionOf(request as never, query), (to, after) => {
        // Who comes back, or falls behind, gets the state anew.
        let shown: StateView | undefined
        const onState = (view: StateView) => {
          to.write(shown === undefined ? text.state(view) : text.patch(shown, view))
          shown = view
        }
        const tell = (event: FeedEvent) => {
          to.write(text.event(event))
          if (event.event === 'exit') to.end()
        }
        return host.watch(params.id, tell, { after, ...(query.patches && { onState }) })
      })
    },
  })

  app.route({
    method: 'GET',
    url: '/events',
    sse: streaming,
    schema: {
      operationId: 'watchAllServers',
      tags: ['events'],
      summary: 'Watch the lives of all servers',
      description:
        '`start` (`{id, implementation, incarnation, at}`), `restart` (also `reason`) and `exit` (`{id, ' +
        `implementation, reason, at}\`) of every server. ${resuming}`,
      querystring: LivesQuery,
      headers: LastEventId,
      response: { 200: stream('The events, without end.'), ...problemResponses('overloaded') },
    },
    handler: async (request, reply) => {
      const { query } = request
      await streams.answer(request as never, reply as never, positionOf(request as never, query), (to, after) =>
        host.watchAll((event) => to.write(text.event(event)), { after }),
      )
    },
  })
}
