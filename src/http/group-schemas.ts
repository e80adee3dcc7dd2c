/** Messages to a group as HTTP takes them, and what comes of them: one answer for each server that has the label. */
import { Type } from '@sinclair/typebox'
import { callTimeout, messageArgs, messageName } from './message-schemas.js'
import { Problem } from './problem-schema.js'
import { Ref } from './schema-ref.js'

export const GroupCallRequest = Type.Object(
  { message: messageName(), args: messageArgs(), timeout: Type.Optional(callTimeout()) },
  { $id: 'GroupCallRequest', additionalProperties: false, examples: [{ message: 'size' }] },
)

export const GroupCastRequest = Type.Object(
  { message: messageName(), args: messageArgs() },
  { $id: 'GroupCastRequest', additionalProperties: false, examples: [{ message: 'push', args: { element: 1 } }] },
)

const id = () => Type.String({ description: 'The server.', examples: ['cart-17'] })

export const GroupReply = Type.Object(
  {
    id: id(),
    reply: Type.Unknown({ description: 'What the implementation answered.' }),
    revision: Type.Integer({ description: "The revision of that server's state after the message." }),
  },
  { $id: 'GroupReply' },
)

export const GroupFailure = Type.Object(
  { id: id(), ...Problem.properties },
  { $id: 'GroupFailure', description: 'The problem document of one server of the group.' },
)

export const GroupReplies = Type.Object(
  {
    replies: Type.Array(Ref(GroupReply), { description: 'Ordered by id.' }),
    failures: Type.Array(Ref(GroupFailure), { description: 'The servers that gave no reply. Ordered by id.' }),
  },
  { $id: 'GroupReplies' },
)

export const GroupSent = Type.Object(
  {
    sent: Type.Integer({ description: 'How many servers have the message in their mailboxes.' }),
    failures: Type.Array(Ref(GroupFailure), { description: 'The servers that did not take it. Ordered by id.' }),
  },
  { $id: 'GroupSent' },
)

export const groupSchemas = [GroupCallRequest, GroupCastRequest, GroupReply, GroupFailure, GroupReplies, GroupSent]
