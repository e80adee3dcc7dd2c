/** Which problems the kinds of routes may answer with: for the document, and for the types of its clients. */
import type { ProblemCode } from './problems.js'

/** When a server is looked at. */
export const lookProblems = ['uri_too_long', 'unknown_server', 'server_exited'] as const satisfies ProblemCode[]

/** When somebody waits for an `init`. A cast that starts its server does not. */
export const initProblems = ['init_refused', 'init_crashed', 'init_timeout'] as const satisfies ProblemCode[]

/** When a server is started. */
export const startProblems = [
  'invalid_args',
  'unknown_implementation',
  'already_started',
  // Somebody ended it while it started.
  'server_exited',
  ...initProblems,
] as const satisfies ProblemCode[]

export const callProblems = [
  ...lookProblems,
  'restarting',
  'invalid_args',
  'unknown_message',
  'revision_mismatch',
  'mailbox_full',
  'server_crashed',
  'bad_reply',
  'call_timeout',
  'call_cycle',
] as const satisfies ProblemCode[]

export const castProblems = [
  ...lookProblems,
  'invalid_args',
  'unknown_message',
  'mailbox_full',
] as const satisfies ProblemCode[]

export const stopProblems = [
  ...lookProblems,
  'revision_mismatch',
  'server_crashed',
  'call_timeout',
] as const satisfies ProblemCode[]
