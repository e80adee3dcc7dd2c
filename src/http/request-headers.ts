/** The request headers that mean something to a server, each read by its own grammar. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Origin } from '../index.js'
import { HttpProblem } from './problem-document.js'

/**
 * The revision that If-Match asks for (RFC 9110, section 13.1.1); `undefined` where any will do.
 *
 * @throws {HttpProblem} where it is not one strong entity tag of ours: a condition that is not understood must not be
 * taken for one that holds.
 */
export function revisionToMatch(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['if-match']
  if (value === undefined || value === '*') return undefined
  const tag = /^"(\d{1,15})"$/.exec(value)
  if (tag) return Number(tag[1])
  throw new HttpProblem('invalid_request', 'If-Match must be one revision in quotes, as in "7", or *')
}

/**
 * Refuses what means something for a message to one server only, on a request that is for many of them: a condition that cannot be
 * judged must not be taken for one that holds, nor a retry for one that is done once.
 *
 * @throws {HttpProblem}
 */
export function mustBeForMany(headers: IncomingHttpHeaders): void {
  if (revisionToMatch(headers) !== undefined) {
    throw new HttpProblem('invalid_request', 'If-Match names the revision of one server, and this is for many')
  }
  if (headers['idempotency-key'] !== undefined) {
    throw new HttpProblem('invalid_request', 'Idempotency-Key is for a request to one server, and this is for many')
  }
}

/** Whether the client has `etag` already (If-None-Match, RFC 9110, section 13.1.2: weak comparison). */
export function isKnown(headers: IncomingHttpHeaders, etag: string): boolean {
  const value = headers['if-none-match']
  if (value === undefined) return false
  if (value.trim() === '*') return true
  return value.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}

/**
 * The event after which a stream goes on (WHATWG HTML, section 9.2.4). Whatever is in it is not refused, since a browser
 * would not come back then: what no event has for its id is one that nobody remembers.
 */
export function lastEventId(headers: IncomingHttpHeaders): string | undefined {
  const value = headers['last-event-id']
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** What follows a semicolon is a parameter of another preference (RFC 7240, section 2). */
const wait = /(?:^|,)\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i

/**
 * The milliseconds of `Prefer: wait=SECONDS` (RFC 7240, section 4.3), cut to `longest`. A preference that is not
 * understood is as if it were not there (section 2).
 */
export function preferredWait(headers: IncomingHttpHeaders, longest: number): number | undefined {
  const value = headers['prefer']
  if (value === undefined) return undefined
  const found = wait.exec(Array.isArray(value) ? value.join(',') : value)
  return found ? Math.min(Number(found[1]) * 1000, longest) : undefined
}

const later = /(?:^|,)\s*respond-async\s*(?:$|[,;])/i

/** Whether the answer is asked for later (RFC 7240, section 4.1). */
export function prefersLater(headers: IncomingHttpHeaders): boolean {
  const value = headers['prefer']
  return value !== undefined && later.test(Array.isArray(value) ? value.join(',') : value)
}

/** A string, with or without the quotes of a structured field (RFC 9651, section 3.3.3). */
const keyed = /^(?:"([\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x7e][\x21-\x7e]{0,254}))$/

/** The Idempotency-Key. @throws {HttpProblem} where there is none, or it is not 1 to 255 visible characters. */
export function idempotencyKey(headers: IncomingHttpHeaders): string {
  const [, quoted, bare] = keyed.exec(String(headers['idempotency-key'] ?? '')) ?? []
  const key = quoted ?? bare
  if (key !== undefined) return key
  throw new HttpProblem('invalid_request', 'Idempotency-Key must be 1 to 255 visible ASCII characters')
}

const traceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/

/** Who asks. A traceparent that is not well-formed is left out (W3C Trace Context, section 3.2.2). */
export function originOf(requestId: string, headers: IncomingHttpHeaders): Origin {
  const trace = headers['traceparent']
  return typeof trace === 'string' && traceparent.test(trace) ? { requestId, traceparent: trace } : { requestId }
}

const visible = /^[\x21-\x7e]{1,128}$/

/** Makes the function that names requests: the client's X-Request-Id if it is fit to be logged, or a new one. */
export function requestNamer(): (request: { headers: IncomingHttpHeaders }) => string {
  // Short, so that V8 makes a flat string at once: a rope would be flattened when the header is checked.
  const prefix = Math.random().toString(36).slice(2, 8)
  let count = 36 ** 3
  return ({ headers }) => {
    const given = headers['x-request-id']
    return typeof given === 'string' && visible.test(given) ? given : prefix + (++count).toString(36)
  }
}
