/**
 * The part of the OpenAPI document that is made from the implementations: one operation for each start, call and cast,
 * with its exact schemas, so that an SDK generated from the document has a typed function for each message.
 *
 * Names are stable: they depend on the implementations' own names in their own order, and only a clash adds to them.
 */
import { argsSchema, type DefinitionData } from '../index.js'
import { type Components, camelCase, collectComponents, pascalCase, type SchemaObject } from './component-schema.js'
import { callTimeout, castDelay } from './message-schemas.js'
import { CastHeaders, etagHeader, KeyHeader, locationHeader, TypedCallHeaders } from './parameters.js'
import { bodyProblems, problemResponses } from './problem-schema.js'
import type { ProblemCode } from './problems.js'
import { callProblems, castProblems, startProblems } from './route-problems.js'
import { serverId, startLabels, startOptions } from './server-schemas.js'

interface Document {
  paths?: Record<string, object>
  components?: { schemas?: Record<string, unknown> }
  tags?: object[]
}

/** Adds the operations of `implementations` to `document`. */
export function addTypedOperations(document: Document, implementations: ReadonlyMap<string, DefinitionData>): void {
  document.paths ??= {}
  document.components ??= {}
  document.components.schemas ??= {}
  document.tags ??= []
  const writer = new OperationWriter(document.paths, collectComponents(document.components.schemas))
  for (const [name, definition] of [...implementations].sort(([a], [b]) => (a < b ? -1 : 1))) {
    document.tags.push({ name, description: definition.description ?? `Servers of the implementation ${name}.` })
    writer.add(name, definition)
  }
}

class OperationWriter {
  readonly #operationIds: Set<string>

  constructor(
    private readonly paths: Record<string, object>,
    private readonly components: Components,
  ) {
    const operations = Object.values(paths).flatMap((path) => Object.values(path)) as { operationId?: string }[]
    this.#operationIds = new Set(operations.flatMap(({ operationId }) => operationId ?? []))
  }

  add(name: string, definition: DefinitionData): void {
    const prefix = pascalCase(name)
    const base = `/implementations/${encodeURIComponent(name)}/servers`
    const { calls = {}, casts = {}, args } = definition
    this.#post(base, {
      operationId: this.#operationId(`${camelCase(name)}Start`, 'Server'),
      tags: [name],
      summary: `Start a server of ${name}`,
      description: 'The body is the args. Answers when the server has started.',
      parameters: [...startParameters(), ...headers(KeyHeader)],
      ...this.#body(args, `${prefix}Start`, required(args)),
      responses: responses([...startProblems, 'idempotency_conflict', ...bodyProblems], {
        200: jsonAnswer('The implementation chose not to start one.', { $ref: component('StartIgnored') }),
        201: jsonAnswer('It has started.', { $ref: component('ServerInfo') }, locationHeader('the server')),
      }),
    })
    for (const [message, call] of Object.entries(calls)) {
      const typeName = prefix + pascalCase(message)
      const reply = call.reply ? this.components.write(call.reply, typeName, 'reply') : { type: 'null' }
      const body = { type: 'object', properties: { reply }, required: ['reply'] }
      this.#post(`${base}/{id}/call/${encodeURIComponent(message)}`, {
        operationId: this.#operationId(camelCase(name) + pascalCase(message), 'Call'),
        tags: [name],
        summary: `Call ${message} of ${name}`,
        description: call.description ?? 'Sends the message and waits for the reply. The body is the args.',
        parameters: [idParameter(), query('timeout', callTimeout()), ...headers(TypedCallHeaders)],
        ...this.#body(call.args, typeName, required(call.args)),
        responses: responses([...callProblems, ...bodyProblems], {
          200: jsonAnswer('The reply.', this.components.add(`${typeName}Reply`, body), etagHeader),
        }),
      })
    }
    for (const [message, cast] of Object.entries(casts)) {
      const typeName = prefix + pascalCase(message)
      this.#post(`${base}/{id}/cast/${encodeURIComponent(message)}`, {
        operationId: this.#operationId(camelCase(name) + pascalCase(message), 'Cast'),
        tags: [name],
        summary: `Cast ${message} to ${name}`,
        description: cast.description ?? 'Sends the message; nobody waits for it. The body is the args.',
        parameters: [idParameter(), query('delay', castDelay()), ...headers(CastHeaders)],
        ...this.#body(cast.args, typeName, required(cast.args)),
        responses: responses([...castProblems, ...bodyProblems], {
          202: { description: 'It is in the mailbox, or its timer is set.', headers: locationOfTimer() },
        }),
      })
    }
  }

  #post(path: string, operation: object): void {
    this.paths[path] = { ...this.paths[path], post: operation }
  }

  #operationId(name: string, kind: string): string {
    let free = name
    for (let n = 1; this.#operationIds.has(free); n++) free = name + kind + (n > 1 ? n : '')
    this.#operationIds.add(free)
    return free
  }

  #body(args: DefinitionData['args'], prefix: string, isRequired: boolean): object {
    const closed = argsSchema(args)
    if (!closed) return {}
    const written = this.components.write(closed, prefix, 'args')
    const schema = '$ref' in written ? written : this.components.add(`${prefix}Args`, written)
    return { requestBody: { required: isRequired, content: { 'application/json': { schema } } } }
  }
}

/** Whether the args may be left out: all of them are optional or have a default. */
function required(args: DefinitionData['args']): boolean {
  if (!args) return false
  if (args['type'] !== 'object') return true
  const { properties = {}, required: names = [] } = args as { properties?: Record<string, object>; required?: string[] }
  return names.some((name) => !('default' in (properties[name] ?? {})))
}

const component = (name: string) => `#/components/schemas/${name}`

function jsonAnswer(description: string, schema: SchemaObject, headers?: Readonly<Record<string, object>>): object {
  return {
    description,
    ...(headers && { headers: headerObjects(headers) }),
    content: { 'application/json': { schema } },
  }
}

/** Headers as OpenAPI wants them: the description beside the schema. */
function headerObjects(headers: Readonly<Record<string, object>>): object {
  return Object.fromEntries(
    Object.entries(headers).map(([name, { description, ...schema }]: [string, { description?: string }]) => [
      name,
      { description, schema },
    ]),
  )
}

const locationOfTimer = () => headerObjects(locationHeader('the timer (only with a delay)'))

function responses(codes: readonly ProblemCode[], good: Record<number, object>): object {
  const bad = Object.entries(problemResponses(...codes)).map(([status, { headers, description }]) => [
    status,
    {
      description,
      ...(headers && { headers: headerObjects(headers) }),
      content: { 'application/problem+json': { schema: { $ref: component('Problem') } } },
    },
  ])
  return { ...good, ...Object.fromEntries(bad) }
}

function parameter(place: 'path' | 'query' | 'header', name: string, schema: object): object {
  const { description, examples, ...rest } = schema as { description?: string; examples?: unknown[] }
  const example = examples?.[0]
  return {
    in: place,
    name,
    required: place === 'path',
    ...(description && { description }),
    schema: rest,
    ...(example !== undefined && { example }),
  }
}

const idParameter = () => parameter('path', 'id', serverId())
const query = (name: string, schema: object) => parameter('query', name, schema)
const headers = ({ properties }: { properties: Record<string, object> }) =>
  Object.entries(properties).map(([name, schema]) => parameter('header', name, schema))
const startParameters = () =>
  Object.entries({
    id: serverId(`${serverId().description} Without it one is made.`),
    label: startLabels(),
    ...startOptions,
  }).map(([name, schema]) => query(name, schema))
