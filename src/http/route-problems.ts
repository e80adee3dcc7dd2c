/** Which problems the kinds of routes may answer with: for the document, and for the types of its clients. */
import type { ProblemCode } from './problems.js'

/** When a server is looked at. */
export const lookProblems = ['unknown_server', 'server_exited'] as const satisfies ProblemCode[]

/** When somebody waits for an `init`, be it in the mailbox of a server that is still starting. A cast does not wait. */
export const initProblems = ['init_refused', 'init_crashed', 'init_timeout'] as const satisfies ProblemCode[]

/** When a server is started. */
export const startProblems = [
  'invalid_args',
  'unknown_implementation',
  'already_started',
  // Somebody ended it while it started, or its supervisor has ended.
  'server_exited',
  ...initProblems,
  // Of its supervisor.
  'unknown_server',
  'mailbox_full',
  'restarting',
  'storage_failed',
  'server_crashed',
  'call_timeout',
] as const satisfies ProblemCode[]

export const callProblems = [
  ...lookProblems,
  ...initProblems,
  'restarting',
  'storage_failed',
  'invalid_args',
  'unknown_message',
  'revision_mismatch',
  'idempotency_conflict',
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
  'idempotency_conflict',
  'mailbox_full',
  'storage_failed',
] as const satisfies ProblemCode[]

/** When a message is for a group. What concerns one server of it is in the answer. */
export const groupProblems = ['invalid_args', 'group_too_large'] as const satisfies ProblemCode[]

export const stopProblems = [
  ...lookProblems,
  ...initProblems,
  'revision_mismatch',
  'storage_failed',
  'server_crashed',
  'call_timeout',
] as const satisfies ProblemCode[]

/** When an implementation is reloaded. */
export const reloadProblems = [
  'unknown_implementation',
  'code_change_failed',
  'load_failed',
  'storage_failed',
] as const satisfies ProblemCode[]

/** When a state is replaced. */
export const replaceProblems = [
  ...lookProblems,
  ...initProblems,
  'restarting',
  'revision_mismatch',
  'storage_failed',
  'server_crashed',
  'call_timeout',
] as const satisfies ProblemCode[]
