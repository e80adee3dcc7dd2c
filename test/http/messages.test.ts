import { defineServer, Type } from 'genservers'
import t from 'tap'
import { openGateway, until } from './open-gateway.js'
import { probe } from './probe.js'

t.test('a call is answered with the reply and the revision', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  const first = await ask('POST', '/servers/p1/call', { message: 'add', args: { by: 2 } })
  t.equal(first.statusCode, 200)
  t.equal(first.text, '{"reply":2}')
  t.equal(first.headers['etag'], '"2"')
  const looked = await ask('POST', '/servers/p1/call', { message: 'ping' })
  t.equal(looked.headers['etag'], '"2"')
})

t.test('the reply is what the server said, whatever it looks like', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  for (const value of [null, 0, '', false, [], {}, { reply: 1, toJSON: 'x' }, 'é\u2028\ud800', -0.5, [[[]]], 1e300]) {
    const body = { message: 'echo', args: { value } }
    t.same((await ask('POST', '/servers/p1/call', body)).body, { reply: value })
    t.same((await ask('POST', '/implementations/probe/servers/p1/call/echo', { value })).body, { reply: value })
  }
})

t.test('a call without a reply schema answers null', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  t.equal((await ask('POST', '/servers/p1/call', { message: 'nothing' })).text, '{"reply":null}')
})

t.test('a message without args takes none: left out and {} are the same, anything else is told', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  const typed = '/implementations/probe/servers/p1/call/ping'
  t.equal((await ask('POST', '/servers/p1/call', { message: 'ping', args: {} })).statusCode, 200)
  t.equal((await ask('POST', typed)).statusCode, 200)
  t.equal((await ask('POST', typed, {})).statusCode, 200)
  t.equal((await ask('POST', typed, '', { 'content-type': 'application/json' })).statusCode, 200)
  t.equal((await ask('POST', typed, '', { 'content-type': 'application/x-www-form-urlencoded' })).statusCode, 200)
  for (const args of [{ a: 1 }, [], 'x', 0, false]) {
    t.equal((await ask('POST', '/servers/p1/call', { message: 'ping', args })).body.code, 'invalid_args')
    const given = await ask('POST', typed, JSON.stringify(args), { 'content-type': 'application/json' })
    t.equal(given.body.code, 'invalid_args')
  }
})

t.test('args are refused with the place at fault, and nothing has changed', async (t) => {
  const { ask, start, runtime } = await openGateway(t)
  await start('p1')
  const wrong = await ask('POST', '/servers/p1/call', { message: 'add', args: { by: '2', to: 3 } })
  t.equal(wrong.statusCode, 400)
  t.match(wrong.body, { code: 'invalid_args', effect: 'none' })
  t.same(wrong.body.errors.map(({ path }: { path: string }) => path).sort(), ['/by', '/to'])
  t.equal((await ask('POST', '/servers/p1/cast', { message: 'add', args: {} })).body.code, 'invalid_args')
  t.equal((await ask('POST', '/implementations/probe/servers/p1/cast/add')).body.code, 'invalid_args')
  t.match(runtime.state('p1'), { state: { n: 0 }, revision: 1 })
})

t.test('args that are nested too deep are refused, not run into the ground', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  for (const depth of [100, 50_000]) {
    const json = `{"message":"echo","args":{"value":${'['.repeat(depth)}${']'.repeat(depth)}}}`
    const { body } = await ask('POST', '/servers/p1/call', json, { 'content-type': 'application/json' })
    t.equal(body.code, 'invalid_args', `${depth} deep`)
  }
})

t.test('the envelope is closed: no key is dropped and no value is coerced', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  const wrongCalls: [object, string][] = [
    [{}, '/message'],
    [{ message: 1 }, '/message'],
    [{ message: 'ping', timeout: '5' }, '/timeout'],
    [{ message: 'ping', timeout: 1.5 }, '/timeout'],
    [{ message: 'ping', timeout: -1 }, '/timeout'],
    [{ message: 'ping', timeout: 3_600_001 }, '/timeout'],
    [{ message: 'ping', timeout: null }, '/timeout'],
    [{ message: 'ping', delay: 1 }, '/delay'],
    [{ message: 'ping', start: 'probe' }, '/start'],
    [{ message: 'ping', start: {} }, '/start/implementation'],
    [{ message: 'ping', start: { implementation: 'probe', id: 'x' } }, '/start/id'],
  ]
  for (const [body, path] of wrongCalls) {
    const answer = await ask('POST', '/servers/p1/call', body)
    t.match(answer.body, { code: 'invalid_request', errors: [{ path }] }, JSON.stringify(body))
  }
  const cast = await ask('POST', '/servers/p1/cast', { message: 'add', args: { by: 1 }, timeout: 5 })
  t.match(cast.body, { code: 'invalid_request', errors: [{ path: '/timeout' }] })
  t.equal((await ask('POST', '/servers/p1/call?timeout=5', { message: 'ping' })).body.code, 'invalid_request')
})

t.test('many places at fault are told up to a limit', async (t) => {
  const { ask } = await openGateway(t)
  const body = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`key${i}`, i]))
  t.equal((await ask('POST', '/servers/p1/call', body)).body.errors.length, 20)
})

t.test('messages and servers are not looked up on prototypes', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  for (const name of ['constructor', 'toString', 'hasOwnProperty', '__proto__']) {
    t.equal((await ask('POST', '/servers/p1/call', { message: name })).body.code, 'unknown_message', name)
    t.equal((await ask('POST', '/servers/p1/cast', { message: name })).body.code, 'unknown_message', name)
    t.equal((await ask('POST', '/servers', { implementation: name })).body.code, 'unknown_implementation', name)
    const typed = `/implementations/probe/servers/p1/call/${name}`
    t.equal((await ask('POST', typed)).body.code, 'unknown_message', name)
    t.equal((await ask('POST', `/implementations/${name}/servers`)).body.code, 'unknown_implementation', name)
    t.equal((await ask('GET', `/implementations/${name}`)).body.code, 'unknown_implementation', name)
    t.equal((await ask('GET', `/servers/${name}`)).body.code, 'unknown_server', name)
  }
})

t.test('start in a call or a cast starts the server first', async (t) => {
  const { ask, runtime } = await openGateway(t)
  const startIt = { implementation: 'probe', args: { secret: 's' } }
  t.equal((await ask('POST', '/servers/p1/call', { message: 'ping', start: startIt })).body.reply, 'pong')
  t.equal((await ask('POST', '/servers/p1/call', { message: 'ping', start: startIt })).body.reply, 'pong')
  const cast = { message: 'add', args: { by: 3 }, start: startIt }
  t.equal((await ask('POST', '/servers/p2/cast', cast)).statusCode, 202)
  t.equal((await ask('POST', '/servers/p2/call', { message: 'add', args: { by: 1 } })).body.reply, 4)
  t.same(runtime.list().servers.length, 2)
})

t.test('a timeout in the body ends the call; what it waited for is not known', async (t) => {
  const { ask, start, runtime, clock } = await openGateway(t)
  await start('p1')
  const call = ask('POST', '/servers/p1/call', { message: 'block', timeout: 50 })
  await until(() => runtime.info('p1').current !== null)
  const queued = ask('POST', '/servers/p1/call', { message: 'ping', timeout: 20 })
  await until(() => runtime.info('p1').mailbox.length === 1)
  await clock.advance(20)
  t.match((await queued).body, { code: 'call_timeout', effect: 'none' })
  await clock.advance(30)
  const { statusCode, body } = await call
  t.equal(statusCode, 504)
  t.match(body, { code: 'call_timeout', effect: 'unknown' })
})

t.test('Prefer: wait is the timeout where the request gives none', async (t) => {
  const { ask, start, runtime, clock } = await openGateway(t)
  await start('p1')
  const timesOutAfter = async (ms: number, body: object, prefer: string) => {
    const call = ask('POST', '/servers/p1/call', { message: 'later', ...body }, { prefer })
    const { handled } = runtime.info('p1')
    await until(() => runtime.info('p1').handled > handled)
    await clock.advance(ms - 1)
    let answered = false
    void call.then(() => {
      answered = true
    })
    await clock.advance(0)
    t.notOk(answered, `${prefer}: not yet`)
    await clock.advance(1)
    const { body: problem, headers } = await call
    t.equal(problem.code, 'call_timeout', prefer)
    return headers['preference-applied']
  }
  t.equal(await timesOutAfter(2000, {}, 'wait=2'), 'wait=2')
  t.equal(await timesOutAfter(2000, {}, 'handling=lenient, wait = "2"; foo'), 'wait=2')
  t.equal(await timesOutAfter(3_600_000, {}, 'wait=999999999'), 'wait=3600')
  t.equal(await timesOutAfter(70, { timeout: 70 }, 'wait=2'), undefined)
  t.equal(await timesOutAfter(5000, {}, 'wait=soon'), undefined)
  t.equal(await timesOutAfter(5000, {}, 'await=2'), undefined)
  t.equal(await timesOutAfter(5000, {}, 'handling=lenient; wait=2'), undefined, 'a parameter of another preference')
})

t.test('the typed routes take timeout and delay in the query', async (t) => {
  const { ask, start, runtime, clock } = await openGateway(t)
  await start('p1')
  const base = '/implementations/probe/servers/p1'
  const call = ask('POST', `${base}/call/later?timeout=30`)
  await until(() => runtime.info('p1').handled === 1)
  await clock.advance(30)
  t.equal((await call).body.code, 'call_timeout')
  const cast = await ask('POST', `${base}/cast/add?delay=1000`, { by: 1 })
  t.equal(cast.statusCode, 202)
  t.match(runtime.timers('p1'), [{ message: 'add', dueIn: 1000 }])
  t.equal(cast.headers['location'], `/servers/p1/timers/${(await runtime.timers('p1'))[0]?.ref}`)
  for (const query of ['timeout=1.5', 'timeout=-1', 'timeout=soon', 'timeout=', 'delay=1', 'wait=1']) {
    t.equal((await ask('POST', `${base}/call/ping?${query}`)).body.code, 'invalid_request', query)
  }
})

t.test('a typed start takes the args as body and the options in the query', async (t) => {
  const { ask } = await openGateway(t)
  const query = 'id=p1&restart=permanent&restartFrom=init&mailbox=9&shutdown=10&timeout=100'
  const { statusCode, headers, body } = await ask('POST', `/implementations/probe/servers?${query}`, { secret: 'x' })
  t.equal(statusCode, 201)
  t.equal(headers['location'], '/servers/p1')
  t.match(body, { id: 'p1', restart: 'permanent', restartFrom: 'init', mailbox: { limit: 9 } })
  t.equal((await ask('POST', '/implementations/probe/servers')).statusCode, 201)
  t.equal((await ask('POST', '/implementations/probe/servers', { init: 'ignore' })).body.status, 'ignored')
  t.equal((await ask('POST', '/implementations/probe/servers', { colour: 1 })).body.code, 'invalid_args')
  t.equal((await ask('POST', '/implementations/probe/servers?id=a%20b')).body.code, 'invalid_request')
})

t.test('a typed route does not reach a server of another implementation', async (t) => {
  const other = defineServer({
    state: Type.Object({}),
    calls: { ping: { reply: Type.String() } },
    casts: { poke: {} },
    init: () => ({}),
    handleCall: { ping: () => 'other' },
    handleCast: { poke: () => {} },
  })
  const { ask, start } = await openGateway(t, { other })
  await start('p1')
  t.equal((await ask('POST', '/implementations/other/servers/p1/call/ping')).body.code, 'unknown_server')
  t.equal((await ask('POST', '/implementations/other/servers/p1/cast/poke')).body.code, 'unknown_server')
  t.equal((await ask('POST', '/implementations/probe/servers/p1/call/ping')).body.reply, 'pong')
})

t.test('a name that a typed route does not find is told in the words of the runtime', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  const detail = async (url: string, body?: object) => (await ask('POST', url, body)).body.detail
  const pingAsCast = await detail('/servers/p1/cast', { message: 'ping' })
  t.equal(pingAsCast, 'probe has no cast ping; it is a call')
  t.equal(await detail('/implementations/probe/servers/p1/cast/ping'), pingAsCast)
  const pong = await detail('/servers/p1/call', { message: 'pong' })
  t.equal(pong, 'probe has no call pong')
  t.equal(await detail('/implementations/probe/servers/p1/call/pong'), pong)
  t.equal(await detail('/implementations/probe/servers/nobody/call/pong'), pong)
  const nope = await detail('/servers', { implementation: 'nope' })
  t.equal(nope, 'there is no implementation nope')
  t.equal(await detail('/implementations/nope/servers'), nope)
  t.equal(await detail('/implementations/nope/servers/p1/call/ping'), nope)
  t.equal((await ask('GET', '/implementations/nope')).body.detail, nope)
})

t.test('an implementation whose name a route pattern cannot spell has typed routes too', async (t) => {
  const { ask, runtime } = await openGateway(t, { 'a:b (é)': probe })
  await runtime.start('a:b (é)', {}, { id: 'o1' })
  const base = `/implementations/${encodeURIComponent('a:b (é)')}/servers`
  t.equal((await ask('POST', base)).statusCode, 201)
  t.equal((await ask('POST', `${base}/o1/call/ping`)).body.reply, 'pong')
  t.equal((await ask('POST', `${base}/o1/cast/add`, { by: 1 })).statusCode, 202)
  t.equal((await ask('POST', `${base}/o1/cast/ping`)).body.code, 'unknown_message')
  t.equal((await ask('POST', '/implementations/a/servers/o1/cast/add')).body.code, 'unknown_implementation')
})

t.test('If-Match lets a message through only where the state has that revision', async (t) => {
  const { ask, start, runtime } = await openGateway(t)
  await start('p1')
  const add = { message: 'add', args: { by: 1 } }
  const call = (tag: string) => ask('POST', '/servers/p1/call', add, { 'if-match': tag })
  t.equal((await call('"1"')).statusCode, 200)
  const stale = await call('"1"')
  t.equal(stale.statusCode, 412)
  t.match(stale.body, { code: 'revision_mismatch', effect: 'none' })
  t.equal((await call('*')).statusCode, 200)
  for (const tag of ['3', 'W/"3"', '"3", "4"', '"x"', '""', '"-1"']) {
    t.equal((await call(tag)).body.code, 'invalid_request', tag)
  }
  t.equal((await ask('POST', '/servers/p1/cast', add, { 'if-match': '"1"' })).statusCode, 202)
  t.equal((await ask('POST', '/servers/p1/cast', add, { 'if-match': 'x' })).body.code, 'invalid_request')
  t.equal((await ask('POST', '/servers/p1/call', { message: 'ping' })).headers['etag'], '"3"', 'the cast did not run')
  const typed = '/implementations/probe/servers/p1'
  t.equal((await ask('POST', `${typed}/call/add`, { by: 1 }, { 'if-match': '"1"' })).statusCode, 412)
  t.equal((await ask('POST', `${typed}/call/add`, { by: 1 }, { 'if-match': '"3"' })).statusCode, 200)
  t.match(runtime.state('p1'), { state: { n: 3 } })
})

t.test('a start in a call or a cast that fails is told as a start is', async (t) => {
  const { ask, clock } = await openGateway(t)
  for (const [init, code] of [
    ['refuse', 'init_refused'],
    ['crash', 'init_crashed'],
  ]) {
    const start = { implementation: 'probe', args: { init } }
    const answer = ask('POST', '/servers/p3/call', { message: 'ping', start })
    await clock.advance(5000)
    t.equal((await answer).body.code, code)
  }
  for (const [args, code] of [
    [{ init: 7 }, 'invalid_args'],
    [{ colour: 'red' }, 'invalid_args'],
  ] as const) {
    const start = { implementation: 'probe', args }
    t.equal((await ask('POST', '/servers/p3/call', { message: 'ping', start })).body.code, code)
    t.equal((await ask('POST', '/servers/p3/cast', { message: 'crashSoon', start })).body.code, code)
  }
  const start = { implementation: 'nobody' }
  t.equal((await ask('POST', '/servers/p3/call', { message: 'ping', start })).body.code, 'unknown_implementation')
})

t.test('a condition that is not understood concerns no other request', async (t) => {
  const { ask, runtime } = await openGateway(t)
  await ask('POST', '/servers', { implementation: 'probe', id: 'p1' })
  const body = { message: 'add', args: { by: 1 } }
  for (const path of ['call', 'cast']) {
    t.equal((await ask('POST', `/servers/p1/${path}`, body, { 'if-match': 'bad' })).statusCode, 400, path)
    t.equal(await runtime.call('p1', 'ping'), 'pong', `after a ${path}, in process`)
  }
})

t.test('a reply that is longer than a string can be is a problem, and the server lives', async (t) => {
  const large = defineServer({
    state: Type.Object({ n: Type.Integer() }),
    calls: { all: { reply: Type.Unknown() }, count: { reply: Type.Integer() } },
    init: () => ({ n: 0 }),
    handleCall: {
      all: (state) => {
        state.n++
        return Array(9).fill('x'.repeat(2 ** 26))
      },
      count: (state) => state.n,
    },
  })
  const { ask } = await openGateway(t, { large })
  await ask('POST', '/servers', { implementation: 'large', id: 'l1' })
  const { statusCode, body } = await ask('POST', '/servers/l1/call', { message: 'all' })
  t.equal(statusCode, 500)
  t.match(body, { code: 'internal_error', effect: 'unknown' })
  t.match((await ask('POST', '/servers/l1/call', { message: 'count' })).body, { reply: 1 })
})
