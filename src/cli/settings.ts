/**
 * What can be set. This schema is the one source of the flags (`--drain-timeout`), of the environment
 * (`GENSERVERS_DRAIN_TIMEOUT`), of the defaults and of the help text. All times are milliseconds, except `maxSeconds`,
 * which is OTP's.
 */
import { type Static, Type } from '@sinclair/typebox'
import { defaultLimits } from '../http/limits.js'
import { defaultBounds } from '../index.js'
import { bundledDirectory } from '../loading/bundled-directory.js'

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** The longest time that a timer can be set to. */
const LONGEST = 2 ** 31 - 1

export const settingsSchema = Type.Object({
  host: Type.String({
    default: '127.0.0.1',
    minLength: 1,
    description: 'Address to listen on; 0.0.0.0 is all of them',
  }),
  port: Type.Integer({
    default: 3000,
    minimum: 0,
    maximum: 65535,
    description: 'Port to listen on; 0 takes a free one',
  }),
  admin: Type.Boolean({
    default: true,
    description: "Whether to serve the operators' routes (docs/operators.md)",
  }),
  adminPort: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    default: null,
    minimum: 0,
    maximum: 65535,
    description: "Port for the operators' routes alone; 0 takes a free one (default: the port of all others)",
  }),
  implementations: Type.Array(Type.String({ minLength: 1 }), {
    default: [bundledDirectory],
    minItems: 1,
    description: 'Directory of implementations; repeat it, or separate several by a colon (default: the bundled ones)',
  }),
  watch: Type.Boolean({
    default: false,
    description: 'Whether to reload an implementation, under its servers, when its file changes',
  }),
  servers: Type.String({
    default: '',
    description: 'File of servers to start before the gateway listens, such as a tree of supervisors',
  }),
  data: Type.String({
    default: 'data',
    minLength: 1,
    description: 'Directory of what durable servers keep; made when the first implementation is durable',
  }),
  maxStateBytes: Type.Integer({
    default: defaultBounds.maxStateBytes,
    minimum: 1,
    maximum: 2 ** 30,
    description: 'How many bytes a state that is kept may have',
  }),
  maxAttempts: Type.Integer({
    default: defaultBounds.maxAttempts,
    minimum: 1,
    maximum: 1_000_000,
    description: 'How often a cast that crashes its durable server is tried before it is set aside',
  }),
  logLevel: Type.Unsafe<(typeof LOG_LEVELS)[number]>({
    type: 'string',
    enum: [...LOG_LEVELS],
    default: 'info',
    description: `Least level to log: ${LOG_LEVELS.join(', ')}`,
  }),
  idle: Type.Integer({
    default: defaultBounds.idle,
    minimum: 1,
    maximum: LONGEST,
    description: 'How long a durable server that nobody asks stays in memory',
  }),
  idempotencyRetention: Type.Integer({
    default: defaultLimits.idempotencyRetention,
    minimum: 0,
    maximum: LONGEST,
    description: 'How long the answer to a request with an Idempotency-Key is known',
  }),
  bodyLimit: Type.Integer({
    default: defaultLimits.bodyLimit,
    minimum: 1,
    maximum: 2 ** 30,
    description: 'Largest request body, in bytes',
  }),
  requestTimeout: Type.Integer({
    default: defaultLimits.requestTimeout,
    minimum: 0,
    maximum: LONGEST,
    description: 'In what time a request must have arrived; how long a call waits is not bounded by it',
  }),
  headersTimeout: Type.Integer({
    default: defaultLimits.headersTimeout,
    minimum: 0,
    maximum: LONGEST,
    description: 'In what time the headers of a request must have arrived',
  }),
  keepAliveTimeout: Type.Integer({
    default: defaultLimits.keepAliveTimeout,
    minimum: 0,
    maximum: LONGEST,
    description: 'How long an idle connection is kept; behind a load balancer, longer than it keeps its own',
  }),
  maxConnections: Type.Integer({
    default: defaultLimits.maxConnections,
    minimum: 1,
    maximum: 1_000_000,
    description: 'How many connections may be open at once; further ones are closed as they come',
  }),
  maxEventLoopDelay: Type.Integer({
    default: defaultLimits.maxEventLoopDelay,
    minimum: 0,
    maximum: LONGEST,
    description: 'By how much the work may be late before requests are refused; 0 is for ever',
  }),
  maxQueued: Type.Integer({
    default: defaultBounds.maxQueued,
    minimum: 1,
    maximum: 100_000_000,
    description: 'How many messages may wait in all mailboxes together',
  }),
  maxQueuedBytes: Type.Integer({
    default: defaultBounds.maxQueuedBytes,
    minimum: 1,
    maximum: 2 ** 40,
    description: 'How many bytes these may have',
  }),
  threads: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    default: null,
    minimum: 0,
    maximum: 256,
    description: 'In how many threads beside the gateway servers run; 0 is in its own (default: cores - 1, at least 1)',
  }),
  handlerLimit: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: LONGEST,
    description: 'For how long a callback may hold its thread before that is given up and replaced',
  }),
  threadHeap: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 2 ** 20,
    description: 'How many megabytes the heap of each thread may have; 0 is what Node gives it',
  }),
  maxRestarts: Type.Integer({
    default: defaultBounds.maxRestarts,
    minimum: 0,
    maximum: 1_000_000,
    description: 'A server that crashes more often than this within max-seconds is not restarted',
  }),
  maxSeconds: Type.Number({
    default: defaultBounds.maxSeconds,
    exclusiveMinimum: 0,
    maximum: LONGEST,
    description: 'See max-restarts',
  }),
  rememberExits: Type.Integer({
    default: defaultBounds.rememberExits,
    minimum: 0,
    maximum: LONGEST,
    description: "How long an ended server's id answers server_exited",
  }),
  drainDelay: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: LONGEST,
    description: 'On SIGTERM, how long to take new work while readiness already fails',
  }),
  drainTimeout: Type.Integer({
    default: 10_000,
    minimum: 0,
    maximum: LONGEST,
    description: 'On SIGTERM, how long queued work may take to finish',
  }),
})

export type Settings = Static<typeof settingsSchema> & { readonly threads: number }
export type SettingName = keyof Settings

export const settingNames = Object.keys(settingsSchema.properties) as readonly SettingName[]

/** `drainTimeout` is `drain-timeout` on the command line. */
export function flagOf(name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/**
 * `drainTimeout` is `GENSERVERS_DRAIN_TIMEOUT` in the environment; where it is not set, `PORT`, which many platforms
 * set, will do for the port. (`HOST` is left alone: shells and compilers use it for other things.)
 */
export function variablesOf(name: SettingName): readonly string[] {
  const own = `GENSERVERS_${flagOf(name).replaceAll('-', '_').toUpperCase()}`
  return name === 'port' ? [own, 'PORT'] : [own]
}
