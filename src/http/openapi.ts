/** The OpenAPI document: @fastify/swagger writes the routes, `typed-operations.ts` what the implementations add. */
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import type { DefinitionData } from '../index.js'
import { addTypedOperations } from './typed-operations.js'

const description = `Generic servers (OTP \`gen_server\`) behind HTTP and JSON.

A **server** is a small piece of named state that takes one message at a time. Start one of an implementation, then send
it calls (you wait for the reply) and casts (you do not). The operations tagged with the name of an implementation are
typed: their body is the args of the message.

Whatever goes wrong is told as a problem document (RFC 9457) with a stable \`code\`, and with \`effect\`: whether the
message may have changed anything. Send \`X-Request-Id\` to name a request: its answer tells the name, and so does the log. A
problem tells the name in any case. \`traceparent\` is passed on.`

/** Collects the routes that are added to `app` from now on, and the messages of `implementations`. */
export async function describeRoutes(
  app: FastifyInstance,
  implementations: ReadonlyMap<string, DefinitionData>,
  version: string,
): Promise<void> {
  const options: FastifyDynamicSwaggerOptions = {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'genservers',
        version,
        description,
        contact: { name: 'The authors of genservers' },
        license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
      },
      servers: [{ url: '/', description: 'This gateway.' }],
      security: [],
      tags: [
        { name: 'servers', description: 'Start, look at, list and stop servers.' },
        { name: 'messages', description: 'Calls and casts to any server.' },
        { name: 'groups', description: 'Calls and casts to all servers that have a label.' },
        { name: 'events', description: 'What happens, as it happens.' },
        { name: 'implementations', description: 'What can be started.' },
        { name: 'nodes', description: 'Where servers are.' },
        { name: 'operators', description: 'Suspend servers, replace their states, read what crashed, back up.' },
        { name: 'operation', description: 'For those who run the gateway.' },
      ],
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json['$id'] ?? `def-${i}`) },
    decorator: ROUTES_ALONE,
    transform: ({ schema, url, route }) => ({ url, schema: { ...schema, ...documented(route) } }),
  }
  await app.register(swagger, options)
  let written: { readonly document: object; readonly of: readonly DefinitionData[] } | undefined
  app.decorate('swagger', () => {
    const of = [...implementations.values()]
    if (written === undefined || of.some((definition, at) => definition !== written?.of[at])) {
      written = { document: write(app, implementations), of }
    }
    return written.document as ReturnType<FastifyInstance['swagger']>
  })
}

/** A body that no schema of the route checks is in its `config`. */
function documented({ config }: { readonly config?: unknown }): { readonly body?: object } {
  const { body } = (config ?? {}) as { readonly body?: object }
  return body === undefined ? {} : { body }
}

/** What @fastify/swagger writes, once. The rest is written anew when the code of an implementation has changed. */
const ROUTES_ALONE = 'describeRoutesAlone'

function write(app: FastifyInstance, implementations: ReadonlyMap<string, DefinitionData>): object {
  const { [ROUTES_ALONE]: describeRoutesAlone } = app as unknown as Record<typeof ROUTES_ALONE, () => object>
  const document: Tagged = structuredClone(describeRoutesAlone())
  keepUsedTags(document)
  addTypedOperations(document, implementations)
  return document
}

interface Tagged {
  tags?: { readonly name: string }[]
  paths?: Record<string, object>
}

/** An app need not have the routes of each kind. */
function keepUsedTags(document: Tagged): void {
  const operations = Object.values(document.paths ?? {}).flatMap(Object.values) as { readonly tags?: string[] }[]
  const used = new Set(operations.flatMap(({ tags = [] }) => tags))
  document.tags = (document.tags ?? []).filter(({ name }) => used.has(name))
}
