/**
 * THE table of everything a client can be told went wrong: each code with its HTTP status. Codes of the core are bound
 * to HTTP here and nowhere else; `boundaryProblems` exist at the HTTP boundary only. `test/http/problems.test.ts`
 * holds the table against the OpenAPI document.
 */
import type { FailureCode } from '../index.js'

interface ProblemKind {
  readonly status: number
  /** Another one that it may have. */
  readonly otherStatus?: number
  /** The same for every occurrence (RFC 9457, section 3.1.3). */
  readonly title: string
  /** One sentence for people who read the documentation: when it happens. */
  readonly when: string
}

const coreProblems = {
  invalid_request: {
    status: 400,
    title: 'The request is malformed',
    when: 'The request is not HTTP or JSON as it should be, has the wrong shape, or has a key that is not known.',
  },
  invalid_args: {
    status: 400,
    title: 'The args do not fit',
    when: 'The args do not match the schema of the message, or are nested too deep.',
  },
  unknown_implementation: {
    status: 404,
    title: 'There is no such implementation',
    when: 'The gateway has no implementation of that name.',
  },
  unknown_message: {
    status: 404,
    title: 'There is no such message',
    when: 'The implementation of the server does not declare that message.',
  },
  unknown_server: {
    status: 404,
    title: 'There is no such server',
    when: 'No server has that id, or it is a server of another implementation than the route names.',
  },
  unknown_timer: {
    status: 404,
    title: 'There is no such timer',
    when: 'The timer has fired, was cancelled, or never existed.',
  },
  unknown_dead_letter: {
    status: 404,
    title: 'There is no such dead letter',
    when: 'The dead letter was replayed or discarded, or never existed.',
  },
  server_exited: {
    status: 410,
    title: 'The server has ended',
    when: 'A server had that id and ended a while ago; `reason` and `exitedAt` tell why and when.',
  },
  already_started: {
    status: 409,
    title: 'The id is taken',
    when: 'A server with that id is there already; `server` describes it.',
  },
  revision_mismatch: {
    status: 412,
    title: 'The state has another revision',
    when: 'If-Match names another revision than the state had when the message was taken.',
  },
  init_refused: {
    status: 422,
    title: 'The implementation refused to start',
    when: 'The implementation said no to these args when the server started; the id is free.',
  },
  mailbox_full: {
    status: 429,
    title: 'The mailbox is full',
    when: 'As many messages wait as the mailbox of the server takes.',
  },
  group_too_large: {
    status: 409,
    title: 'The group is too large',
    when: 'More servers have the label than one message reaches, or too many for args of this size; it was sent to none.',
  },
  code_change_failed: {
    status: 409,
    title: 'The code was not changed',
    when: 'A server could not go over to the new code, so all go on with the old one; `failed` tells which and why.',
  },
  init_crashed: {
    status: 500,
    title: 'The implementation crashed while starting',
    when: 'A bug in the implementation ended the start of the server; the id is free.',
  },
  server_crashed: {
    status: 500,
    title: 'The server crashed',
    when: 'A handler threw: that of this message, of which nothing took hold, or that of another while this one waited for its reply.',
  },
  bad_reply: {
    status: 500,
    title: 'The implementation gave a bad reply',
    when: 'A bug in the implementation: its reply does not match the schema that it declares.',
  },
  restarting: {
    status: 503,
    title: 'The server is restarting',
    when: 'The server crashed, or its thread was lost, and it was not back within the timeout; or no node is at work.',
  },
  overloaded: {
    status: 503,
    title: 'The gateway has too much to do',
    when: 'More messages wait, requests come, event streams are open or backups are read than the gateway takes at once.',
  },
  draining: {
    status: 503,
    title: 'The gateway is shutting down',
    when: 'The gateway finishes the work that it has and takes no more.',
  },
  storage_failed: {
    status: 503,
    title: 'The server could not keep what it did',
    when: 'The disk failed a durable server, or is full: what the message did is not acknowledged; `effect` tells whether it may be kept. Or no backup could be made.',
  },
  call_timeout: {
    status: 504,
    title: 'The server did not answer in time',
    when: 'The timeout passed; `effect` tells whether the message was still waiting (`none`) or may have run (`unknown`).',
  },
  init_timeout: {
    status: 504,
    title: 'The server did not start in time',
    when: 'The start took longer than the timeout and was broken off; the id is free. A start that another request has asked for goes on.',
  },
  call_cycle: {
    status: 508,
    title: 'The call would wait for itself',
    when: 'A chain of calls came back to a server that waits in it; `chain` lists them.',
  },
} as const satisfies Record<FailureCode, ProblemKind>

const boundaryProblems = {
  unknown_route: {
    status: 404,
    title: 'There is no such route',
    when: 'Nothing is served under that path; or there can be no backup, since nothing is kept.',
  },
  unknown_call: {
    status: 404,
    title: 'There is no such call',
    when: 'No call has that ref, or what came of it is not known any more.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The method is not allowed here',
    when: 'The path is served, but not with that method; the Allow header lists those that are.',
  },
  not_acceptable: {
    status: 406,
    title: 'No acceptable representation',
    when: 'The Accept header rules out what the route answers with: JSON, NDJSON or an event stream.',
  },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive',
    when: 'The client did not finish sending the request in time.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large',
    when: 'The body is larger than the gateway takes.',
  },
  uri_too_long: {
    status: 414,
    title: 'The URL is too long',
    when: 'The URL, or a segment of its path, is longer than any may be.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body is of another type',
    when: 'The body is not application/json in UTF-8, or application/x-ndjson for a batch, or has a Content-Encoding.',
  },
  idempotency_conflict: {
    status: 422,
    otherStatus: 409,
    title: 'The Idempotency-Key is taken',
    when: 'The key was given to another request (422), or the first request with it is still under way (409).',
  },
  load_failed: {
    status: 422,
    title: 'The implementation could not be loaded',
    when: 'Its file is not a sound implementation any more, or it has none; what was loaded before goes on.',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    when: 'The header section of the request is larger than the gateway takes.',
  },
  internal_error: {
    status: 500,
    title: 'The gateway failed',
    when: 'A bug in the gateway itself; its log has more under the request id.',
  },
} as const satisfies Record<string, ProblemKind>

/** Every code with its status, its title and when it happens. */
export const problems = { ...coreProblems, ...boundaryProblems }

export function statusesOf({ status, otherStatus }: ProblemKind): readonly number[] {
  return otherStatus === undefined ? [status] : [status, otherStatus]
}

export type ProblemCode = keyof typeof problems

/** Every code, in the order of the table. */
export const problemCodes = Object.keys(problems) as ProblemCode[]

/** Seconds after which a refused request may be tried again, where the failure itself does not say. */
export const RETRY_AFTER = 1

/** Statuses whose answers carry Retry-After (RFC 9110, section 10.2.3; RFC 6585, section 4). */
export function isRetryable(status: number): boolean {
  return status === 429 || status === 503
}
