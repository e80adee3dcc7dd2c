/**
 * Holds an answer of the gateway against its own OpenAPI document: the status must be one that the operation lists, and
 * the body must fit the schema that is written there.
 */
import { AjvCompiler } from '@fastify/ajv-compiler'

interface Answered {
  readonly description: string
  readonly content?: Readonly<Record<string, { readonly schema: { readonly $ref: string } }>>
  readonly headers?: Readonly<Record<string, object>>
}

export interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description: string
  readonly responses: Readonly<Record<string, Answered>>
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly example?: unknown }[]
  readonly requestBody?: { readonly required: boolean; readonly content: Answered['content'] }
}

export interface Document {
  readonly openapi: string
  readonly info: { readonly version: string }
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Readonly<Record<string, unknown>>>> }
}

export interface Answer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

type Validate = ((value: unknown) => boolean) & { readonly errors?: unknown }
type Build = (schemas: object, options: object) => (route: { schema: object }) => Validate

/** What is wrong with the answer, or `undefined`. What the document does not describe is not judged. */
export type Contract = (method: string, url: string, answer: Answer) => string | undefined

export function contractOf(document: Document): Contract {
  const schemas = { openapi: { ...document, $id: 'openapi' } }
  const compile = (AjvCompiler() as unknown as Build)(schemas, { customOptions: { strict: false, coerceTypes: false } })
  const fits = (ref: string, value: unknown): string | undefined => {
    const validate = compile({ schema: { $ref: `openapi${ref}` } })
    return validate(value) ? undefined : `${ref}: ${JSON.stringify(validate.errors)}`
  }
  return (method, url, { statusCode, headers, body }) => {
    const operation = operationAt(document, method, url)
    if (!operation) return undefined
    const described = operation.responses[statusCode]
    if (!described) return `${operation.operationId} does not say that it may answer ${statusCode}: ${body}`
    if (!described.content) return body === '' ? undefined : `${operation.operationId} has a body with ${statusCode}`
    const type = String(headers['content-type']).split(';')[0] as string
    const media = described.content[type]
    if (!media) return `${operation.operationId} does not say that it may answer ${statusCode} as ${type}`
    return fits(media.schema.$ref, JSON.parse(body))
  }
}

/** The operation that takes `url`: the typed one before the one with parameters, as the router has it. */
export function operationAt({ paths }: Document, method: string, url: string): Operation | undefined {
  const segments = (url.split('?')[0] as string).split('/')
  const matching = Object.keys(paths).filter((path) => {
    const parts = path.split('/')
    return parts.length === segments.length && parts.every((part, i) => part.startsWith('{') || part === segments[i])
  })
  const [best] = matching.sort((a, b) => a.split('{').length - b.split('{').length)
  return best === undefined ? undefined : paths[best]?.[method.toLowerCase()]
}
