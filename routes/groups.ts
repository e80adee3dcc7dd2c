/** Messages to all servers that have a label. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { GroupCallRequest, GroupCastRequest, GroupReplies, GroupSent } from '../src/http/group-schemas.js'
import { sendGroupCall, sendGroupCast } from '../src/http/group-sending.js'
import type { MessageRoutesOptions } from '../src/http/message-routes.js'
import { GroupCallHeaders, LabelPath, NoQuery } from '../src/http/parameters.js'
import { bodyProblems, problemResponses } from '../src/http/problem-schema.js'
import { groupProblems } from '../src/http/route-problems.js'
import { Ref } from '../src/http/schema-ref.js'

export const groupRoutes: FastifyPluginAsyncTypebox<MessageRoutesOptions> = async (app, options) => {
  app.route({
    method: 'POST',
    url: '/groups/:label/call',
    schema: {
      operationId: 'callGroup',
      tags: ['groups'],
      summary: 'Call a group',
      description:
        'Sends a message to every server that has the label now, and answers when all have replied or the timeout, which ' +
        'is one for all, has passed. Who did not reply is listed with the problem that a call to it alone would have had. ' +
        'A caller that hangs up takes its calls out of the mailboxes. A label that nobody has is an empty group.',
      params: LabelPath,
      querystring: NoQuery,
      headers: GroupCallHeaders,
      body: Ref(GroupCallRequest),
      response: {
        200: Ref(GroupReplies, { description: 'The replies that came in time, and who gave none.' }),
        ...problemResponses(...groupProblems, ...bodyProblems),
      },
    },
    handler: (request, reply) => sendGroupCall(options, request, reply, request.params.label, request.body),
  })

  app.route({
    method: 'POST',
    url: '/groups/:label/cast',
    schema: {
      operationId: 'castGroup',
      tags: ['groups'],
      summary: 'Cast to a group',
      description:
        'Sends a message that nobody waits for to every server that has the label now. Who did not take it is listed with ' +
        'the problem that a cast to it alone would have had. A label that nobody has is an empty group.',
      params: LabelPath,
      querystring: NoQuery,
      body: Ref(GroupCastRequest),
      response: {
        202: Ref(GroupSent, { description: 'How many have it in their mailboxes, and who has not.' }),
        ...problemResponses(...groupProblems, ...bodyProblems),
      },
    },
    handler: (request, reply) => sendGroupCast(options.host, request, reply, request.params.label, request.body),
  })
}
