/**
 * What a client library cannot send: bytes on bare sockets. First the classics, each with the answers that it must get;
 * then good requests with bytes changed at random, whose answers must at least be answers, and after which the gateway
 * must be as it was. FUZZ_SEED and FUZZ_REQUESTS as in `http.test.ts`; of the latter a tenth is sent here.
 */
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { createAnswerCheck } from './answer-check.js'
import { openFuzzedGateway } from './fuzzed-gateway.js'
import { type Exchange, exchange } from './raw-socket.js'

const MUTANTS = Number(process.env['FUZZ_REQUESTS'] ?? 20_000) / 10
const given = process.env['FUZZ_SEED'] ?? '20261122'
const seed = given === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(given)
const PATIENCE = 1000

t.setTimeout(300_000)

const get = (path: string, ...headers: string[]) => lines(`GET ${path} HTTP/1.1`, 'Host: x', ...headers)
const lines = (...all: string[]) => `${all.join('\r\n')}\r\n\r\n`
const close = 'Connection: close'
const json = 'Content-Type: application/json'
const post = (body: string | Uint8Array, ...headers: string[]) =>
  Buffer.concat([
    Buffer.from(
      lines(
        'POST /servers/counter-1/call HTTP/1.1',
        'Host: x',
        ...(headers.some((header) => /^content-type/i.test(header)) ? headers : [json, ...headers]),
        ...(headers.some((header) => /^(?:transfer-encoding|content-length)/i.test(header))
          ? []
          : [`Content-Length: ${Buffer.byteLength(body)}`]),
      ),
    ),
    Buffer.from(body),
  ])
const call = '{"message":"get","timeout":50}'
const chunked = 'Transfer-Encoding: chunked'

/**
 * Each with the statuses of its answers, in their order; then the connection ends. What is `cut` needs that end to be
 * answered at all; the others are answered before the client has ended its side.
 */
const classics: readonly [name: string, bytes: string | Uint8Array, statuses: readonly number[], cut?: 'cut'][] = [
  ['nothing', '', [], 'cut'],
  ['an empty line first', `\r\n${get('/health/live')}`, [200]],
  ['a request', get('/health/live'), [200]],
  ['three in one packet', get('/health/live').repeat(3), [200, 200, 200]],
  ['calls and a mistake in one packet', Buffer.concat([post(call), post('{'), post(call)]), [200, 400]],
  ['a call, and rubbish behind it', Buffer.concat([post(call), Buffer.from('rubbish')]), [200, 400]],
  ['one after the last', get('/health/live', close) + get('/health/live'), [200]],
  ['HTTP/1.0', lines('GET /health/live HTTP/1.0'), [200]],
  ['HTTP/1.0 without Host, to the API', lines('GET /servers/counter-1 HTTP/1.0'), [200]],
  ['HTTP/0.9', 'GET /health/live\r\n', [400], 'cut'],
  ['HTTP/1.2', lines('GET /servers/counter-1 HTTP/1.2', 'Host: x'), [400]],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
  ['TLS', Buffer.from('16030100c8010000c40303', 'hex'), [400]],
  ['no Host', lines('GET /servers HTTP/1.1'), [400]],
  ['an empty Host', lines('GET /servers/counter-1 HTTP/1.1', 'Host:'), [200]],
  ['a Host twice', lines('GET /health/live HTTP/1.1', 'Host: x', 'Host: y'), [200]],
  ['a method in small letters', lines('get /health/live HTTP/1.1', 'Host: x'), [400]],
  ['an unknown method', lines('BREW /pot HTTP/1.1', 'Host: x'), [400]],
  ['TRACE', lines('TRACE /servers HTTP/1.1', 'Host: x'), [405]],
  ['OPTIONS *', lines('OPTIONS * HTTP/1.1', 'Host: x'), [404]],
  ['an absolute target', get('http://x/servers/counter-1'), [200]],
  ['a target without a slash', get('servers'), [400]],
  ['a fragment', get('/servers/counter-1#x'), [400]],
  ['a space in the path', get('/servers/a b'), [400]],
  ['UTF-8 in the path', get('/servers/é'), [400]],
  ['NUL in the path', get('/servers/a\0b'), [400]],
  ['NUL in a header', get('/health/live', 'X-A: a\0b'), [400]],
  ['a bare line feed', get('/health/live').replaceAll('\r\n', '\n'), [400]],
  ['a bare carriage return', get('/health/live', 'X-A: a\rX-B: b'), [400]],
  ['a space before the colon', get('/health/live', 'X-A : a'), [400]],
  ['a folded header', get('/health/live', 'X-A: a', ' b'), [400]],
  ['a header without a colon', get('/health/live', 'X-A'), [400]],
  ['a header without a name', get('/health/live', ': a'), [400]],
  ['a header of 100 kB', get('/health/live', `X-A: ${'a'.repeat(100_000)}`), [431]],
  ['a path of 100 kB', get(`/servers/${'a'.repeat(100_000)}`), [414]],
  ['a segment of 9 kB', get(`/servers/${'a'.repeat(9000)}`), [414]],
  ['five thousand headers', get('/health/live', ...Array.from({ length: 5000 }, (_, i) => `X-${i}: a`)), [431]],
  ['half a request line', 'GET /hea', [400], 'cut'],
  ['half a header', 'GET /health/live HTTP/1.1\r\nHost: x\r\nX-', [400], 'cut'],
  ['half a body', post(call, 'Content-Length: 1000'), [400], 'cut'],
  ['more than the length says', post(call, 'Content-Length: 2'), [400]],
  [
    'no length',
    Buffer.concat([Buffer.from(lines('POST /servers HTTP/1.1', 'Host: x', json)), Buffer.from('{}')]),
    [400, 400],
  ],
  ['a negative length', post(call, 'Content-Length: -1'), [400]],
  ['a length of 1e3', post(call, 'Content-Length: 1e3'), [400]],
  ['a length that is no number', post(call, 'Content-Length: 99999999999999999999'), [400]],
  ['two lengths', post(call, 'Content-Length: 3', 'Content-Length: 30'), [400]],
  ['two lengths that agree', post('{}', 'Content-Length: 2', 'Content-Length: 2'), [400]],
  ['a length and chunks', post('0\r\n\r\n', 'Content-Length: 5', chunked), [400]],
  ['chunks and a length', post('0\r\n\r\n', chunked, 'Content-Length: 5'), [400]],
  ['chunks', post(`1e\r\n${call}\r\n0\r\n\r\n`, chunked), [200]],
  ['chunks with an extension and a trailer', post(`1e;a=b\r\n${call}\r\n0\r\nX-T: 1\r\n\r\n`, chunked), [200]],
  ['a chunk of a strange size', post('zz\r\n{}\r\n0\r\n\r\n', chunked), [400]],
  ['a chunk of a negative size', post('-1\r\n{}\r\n0\r\n\r\n', chunked), [400]],
  ['a chunk of a huge size', post('ffffffffffffffffff\r\n{}\r\n0\r\n\r\n', chunked), [400]],
  ['a chunk that is longer than it says', post(`2\r\n${call}\r\n0\r\n\r\n`, chunked), [400]],
  ['chunks without an end', post(`1e\r\n${call}\r\n`, chunked), [400], 'cut'],
  ['chunks that are too much', post(`50000\r\n${' '.repeat(0x50000)}\r\n0\r\n\r\n`, chunked), [413]],
  ['a chunk extension of 100 kB', post(`1e;${'a'.repeat(100_000)}\r\n${call}\r\n0\r\n\r\n`, chunked), [413]],
  ['another transfer coding', post(call, 'Transfer-Encoding: gzip'), [400]],
  ['chunks that are not the last coding', post('0\r\n\r\n', 'Transfer-Encoding: chunked, identity'), [400]],
  ['a coding that looks like chunks', post('0\r\n\r\n', 'Transfer-Encoding: xchunked'), [400]],
  ['chunks in HTTP/1.0', `${lines('POST /servers HTTP/1.0', json, chunked)}2\r\n{}\r\n0\r\n\r\n`, [400]],
  ['a zipped body', post(gzipSync(call), 'Content-Encoding: gzip'), [415]],
  ['a body in UTF-16', post(Buffer.from(call, 'utf16le'), 'Content-Type: application/json; charset=utf-16'), [415]],
  ['a body that is not UTF-8', post(Buffer.from('{"message":"g\xe9t"}', 'latin1')), [400]],
  ['two content types', post(call, json, 'Content-Type: text/plain'), [200]],
  ['a depth of 100,000', post('['.repeat(100_000)), [400]],
  ['a depth of 200,000', post('['.repeat(200_000) + ']'.repeat(200_000)), [413]],
  ['an expectation', post(call, 'Expect: 100-continue'), [200]],
  ['a strange expectation', post(call, 'Expect: the-spanish-inquisition'), [200]],
  ['an upgrade', get('/servers/counter-1', 'Connection: Upgrade', 'Upgrade: websocket'), [200]],
  ['an upgrade to HTTP/2', get('/servers/counter-1', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c'), [200]],
  ['CONNECT', lines('CONNECT example.com:80 HTTP/1.1', 'Host: x'), []],
  ['a condition that a file of /docs does not meet', get('/docs/static/swagger-ui.css', 'If-Match: "1"'), [400]],
  ['a way out of the folder of /docs', get('/docs/static/../../package.json'), [404]],
  ['a hidden way out of the folder of /docs', get('/docs/static/%2e%2e/%2e%2e/package.json'), [404]],
  [
    'GET with a body',
    Buffer.concat([Buffer.from(get('/servers/counter-1', json, 'Content-Length: 1')), Buffer.from('{')]),
    [200],
  ],
  ['rubbish', Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7919) % 256)), [400]],
]

/** A busy machine is late now and then; what is slow by itself is slow each time. */
async function promptly(ask: () => Promise<Exchange>): Promise<Exchange> {
  for (let i = 0; i < 2; i++) {
    const done = await ask()
    if (done.took < PATIENCE) return done
  }
  return ask()
}

t.test('bytes that no client would send are answered, and the connection ends', async (t) => {
  const gateway = await openFuzzedGateway()
  const check = createAnswerCheck(gateway.document)
  t.teardown(() => gateway.close())
  for (const [name, bytes, statuses, cut] of classics) {
    const ask = () => exchange(gateway.port, Buffer.from(bytes), cut ? {} : { endAfter: statuses.length })
    const { answers, rest, took, closed } = await promptly(ask)
    t.same(
      answers.map(({ status }) => status),
      statuses,
      name,
    )
    t.same(
      answers.flatMap((answer) => check.faultsOfAny(answer)),
      [],
      `${name}: as every answer must be`,
    )
    t.ok(
      closed && rest === '' && took < PATIENCE,
      `${name}: closed after ${Math.round(took)} ms, with nothing left over`,
    )
  }
  t.same(gateway.bugs, [])
})

t.test('good requests with bytes changed at random do no harm', async (t) => {
  const gateway = await openFuzzedGateway()
  const check = createAnswerCheck(gateway.document)
  t.teardown(() => gateway.close())
  const good = [
    get('/servers?limit=2'),
    get('/servers/counter-1/state', 'If-None-Match: "1"'),
    post(call).toString(),
    post(`1e\r\n${call}\r\n0\r\n\r\n`, chunked).toString(),
    `${lines('PUT /servers/new HTTP/1.1', 'Host: x', json, 'Content-Length: 28')}{"implementation":"counter"}`,
    lines('POST /implementations/stack/servers/stack-1/cast/push HTTP/1.1', 'Host: x', json, 'Content-Length: 13') +
      '{"element":1}',
    lines('DELETE /servers/new?timeout=5 HTTP/1.1', 'Host: x'),
  ]
  const strange = fc.constantFrom(
    '\0',
    '\r',
    '\n',
    '\r\n',
    ' ',
    '\t',
    ':',
    '/',
    '%',
    '{',
    '"',
    '\\',
    '\x7f',
    '\xff',
    '9',
    '-1',
    'HTTP/1.1',
  )
  const edit = fc.record({
    at: fc.nat(400),
    remove: fc.nat(8),
    insert: fc.oneof(strange, fc.constant('')),
    again: fc.nat(3),
  })
  const mutant = fc
    .tuple(
      fc.array(fc.constantFrom(...good), { minLength: 1, maxLength: 3 }),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
    )
    .map(([requests, edits]) =>
      edits.reduce((text, { at, remove, insert, again }) => {
        const place = at % text.length
        return text.slice(0, place) + insert.repeat(again + 1) + text.slice(place + remove)
      }, requests.join('')),
    )
  t.comment(`FUZZ_SEED=${seed}, ${MUTANTS} requests`)
  const answered = new Map<number, number>()
  const property = fc.asyncProperty(mutant, async (text) => {
    await gateway.refresh()
    const { answers, rest, closed } = await exchange(gateway.port, Buffer.from(text, 'latin1'), { patience: 70 })
    const faults = answers.flatMap((answer) => check.faultsOfAny(answer))
    for (const { status } of answers) answered.set(status, (answered.get(status) ?? 0) + 1)
    if (!closed) faults.push('the connection was not closed')
    if (rest !== '') faults.push(`this came after the last answer: ${rest}`)
    faults.push(...gateway.bugs.splice(0).map((bug) => `this was logged: ${JSON.stringify(bug)}`))
    if (faults.length > 0) throw new Error(`${JSON.stringify(text)}\n  ${faults.join('\n  ')}`)
  })
  const result = await fc.check(property, { seed, numRuns: MUTANTS })
  if (result.failed) t.comment(String(result.errorInstance))
  t.notOk(result.failed, `${result.numRuns} requests`)
  t.comment(
    [...answered]
      .sort()
      .map(([status, n]) => `${status}: ${n}`)
      .join(', '),
  )
  t.ok(
    [200, 201, 202, 400].every((status) => answered.has(status)),
    'some of them were still good',
  )
})
