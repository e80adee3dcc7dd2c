import t from 'tap'
import { openGateway, until } from './open-gateway.js'

t.test('POST /servers starts a server and says where it is', async (t) => {
  const { ask } = await openGateway(t)
  const answer = await ask('POST', '/servers', { implementation: 'probe', id: 'p1', restart: 'permanent', mailbox: 7 })
  t.equal(answer.statusCode, 201)
  t.equal(answer.headers['location'], '/servers/p1')
  t.match(answer.body, { id: 'p1', implementation: 'probe', status: 'running', restart: 'permanent', incarnation: 1 })
  t.equal(answer.body.mailbox.limit, 7)
})

t.test('without an id the gateway makes one, and it can be used', async (t) => {
  const { ask } = await openGateway(t)
  const { body, headers } = await ask('POST', '/servers', { implementation: 'probe' })
  t.equal(headers['location'], `/servers/${body.id}`)
  t.equal((await ask('GET', `/servers/${body.id}`)).statusCode, 200)
})

t.test('a start that init ignores is a success without a server', async (t) => {
  const { ask } = await openGateway(t)
  const args = { init: 'ignore' }
  const answer = await ask('POST', '/servers', { implementation: 'probe', id: 'p1', args })
  t.equal(answer.statusCode, 200)
  t.same(answer.body, { status: 'ignored' })
  t.equal(answer.headers['location'], undefined)
  t.same((await ask('PUT', '/servers/p1', { implementation: 'probe', args })).body, { status: 'ignored' })
  t.equal((await ask('GET', '/servers/p1')).statusCode, 404)
})

t.test('PUT starts a server once', async (t) => {
  const { ask } = await openGateway(t)
  const first = await ask('PUT', '/servers/p1', { implementation: 'probe' })
  t.equal(first.statusCode, 201)
  t.equal(first.headers['location'], '/servers/p1')
  const second = await ask('PUT', '/servers/p1', { implementation: 'probe' })
  t.equal(second.statusCode, 200)
  t.equal(second.headers['location'], undefined)
  t.same(second.body.startedAt, first.body.startedAt)
})

t.test('the options of a start are taken in the body, and nothing else is', async (t) => {
  const { ask } = await openGateway(t)
  const wrong = {
    implementation: 7,
    id: 'a/b',
    restart: 'often',
    restartFrom: 'scratch',
    shutdown: -1,
    mailbox: 0,
    timeout: '5',
    colour: 'red',
  }
  const answer = await ask('POST', '/servers', wrong)
  t.equal(answer.statusCode, 400)
  t.equal(answer.body.code, 'invalid_request')
  t.same(
    answer.body.errors.map(({ path }: { path: string }) => path).sort(),
    Object.keys(wrong)
      .map((key) => `/${key}`)
      .sort(),
  )
  t.equal((await ask('PUT', '/servers/p1', { implementation: 'probe', id: 'p2' })).body.code, 'invalid_request')
  t.same((await ask('GET', '/servers')).body, { servers: [] })
})

t.test('GET /servers pages through all servers in the order of their ids', async (t) => {
  const { ask, start } = await openGateway(t)
  for (const id of ['b', 'a', 'c', 'B']) await start(id)
  const first = await ask('GET', '/servers?limit=3')
  t.same(
    first.body.servers.map(({ id }: { id: string }) => id),
    ['B', 'a', 'b'],
  )
  const second = await ask('GET', `/servers?limit=3&after=${first.body.next}`)
  t.same(
    second.body.servers.map(({ id }: { id: string }) => id),
    ['c'],
  )
  t.notOk('next' in second.body)
})

t.test('GET /servers finds by implementation and by status', async (t) => {
  const { ask, start, runtime, clock } = await openGateway(t)
  await start('up')
  const hanging = start('starting', { init: 'hang' }).catch(() => {})
  t.same((await ask('GET', '/servers?status=starting')).body.servers.length, 1)
  t.same((await ask('GET', '/servers?status=running&implementation=probe')).body.servers[0].id, 'up')
  runtime.kill('starting')
  await clock.advance(5000)
  await hanging
})

t.test('the query is checked: bad values and unknown names are told', async (t) => {
  const { ask } = await openGateway(t)
  for (const query of [
    'limit=0',
    'limit=1001',
    'limit=Infinity',
    'limit=-1e999',
    'limit=x',
    'limit=',
    'status=dead',
    'limit=1&limit=2',
    'colour=red',
  ]) {
    const { statusCode, body } = await ask('GET', `/servers?${query}`)
    t.equal(statusCode, 400, query)
    t.equal(body.errors[0].path, `/${query.split('=')[0]}`, query)
  }
})

t.test('GET /servers/{id} answers while a message is stuck, and says which', async (t) => {
  const { ask, start, runtime, clock, app } = await openGateway(t)
  await start('p1')
  const stuck = app.inject({ method: 'POST', url: '/servers/p1/call', payload: { message: 'block', timeout: 3000 } })
  await until(() => runtime.info('p1').current !== null)
  await clock.advance(1000)
  const { statusCode, body } = await ask('GET', '/servers/p1')
  t.equal(statusCode, 200)
  t.match(body.current, { kind: 'call', message: 'block', runningFor: 1000 })
  await clock.advance(2000)
  t.equal((await stuck).statusCode, 504)
})

t.test('DELETE waits for the end of the server, and the id tells how it ended', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  const stopped = await ask('DELETE', '/servers/p1?reason=shutdown')
  t.equal(stopped.statusCode, 204)
  t.equal(stopped.text, '')
  const gone = await ask('GET', '/servers/p1')
  t.equal(gone.statusCode, 410)
  t.match(gone.body, { code: 'server_exited', reason: 'shutdown', exitedAt: '2026-01-01T00:00:00.000Z' })
})

t.test('a stop that is not done in time is 504, and the order stands', async (t) => {
  const { ask, start, runtime, clock, app } = await openGateway(t)
  await start('p1')
  const stuck = app.inject({ method: 'POST', url: '/servers/p1/call', payload: { message: 'block', timeout: 3000 } })
  await until(() => runtime.info('p1').current !== null)
  const stop = ask('DELETE', '/servers/p1?timeout=100')
  await until(() => runtime.info('p1').mailbox.length > 0)
  await clock.advance(100)
  t.equal((await stop).body.code, 'call_timeout')
  await clock.advance(3000)
  await stuck
  t.equal((await ask('GET', '/servers/p1')).statusCode, 410)
})

t.test('reason=kill ends a stuck server at once', async (t) => {
  const { ask, start, runtime, app } = await openGateway(t)
  await start('p1')
  const stuck = app.inject({ method: 'POST', url: '/servers/p1/call', payload: { message: 'block' } })
  await until(() => runtime.info('p1').current !== null)
  t.equal((await ask('DELETE', '/servers/p1?reason=kill')).statusCode, 204)
  t.match((await stuck).json(), { reason: 'killed' })
  t.match((await ask('GET', '/servers/p1')).body, { code: 'server_exited', reason: 'killed' })
})

t.test('If-Match guards a stop and a kill', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  for (const query of ['', '?reason=kill']) {
    const { statusCode, body } = await ask('DELETE', `/servers/p1${query}`, undefined, { 'if-match': '"99"' })
    t.equal(statusCode, 412)
    t.equal(body.code, 'revision_mismatch')
  }
  t.equal((await ask('DELETE', '/servers/p1', undefined, { 'if-match': '"1"' })).statusCode, 204)
})

t.test('GET state shows what redact leaves, with the revision as ETag', async (t) => {
  const { ask, start, runtime } = await openGateway(t)
  await start('p1', { secret: 'deep' })
  await runtime.call('p1', 'add', { by: 5 })
  const { statusCode, headers, body } = await ask('GET', '/servers/p1/state')
  t.equal(statusCode, 200)
  t.same(body, { state: { n: 5 }, revision: 2, incarnation: 1 })
  t.equal(headers['etag'], '"2"')
  t.equal(headers['cache-control'], 'no-cache', 'a cache asks each time, with the ETag')
})

t.test('If-None-Match spares the client a state that it has', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  for (const [tag, status] of [
    ['"1"', 304],
    ['W/"1"', 304],
    ['"7", "1"', 304],
    ['*', 304],
    ['"2"', 200],
    ['1', 200],
  ] as const) {
    const answer = await ask('GET', '/servers/p1/state', undefined, { 'if-none-match': tag })
    t.equal(answer.statusCode, status, tag)
    t.equal(answer.headers['etag'], '"1"', tag)
    t.equal(answer.headers['cache-control'], 'no-cache', tag)
  }
})

t.test('If-Match shows a state only where it has that revision', async (t) => {
  const { ask, start } = await openGateway(t)
  await start('p1')
  for (const [tag, status, code] of [
    ['"1"', 200, undefined],
    ['*', 200, undefined],
    ['"2"', 412, 'revision_mismatch'],
    ['1', 400, 'invalid_request'],
  ] as const) {
    // A condition on what is there comes before one on what the client has (RFC 9110, section 13.2.2).
    const headers = { 'if-match': tag, ...(status !== 200 && { 'if-none-match': '"1"' }) }
    const answer = await ask('GET', '/servers/p1/state', undefined, headers)
    t.equal(answer.statusCode, status, tag)
    t.equal(answer.body.code, code, tag)
  }
})

t.test(
  'what is ended or cancelled takes no body: one that says something is refused, and nothing is done',
  async (t) => {
    const { ask, start, runtime } = await openGateway(t)
    await start('p1')
    const ref = runtime.cast('p1', 'add', { by: 1 }, { delay: 1000 })
    for (const url of ['/servers/p1', `/servers/p1/timers/${ref}`, '/servers/p1/dead-letters/1']) {
      for (const body of [{ reason: 'kill' }, [1], '"x"'])
        t.equal(
          (await ask('DELETE', url, body, { 'content-type': 'application/json' })).body.code,
          'invalid_request',
          url,
        )
    }
    t.equal(runtime.info('p1').status, 'running')
    t.equal((await ask('DELETE', `/servers/p1/timers/${ref}`, {})).statusCode, 204)
    t.equal((await ask('DELETE', '/servers/p1', '', { 'content-type': 'application/json' })).statusCode, 204)
  },
)

t.test('a delayed cast is a timer that can be listed and cancelled once', async (t) => {
  const { ask, start, clock } = await openGateway(t)
  await start('p1')
  const cast = await ask('POST', '/servers/p1/cast', { message: 'add', args: { by: 1 }, delay: 1000 })
  t.equal(cast.statusCode, 202)
  const [timer] = (await ask('GET', '/servers/p1/timers')).body.timers
  t.match(timer, { kind: 'cast', message: 'add', dueIn: 1000, dueAt: '2026-01-01T00:00:01.000Z' })
  t.equal(cast.headers['location'], `/servers/p1/timers/${timer.ref}`)
  t.equal((await ask('DELETE', `/servers/p1/timers/${timer.ref}`)).statusCode, 204)
  t.equal((await ask('DELETE', `/servers/p1/timers/${timer.ref}`)).body.code, 'unknown_timer')
  t.same((await ask('GET', '/servers/p1/timers')).body, { timers: [] })
  await clock.advance(2000)
  t.equal((await ask('GET', '/servers/p1/state')).body.state.n, 0)
})

t.test('a server that is not there has neither state nor timers', async (t) => {
  const { ask } = await openGateway(t)
  for (const path of ['', '/state', '/timers']) {
    t.equal((await ask('GET', `/servers/nobody${path}`)).body.code, 'unknown_server', path)
  }
  t.equal((await ask('DELETE', '/servers/nobody')).body.code, 'unknown_server')
  t.equal((await ask('DELETE', '/servers/nobody?reason=kill')).body.code, 'unknown_server')
  t.equal((await ask('DELETE', '/servers/nobody/timers/t1')).body.code, 'unknown_server')
})

t.test('an id that is none is told before anything looks for it', async (t) => {
  const { ask } = await openGateway(t)
  for (const id of ['', 'a%2Fb', 'a%20b', 'x'.repeat(129), '%C3%A9', 'a%00b']) {
    const { statusCode, body } = await ask('GET', `/servers/${id}`)
    t.equal(statusCode, 400, id)
    t.equal(body.code, 'invalid_request', id)
  }
  for (const id of ['.', '..']) {
    t.equal((await ask('POST', '/servers', { implementation: 'probe', id })).body.code, 'invalid_request', id)
  }
  t.equal((await ask('GET', `/servers/${'x'.repeat(128)}`)).body.code, 'unknown_server')
})
