/**
 * What the gateway is measured against: the same counter, written by hand with Fastify, a Map, and no actor.
 *
 * The same: the routes, the request schemas (the envelopes as the gateway has them, with the exact args in their place, so
 * that one Ajv check does what the gateway does in two), the pattern of ids, strictness, defaults, answers written by
 * `JSON.stringify`, the shape of every answer down to the server's info, `Location`, a random id where none is given, 404
 * and 409, no request log.
 * Not here: everything that makes it a gateway. No mailbox, no deadline, no draft to roll back, no check of the reply, no
 * ETag, no X-Request-Id, no metrics, no negotiation of content, no problem documents, no caller that hangs up.
 */
import { randomUUID } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import counter from '../implementations/counter.js'
import { CallRequest, CastRequest } from '../src/http/message-schemas.js'
import { NoQuery, ServerPath } from '../src/http/parameters.js'
import { StartServerRequest } from '../src/http/server-schemas.js'
import { Type } from '../src/index.js'

interface Entry {
  readonly startedAt: string
  count: number
}

/** Both are there; the type of definitions lets them be left out. */
const { args, calls } = counter as Required<Pick<typeof counter, 'args' | 'calls'>>
const closed = { additionalProperties: false }
const CallBody = Type.Object(
  { ...CallRequest.properties, args: Type.Optional(Type.Object(calls.increment.args.properties, closed)) },
  closed,
)
const CastBody = Type.Object({ ...CastRequest.properties, args: Type.Optional(Type.Object({}, closed)) }, closed)
const StartBody = Type.Object(
  { ...StartServerRequest.properties, args: Type.Optional(Type.Object(args.properties, closed)) },
  closed,
)

export function createBareApp(): FastifyInstance {
  const app = Fastify({
    logger: false,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true, allErrors: true } },
  })
  app.register(counterRoutes)
  return app
}

const counterRoutes: FastifyPluginAsyncTypebox = async (app) => {
  const entries = new Map<string, Entry>()
  const checks = { params: ServerPath, querystring: NoQuery }

  app.post('/servers/:id/call', { schema: { ...checks, body: CallBody } }, async ({ params, body }, reply) => {
    const entry = entries.get(params.id)
    if (entry === undefined || body.message !== 'increment') return reply.code(404).send({ error: 'unknown' })
    entry.count += body.args?.by ?? 1
    return { reply: entry.count }
  })

  app.post('/servers/:id/cast', { schema: { ...checks, body: CastBody } }, async ({ params, body }, reply) => {
    const entry = entries.get(params.id)
    if (entry === undefined || body.message !== 'reset') return reply.code(404).send({ error: 'unknown' })
    entry.count = 0
    return reply.code(202).send()
  })

  app.post('/servers', { schema: { querystring: NoQuery, body: StartBody } }, async ({ body }, reply) => {
    if (body.implementation !== 'counter') return reply.code(404).send({ error: 'unknown' })
    const id = body.id ?? randomUUID()
    if (entries.has(id)) return reply.code(409).send({ error: 'taken' })
    const entry = { startedAt: new Date().toISOString(), count: body.args?.start ?? 0 }
    entries.set(id, entry)
    reply.code(201).header('location', `/servers/${id}`)
    return infoOf(id, entry)
  })
}

function infoOf(id: string, { startedAt }: Entry) {
  return {
    id,
    implementation: 'counter',
    version: 1,
    status: 'running',
    incarnation: 1,
    revision: 0,
    startedAt,
    restarts: 0,
    attempts: 0,
    restart: 'transient',
    restartFrom: 'state',
    supervisor: null,
    labels: [],
    mailbox: { length: 0, limit: 1000, oldestAge: 0 },
    handled: 0,
    replies: 0,
    crashes: 0,
    current: null,
    lastExit: null,
  }
}
