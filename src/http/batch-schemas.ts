/** The lines of a batch, and of its answer. */
import { Type } from '@sinclair/typebox'
import { CallReply, CallRequest, CastRequest } from './message-schemas.js'
import { Problem } from './problem-schema.js'
import { Ref } from './schema-ref.js'
import { serverId, timeout } from './server-schemas.js'

const { message, timeout: _timeout, ...callRest } = CallRequest.properties
const { message: _, ...castRest } = CastRequest.properties

const ifMatch = Type.Optional(
  Type.Integer({ minimum: 0, description: 'Do it only if the state has this revision when the message is taken.' }),
)

const wait = timeout('Milliseconds to wait for the reply (default 5000).')

export const BatchCall = Type.Object(
  { to: serverId(), call: message, ...callRest, timeout: Type.Optional(wait), ifMatch },
  { $id: 'BatchCall', additionalProperties: false, examples: [{ to: 'stack-1', call: 'pop' }] },
)

export const BatchCast = Type.Object(
  { to: serverId(), cast: message, ...castRest, ifMatch },
  {
    $id: 'BatchCast',
    additionalProperties: false,
    examples: [{ to: 'stack-1', cast: 'push', args: { element: 1 } }],
  },
)

const line = Type.Integer({ minimum: 1, description: 'The number of the line that is answered; the first is 1.' })

const BatchReply = Type.Object(
  {
    line,
    status: Type.Literal(200),
    reply: CallReply.properties.reply,
    revision: Type.Integer({ description: 'The revision of the state after the message.' }),
  },
  { $id: 'BatchReply', description: 'The reply to a call.' },
)

const BatchAccepted = Type.Object(
  {
    line,
    status: Type.Literal(202),
    timer: Type.Optional(Type.String({ description: 'The timer of a cast with a delay.' })),
  },
  { $id: 'BatchAccepted', description: 'A cast is in the mailbox, or its timer is set.' },
)

const BatchProblem = Type.Intersect([Type.Object({ line }), Ref(Problem)], {
  $id: 'BatchProblem',
  description: 'What went wrong with one line.',
})

const BatchLine = Type.Union([Ref(BatchCall), Ref(BatchCast)], { $id: 'BatchLine', description: 'A line of a batch.' })

const BatchAnswer = Type.Union([Ref(BatchReply), Ref(BatchAccepted), Ref(BatchProblem)], {
  $id: 'BatchAnswer',
  description: 'A line of the answer.',
})

export const batchSchemas = [BatchCall, BatchCast, BatchLine, BatchReply, BatchAccepted, BatchProblem, BatchAnswer]

export const NDJSON = 'application/x-ndjson'

/** A text of lines, each of which is `schema`. */
const linesOf = (schema: typeof BatchLine | typeof BatchAnswer, description: string) =>
  Type.Unsafe<string>({
    type: 'string',
    contentMediaType: NDJSON,
    contentSchema: { $ref: `${schema.$id}#` },
    description,
  })

export const batchBody = linesOf(BatchLine, 'A `BatchCall` or `BatchCast` a line.')
export const batchAnswer = linesOf(BatchAnswer, 'A `BatchReply`, `BatchAccepted` or `BatchProblem` a line.')
