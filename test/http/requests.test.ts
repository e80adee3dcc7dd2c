import { gzipSync } from 'node:zlib'
import t from 'tap'
import { openGateway } from './open-gateway.js'

const json = { 'content-type': 'application/json' }

t.test('a body that is not JSON is told so, and where', async (t) => {
  const { ask } = await openGateway(t)
  const unexpected = (at: number | string) =>
    typeof at === 'number' ? `: character ${at} is not expected there` : `: there is a '${at}' where none is expected`
  for (const [body, detail] of [
    ['{"a":1}}', unexpected(8)],
    ["{'a':1}", unexpected(2)],
    ['\u0000', ''],
    ['{"a":NaN}', unexpected('N')],
    ['[1,]', unexpected(']')],
    [`[${'1,'.repeat(100)}😀]`, ''],
    ['{"a": at position 3}', unexpected('a')],
    ['["end of JSON"', ': it ends too early'],
    ['\ufeff[1 2]', unexpected(4)],
    ['[1', ': it ends too early'],
    ['{', ': it ends too early'],
  ] as const) {
    const { statusCode, headers, body: problem } = await ask('POST', '/servers', body, json)
    t.equal(statusCode, 400, body)
    t.same([problem.code, problem.detail], ['invalid_request', `the body is not valid JSON${detail}`], body)
    t.equal(headers['content-type'], 'application/problem+json; charset=utf-8')
  }
})

t.test('a body that would change prototypes is refused', async (t) => {
  const { ask } = await openGateway(t)
  for (const body of [
    '{"implementation":"probe","__proto__":{"a":1}}',
    '{"implementation":"probe","args":{"__proto__":{}}}',
    '{"implementation":"probe","args":{"\\u005f_proto__":{}}}',
    '{"constructor":{"prototype":{"a":1}}}',
    '\ufeff{"__proto__":{"a":1}}',
  ]) {
    t.match((await ask('POST', '/servers', body, json)).body, {
      code: 'invalid_request',
      detail: 'the body has a key that could change a prototype (__proto__, constructor.prototype)',
    })
  }
})

t.test('a body must be UTF-8', async (t) => {
  const { ask } = await openGateway(t)
  const latin1 = Buffer.from('{"implementation":"\xe9"}', 'latin1')
  t.equal((await ask('POST', '/servers', latin1, json)).body.code, 'invalid_request')
  for (const charset of ['latin1', '"iso-8859-1"', 'utf-16']) {
    const type = `application/json; charset=${charset}`
    const answer = await ask('POST', '/servers', { implementation: 'probe' }, { 'content-type': type })
    t.equal(answer.statusCode, 415, charset)
  }
  for (const type of ['application/json; charset=utf-8', 'application/json;charset="UTF8"', 'Application/JSON']) {
    const answer = await ask('POST', '/servers', '{"implementation":"probe"}', { 'content-type': type })
    t.equal(answer.statusCode, 201, type)
  }
})

t.test('a body that is compressed is refused as such, and not read as text', async (t) => {
  const { ask } = await openGateway(t)
  const zipped = gzipSync('{"implementation":"probe"}')
  for (const coding of ['gzip', 'br', 'identity, gzip']) {
    const { statusCode, body } = await ask('POST', '/servers', zipped, { ...json, 'content-encoding': coding })
    t.equal(statusCode, 415, coding)
    t.match(body, { code: 'unsupported_media_type', detail: /Content-Encoding/ }, coding)
  }
  const plain = await ask('POST', '/servers', '{"implementation":"probe"}', { ...json, 'content-encoding': 'Identity' })
  t.equal(plain.statusCode, 201)
})

t.test('a body of another type is unsupported, also where a message takes none', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/xml',
    'application/vnd.x+json',
    'x',
  ]) {
    for (const url of ['/servers', '/implementations/probe/servers/p1/cast/add']) {
      const { statusCode, body } = await ask('POST', url, '{"implementation":"probe"}', { 'content-type': type })
      t.equal(statusCode, 415, `${type} ${url}`)
      t.equal(body.code, 'unsupported_media_type')
    }
  }
})

t.test('a body that is too large is refused, at the limit that was set', async (t) => {
  const { ask } = await openGateway(t, {}, { bodyLimit: 100 })
  const body = (length: number) => `{"implementation":"probe"${' '.repeat(length - 26)}}`
  t.equal((await ask('POST', '/servers', body(100), json)).statusCode, 201)
  const { statusCode, body: problem } = await ask('POST', '/servers', body(101), json)
  t.equal(statusCode, 413)
  t.equal(problem.code, 'payload_too_large')
})

t.test('a missing body is told as such', async (t) => {
  const { ask } = await openGateway(t)
  for (const [method, url] of [
    ['POST', '/servers'],
    ['PUT', '/servers/p1'],
    ['POST', '/servers/p1/call'],
    ['POST', '/servers/p1/cast'],
  ] as const) {
    t.match((await ask(method, url)).body, { code: 'invalid_request', errors: [{ path: '' }] }, `${method} ${url}`)
    t.equal((await ask(method, url, 'null', json)).body.code, 'invalid_request', `${method} ${url}`)
    t.equal((await ask(method, url, '[]', json)).body.code, 'invalid_request', `${method} ${url}`)
  }
})

t.test('a path that nothing serves is unknown', async (t) => {
  const { ask } = await openGateway(t)
  for (const url of ['/', '/server', '/servers/p1/', '/servers/p1/calls', '/implementations/x/y', '//servers']) {
    const { statusCode, body } = await ask('GET', url)
    t.equal(statusCode, 404, url)
    t.equal(body.code, 'unknown_route', url)
  }
})

t.test('a path that is served with other methods says which', async (t) => {
  const { ask } = await openGateway(t)
  for (const [method, url, allow] of [
    ['DELETE', '/servers', 'GET, HEAD, POST'],
    ['PATCH', '/servers/p1?x=1', 'DELETE, GET, HEAD, PUT'],
    ['GET', '/servers/p1/call', 'POST'],
    ['PUT', '/implementations/probe/servers/p1/call/ping', 'POST'],
    ['GET', '/implementations/probe/servers/p1/cast/whatever', 'POST'],
    ['POST', '/health/live', 'GET, HEAD'],
    ['OPTIONS', '/servers/p1/timers/t1', 'DELETE'],
    ['POST', '/openapi.json', 'GET, HEAD'],
  ] as const) {
    const { statusCode, headers, body } = await ask(method, url)
    t.equal(statusCode, 405, `${method} ${url}`)
    t.equal(headers['allow'], allow, `${method} ${url}`)
    t.equal(body.code, 'method_not_allowed')
  }
})

t.test('a path segment that is too long is 414, one that is no UTF-8 is 400', async (t) => {
  const { ask } = await openGateway(t)
  const long = await ask('GET', `/servers/${'x'.repeat(2000)}`)
  t.equal(long.statusCode, 414)
  t.equal(long.body.code, 'uri_too_long')
  for (const url of ['/servers/%zz', '/servers/%ff', '/servers/%']) {
    const { statusCode, body, headers } = await ask('GET', url)
    t.equal(statusCode, 400, url)
    t.equal(body.code, 'invalid_request', url)
    t.equal(headers['content-type'], 'application/problem+json; charset=utf-8')
  }
})

t.test('a client that does not take JSON is told before anything happens', async (t) => {
  const { ask, runtime } = await openGateway(t)
  for (const accept of ['text/html', 'application/xml, text/*;q=0.5', 'application/json;q=0']) {
    const { statusCode, body } = await ask('POST', '/servers', { implementation: 'probe' }, { accept })
    t.equal(statusCode, 406, accept)
    t.equal(body.code, 'not_acceptable')
  }
  t.same(runtime.list().servers, [])
  for (const accept of [
    '*/*',
    'application/*',
    'text/html, application/json;q=0.1',
    'application/json; charset=utf-8',
  ]) {
    t.equal((await ask('GET', '/servers', undefined, { accept })).statusCode, 200, accept)
  }
})

t.test('X-Request-Id is taken where it is fit, made where it is not, and echoed to who sent one', async (t) => {
  const { ask } = await openGateway(t)
  const given = { 'x-request-id': 'abc-123' }
  for (const [method, url] of [
    ['GET', '/servers'],
    ['GET', '/servers/nobody'],
    ['GET', '/nowhere'],
    ['PATCH', '/servers'],
    ['GET', '/servers/%zz'],
    ['GET', '/health/live'],
    ['GET', '/metrics'],
    ['GET', '/openapi.json'],
  ] as const) {
    t.equal((await ask(method, url, undefined, given)).headers['x-request-id'], 'abc-123', `${method} ${url}`)
  }
  const made = new Set<string | undefined>()
  for (const id of ['', 'a b', 'é', 'x'.repeat(129)]) {
    made.add((await ask('GET', '/servers', undefined, { 'x-request-id': id })).headers['x-request-id'])
  }
  made.add((await ask('GET', '/servers/nobody')).headers['x-request-id'])
  t.equal(made.size, 5, 'each is new; a problem tells it unasked')
  t.notOk(made.has(undefined))
  for (const url of ['/servers', '/health/live']) {
    t.notOk((await ask('GET', url)).headers['x-request-id'], 'nobody asked, and no log has it')
  }
})

t.test('a call and a cast echo X-Request-Id too', async (t) => {
  const { ask } = await openGateway(t)
  await ask('POST', '/servers', { implementation: 'probe', id: 'p1' })
  const body = { message: 'add', args: { by: 1 } }
  for (const url of ['/servers/p1/call', '/servers/p1/cast']) {
    t.equal((await ask('POST', url, body, { 'x-request-id': 'abc' })).headers['x-request-id'], 'abc', url)
    t.notOk((await ask('POST', url, body)).headers['x-request-id'], url)
  }
})

t.test('HEAD answers as GET does, without a body', async (t) => {
  const { ask } = await openGateway(t)
  const { statusCode, text, headers } = await ask('HEAD', '/servers')
  t.equal(statusCode, 200)
  t.equal(text, '')
  t.equal(headers['content-length'], String((await ask('GET', '/servers')).text.length))
})

t.test('implementations are listed and shown with their schemas, not with their state', async (t) => {
  const { ask } = await openGateway(t)
  const { body } = await ask('GET', '/implementations')
  t.same(
    body.implementations.map(({ name }: { name: string }) => name),
    ['probe', 'supervisor'],
  )
  const shown = await ask('GET', '/implementations/probe')
  t.same(shown.body, body.implementations[0])
  t.match(shown.body, {
    name: 'probe',
    version: 1,
    restart: 'transient',
    restartFrom: 'state',
    durable: false,
    args: { type: 'object', additionalProperties: false },
    calls: { add: { args: { properties: { by: { type: 'integer' } } }, reply: { type: 'integer' } } },
    casts: { add: { args: {} } },
  })
  t.notOk('state' in shown.body)
  t.equal((await ask('GET', '/implementations/nope')).body.code, 'unknown_implementation')
})
