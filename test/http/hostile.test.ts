/** Whatever is sent, the answer is one that the document knows, and it is never a failure of the gateway. */
import fc from 'fast-check'
import t from 'tap'
import { type Answered, type Ask, openGateway } from './open-gateway.js'

const RUNS = 200

const routes = [
  ['POST', '/servers'],
  ['PUT', '/servers/p2'],
  ['POST', '/servers/p1/call'],
  ['POST', '/servers/p1/cast'],
  ['POST', '/implementations/probe/servers'],
  ['POST', '/implementations/probe/servers/p1/call/echo'],
  ['POST', '/implementations/probe/servers/p1/call/ping'],
  ['POST', '/implementations/probe/servers/p1/cast/add'],
] as const

const route = fc.constantFrom(...routes)
const key = fc.constantFrom(
  'message',
  'args',
  'timeout',
  'delay',
  'start',
  'implementation',
  'id',
  'restart',
  '__proto__',
)
const value = fc.oneof(fc.jsonValue(), fc.constantFrom('probe', 'echo', 'add', 'ping', 1, -1, 1.5, null, {}, []))

/** A quick answer, in the words of the table. */
function told(answer: Answered): boolean {
  return answer.statusCode < 400 || (answer.statusCode < 500 && typeof answer.body.code === 'string')
}

async function holds(ask: Ask, property: (ask: Ask) => fc.IAsyncProperty<unknown>): Promise<void> {
  await fc.assert(property(ask), { numRuns: RUNS, seed: 7 })
}

t.test('any JSON in any body', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  const body = fc.oneof(
    fc.json(),
    fc.dictionary(key, value).map((members) => JSON.stringify(members)),
  )
  await holds(ask, (ask) =>
    fc.asyncProperty(route, body, async ([method, url], json) => {
      const answer = await ask(method, url, json, { 'content-type': 'application/json' })
      await ask('DELETE', '/servers/p2?reason=kill')
      return told(answer)
    }),
  )
})

t.test('any bytes in any body, of any type', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  const types = fc.constantFrom(
    'application/json',
    'application/json; charset=utf-16',
    'text/plain',
    ';',
    'a/b;c="',
    '',
  )
  await holds(ask, (ask) =>
    fc.asyncProperty(route, fc.uint8Array({ minLength: 1 }), types, async ([method, url], bytes, type) =>
      told(await ask(method, url, Buffer.from(bytes), { 'content-type': type })),
    ),
  )
})

t.test('any path and query', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  const segment = fc.oneof(
    fc.constantFrom('servers', 'implementations', 'probe', 'p1', 'state', 'timers', 'call', 'cast', '..', '%2e%2e', ''),
    fc.webFragments(),
    fc.string({ unit: 'grapheme' }).map(encodeURIComponent),
  )
  const query = fc.oneof(
    fc.constant(''),
    fc.webQueryParameters().map((parameters) => `?${parameters}`),
  )
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH')
  await holds(ask, (ask) =>
    fc.asyncProperty(method, fc.array(segment, { maxLength: 7 }), query, async (method, segments, query) =>
      told(await ask(method, `/${segments.join('/')}${query}`)),
    ),
  )
})

t.test('any value in the headers that mean something', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  const name = fc.constantFrom('if-match', 'if-none-match', 'prefer', 'accept', 'x-request-id', 'traceparent', 'expect')
  const text = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) })
  const header = fc.oneof(
    text,
    fc.constantFrom('"1"', '*', 'W/"1"', '"1", "2"', 'wait=0', 'wait=-1', '*/*;q=0', ',', '""'),
  )
  await holds(ask, (ask) =>
    fc.asyncProperty(name, header, async (name, header) => {
      const state = await ask('GET', '/servers/p1/state', undefined, { [name]: header })
      const cast = { message: 'add', args: { by: 1 } }
      return told(state) && told(await ask('POST', '/servers/p1/cast', cast, { [name]: header }))
    }),
  )
})
