import { type AnyDefinition, createRuntime, defineServer, Type } from 'genservers'
import t from 'tap'
import { createGateway, renderOpenapi } from '../../src/gateway.js'
import type { Document } from './contract.js'
import { openGateway } from './open-gateway.js'
import { probe } from './probe.js'

const documentOf = async (implementations: Record<string, AnyDefinition>) =>
  (await renderOpenapi(createRuntime({ implementations }))) as unknown as Document

const operationsOf = ({ paths }: Document) => Object.values(paths).flatMap((operations) => Object.values(operations))

/** An implementation of one call `put` with these args, and this reply. */
const putting = (args: ReturnType<typeof Type.Object>, reply = Type.Unknown()) =>
  defineServer({
    state: Type.Object({}),
    calls: { put: { args, reply } },
    init: () => ({}),
    handleCall: { put: () => null },
  })

t.test('GET /openapi.json serves the document that is rendered', async (t) => {
  const { ask } = await openGateway(t)
  const { statusCode, headers, body } = await ask('GET', '/openapi.json')
  t.equal(statusCode, 200)
  t.match(headers['content-type'], 'application/json')
  t.same(body, JSON.parse(JSON.stringify(await documentOf({ probe }))))
  t.equal(body.openapi, '3.1.0')
})

t.test('GET /docs is a page that asks no other host for anything', async (t) => {
  const runtime = createRuntime({ implementations: { probe } })
  const app = await createGateway(runtime)
  t.teardown(() => app.close())
  const page = await app.inject('/docs')
  t.equal(page.statusCode, 200)
  t.match(page.headers['content-type'], 'text/html')
  t.notMatch(page.body, /https?:\/\//)
  const policy = String(page.headers['content-security-policy'])
  t.notMatch(policy, /https?:|upgrade-insecure-requests/)
  const script = /src="([^"]*swagger-initializer\.js)"/.exec(page.body)?.[1] as string
  t.match((await app.inject(script)).body, '"validatorUrl":null')
  for (const path of ['/docs/nothing', '/docs/static/nothing.js', '/docs/static/..%2f..%2fpackage.json']) {
    t.match((await app.inject(path)).json(), { status: 404, code: 'unknown_route' }, path)
  }
  for (const url of ['/docs', '/docs/']) {
    t.equal((await app.inject(url)).statusCode, 200, url)
    t.equal((await app.inject({ method: 'POST', url })).headers['allow'], 'GET, HEAD', url)
  }
})

t.test('every operation can be called by name, and says what it is for', async (t) => {
  const document = await documentOf({ probe })
  const operations = operationsOf(document)
  const ids = operations.map(({ operationId }) => operationId)
  t.same(
    ids.filter((id, i) => ids.indexOf(id) !== i),
    [],
    'operationIds are unique',
  )
  const tags = document.tags.map(({ name }) => name)
  for (const { operationId, tags: own, summary, description, parameters = [], responses } of operations) {
    t.match(operationId, /^[a-z][A-Za-z0-9]*$/, operationId)
    t.equal(own.length, 1, operationId)
    t.ok(tags.includes(own[0] as string), operationId)
    t.ok(summary.length > 5 && description.length > 10, operationId)
    for (const { in: place, name, example } of parameters) {
      if (place === 'path') t.ok(example !== undefined, `${operationId} gives an example for ${name}`)
    }
    t.ok(
      Object.keys(responses).some((status) => status.startsWith('4')),
      operationId,
    )
  }
})

t.test('names of operations and components do not clash', async (t) => {
  const started = defineServer({
    state: Type.Object({}),
    calls: { start: { reply: Type.Null() }, go: { args: Type.Object({}) } },
    casts: { go: { args: Type.Object({}) } },
    init: () => ({}),
    handleCall: { start: () => null, go: () => {} },
    handleCast: { go: () => {} },
  })
  const document = await documentOf({ call: started, 'call-server': started })
  const ids = operationsOf(document).map(({ operationId }) => operationId)
  t.equal(new Set(ids).size, ids.length)
  for (const id of ['callStart', 'callStartCall', 'callGo', 'callGoCast', 'callServerStart', 'callServer']) {
    t.ok(ids.includes(id), id)
  }
  const names = Object.keys(document.components.schemas)
  for (const name of ['CallGoArgs', 'CallGoArgs2', 'CallServerGoReply']) t.ok(names.includes(name), name)
})

t.test('args that may all be left out make an optional body, others a required one', async (t) => {
  const { paths } = await documentOf({ probe })
  const base = '/implementations/probe/servers'
  t.equal(paths[base]?.['post']?.requestBody?.required, false)
  t.equal(paths[`${base}/{id}/call/add`]?.['post']?.requestBody?.required, true)
  t.notOk(paths[`${base}/{id}/call/ping`]?.['post']?.requestBody)
})

t.test('properties with a default need not be sent; objects are closed at every depth', async (t) => {
  const inner = Type.Object({ a: Type.Integer({ default: 1 }), b: Type.Integer() })
  const open = Type.Object({}, { additionalProperties: true })
  const schema = Type.Object({ inner, list: Type.Array(inner), open, d: Type.String({ default: 'x' }) })
  const { components } = await documentOf({ one: putting(schema) })
  const closed = { type: 'object', required: ['b'], additionalProperties: false }
  t.match(components.schemas['OnePutArgs'], {
    required: ['inner', 'list', 'open'],
    additionalProperties: false,
    properties: { inner: closed, list: { items: closed }, open: { additionalProperties: true } },
  })
})

t.test('literals, their unions, records and tuples are written as generators read them best', async (t) => {
  const schema = Type.Object({
    one: Type.Literal('a'),
    some: Type.Union([Type.Literal('a'), Type.Literal('b')]),
    mixed: Type.Union([Type.Literal('a'), Type.Integer()]),
    byName: Type.Record(Type.String(), Type.Integer()),
    pair: Type.Tuple([Type.String(), Type.Integer()]),
  })
  const { components } = await documentOf({ one: putting(schema) })
  const { properties } = components.schemas['OnePutArgs'] as { properties: Record<string, object> }
  t.same(properties['one'], { type: 'string', enum: ['a'] })
  t.same(properties['some'], { type: 'string', enum: ['a', 'b'] })
  t.same(properties['mixed'], { anyOf: [{ type: 'string', enum: ['a'] }, { type: 'integer' }] })
  t.same(properties['byName'], { type: 'object', additionalProperties: { type: 'integer' } })
  t.match(properties['pair'], { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }] })
})

t.test('a schema with a name is a component, and one that holds itself refers to itself', async (t) => {
  const tree = Type.Recursive((self) => Type.Object({ value: Type.Integer(), children: Type.Array(self) }))
  const named = Type.Object({ street: Type.String() }, { $id: 'Address' })
  const { components, paths } = await documentOf({ one: putting(Type.Object({ tree, home: named })) })
  const { properties } = components.schemas['OnePutArgs'] as { properties: Record<string, { $ref: string }> }
  t.same(properties['home'], { $ref: '#/components/schemas/OnePutAddress' })
  t.match(components.schemas['OnePutAddress'], { properties: { street: { type: 'string' } } })
  t.same(properties['tree'], { $ref: '#/components/schemas/OnePutNode' })
  t.match(components.schemas['OnePutNode'], { properties: { children: { items: properties['tree'] } } })
  t.notMatch(JSON.stringify({ components, paths }), /"\$id"|"\$ref":"(?!#\/components)/)
})

t.test('the definitions of a module are components, and refer to each other', async (t) => {
  const module = Type.Module({ Link: Type.Object({ value: Type.Integer(), next: Type.Optional(Type.Ref('Link')) }) })
  const { components } = await documentOf({ one: putting(Type.Object({ list: module.Import('Link') })) })
  const { properties } = components.schemas['OnePutArgs'] as { properties: Record<string, { $ref: string }> }
  t.same(properties['list'], { $ref: '#/components/schemas/OnePutLink' })
  const link = { additionalProperties: false, required: ['value'], properties: { next: properties['list'] } }
  t.match(components.schemas['OnePutLink'], link)
})
