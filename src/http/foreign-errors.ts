/**
 * Errors that Fastify, Ajv or Node raise before a request reaches a route, turned into our own codes. One place, so that
 * a client never sees another library's words or shape.
 */
import type { FastifyError, FastifySchemaValidationError } from 'fastify'
import { escapePointer, GenServerError, ID_PATTERN, type InputError } from '../index.js'
import { HttpProblem } from './problem-document.js'
import type { ProblemCode } from './problems.js'

/** More places than this are not told: one hostile body must not make a huge answer. */
const MOST_ERRORS = 20

const fastifyCodes: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_request', 'the body is not as long as Content-Length says'],
  // What Node calls it when the connection ends in the midst of a body.
  ECONNRESET: ['invalid_request', 'the body broke off'],
  FST_ERR_CTP_EMPTY_TYPE: ['unsupported_media_type', 'the Content-Type is empty; send application/json'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'send the body as application/json'],
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: ['unsupported_media_type', 'QUERY needs a Content-Type'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload_too_large', 'the body is larger than --body-limit allows'],
  FST_ERR_MAX_PARAM_LENGTH: ['uri_too_long', 'a segment of the path is too long'],
  FST_STATIC_FORBIDDEN_PATH: ['unknown_route', 'nothing is served under this path; /openapi.json tells what is'],
  FST_STATIC_INVALID_REDIRECT_URL: ['invalid_request', 'the path leads nowhere'],
  FST_ERR_BAD_URL: ['invalid_request', 'the path is not percent-encoded UTF-8'],
}

const parts: Readonly<Record<string, string>> = {
  body: 'the body',
  params: 'the path',
  querystring: 'the query',
  headers: 'a header',
  line: 'the line',
}

/** `error` as a failure of ours, or `undefined` if it is a bug of the gateway. */
export function foreignError(error: unknown): HttpProblem | GenServerError | undefined {
  if (error instanceof GenServerError || error instanceof HttpProblem) return error
  if (!(error instanceof Error)) return undefined
  const { code, statusCode, validation, validationContext } = error as Partial<FastifyError>
  if (validation) return invalid(validation, validationContext ?? 'body')
  const known = code === undefined ? undefined : fastifyCodes[code]
  if (known) return new HttpProblem(known[0], known[1])
  // Plugins have errors of their own, as for a Range or an If-Match that a file of /docs cannot meet.
  const isClients = statusCode !== undefined && statusCode >= 400 && statusCode < 500
  return isClients ? new HttpProblem('invalid_request', 'the request cannot be met') : undefined
}

function invalid(found: readonly FastifySchemaValidationError[], part: string): HttpProblem {
  const errors = found.slice(0, MOST_ERRORS).map(inputError)
  const [first] = errors
  const place = first === undefined || first.path === '' ? '' : ` at ${first.path}`
  const detail = `${parts[part] ?? 'the request'} does not fit${place}: ${first?.message ?? 'it has the wrong shape'}`
  return new HttpProblem('invalid_request', detail, { errors })
}

function inputError({ instancePath, keyword, params, message }: FastifySchemaValidationError): InputError {
  if (keyword === 'additionalProperties') {
    return { path: `${instancePath}/${escapePointer(String(params['additionalProperty']))}`, message: 'is not known' }
  }
  if (keyword === 'required') {
    return { path: `${instancePath}/${escapePointer(String(params['missingProperty']))}`, message: 'is required' }
  }
  if (keyword === 'enum') {
    return { path: instancePath, message: `must be one of ${String(params['allowedValues']).replaceAll(',', ', ')}` }
  }
  if (keyword === 'pattern' && params['pattern'] === ID_PATTERN) {
    return { path: instancePath, message: 'must be 1 to 128 of A-Z a-z 0-9 . _ ~ : - and not . or ..' }
  }
  return { path: instancePath, message: message ?? 'has the wrong shape' }
}
