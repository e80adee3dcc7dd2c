/** The fuzz is worth what its check sees: each kind of fault, given on purpose, must be told. */
import { createRuntime } from 'genservers'
import t from 'tap'
import counter from '../../implementations/counter.js'
import { renderOpenapi } from '../../src/gateway.js'
import { type ProblemCode, problems } from '../../src/http/problems.js'
import { type Answer, createAnswerCheck } from './answer-check.js'
import { FuzzRequest } from './fuzz-request.js'
import hostile, { CANARY } from './implementations/hostile.js'

async function checkOf() {
  const runtime = createRuntime({ implementations: { counter, hostile } })
  return createAnswerCheck(await renderOpenapi(runtime))
}

const answer = (status: number, body: unknown, headers: Answer['headers'] = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', 'x-request-id': '1', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

function problem(code: ProblemCode, changes: object = {}, headers: Answer['headers'] = {}): Answer {
  const { status, title } = problems[code]
  const body = { type: `urn:genservers:error:${code}`, title, status, detail: 'x', code, effect: 'none', ...changes }
  return answer(status, body, { 'content-type': 'application/problem+json; charset=utf-8', ...headers })
}

t.test('an answer as the document describes it has no faults', async (t) => {
  const { faults } = await checkOf()
  t.same(faults('GET', '/servers?limit=1', answer(200, { servers: [] })), [])
  t.same(faults('HEAD', '/servers', answer(200, '')), [])
  t.same(faults('POST', '/servers/a/cast', answer(202, '')), [])
  t.same(faults('POST', '/implementations/counter/servers/a/call/get', answer(200, { reply: 1 })), [])
  t.same(faults('GET', '/servers/%61', problem('unknown_server')), [])
  t.same(faults('GET', '/nowhere', problem('unknown_route')), [])
  t.same(faults('PATCH', '/servers', problem('method_not_allowed', {}, { allow: 'GET' })), [])
  const full = problem('mailbox_full', {}, { 'retry-after': '1' })
  t.same(faults('POST', '/servers/a/call', full), [])
  t.same(faults('GET', '/metrics', answer(200, '# x', { 'content-type': 'text/plain' })), [])
})

t.test('an answer that the document does not describe is found', async (t) => {
  const { faults } = await checkOf()
  const found = (method: string, target: string, given: Answer) => faults(method, target, given).join('; ')
  const info = answer(200, { servers: [{ id: 'a' }] })
  t.match(found('GET', '/servers', info), /does not fit its schema/)
  const typed = '/implementations/counter/servers/a/call/get'
  t.match(found('POST', typed, answer(200, { reply: 'one' })), /does not fit its schema/)
  t.match(found('GET', '/servers', answer(201, { servers: [] })), /may answer 201/)
  t.match(found('GET', '/servers', answer(200, '{}', { 'content-type': 'text/html' })), /as text\/html/)
  t.match(found('POST', '/servers/a/cast', answer(202, 'null')), /without a body/)
  t.match(found('HEAD', '/servers', answer(200, '{}')), /HEAD with a body/)
  t.match(found('GET', '/nowhere', answer(200, {})), /200 for what is not described/)
  t.match(found('GET', '/nowhere', problem('mailbox_full', {}, { 'retry-after': '1' })), /not described/)
  t.match(found('GET', '/servers/a', problem('unknown_timer')), /404 with unknown_timer/)
  t.match(found('GET', '/servers', problem('call_timeout')), /may answer 504/)
  t.match(found('GET', '/servers/a', { ...problem('unknown_server'), headers: {} }), /X-Request-Id/)
})

t.test('a problem that is none is found', async (t) => {
  const { faultsOfAny } = await checkOf()
  const found = (given: Answer) => faultsOfAny(given).join('; ')
  t.equal(found(problem('unknown_server')), '')
  t.match(found(problem('internal_error')), /the gateway has failed/)
  t.match(found({ ...problem('unknown_server'), status: 500 }), /unknown_server must be 404/)
  t.match(found(problem('unknown_server', { status: 410 })), /unknown_server must be 404/)
  t.match(found(problem('unknown_server', { code: 'odd' })), /does not fit its schema/)
  t.match(found(problem('unknown_server', { detail: undefined })), /does not fit its schema/)
  t.match(found(problem('unknown_server', { effect: 'some' })), /does not fit its schema/)
  t.match(found(problem('unknown_server', { title: 'Odd' })), /another title/)
  t.match(found(problem('mailbox_full')), /Retry-After/)
  t.match(found(problem('unknown_server', {}, { 'retry-after': '1' })), /Retry-After/)
  t.match(found(problem('method_not_allowed')), /Allow/)
  t.match(found(answer(404, { statusCode: 404, error: 'Not Found' })), /is application\/problem\+json/)
  t.match(found(answer(404, '<h1>', { 'content-type': 'application/problem+json' })), /does not fit/)
  t.match(found(answer(700, '')), /no status 700/)
})

t.test('what must not leave the gateway is found', async (t) => {
  const { faultsOfAny } = await checkOf()
  const leaks = ['    at f (a)', 'Error\n    at f', 'node:internal/x', 'server.js:12:3', 'node_modules', CANARY]
  for (const leak of leaks) t.equal(faultsOfAny(problem('server_crashed', { detail: leak })).length, 1, leak)
  t.equal(faultsOfAny(answer(200, {}, { etag: CANARY })).length, 1)
  const crash = (record: object) => faultsOfAny(answer(200, { crashes: [record] }))
  t.same(crash({ stack: `Error: x\n    at ${CANARY} (a.js:1:2)` }), [], 'a stack may be told of a crash')
  t.equal(crash({ stack: null, state: CANARY }).length, 1)
  t.equal(faultsOfAny(answer(200, { stack: 'Error: x\n    at f (a)' })).length, 1, 'and nowhere else')
})

t.test('a client waits as long as its request says', async (t) => {
  const asked = (target: string, body?: string, prefer?: string) =>
    new FuzzRequest({ method: 'POST', target, body, headers: prefer ? [['prefer', prefer]] : [] }).asked
  t.equal(asked('/servers/a/call?timeout=7'), 7)
  t.equal(asked('/servers/a/call', '{"message":"get","timeout": 30}'), 30)
  t.equal(asked('/servers/a/call', '{"message":"get"}', 'wait=2'), 2000)
  t.equal(asked('/servers/a/call', '{"message":"get"}'), 5000)
  t.equal(new FuzzRequest({ method: 'GET', target: '/servers' }).asked, 0)
})
