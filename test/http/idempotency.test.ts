/** Idempotency-Key: a request that is sent again is done once (reliability T15). */
import t, { type Test } from 'tap'
import { StoreFull } from '../../src/adapters.js'
import type { GatewayOptions } from '../../src/gateway.js'
import { heldStore } from '../core/durable/held-store.js'
import { openMeter } from './meter.js'
import { until } from './open-gateway.js'

async function metered(t: Test, durable: boolean, options: GatewayOptions = {}, held = heldStore()) {
  const world = await openMeter(t, durable, options, held.store)
  /** Another process on the same store. */
  const next = async () => {
    const other = await metered(t, durable, options, held)
    await other.runtime.restore()
    return other
  }
  return { ...world, ...held, next }
}

for (const durable of [false, true]) {
  const of = durable ? 'a durable server' : 'a server in memory'

  t.test(`${of}: a call with a key is done once, and answered the same`, async (t) => {
    const { call, start, n } = await metered(t, durable)
    await start()
    const first = await call('add', { by: 2 }, 'k1')
    t.match(first, { statusCode: 200, body: { reply: 2 }, headers: { etag: '"2"' } })
    await call('add', { by: 10 })
    const again = await call('add', { by: 2 }, 'k1')
    t.match(again, { statusCode: 200, text: first.text, headers: { etag: '"2"' } })
    t.match(await call('add', { by: 2 }, 'k1', { timeout: 70 }), { statusCode: 200 }, 'how long it waits means nothing')
    t.match(await call('add', { by: 2 }, '"k1"'), { statusCode: 200 }, 'as a structured field too')
    t.equal(await n(), 12)
    t.match(await call('add', { by: 3 }, 'k1'), {
      statusCode: 422,
      body: { code: 'idempotency_conflict', effect: 'none' },
    })
    t.match(await call('look', undefined, 'k1'), { statusCode: 422 })
    t.match(await call('add', { by: 3 }, 'k2'), { statusCode: 200, body: { reply: 15 } })
    t.equal(await n(), 15)
  })

  t.test(`${of}: casts and starts with a key are done once`, async (t) => {
    const { ask, cast, key, n, runtime } = await metered(t, durable)
    const body = { implementation: 'meter', id: 'm', args: { from: 5 } }
    const started = await ask('POST', '/servers', body, key('s'))
    t.match(started, { statusCode: 201, headers: { location: '/servers/m' }, body: { id: 'm' } })
    t.same((await ask('POST', '/servers', body, key('s'))).body, started.body)
    t.match(await ask('POST', '/servers', { ...body, id: 'other' }, key('s')), { statusCode: 422 })
    t.match(await ask('POST', '/servers', body), { statusCode: 409, body: { code: 'already_started' } })
    const unnamed = { implementation: 'meter' }
    const made = await ask('POST', '/servers', unnamed, key('u'))
    t.equal((await ask('POST', '/servers', unnamed, key('u'))).body.id, made.body.id)
    const typed = await ask('POST', '/implementations/meter/servers?id=typed', { from: 1 }, key('t'))
    t.same((await ask('POST', '/implementations/meter/servers?id=typed', { from: 1 }, key('t'))).body, typed.body)
    for (let i = 0; i < 3; i++) t.match(await cast('plus', { by: 1 }, 'c'), { statusCode: 202 })
    t.equal(await n(), 6)
    t.match(await cast('plus', { by: 2 }, 'c'), { statusCode: 422 })
    t.match(
      await ask('POST', '/servers/m/call', { message: 'look' }, key('c')),
      { statusCode: 422 },
      'a call is no cast',
    )
    const later = await cast('plus', { by: 1 }, 'd', { delay: 1000 })
    const same = await cast('plus', { by: 1 }, 'd', { delay: 1000 })
    t.equal(same.headers['location'], later.headers['location'])
    t.equal((await runtime.timers('m')).length, 1)
  })

  t.test(`${of}: many at once with one key have one effect`, async (t) => {
    const { call, start, n } = await metered(t, durable)
    await start()
    const answers = await Promise.all(Array.from({ length: 50 }, () => call('add', { by: 1 }, 'k')))
    const statuses = answers.map(({ statusCode }) => statusCode)
    t.ok(
      statuses.every((status) => status === 200 || status === 409),
      String(statuses),
    )
    t.ok(statuses.includes(200))
    t.equal(await n(), 1)
  })

  t.test(`${of}: what had no effect may be sent again under its key`, async (t) => {
    const { call, start, n, ask, key } = await metered(t, durable)
    t.match(await call('add', { by: 1 }, 'k'), { statusCode: 404 })
    await start()
    t.match(await call('add', { by: 1 }, 'k'), { statusCode: 200 })
    t.match(await call('crash', undefined, 'x'), { statusCode: 500 })
    t.match(await call('add', { by: 1 }, 'x'), { statusCode: 200 })
    t.match(await ask('POST', '/servers', { implementation: 'nobody' }, key('y')), { statusCode: 404 })
    t.match(await ask('POST', '/servers', { implementation: 'meter' }, key('y')), { statusCode: 201 })
    t.equal(await n(), 2)
  })

  t.test(`${of}: a call that was taken goes on without its caller, and its answer is there for the next`, async (t) => {
    const { call, cast, start, n, clock, runtime } = await metered(t, durable)
    await start()
    const first = call('defer', undefined, 'k', { timeout: 100 })
    await until(() => runtime.info('m').handled === 1)
    t.match(await call('defer', undefined, 'k'), { statusCode: 409, body: { code: 'idempotency_conflict' } })
    await clock.advance(100)
    t.match(await first, { statusCode: 504, body: { effect: 'unknown' } })
    t.match(await call('defer', undefined, 'k'), { statusCode: 409 })
    await cast('settle')
    t.match(await call('defer', undefined, 'k'), { statusCode: 200, body: { reply: 1 } })
    t.equal(await n(), 1)
  })

  t.test(`${of}: a call that waits is not taken when its time is over, and may be sent again`, async (t) => {
    const { call, start, n, clock, runtime } = await metered(t, durable)
    await start()
    runtime.suspend('m')
    const first = call('add', { by: 1 }, 'k', { timeout: 100 })
    await until(() => runtime.info('m').mailbox.length === 1)
    await clock.advance(100)
    t.match(await first, { statusCode: 504, body: { effect: 'none' } })
    runtime.resume('m')
    t.match(await call('add', { by: 1 }, 'k'), { statusCode: 200, body: { reply: 1 } })
    t.equal(await n(), 1)
  })

  t.test(`${of}: the answer of its last call is known when it has ended`, async (t) => {
    const { call, start } = await metered(t, durable)
    await start()
    t.match(await call('leave', undefined, 'k'), { statusCode: 200, body: { reply: 'left' } })
    t.match(await call('leave', undefined, 'k'), { statusCode: 200, body: { reply: 'left' } })
    t.match(await call('leave', undefined, 'other'), { statusCode: 410 })
  })

  t.test(`${of}: a key is forgotten after its time`, async (t) => {
    const { call, start, n, clock } = await metered(t, durable, { idempotencyRetention: 1000 })
    await start()
    await call('add', { by: 1 }, 'k')
    await clock.advance(999)
    await call('add', { by: 1 }, 'k')
    t.equal(await n(), 1)
    await clock.advance(1)
    t.match(await call('add', { by: 5 }, 'k'), { statusCode: 200 })
    t.equal(await n(), 6)
  })
}

t.test('a request that takes longer than its key is known is still done once', async (t) => {
  const { call, cast, start, runtime, clock } = await metered(t, false, { idempotencyRetention: 1000 })
  await start()
  const first = call('defer', undefined, 'k', { timeout: 100_000 })
  await until(() => runtime.info('m').handled === 1)
  await clock.advance(2000)
  t.match(await call('defer', undefined, 'k'), { statusCode: 409, body: { code: 'idempotency_conflict' } })
  t.equal(runtime.info('m').handled, 1)
  await cast('crashNow')
  await first
})

t.test('a call whose server crashed before its reply was due has had an effect, and is not done again', async (t) => {
  const { call, cast, start, n, runtime } = await metered(t, false)
  await start()
  const first = call('defer', undefined, 'k')
  await until(() => runtime.info('m').handled === 1)
  await cast('crashNow')
  t.match(await first, { statusCode: 500, body: { code: 'server_crashed', effect: 'unknown' } })
  t.match(await call('defer', undefined, 'k'), { statusCode: 500, body: { code: 'server_crashed', effect: 'unknown' } })
  t.equal(await n(), 1)
})

t.test('another process knows what durable servers answered', async (t) => {
  const world = await metered(t, true)
  const { ask, call, cast, key, runtime, clock } = world
  const body = { implementation: 'meter', id: 'm' }
  const started = await ask('POST', '/servers', body, key('s'))
  const added = await call('add', { by: 2 }, 'k')
  await cast('plus', { by: 1 }, 'c')
  const timer = await cast('plus', { by: 1 }, 'd', { delay: 100_000 })
  const deferred = call('defer', undefined, 'lost')
  await until(() => runtime.info('m').handled === 3)
  await call('leave', undefined, 'left')
  t.equal((await deferred).statusCode, 410)
  const closed = runtime.close({ timeout: 0 })
  await clock.advance(1000)
  await closed
  const other = await world.next()
  t.same((await other.ask('POST', '/servers', body, key('s'))).body, started.body)
  const again = await other.call('add', { by: 2 }, 'k')
  t.same([again.statusCode, again.text, again.headers['etag']], [200, added.text, added.headers['etag']])
  t.match(await other.call('add', { by: 3 }, 'k'), { statusCode: 422 })
  t.match(await other.cast('plus', { by: 1 }, 'c'), { statusCode: 202 })
  const same = await other.cast('plus', { by: 1 }, 'd', { delay: 100_000 })
  t.equal(same.headers['location'], timer.headers['location'])
  t.match(await other.call('leave', undefined, 'left'), { statusCode: 200, body: { reply: 'left' } })
  t.match(await other.call('defer', undefined, 'lost'), { statusCode: 500, body: { effect: 'unknown' } })
})

t.test('what could not be kept is not known either', async (t) => {
  const { call, start, n, commits } = await metered(t, true)
  await start()
  commits.fail(new StoreFull('no room'))
  t.match(await call('add', { by: 1 }, 'k'), { statusCode: 503, body: { code: 'storage_failed', effect: 'none' } })
  commits.recover()
  t.match(await call('add', { by: 1 }, 'k'), { statusCode: 200, body: { reply: 1 } })
  t.equal(await n(), 1)
})

t.test('an answer is kept in the commit that holds what it tells', async (t) => {
  const { call, start, commits } = await metered(t, true)
  await start()
  commits.hold()
  const answered = call('add', { by: 1 }, 'k')
  await until(() => commits.held.length === 1)
  t.match(commits.held, [
    [
      { kind: 'state', revision: 2 },
      { kind: 'answer', answer: { scope: 'servers/m', key: 'k' } },
    ],
  ])
  commits.release()
  t.equal((await answered).statusCode, 200)
})

t.test('what is no key is refused', async (t) => {
  const { call, cast, ask, start } = await metered(t, false)
  await start()
  for (const bad of ['', ' ', 'a b', 'x'.repeat(256), '"', '"a', 'ü'.normalize()]) {
    t.match(await call('add', { by: 1 }, bad), { statusCode: 400, body: { code: 'invalid_request' } }, bad)
  }
  t.match(await cast('plus', { by: 1 }, 'a b'), { statusCode: 400 })
  t.match(await ask('POST', '/servers', { implementation: 'meter' }, { 'idempotency-key': 'a b' }), { statusCode: 400 })
  t.match(await call('add', { by: 1 }, 'x'.repeat(255)), { statusCode: 200 })
})
