/**
 * Requests made from the OpenAPI document: each operation of each route with values that fit its schemas, and, now and
 * then, something hostile in one of its places. Most reach a server; what reaches none is cheap and finds little.
 */
import fc from 'fast-check'
import { bodies, headers, methods, queries, segments, texts } from './corpus.js'
import { FuzzRequest } from './fuzz-request.js'
import { jsonText } from './json-text.js'
import { anything, arbitraryOf, type Hints, type Schema, spoiled } from './schema-arbitrary.js'

interface Parameter {
  readonly in: string
  readonly name: string
  readonly schema: Schema
}

interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: {
    readonly content: {
      readonly 'application/json': { readonly schema: Schema }
      readonly 'application/x-ndjson'?: { readonly schema: { readonly contentSchema: Schema } }
    }
  }
}

export interface OpenapiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/** Mostly one of `good`, else one of `bad`. */
const mostly = <T>(weight: number, good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>) =>
  fc.oneof({ weight, arbitrary: good }, { weight: 1, arbitrary: bad })

const labels = fc.constantFrom('all', 'some', 'nobody')
const timeouts = fc.constantFrom(0, 1, 2, 5, 12)

/** Requests to any route; `ids` by implementation are those of servers that are there. */
export function requestArbitrary(
  document: OpenapiDocument,
  ids: ReadonlyMap<string, readonly string[]>,
): fc.Arbitrary<FuzzRequest> {
  const implementations = [...ids.keys()]
  const known = fc.constantFrom(...[...ids.values()].flat())
  const anyId = fc.oneof(
    { weight: 8, arbitrary: known },
    { weight: 2, arbitrary: fc.constantFrom('new-1', 'new-2', 'new-3', 'never', 'x~y:z') },
  )
  const name = mostly(12, fc.constantFrom(...implementations), fc.constantFrom(...texts))
  const hints: Hints = {
    timeout: timeouts,
    delay: fc.constantFrom(0, 1, 5, 100_000),
    id: anyId,
    to: known,
    via: fc.array(known, { maxLength: 3 }),
    stock: anyId,
    implementation: name,
    init: fc.constantFrom(
      'ok',
      'ok',
      'ok',
      'ok',
      'ok',
      'throw',
      'hang',
      'hang',
      'hang',
      'refuse',
      'ignore',
      'leave',
      'badState',
    ),
    key: fc.constantFrom('a', 'b', 'c'),
    code: fc.constant('0000'),
    mailbox: fc.integer({ min: 1, max: 5 }),
    reason: fc.constantFrom('normal', 'shutdown', 'kill', 'odd'),
    limit: fc.integer({ min: 1, max: 1000 }),
    label: labels,
    labels: fc.uniqueArray(labels, { maxLength: 3 }),
  }
  const of = (schema: Schema) => arbitraryOf(schema, document.components.schemas, hints)
  const { paths } = document
  const operations = Object.entries(paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )

  const bodyOf = (schema: Schema): fc.Arbitrary<string | Uint8Array> => {
    const good = of(schema)
    return fc.oneof(
      { weight: 14, arbitrary: good.map(jsonText) },
      { weight: 4, arbitrary: spoiled(good).map(jsonText) },
      { weight: 1, arbitrary: fc.constantFrom(...bodies) },
    )
  }

  const bodyFor = ({ content }: NonNullable<Operation['requestBody']>): fc.Arbitrary<string | Uint8Array> => {
    const lines = content['application/x-ndjson']
    if (lines === undefined) return bodyOf(content['application/json'].schema)
    return fc
      .array(bodyOf(lines.schema.contentSchema), { maxLength: 6 })
      .map((bodies) => Buffer.from(bodies.map((body) => Buffer.from(body).toString('latin1')).join('\n'), 'latin1'))
  }

  /** Any operation, as the document describes it. */
  const documented = ({ path, method, operation }: (typeof operations)[number]): fc.Arbitrary<FuzzRequest> => {
    const { parameters = [], requestBody } = operation
    const own = /^\/implementations\/([^/]+)\/servers\/\{id\}/.exec(path)?.[1]
    const id =
      own === undefined ? anyId : mostly(9, fc.constantFrom(...(ids.get(decodeURIComponent(own)) ?? [])), anyId)
    const place: Record<string, fc.Arbitrary<string>> = {
      id,
      name,
      label: labels,
      ref: fc.constantFrom('1', '2', '3', '99', 'x'),
    }
    const pieces = path.split('/').map((piece) => {
      const open = /^\{(\w+)\}$/.exec(piece)?.[1]
      const good = open ? (place[open] as fc.Arbitrary<string>).map(encoded) : fc.constant(piece)
      return piece === '' ? fc.constant('') : mostly(open ? 25 : 300, good, fc.constantFrom(...segments))
    })
    const inQuery = parameters.filter((parameter) => parameter.in === 'query')
    const model = Object.fromEntries(
      inQuery.map(({ name, schema }) => [
        name,
        mostly(15, of({ type: 'object', properties: { [name]: schema } }), anything),
      ]),
    )
    const needed = method === 'GET' ? [] : inQuery.map(({ name }) => name).filter((name) => name === 'timeout')
    const query = fc.record(model, { requiredKeys: needed }).map(queryText)
    return fc
      .record({
        pieces: fc.tuple(...pieces),
        query: mostly(25, query, fc.constantFrom(...queries)),
        headers: fc.oneof({ weight: 3, arbitrary: someHeaders }, { weight: 1, arbitrary: meantHeaders(parameters) }),
        body: requestBody ? bodyFor(requestBody) : noBody,
      })
      .map(({ pieces, query, headers, body }) => {
        const type = requestBody && Object.keys(requestBody.content)[0]
        return request(method, pieces.join('/'), query, headers, body, type)
      })
  }

  const startArgs = (implementation: string): fc.Arbitrary<unknown> => {
    const schema =
      paths[`/implementations/${implementation}/servers`]?.['post']?.requestBody?.content['application/json'].schema
    return schema ? of(schema) : fc.constant({})
  }

  /** A start with args that its implementation takes. */
  const starts = fc.constantFrom(...implementations, 'hostile', 'hostile', 'hostile').chain((implementation) => {
    const schema = document.components.schemas['PutServerRequest'] as Schema
    const start = fc
      .tuple(of(schema), startArgs(implementation), timeouts)
      .map(([rest, args, timeout]) => ({ ...(rest as object), implementation, args, timeout }))
    return fc
      .record({
        id: anyId,
        put: fc.boolean(),
        headers: someHeaders,
        body: mostly(6, start, spoiled(start)),
      })
      .map(({ id, put, headers, body }) =>
        put
          ? request('PUT', `/servers/${encoded(id)}`, '', headers, jsonText(body))
          : request('POST', '/servers', '', headers, jsonText(body)),
      )
  })

  /** A call or a cast whose envelope names the message: the document does not tie `args` to it, so this does. */
  const enveloped = operations.flatMap(({ path, operation }) => {
    const [, implementation, kind, message] =
      /^\/implementations\/([^/]+)\/servers\/\{id\}\/(call|cast)\/(.+)$/.exec(path) ?? []
    if (implementation === undefined || kind === undefined || message === undefined) return []
    const weight = implementation === 'hostile' ? 4 : 1
    const schema = operation.requestBody?.content['application/json'].schema
    const start = fc.record({
      implementation: mostly(15, fc.constant(implementation), name),
      args: startArgs(implementation),
    })
    const members: Record<string, fc.Arbitrary<unknown>> = {
      message: mostly(30, fc.constant(decodeURIComponent(message)), fc.constantFrom(...texts)),
      start,
    }
    if (schema) members['args'] = mostly(25, of(schema), anything)
    if (kind === 'call') members['timeout'] = timeouts
    else members['delay'] = fc.constantFrom(0, 1, 5, 100_000)
    const requiredKeys = Object.keys(members).filter((key) => key !== 'start' && key !== 'delay')
    const envelope = fc.record(members, { requiredKeys })
    const body = fc.oneof(
      { weight: 14, arbitrary: envelope.map(jsonText) },
      { weight: 2, arbitrary: spoiled(envelope).map(jsonText) },
    )
    const id = mostly(9, fc.constantFrom(...(ids.get(implementation) ?? [])), anyId)
    const arbitrary = fc
      .record({ id, headers: someHeaders, body })
      .map(({ id, headers, body }) => request('POST', `/servers/${encoded(id)}/${kind}`, '', headers, body))
    return [{ weight, arbitrary }]
  })

  /** The operations that are not those of a message: they are few, and each deserves as much as all of those. */
  const servers = operations.filter(({ path }) => !/\/(?:call|cast)\//.test(path))

  const lost = fc
    .record({
      method: fc.constantFrom(...methods),
      path: fc.oneof(
        fc.constantFrom(...Object.keys(paths)),
        fc.constantFrom(...unlisted),
        fc
          .array(
            mostly(2, fc.constantFrom('servers', 'implementations', 'hostile-1', 'call'), fc.constantFrom(...segments)),
            {
              minLength: 1,
              maxLength: 7,
            },
          )
          .map((pieces) => `/${pieces.join('/')}`),
      ),
      query: mostly(4, fc.constant(''), fc.constantFrom(...queries)),
      headers: someHeaders,
      body: fc.option(fc.constantFrom(...bodies), { nil: undefined }),
    })
    .map(({ method, path, query, headers, body }) => request(method, path, query, headers, body))

  return fc.oneof(
    { weight: 5, arbitrary: fc.oneof(...operations.map(documented)) },
    { weight: 6, arbitrary: fc.oneof(...servers.map(documented)) },
    { weight: 8, arbitrary: fc.oneof(...enveloped) },
    { weight: 2, arbitrary: starts },
    { weight: 2, arbitrary: lost },
  )
}

/** What is served and not described, and what looks like it. */
const unlisted = [
  ...['/', '//', '/metrics', '/openapi.json', '//servers', '/servers/', '/docs', '/docs/', '/docs/json', '/docs/yaml'],
  ...['/docs/static/', '/docs/static/index.html', '/docs/static/swagger-ui.css', '/docs/static/../../x'],
  ...['/docs/static/%2e%2e/x', '/docs/static/%00', '/docs/static//x', '/docs//evil.example', '/docs/static/.'],
]

const someHeaders = fc.oneof(
  { weight: 5, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(fc.constantFrom(...headers), { maxLength: 3 }) },
)

/** One of the headers that the operation reads. */
function meantHeaders(parameters: readonly Parameter[]) {
  const meant = parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name.toLowerCase())
  const fitting = headers.filter(([name]) => meant.includes(name))
  return fitting.length > 0 ? fc.constantFrom(...fitting).map((header) => [header]) : someHeaders
}

const noBody = mostly(20, fc.constant(undefined), fc.constantFrom(undefined, ...bodies))

function request(
  method: string,
  path: string,
  query: string,
  given: readonly (readonly [string, string])[],
  body: string | Uint8Array | undefined,
  type = 'application/json',
): FuzzRequest {
  const typed = body === undefined || given.some(([name]) => name === 'content-type')
  const headers = typed ? given : [...given, ['content-type', type] as const]
  return new FuzzRequest({ method, target: query === '' ? path : `${path}?${query}`, headers, body })
}

function queryText(query: Record<string, unknown>): string {
  return Object.entries(query)
    .flatMap(([name, value]) => {
      const inner = (value as Record<string, unknown> | null)?.[name] ?? value
      const each = Array.isArray(inner) ? inner : [inner]
      return each.map((one) => `${name}=${encoded(typeof one === 'string' ? one : jsonText(one))}`)
    })
    .join('&')
}

/** Percent-encoded also where it is no Unicode, and not longer than a client would send. */
function encoded(text: string): string {
  return encodeURIComponent(Buffer.from(text.slice(0, 2000)).toString())
}
