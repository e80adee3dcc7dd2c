/**
 * From a failure to its problem document (RFC 9457). What is not known here becomes `internal_error` and tells nothing:
 * no stack, no message of an unforeseen error and no state leave the gateway.
 */
import { type Effect, type FailureDetails, GenServerError, type InputError, type Reason } from '../index.js'
import { isRetryable, type ProblemCode, problems, RETRY_AFTER } from './problems.js'

export const PROBLEM_TYPE = 'application/problem+json'

/** What a problem document holds. */
interface ProblemDocument {
  /** A URN: the codes are ours, a host name would be a promise to keep a page there. */
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ProblemCode
  readonly effect: Effect
  readonly reason?: Reason
  readonly exitedAt?: string
  readonly errors?: readonly InputError[]
  readonly chain?: readonly string[]
  readonly failed?: FailureDetails['failed']
  readonly server?: object
}

/** A failure that exists at the HTTP boundary only: the request never became a message. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  constructor(
    readonly code: ProblemCode,
    detail: string,
    readonly details: FailureDetails = {},
    /** Further headers of the answer. */
    readonly headers: Readonly<Record<string, string>> = {},
    readonly status: number = problems[code].status,
  ) {
    super(detail)
  }
}

export function statusOf(failure: HttpProblem | GenServerError): number {
  return failure instanceof HttpProblem ? failure.status : problems[failure.code].status
}

/** The document that tells `failure`. */
export function problemDocument(failure: HttpProblem | GenServerError): ProblemDocument {
  const { code, message: detail, details } = failure
  const status = statusOf(failure)
  const { title } = problems[code]
  return {
    type: `urn:genservers:error:${code}`,
    title,
    status,
    detail,
    code,
    effect: effectOf(failure),
    ...(details.reason !== undefined && { reason: details.reason }),
    ...(details.exitedAt !== undefined && { exitedAt: new Date(details.exitedAt).toISOString() }),
    ...(details.errors !== undefined && { errors: details.errors }),
    ...(details.chain !== undefined && { chain: details.chain }),
    ...(details.failed !== undefined && { failed: details.failed }),
    ...(details.server !== undefined && { server: details.server }),
  }
}

/** What never became a message has no effect. Where our own code failed, nobody knows how far it had come. */
function effectOf(failure: HttpProblem | GenServerError): Effect {
  if (failure instanceof GenServerError) return failure.effect
  return failure.code === 'internal_error' ? 'unknown' : 'none'
}

/** The headers that go with the document. */
export function problemHeaders(failure: HttpProblem | GenServerError): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': `${PROBLEM_TYPE}; charset=utf-8`,
    // A cache may keep 404, 405, 410 and 414 of its own accord (RFC 9110, section 15.1), and an id may come back.
    'cache-control': 'no-store',
  }
  if (isRetryable(statusOf(failure))) {
    headers['retry-after'] = String(failure.details.retryAfter ?? RETRY_AFTER)
  }
  return failure instanceof HttpProblem ? Object.assign(headers, failure.headers) : headers
}
