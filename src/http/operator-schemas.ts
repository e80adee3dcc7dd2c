/** What operators send and read. Every schema with an `$id` is a component of the OpenAPI document. */
import { Type } from '@sinclair/typebox'
import { CodeChange } from './reload.js'
import { Ref } from './schema-ref.js'
import { ServerReason, timeout } from './server-schemas.js'

const nullableText = (description: string) => Type.Unsafe<string | null>({ type: ['string', 'null'], description })

export const ReplaceStateRequest = Type.Object(
  {
    state: Type.Unknown({
      description: 'The whole new state. It must match the `state` schema of the implementation.',
    }),
    timeout: Type.Optional(
      timeout('Milliseconds to wait for the message that is being handled, if one is (default 5000).'),
    ),
  },
  {
    $id: 'ReplaceStateRequest',
    additionalProperties: false,
    examples: [{ state: { items: [] } }],
  },
)

export const LoggedMessage = Type.Object(
  {
    at: Type.String({ format: 'date-time', description: 'When it was taken.' }),
    kind: Type.String({ examples: ['call'] }),
    message: Type.String({ examples: ['pop'] }),
  },
  { $id: 'LoggedMessage' },
)

export const CrashRecord = Type.Object(
  {
    at: Type.String({ format: 'date-time' }),
    incarnation: Type.Integer({ description: 'The life that crashed.' }),
    revision: Type.Integer({ description: 'The revision of the state that it had.' }),
    kind: Type.String({
      description:
        'What was being handled: `call`, `cast`, `info`, `continue`, `init`, `terminate`; `crash` for work beside the ' +
        'messages, which is a readOnly call or a piped promise.',
      examples: ['call'],
    }),
    message: Type.String({ examples: ['pop'] }),
    args: nullableText('Its args as JSON text, cut. Only their shape where the implementation redacts its state.'),
    reason: Ref(ServerReason),
    stack: nullableText('The stack of what was thrown, cut; null if that was no error.'),
    state: nullableText('The state before, as the implementation lets it be seen, as JSON text, cut.'),
    redactFailed: Type.Optional(
      Type.Boolean({ description: 'The state could not be made fit to be seen, so it is null.' }),
    ),
    requestId: Type.Optional(Type.String({ description: 'The request that brought the message.' })),
    log: Type.Array(Ref(LoggedMessage), {
      description: 'The last messages that the server had taken (at most ten), oldest first.',
    }),
  },
  { $id: 'CrashRecord' },
)

export const CrashList = Type.Object(
  { crashes: Type.Array(Ref(CrashRecord), { description: 'At most ten, the newest first.' }) },
  { $id: 'CrashList' },
)

export const DeadLetter = Type.Object(
  {
    ref: Type.String({ examples: ['17'] }),
    message: Type.String({ examples: ['push'] }),
    args: Type.Unknown(),
    attempts: Type.Integer({ description: 'How often it was taken.', examples: [5] }),
    at: Type.String({ format: 'date-time', description: 'When it was set aside.' }),
    reason: Ref(ServerReason),
  },
  { $id: 'DeadLetter' },
)

export const DeadLetterPage = Type.Object(
  {
    deadLetters: Type.Array(Ref(DeadLetter)),
    next: Type.Optional(Type.String({ description: 'Give it as `after` for the next page.' })),
  },
  { $id: 'DeadLetterPage' },
)

export const operatorSchemas = [
  ...[ReplaceStateRequest, LoggedMessage, CrashRecord, CrashList],
  ...[DeadLetter, DeadLetterPage, CodeChange],
]
