/** Calls and casts as HTTP takes them: the envelopes around `args`, which the runtime checks and nobody else. */
import { Type } from '@sinclair/typebox'
import { timeout } from './server-schemas.js'

export const messageName = () => Type.String({ description: 'The name of the message.', examples: ['push'] })
export const messageArgs = () =>
  Type.Optional(Type.Unknown({ description: 'The args of the message, if it takes any.' }))
const start = () =>
  Type.Optional(
    Type.Object(
      { implementation: Type.String(), args: Type.Optional(Type.Unknown()) },
      { additionalProperties: false, description: 'Start this first if no server has the id.' },
    ),
  )

export const callTimeout = () =>
  timeout('Milliseconds to wait for the reply (default 5000). Without it `Prefer: wait=SECONDS` counts.')
export const castDelay = () =>
  Type.Integer({
    minimum: 0,
    maximum: 2 ** 40,
    description: 'Milliseconds to wait before it is sent.',
    examples: [1000],
  })

export const CallRequest = Type.Object(
  { message: messageName(), args: messageArgs(), timeout: Type.Optional(callTimeout()), start: start() },
  { $id: 'CallRequest', additionalProperties: false, examples: [{ message: 'pop' }] },
)

export const CastRequest = Type.Object(
  { message: messageName(), args: messageArgs(), delay: Type.Optional(castDelay()), start: start() },
  { $id: 'CastRequest', additionalProperties: false, examples: [{ message: 'push', args: { element: 1 } }] },
)

export const CallReply = Type.Object(
  { reply: Type.Unknown({ description: 'What the implementation answered.' }) },
  { $id: 'CallReply' },
)

export const messageSchemas = [CallRequest, CastRequest, CallReply]
