/** The problem document in the OpenAPI document, and how a route says which problems it may answer with. */
import { Type } from '@sinclair/typebox'
import { PROBLEM_TYPE } from './problem-document.js'
import { isRetryable, type ProblemCode, problemCodes, problems, statusesOf } from './problems.js'
import { Ref, Words } from './schema-ref.js'
import { ServerInfo, ServerReason } from './server-schemas.js'

export const Problem = Type.Object(
  {
    type: Type.String({
      description: 'A URN that ends in the code.',
      examples: ['urn:genservers:error:unknown_server'],
    }),
    title: Type.String({ description: 'The same for every problem with this code.' }),
    status: Type.Integer({ description: 'The HTTP status.' }),
    detail: Type.String({ description: 'What happened this time, for people.' }),
    code: Words(problemCodes, { description: 'What happened, for programs. Codes are stable.' }),
    effect: Words(['none', 'unknown'], {
      description:
        '`none`: the message changed nothing and may be sent again. `unknown`: it may have run or may yet run.',
    }),
    reason: Type.Optional(Ref(ServerReason)),
    exitedAt: Type.Optional(Type.String({ format: 'date-time', description: 'When the server ended.' })),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          path: Type.String({ description: 'A JSON pointer to the place (RFC 6901).', examples: ['/by'] }),
          message: Type.String(),
        }),
        { description: 'Where the input is at fault.' },
      ),
    ),
    chain: Type.Optional(
      Type.Array(Type.String(), { description: 'The servers of a call cycle, from the caller round to itself.' }),
    ),
    failed: Type.Optional(
      Type.Array(Type.Object({ id: Type.String(), message: Type.String() }), {
        description: 'The servers that kept all from it, at most 100, and why.',
      }),
    ),
    server: Type.Optional(Ref(ServerInfo)),
  },
  { $id: 'Problem', description: 'What went wrong (RFC 9457).' },
)

type Kind<Code extends ProblemCode> = (typeof problems)[Code]
type StatusOf<Code extends ProblemCode> =
  | Kind<Code>['status']
  | (Kind<Code> extends { readonly otherStatus: infer Status extends number } ? Status : never)

interface ProblemResponse {
  description: string
  headers?: Record<string, object>
  content: { [PROBLEM_TYPE]: { schema: ReturnType<typeof problemRef> } }
}
const problemRef = () => Ref(Problem)

/** Problems that any request to the API can meet; `overloaded`, if it is not one for operators; `draining`, because in its last moments the gateway answers nothing else. */
const everywhere = [
  'invalid_request',
  'not_acceptable',
  'request_timeout',
  'uri_too_long',
  'headers_too_large',
  'internal_error',
  'overloaded',
  'draining',
] as const
/** Problems that any request with a body can meet, also where the route has no use for one (DELETE). */
export const bodyProblems = ['payload_too_large', 'unsupported_media_type'] as const

/** The responses of a route of the API that may answer with `codes`, by status, beside those that every one has. */
export function problemResponses<const Codes extends readonly ProblemCode[]>(...codes: Codes) {
  return responsesOf<Codes[number] | (typeof everywhere)[number]>([...everywhere, ...codes])
}

/** The responses of a route that may answer with just `codes`. */
export function responsesOf<Code extends ProblemCode>(
  codes: readonly Code[],
): { [S in StatusOf<Code>]: ProblemResponse } {
  const possible = new Set<ProblemCode>(codes)
  const responses: Record<number, ProblemResponse> = {}
  for (const code of problemCodes.filter((code) => possible.has(code))) {
    const kind = problems[code]
    const line = `\`${code}\`: ${kind.when}`
    for (const status of statusesOf(kind)) {
      const response = responses[status]
      if (response) {
        response.description += `\n\n${line}`
      } else {
        responses[status] = {
          description: line,
          ...(isRetryable(status) && { headers: { 'Retry-After': retryAfter } }),
          content: { [PROBLEM_TYPE]: { schema: problemRef() } },
        }
      }
    }
  }
  return responses as never
}

const retryAfter = { type: 'integer', description: 'After how many seconds another try may do better.' }
