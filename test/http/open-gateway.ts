/** A gateway for one test: on a simulated clock, asked through `inject`, each answer held against the document. */
import type { FastifyInstance } from 'fastify'
import { type AnyDefinition, createRuntime, type Logger, type Runtime, type Store, silentLogger } from 'genservers'
import { createSimulatedClock, type SimulatedClock } from 'genservers/testing'
import type { Test } from 'tap'
import { createGateway, type GatewayOptions } from '../../src/gateway.js'
import { contractOf, type Document } from './contract.js'
import { probe } from './probe.js'

export interface Answered {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect in it
  readonly body: any
}

export type Ask = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'HEAD' | 'OPTIONS',
  url: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answered>

export interface Opened {
  readonly app: FastifyInstance
  readonly runtime: Runtime
  readonly clock: SimulatedClock
  readonly ask: Ask
  /** Starts a probe with the id. */
  readonly start: (id: string, args?: object, options?: object) => Promise<unknown>
}

export async function openGateway(
  t: Test,
  implementations: Record<string, AnyDefinition> = {},
  options: GatewayOptions = {},
  store?: Store,
): Promise<Opened> {
  const clock = createSimulatedClock()
  const { logger = silentLogger } = options
  const runtime = createRuntime({
    implementations: { probe, ...implementations },
    clock,
    logger,
    ...(store && { store }),
  })
  const app = await createGateway(runtime, { docs: false, ...options })
  const contract = contractOf(app.swagger() as unknown as Document)
  t.teardown(async () => {
    const closed = runtime.close({ timeout: 0 })
    await clock.advance(10_000)
    await closed
    await app.close()
  })
  const ask: Ask = async (method, url, body, headers = {}) => {
    const payload = body === undefined ? {} : { payload: body as string }
    const answer = await app.inject({ method, url, ...payload, headers })
    t.equal(method === 'HEAD' ? undefined : contract(method, url, answer), undefined, `${method} ${url}: as documented`)
    const isJson = String(answer.headers['content-type']).includes('json') && answer.body !== ''
    return {
      statusCode: answer.statusCode,
      headers: answer.headers as Record<string, string | undefined>,
      text: answer.body,
      body: isJson ? JSON.parse(answer.body) : undefined,
    }
  }
  return {
    app,
    runtime,
    clock,
    ask,
    start: (id, args = {}, options = {}) => runtime.start('probe', args, { id, ...options }),
  }
}

/** A logger that keeps its lines. */
export function keepingLogger() {
  const lines: Record<string, unknown>[] = []
  const at = (level: string) => (fields: object, msg?: string) => void lines.push({ level, ...fields, msg })
  const logger: Logger = {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  }
  return { lines, logger }
}

/** Lets the event loop turn until `condition` holds; the test's own timeout ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve))
}
