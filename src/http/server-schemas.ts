/** Servers as HTTP shows and takes them. Every schema with an `$id` is a component of the OpenAPI document. */
import { Type } from '@sinclair/typebox'
import { ID_PATTERN, MOST_LABELS } from '../index.js'
import { Ref, Words } from './schema-ref.js'

/** Timeouts are milliseconds; an hour is the longest that a client may ask for. */
export const LONGEST_TIMEOUT = 3_600_000

const idText = 'The name of the server: 1 to 128 of `A-Z a-z 0-9 . _ ~ : -`, not `.` or `..`.'

export const serverId = (description = idText) =>
  Type.String({ pattern: ID_PATTERN, description, examples: ['cart-17'] })

export const label = (description?: string) =>
  Type.String({ pattern: ID_PATTERN, ...(description && { description }), examples: ['cart'] })

/** What a start may say of groups: `labels` in a body, and in a query `label`, as often as there are some. */
export const startLabels = () =>
  Type.Optional(
    Type.Array(label(), {
      maxItems: MOST_LABELS,
      uniqueItems: true,
      description: 'The groups that the server is in until it ends. Labels are spelt as ids are.',
      examples: [['eu', 'cart']],
    }),
  )

export const timeout = (description: string) =>
  Type.Integer({ minimum: 0, maximum: LONGEST_TIMEOUT, description, examples: [5000] })

export const restart = () =>
  Words(['permanent', 'transient', 'temporary'], {
    description: 'Which ends are followed by a restart: all but an ordered stop, crashes (default), none.',
  })

export const restartFrom = () =>
  Words(['state', 'init'], {
    description:
      'What a restart begins with: the last good state (default), or a fresh init (default under a supervisor, unless durable).',
  })

/** What a start may say of the server, in the body or in the query. */
export const startOptions = {
  restart: Type.Optional(restart()),
  restartFrom: Type.Optional(restartFrom()),
  shutdown: Type.Optional(
    timeout(
      'Milliseconds that an end may take that a supervisor orders, or the gateway when it shuts down (default 5000).',
    ),
  ),
  mailbox: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description: 'How many messages may wait (default 1000).',
      examples: [1000],
    }),
  ),
  idle: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 2 ** 31 - 1,
      description: 'Milliseconds that a durable server which nobody asks stays in memory (default 300000).',
      examples: [60_000],
    }),
  ),
  timeout: Type.Optional(timeout('Milliseconds that the start may take (default 5000).')),
  supervisor: Type.Optional(
    Type.String({
      pattern: ID_PATTERN,
      description: 'The supervisor whose child it becomes. Without it the server stands alone.',
      examples: ['workers'],
    }),
  ),
}

const implementation = () => Type.String({ description: 'The name of an implementation.', examples: ['stack'] })
const args = () => Type.Optional(Type.Unknown({ description: 'What the implementation is started with.' }))

export const StartServerRequest = Type.Object(
  {
    implementation: implementation(),
    args: args(),
    id: Type.Optional(serverId(`${idText} Without it one is made.`)),
    labels: startLabels(),
    ...startOptions,
  },
  { $id: 'StartServerRequest', additionalProperties: false, examples: [{ implementation: 'stack', id: 'cart-17' }] },
)

export const PutServerRequest = Type.Object(
  { implementation: implementation(), args: args(), labels: startLabels(), ...startOptions },
  { $id: 'PutServerRequest', additionalProperties: false, examples: [{ implementation: 'stack' }] },
)

export const ServerReason = Type.Union(
  [
    Type.String({ examples: ['normal'] }),
    Type.Object({ error: Type.String() }),
    Type.Object({ shutdown: Type.Unknown() }),
  ],
  {
    $id: 'ServerReason',
    description: 'Why a server ended: a word, `{error}` after a crash, or `{shutdown}` with what its author said.',
  },
)

export const serverStatuses = ['starting', 'running', 'suspended', 'restarting', 'stopping'] as const

export const ServerInfo = Type.Object(
  {
    id: Type.String({ examples: ['cart-17'] }),
    node: Type.String({ description: 'The node that it is on: a thread, or `main`.', examples: ['main'] }),
    implementation: Type.String({ examples: ['stack'] }),
    version: Type.Integer({ description: 'The version of its code.' }),
    status: Words(serverStatuses),
    incarnation: Type.Integer({ description: 'Which life of this id this is; only grows.' }),
    revision: Type.Integer({ description: 'Counts the changes of the state; only grows.' }),
    startedAt: Type.String({ format: 'date-time' }),
    restarts: Type.Integer({ description: 'How often it was restarted.' }),
    attempts: Type.Integer({
      description: 'While it is restarting: how many restarts in a row this is; `lastExit` tells why. 0 otherwise.',
    }),
    restart: restart(),
    restartFrom: restartFrom(),
    supervisor: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'The id of the supervisor that keeps it; null if it stands alone.',
    }),
    labels: Type.Unsafe<readonly string[]>(Type.Array(Type.String(), { description: 'The groups that it is in.' })),
    mailbox: Type.Object({
      length: Type.Integer({ description: 'Messages that wait.' }),
      limit: Type.Integer({ description: 'How many may wait.' }),
      oldestAge: Type.Number({ description: 'How many milliseconds the oldest has waited; 0 when none waits.' }),
    }),
    handled: Type.Integer({ description: 'Messages taken so far.' }),
    replies: Type.Integer({ description: 'Replies that its handlers gave so far.' }),
    crashes: Type.Integer({
      description: 'How often it crashed so far; `GET /servers/{id}/crashes` tells of the last ones.',
    }),
    current: Type.Unsafe<{ kind: string; message: string; runningFor: number } | null>({
      type: ['object', 'null'],
      description: 'The message that is being run, and for how many milliseconds.',
      properties: { kind: { type: 'string' }, message: { type: 'string' }, runningFor: { type: 'number' } },
      required: ['kind', 'message', 'runningFor'],
    }),
    lastExit: Type.Unsafe<{ reason: string | { error: string } | { shutdown: unknown }; at: string } | null>({
      type: ['object', 'null'],
      description: 'Why it last crashed or restarted, and when.',
      properties: { reason: { $ref: 'ServerReason#' }, at: { type: 'string', format: 'date-time' } },
      required: ['reason', 'at'],
    }),
  },
  { $id: 'ServerInfo', description: 'A server as seen from outside, without asking it.' },
)

export const ServerPage = Type.Object(
  {
    servers: Type.Array(Ref(ServerInfo)),
    next: Type.Optional(
      Type.String({
        description:
          'Give it as `after` to get the next page; absent on the last. A page before it may be short where few servers fit.',
      }),
    ),
  },
  { $id: 'ServerPage' },
)

export const StartIgnoredAnswer = Type.Object(
  { status: Words(['ignored']) },
  {
    $id: 'StartIgnored',
    description: 'The implementation chose not to start a server with these args. The id is free.',
  },
)

/** What PUT answers when it started nothing. */
export const FoundOrIgnored = Type.Union([Ref(ServerInfo), Ref(StartIgnoredAnswer)], {
  $id: 'FoundOrIgnored',
  description: 'The server that is there, or the word that none was started.',
})

export const ServerState = Type.Object(
  {
    state: Type.Unknown({
      description:
        'The last committed state, as the implementation lets it be seen; null while `init` has not given one.',
    }),
    revision: Type.Integer(),
    incarnation: Type.Integer(),
    redactFailed: Type.Optional(
      Type.Boolean({ description: 'The state could not be made fit to be seen, so it is null.' }),
    ),
  },
  { $id: 'ServerState' },
)

export const Timer = Type.Object(
  {
    ref: Type.String(),
    kind: Words(['info', 'cast'], { description: "The server's own timer, or a cast with a delay." }),
    message: Type.String(),
    dueAt: Type.String({ format: 'date-time' }),
    dueIn: Type.Number({ description: 'Milliseconds until it fires.' }),
  },
  { $id: 'Timer' },
)

export const TimerList = Type.Object({ timers: Type.Array(Ref(Timer)) }, { $id: 'TimerList' })

export const serverSchemas = [
  StartServerRequest,
  PutServerRequest,
  ServerReason,
  ServerInfo,
  ServerPage,
  StartIgnoredAnswer,
  FoundOrIgnored,
  ServerState,
  Timer,
  TimerList,
]
