/** Path, query and header parameters that several routes share. */
import { type TProperties, Type } from '@sinclair/typebox'
import { label, serverId, timeout } from './server-schemas.js'

/** The query is closed like a body: a parameter that is not known is told, not dropped. */
export const Query = <T extends TProperties>(properties: T) => Type.Object(properties, { additionalProperties: false })
export const NoQuery = Query({})

export const ServerPath = Type.Object({ id: serverId() })
export const LabelPath = Type.Object({ label: label('The label of the servers.') })
export const TimerPath = Type.Object({
  id: serverId(),
  ref: Type.String({ minLength: 1, description: 'The timer, as listed.', examples: ['t5'] }),
})
export const ImplementationPath = Type.Object({
  name: Type.String({ description: 'The name of the implementation.', examples: ['stack'] }),
})
export const MessagePath = Type.Object({ name: Type.String(), id: serverId(), message: Type.String() })

export const StopQuery = Query({
  reason: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 256,
      description: 'The reason to end with (default `normal`); `kill` ends the server at once, without `terminate`.',
      examples: ['shutdown'],
    }),
  ),
  timeout: Type.Optional(timeout('Milliseconds to wait for the end (default 5000). The order stands after that.')),
})

const ifMatch = Type.Optional(
  Type.String({
    description: 'Do it only if the state has this revision when the message is taken, as in `"7"`.',
    examples: ['"7"'],
  }),
)
const wait = '`wait=SECONDS`: how long to wait where no timeout is given (RFC 7240).'
const preferText = (description: string) => Type.Optional(Type.String({ description, examples: ['wait=10'] }))
const prefer = preferText(wait)
const ifNoneMatch = Type.Optional(
  Type.String({ description: 'The ETag of a state that the client has: 304 if it is still that.', examples: ['"7"'] }),
)

const idempotencyKey = Type.Optional(
  Type.String({
    description:
      'A name for the request, 1 to 255 characters: sent again with the same name it is done once, and answered the same.',
    examples: ['8e03978e-40d5-43dd-bc93-6894a57f9324'],
  }),
)

/** Header schemas document; `request-headers.ts` reads. */
export const KeyHeader = Type.Object({ 'Idempotency-Key': idempotencyKey })
export const CallHeaders = Type.Object({
  'If-Match': ifMatch,
  Prefer: preferText(`${wait} \`respond-async\`: tell the answer later.`),
  'Idempotency-Key': idempotencyKey,
})
/** Of a route whose answer has a type of its own, which one that comes later would blur. */
export const TypedCallHeaders = Type.Object({ 'If-Match': ifMatch, Prefer: prefer, 'Idempotency-Key': idempotencyKey })
export const CastHeaders = Type.Object({ 'If-Match': ifMatch, 'Idempotency-Key': idempotencyKey })
export const GroupCallHeaders = Type.Object({ Prefer: prefer })
export const ifMatchHeader = Type.Object({ 'If-Match': ifMatch })
export const LastEventId = Type.Object({
  'Last-Event-ID': Type.Optional(
    Type.String({ description: 'The id of the last event that the client has.', examples: ['5f1c09e2a7d4-3.17'] }),
  ),
})
export const StateHeaders = Type.Object({
  'If-Match': Type.Optional(
    Type.String({ description: 'Show it only if it has this revision, as in `"7"`.', examples: ['"7"'] }),
  ),
  'If-None-Match': ifNoneMatch,
})

export const etagHeader = {
  ETag: { type: 'string', description: 'The revision of the state after the message, in quotes.' },
}
export const locationHeader = (of: string) => ({ Location: { type: 'string', description: `Where ${of} is.` } })
