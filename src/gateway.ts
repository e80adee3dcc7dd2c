/**
 * Builds the gateway: a Fastify app that puts a runtime behind HTTP. It builds and does not listen; whoever builds it
 * closes the runtime first, so that every caller has its answer, and then the app.
 */
import accepts from '@fastify/accepts'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyInstance } from 'fastify'
import { backupRoutes } from '../routes/backup.js'
import { batchRoutes } from '../routes/batch.js'
import { callRoutes } from '../routes/calls.js'
import { deadLetterRoutes } from '../routes/dead-letters.js'
import { eventRoutes } from '../routes/events.js'
import { groupRoutes } from '../routes/groups.js'
import { Health, healthRoutes } from '../routes/health.js'
import { implementationRoutes } from '../routes/implementations.js'
import { messageRoutes } from '../routes/messages.js'
import { nodeRoutes } from '../routes/nodes.js'
import { observationRoutes } from '../routes/observation.js'
import { operatorRoutes } from '../routes/operators.js'
import { reloadRoutes } from '../routes/reload.js'
import { serverStateRoutes } from '../routes/server-state.js'
import { serverRoutes } from '../routes/servers.js'
import { traceRoutes } from '../routes/trace.js'
import { typedMessageRoutes } from '../routes/typed-messages.js'
import { collectAllowedMethods } from './http/allowed-methods.js'
import { type MakeBackup, SQLITE } from './http/backup.js'
import { batchSchemas } from './http/batch-schemas.js'
import { Batches } from './http/batches.js'
import { answerNotFound, answerSocketError, errorAnswers } from './http/error-answers.js'
import { EventStreams } from './http/event-streams.js'
import { attendRequests } from './http/every-request.js'
import { errorJudge } from './http/failure.js'
import { groupSchemas } from './http/group-schemas.js'
import { HangUps } from './http/hang-ups.js'
import { implementationSchemas } from './http/implementation-schemas.js'
import { readJsonBodies } from './http/json-body.js'
import { KnownAnswers } from './http/known-answers.js'
import { defaultLimits } from './http/limits.js'
import { messageSchemas } from './http/message-schemas.js'
import { collectMetrics, type Metrics } from './http/metrics.js'
import { nodeSchemas } from './http/node-schemas.js'
import { describeRoutes } from './http/openapi.js'
import { operatorSchemas } from './http/operator-schemas.js'
import { watchPressure } from './http/pressure.js'
import { Problem } from './http/problem-schema.js'
import type { ProblemCode } from './http/problems.js'
import { productVersion } from './http/product-version.js'
import type { Reload } from './http/reload.js'
import { checkRequests } from './http/request-checks.js'
import { requestNamer } from './http/request-headers.js'
import { serverGauges } from './http/server-gauges.js'
import { ServerInfo, ServerReason, serverSchemas } from './http/server-schemas.js'
import { schemaController } from './http/validation.js'
import { type DefinitionData, type Host, type Logger, silentLogger } from './index.js'

export interface GatewayOptions {
  /** Bugs of the gateway and crashes are logged here; requests are not. Default: nowhere. */
  readonly logger?: Logger
  /** Largest body, in bytes. Default 256 KiB. */
  readonly bodyLimit?: number
  /** Milliseconds in which a request must have arrived. Default 60000. How long a call waits is not bounded by it. */
  readonly requestTimeout?: number
  /** Milliseconds in which the headers must have arrived. Default 15000. */
  readonly headersTimeout?: number
  /** Milliseconds that an idle connection is kept. Default 10000. */
  readonly keepAliveTimeout?: number
  /** Milliseconds without a byte after which a connection is cut. Default 0, never: a call may wait for an hour. */
  readonly connectionTimeout?: number
  /** Milliseconds that `close` waits for answers that are still to come, before it cuts the connections. Default 5000. */
  readonly closeTimeout?: number
  /**
   * By how many milliseconds the event loop may be late, on the average of a second, before requests are refused
   * with `overloaded`; those for operators are not. Default 0, which is for ever: handlers that hold the thread are no overload.
   */
  readonly maxEventLoopDelay?: number
  /** How many connections may be open at once; further ones are closed as they come. Default 20000. */
  readonly maxConnections?: number
  /** How many event streams may be open at once. Default 10000. */
  readonly eventStreams?: number
  /** For how many milliseconds the answer to a request with an Idempotency-Key is known. Default 24 hours. */
  readonly idempotencyRetention?: number
  /** The page at /docs. Default true. */
  readonly docs?: boolean
  /** Whether /health/ready says so while the runtime takes work. A process that is told to end says no first. */
  readonly ready?: () => boolean
  /**
   * The routes for those who run the gateway (docs/operators.md). Default true. Where they are to be reached in another way than the
   * others, leave them out here and listen with `createOperatorsGateway` too.
   */
  readonly operators?: boolean
  /** How an implementation is reloaded. Without it there is no route for that. It is one of the operators' routes. */
  readonly reload?: Reload
  /** How a backup of what is kept is made. Without it there is no route for that. It is one of the operators' routes. */
  readonly backup?: MakeBackup
}

/** What an app serves beside health, metrics and its document. */
interface Served {
  readonly streams: EventStreams
  readonly components: readonly object[]
  readonly implementations: ReadonlyMap<string, DefinitionData>
  readonly routes: (app: FastifyInstance) => Promise<void>
}

/** A segment of a path longer than this is `uri_too_long`. Beyond any id, so that those get the better answer. */
const LONGEST_SEGMENT = 1024

/** How often Node looks whose headers and requests have not arrived in time, in milliseconds. Its own half a minute is late. */
const TIMEOUT_CHECKS = 1000

/** The page at /docs asks nobody else for anything. */
const docsPage = {
  routePrefix: '/docs',
  // As it is; and so the page asks for the document and not for its text, which would be made without the typed operations.
  transformSpecification: (document: object) => document,
  transformSpecificationClone: false,
  uiConfig: { validatorUrl: null },
  staticCSP: "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
} as const

/**
 * The gateway of `runtime`, ready to listen or to be asked with `inject`.
 *
 * @example
 * const gateway = await createGateway(createRuntime({ implementations: { stack } }))
 * await gateway.listen({ port: 3000 })
 */
export async function createGateway(host: Host, options: GatewayOptions = {}): Promise<FastifyInstance> {
  const hangUps = new HangUps()
  const operators = options.operators ?? true
  const answers = new KnownAnswers(host, options.idempotencyRetention ?? defaultLimits.idempotencyRetention)
  const messages = { host, hangUps, answers }
  const batches = new Batches(hangUps, options.bodyLimit ?? defaultLimits.bodyLimit)
  const streams = streamsOf(host, hangUps, options)
  return openApp(host, options, {
    streams,
    components: [
      ...[
        ...serverSchemas,
        ...messageSchemas,
        ...batchSchemas,
        ...groupSchemas,
        ...implementationSchemas,
        ...nodeSchemas,
      ],
      ...(operators ? operatorSchemas : []),
    ],
    implementations: host.implementations,
    async routes(app) {
      await streams.attach(app)
      const isOverloaded = await watchPressure(app, options.maxEventLoopDelay ?? defaultLimits.maxEventLoopDelay)
      await app.register(async (api) => {
        checkRequests(api, { media: 'text/event-stream', isOverloaded })
        await api.register(eventRoutes, { host, streams })
      })
      await app.register(async (api) => {
        checkRequests(api, { media: 'application/x-ndjson', isOverloaded })
        batches.attach(api)
        await api.register(batchRoutes, { host, batches })
      })
      await app.register(async (api) => {
        checkRequests(api, { isOverloaded })
        await api.register(serverRoutes, { host, answers })
        await api.register(serverStateRoutes, { host })
        await api.register(messageRoutes, messages)
        await api.register(callRoutes, { answers })
        await api.register(groupRoutes, messages)
        await api.register(implementationRoutes, { host })
        await api.register(nodeRoutes, { host })
        await api.register(typedMessageRoutes, messages)
      })
      if (operators) await addOperatorRoutes(app, { host, streams, hangUps, ...options })
    },
  })
}

interface OperatorRoutesOptions extends Pick<GatewayOptions, 'reload' | 'backup'> {
  readonly host: Host
  readonly streams: EventStreams
  readonly hangUps: HangUps
}

/** They are served also when there is too much to do: that is when they are needed. */
async function addOperatorRoutes(app: FastifyInstance, options: OperatorRoutesOptions) {
  const { host, streams, hangUps, reload, backup } = options
  await app.register(async (api) => {
    checkRequests(api, { media: 'text/event-stream' })
    await api.register(traceRoutes, { host, streams })
  })
  await app.register(async (api) => {
    checkRequests(api)
    await api.register(operatorRoutes, { host })
    await api.register(deadLetterRoutes, { host })
    if (reload) await api.register(reloadRoutes, { reload, hangUps })
  })
  if (backup === undefined) return
  await app.register(async (api) => {
    checkRequests(api, { media: SQLITE })
    await api.register(backupRoutes, { host, hangUps, backup })
  })
}

/**
 * Only the routes for those who run the gateway, to listen where nobody else can reach them. With its own document,
 * health and metrics.
 */
export async function createOperatorsGateway(host: Host, options: GatewayOptions = {}): Promise<FastifyInstance> {
  const hangUps = new HangUps()
  const streams = streamsOf(host, hangUps, options)
  return openApp(host, options, {
    streams,
    components: [ServerInfo, ServerReason, ...operatorSchemas],
    implementations: new Map(),
    async routes(app) {
      await streams.attach(app)
      await addOperatorRoutes(app, { host, streams, hangUps, ...options })
    },
  })
}

function streamsOf(
  { clock }: Host,
  hangUps: HangUps,
  { eventStreams = defaultLimits.eventStreams }: GatewayOptions,
): EventStreams {
  return new EventStreams(clock, hangUps, eventStreams)
}

async function openApp(host: Host, options: GatewayOptions, served: Served): Promise<FastifyInstance> {
  const { logger = silentLogger, ready = () => true } = options
  // Until the metrics are there, which need the app, there is nothing to count.
  let metrics: Metrics | undefined
  const count = (code: ProblemCode) => metrics?.problem(code)
  const judgeError = errorJudge(logger, count)
  const answerError = errorAnswers(judgeError)

  const app = Fastify({
    // Fastify's own log makes a child logger and two lines for every request; what matters is logged by `errorAnswers`.
    logger: false,
    genReqId: requestNamer(),
    bodyLimit: options.bodyLimit ?? defaultLimits.bodyLimit,
    requestTimeout: options.requestTimeout ?? defaultLimits.requestTimeout,
    keepAliveTimeout: options.keepAliveTimeout ?? defaultLimits.keepAliveTimeout,
    connectionTimeout: options.connectionTimeout ?? 0,
    // Node answers a request without Host itself, with nothing in it; `checkRequests` does it our way.
    http: {
      headersTimeout: options.headersTimeout ?? defaultLimits.headersTimeout,
      connectionsCheckingInterval: TIMEOUT_CHECKS,
      requireHostHeader: false,
    },
    // While it closes, `checkRequests` refuses work with a problem document.
    return503OnClosing: false,
    routerOptions: { maxParamLength: LONGEST_SEGMENT },
    schemaController: schemaController(),
    frameworkErrors: (error, request, reply) => answerError(error, request as never, reply as never),
    clientErrorHandler: answerSocketError(count),
  })
  // A server may pass over an expectation that it does not know (RFC 9110, section 10.1.1); Node answers with nothing in it.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  app.decorate('judgeError', judgeError)
  app.server.maxConnections = options.maxConnections ?? defaultLimits.maxConnections
  app.setErrorHandler(answerError)
  answerNotFound(app, collectAllowedMethods(app))
  metrics = collectMetrics(app, serverGauges(host, served.streams))
  attendRequests(app, metrics)
  readJsonBodies(app)
  cutOnClose(app, options.closeTimeout ?? 5000)

  for (const schema of [...served.components, Problem, Health]) app.addSchema(schema)
  await app.register(accepts)
  await describeRoutes(app, served.implementations, productVersion())
  if (options.docs ?? true) await app.register(swaggerUi, docsPage)
  await app.register(healthRoutes, { host, ready: () => ready() && !host.draining })
  await app.register(observationRoutes, { metrics })
  await served.routes(app)
  await app.ready()
  return app
}

/** `close` must end, also when the runtime was not closed before and a call still waits. */
function cutOnClose(app: FastifyInstance, timeout: number): void {
  app.addHook('preClose', (done) => {
    // A connection that falls idle from now on has nothing to wait for.
    app.server.keepAliveTimeout = 1
    const timer = setTimeout(() => app.server.closeAllConnections(), timeout)
    timer.unref()
    app.server.once('close', () => clearTimeout(timer))
    done()
  })
}

/** The OpenAPI document of a gateway of `runtime`. */
export async function renderOpenapi(host: Host, options: GatewayOptions = {}): Promise<object> {
  const app = await createGateway(host, { ...options, docs: false })
  try {
    return app.swagger()
  } finally {
    await app.close()
  }
}
