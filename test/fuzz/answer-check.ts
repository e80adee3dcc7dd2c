/**
 * What every answer must be, whatever was asked: one that the OpenAPI document describes for the operation (its status,
 * content type, body and headers), or a problem document with a code of the table. Anything else is a fault, told as a
 * sentence.
 *
 * 1. A 5xx is one of the documented codes, never `internal_error`.
 * 2. No stack, path of a file, or secret state is in any answer. Only the records of crashes have stacks, and those only
 *    as `stack`.
 */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { type ProblemCode, problems, statusesOf } from '../../src/http/problems.js'
import { CANARY } from './implementations/hostile.js'

/** One answer as it came in. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

interface Described {
  readonly description: string
  readonly headers?: Readonly<Record<string, object>>
  readonly content?: Readonly<Record<string, object>>
}

interface Documented {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Record<string, Described> }>>>>
}

type Validate = ((value: unknown) => boolean) & { readonly errors?: unknown }

const PROBLEM = 'application/problem+json'

/** What may be told of a request that reaches no operation. */
const astray = new Set<ProblemCode>([
  ...(['invalid_request', 'invalid_args', 'unknown_route', 'unknown_implementation', 'unknown_message'] as const),
  ...(['unknown_server', 'method_not_allowed', 'not_acceptable', 'payload_too_large', 'uri_too_long'] as const),
  ...(['unsupported_media_type', 'headers_too_large', 'unknown_timer', 'server_exited', 'restarting'] as const),
])

/** Served, and not described: what tools and people read. */
const undescribed = /^\/(?:docs(?:[/?#]|$)|metrics(?:[?#]|$)|openapi\.json(?:[?#]|$))/

/** In JSON a line break is an escape. */
const leaks = [
  /\\n\s+at\s/,
  /\bat (?:async )?[\w.<>]+ \(/,
  /node:internal/,
  /\.[cm]?[jt]s:\d+/,
  /file:\/\/\/(?!dev)/,
  /node_modules/,
]

export interface AnswerCheck {
  /** What is wrong with an answer to `method target`; empty when nothing is. */
  faults(method: string, target: string, answer: Answer): string[]
  /** What must hold for an answer where it is not known what the gateway took the request for. */
  faultsOfAny(answer: Answer): string[]
}

export function createAnswerCheck(document: object): AnswerCheck {
  const { paths } = document as Documented
  // JSON Schema 2020-12 is the dialect of OpenAPI 3.1.
  const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: true })
  ajv.addFormat('date-time', (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(text))
  ajv.addSchema({ ...document, $id: 'openapi' }, 'openapi')
  const compiled = new Map<object, Validate>()
  const misfit = (schema: object, body: unknown): string | undefined => {
    let validate = compiled.get(schema)
    if (!validate) {
      validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')))
      compiled.set(schema, validate)
    }
    return validate(body) ? undefined : JSON.stringify(validate.errors)
  }
  const problemSchema = { $ref: '#/components/schemas/Problem' }

  const faultsOfProblem = (answer: Answer, body: unknown): string[] => {
    const faults: string[] = []
    const wrong = misfit(problemSchema, body)
    if (wrong !== undefined) return [`the problem document does not fit its schema: ${wrong}`]
    const { type, title, status, code } = body as { type: string; title: string; status: number; code: ProblemCode }
    if (!Object.hasOwn(problems, code)) return [`${code} is not in the table of problems`]
    const kind = problems[code]
    if (answer.status !== status || !statusesOf(kind).includes(status)) {
      faults.push(`${code} must be ${statusesOf(kind).join(' or ')}`)
    }
    if (title !== kind.title || type !== `urn:genservers:error:${code}`)
      faults.push(`${code} has another title or type`)
    if (code === 'internal_error') faults.push('the gateway has failed')
    if ((answer.status === 429 || answer.status === 503) !== (answer.headers['retry-after'] !== undefined)) {
      faults.push('Retry-After goes with 429 and 503, and with nothing else')
    }
    if ((answer.status === 405) !== (answer.headers['allow'] !== undefined)) faults.push('Allow goes with 405')
    return faults
  }

  const faultsOfAny = (answer: Answer): string[] => {
    const { status, headers } = answer
    const body = withoutStacks(answer)
    const told = leaks.find((leak) => leak.test(body))
    const faults: string[] = []
    if (told) faults.push(`the answer tells what is inside: ${told}`)
    if (body.includes(CANARY) || JSON.stringify(headers).includes(CANARY)) faults.push('the answer has the secret')
    if (status < 200 || status > 599) faults.push(`there is no status ${status}`)
    if (status >= 400) {
      const type = mediaType(headers)
      if (answer.body === '') return faults
      if (type !== PROBLEM) faults.push(`an error is ${PROBLEM}, not ${type}`)
      else faults.push(...faultsOfProblem(answer, parsed(answer.body)))
    }
    return faults
  }

  const faults = (method: string, target: string, answer: Answer): string[] => {
    const { status, headers, body } = answer
    if (undescribed.test(target) && status < 400) return status < 200 ? [`there is no status ${status}`] : []
    const found = faultsOfAny(answer)
    const isHead = method === 'HEAD'
    if (status >= 400 && body === '' && !isHead) found.push(`a ${status} with nothing in it`)
    if (isHead && body !== '') found.push('an answer to HEAD with a body')
    // What Node's parser refuses never becomes a request, and has no name.
    const isNamed = headers['x-request-id'] !== undefined || headers['connection'] === 'close'
    if (status >= 400 && !isNamed) found.push('no X-Request-Id')
    const path = pathOf(target)
    const operation = path && paths[templateOf(paths, path) ?? '']?.[isHead ? 'get' : method.toLowerCase()]
    const code = status >= 400 && body !== '' ? (parsed(body) as { code?: ProblemCode } | undefined)?.code : undefined
    if (!operation) {
      if (status < 400) found.push(`${status} for what is not described`)
      else if (code !== undefined && !astray.has(code)) found.push(`${code} for what is not described`)
      return found
    }
    // There is none to HEAD: what makes an answer costs too much for that.
    if (isHead && status === 405 && headers['allow']?.includes('HEAD') === false) return found
    const described = operation.responses[status]
    if (!described) return [...found, `the operation does not say that it may answer ${status}`]
    if (code !== undefined && !described.description.includes(`\`${code}\``)) {
      found.push(`the operation does not say that it may answer ${status} with ${code}`)
    }
    if (isHead) return found
    if (!described.content) {
      if (body !== '') found.push(`${status} is described without a body`)
      return found
    }
    const media = described.content[mediaType(headers) ?? ''] as { schema: object } | undefined
    if (!media) return [...found, `the operation does not say that it may answer ${status} as ${mediaType(headers)}`]
    for (const [schema, told] of status < 400 ? partsOf(mediaType(headers), media.schema, body) : []) {
      const wrong = misfit(schema, told)
      if (wrong !== undefined) found.push(`the body does not fit its schema: ${wrong}`)
      if ((told as { code?: unknown } | null)?.code === 'internal_error') found.push('the gateway has failed')
    }
    if (status === 201 && headers['location'] === undefined) found.push('201 without Location')
    return found
  }
  return { faults, faultsOfAny }
}

/** The pattern in the document that takes `path`; one without parameters comes before one with. */
export function templateOf(paths: object, path: readonly string[]): string | undefined {
  const fits = (template: string) => {
    const pieces = template.split('/')
    return (
      pieces.length === path.length &&
      pieces.every((piece, i) => (piece.startsWith('{') ? path[i] !== '' : decodeURIComponent(piece) === path[i]))
    )
  }
  return Object.keys(paths)
    .filter(fits)
    .sort((a, b) => a.split('{').length - b.split('{').length)[0]
}

/** The decoded segments of a target; `undefined` where it cannot be decoded. */
export function pathOf(target: string): string[] | undefined {
  try {
    return (target.split(/[?#]/, 1)[0] as string).split('/').map(decodeURIComponent)
  } catch {
    return undefined
  }
}

function mediaType(headers: Answer['headers']): string | undefined {
  return headers['content-type'] === undefined ? undefined : String(headers['content-type']).split(';')[0]
}

/** What of a body is to fit which schema. */
function partsOf(type: string | undefined, schema: object, body: string): (readonly [schema: object, told: unknown])[] {
  if (type === 'text/event-stream') return [[schema, body]]
  if (type !== 'application/x-ndjson') return [[schema, parsed(body)]]
  const { contentSchema } = schema as { contentSchema: object }
  const lines = body.split('\n').slice(0, -1)
  return lines.map((line) => [contentSchema, parsed(line)])
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** The body as it is, but for the stacks in a list of crashes. */
function withoutStacks({ status, body }: Answer): string {
  const list = status === 200 && body.startsWith('{"crashes":[') ? (parsed(body) as { crashes: object[] }) : undefined
  return list === undefined ? body : JSON.stringify(list.crashes.map((crash) => ({ ...crash, stack: null })))
}
