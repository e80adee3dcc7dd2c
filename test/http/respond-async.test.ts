/** Calls whose answer is asked for later (`Prefer: respond-async`, RFC 7240). */
import { defineServer, Type } from 'genservers'
import t, { type Test } from 'tap'
import { StoreFull } from '../../src/adapters.js'
import { heldStore } from '../core/durable/held-store.js'
import { openGateway, until } from './open-gateway.js'

const worker = (durable: boolean) =>
  defineServer({
    durable,
    state: Type.Object({ n: Type.Integer(), waiting: Type.Array(Type.String()) }),
    calls: {
      work: { args: Type.Object({ by: Type.Integer({ default: 1 }) }), reply: Type.Integer() },
      look: { reply: Type.Integer(), readOnly: true },
      crash: { reply: Type.Null() },
      defer: { reply: Type.Integer() },
    },
    casts: { settle: {} },
    init: () => ({ n: 0, waiting: [] as string[] }),
    handleCall: {
      work: (state, { by }) => {
        state.n += by
        return state.n
      },
      look: ({ n }) => n,
      crash: () => {
        throw new Error('boom')
      },
      defer: (state, _args, ctx) => {
        state.waiting.push(ctx.from)
        return ctx.noReply()
      },
    },
    handleCast: {
      settle: (state, _args, ctx) => {
        for (const from of state.waiting.splice(0)) ctx.reply(from, 42)
      },
    },
  })

async function working(t: Test, durable: boolean, store = heldStore()) {
  const world = await openGateway(t, { worker: worker(durable) }, {}, store.store)
  const { ask } = world
  const prefer = (preference = 'respond-async') => ({ prefer: preference })
  const later = (message: string, args?: object, more: object = {}, preference?: string) =>
    ask('POST', '/servers/w/call', { message, args, ...more }, prefer(preference))
  const start = () => world.runtime.start('worker', {}, { id: 'w' })
  const placeOf = ({ headers }: { headers: Readonly<Record<string, string | undefined>> }) =>
    String(headers['location'])
  const answered = async (place: string) => {
    for (;;) {
      const answer = await ask('GET', place)
      if (answer.statusCode !== 202) return answer
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
  const next = async ({ restore = true } = {}) => {
    const other = await working(t, durable, store)
    if (restore) await other.runtime.restore()
    return other
  }
  return { ...world, ...store, later, start, placeOf, answered, next }
}

for (const durable of [false, true]) {
  const of = durable ? 'a durable server' : 'a server in memory'

  t.test(`${of}: the answer of a call is told where Location says`, async (t) => {
    const { ask, later, start, placeOf, answered, runtime } = await working(t, durable)
    await start()
    runtime.suspend('w')
    const sent = await later('work', { by: 3 })
    t.match(sent, { statusCode: 202, text: '', headers: { 'preference-applied': 'respond-async' } })
    t.match(placeOf(sent), /^\/calls\/[0-9a-f-]{36}\.w$/)
    t.match(await ask('GET', placeOf(sent)), { statusCode: 202, text: '' })
    runtime.resume('w')
    t.match(await answered(placeOf(sent)), { statusCode: 200, body: { reply: 3 }, headers: { etag: '"2"' } })
    t.match(await ask('GET', placeOf(sent)), { statusCode: 200, body: { reply: 3 } }, 'again')
    const looked = placeOf(await later('look'))
    t.match(await answered(looked), { statusCode: 200, body: { reply: 3 } })
  })

  t.test(`${of}: whoever looks may wait for the answer`, async (t) => {
    const { ask, later, start, placeOf, runtime, clock } = await working(t, durable)
    await start()
    const sent = placeOf(await later('defer'))
    const first = ask('GET', `${sent}?wait=2`)
    await until(() => clock.pending > 0)
    await clock.advance(2000)
    t.match(await first, { statusCode: 202 })
    const second = ask('GET', `${sent}?wait=60`)
    await until(() => clock.pending > 0)
    await runtime.cast('w', 'settle')
    t.match(await second, { statusCode: 200, body: { reply: 42 } })
    t.match(await ask('GET', `${sent}?wait=61`), { statusCode: 400 })
  })

  t.test(`${of}: what goes wrong is told as the call itself would have`, async (t) => {
    const { ask, later, start, placeOf, answered } = await working(t, durable)
    t.match(await later('work'), { statusCode: 404, body: { code: 'unknown_server' } })
    await start()
    t.match(await later('nothing'), { statusCode: 404, body: { code: 'unknown_message' } })
    t.match(await later('work', { by: 'x' }), { statusCode: 400, body: { code: 'invalid_args' } })
    t.match(await answered(placeOf(await later('crash'))), {
      statusCode: 500,
      body: { code: 'server_crashed', effect: 'none' },
    })
    t.match(await answered(placeOf(await later('work'))), { statusCode: 200, body: { reply: 1 } })
    for (const ref of ['none', '8e03978e-40d5-43dd-bc93-6894a57f9324.w', '8e03978e-40d5-43dd-bc93-6894a57f9324.']) {
      t.match(await ask('GET', `/calls/${ref}`), { statusCode: 404, body: { code: 'unknown_call' } }, ref)
    }
  })

  t.test(`${of}: with wait the answer is told at once if it comes in time`, async (t) => {
    const { later, start, clock } = await working(t, durable)
    await start()
    t.match(await later('work', {}, {}, 'respond-async, wait=5'), { statusCode: 200, body: { reply: 1 } })
    const slow = later('defer', undefined, {}, 'respond-async, wait=5')
    await until(() => clock.pending > 0)
    await clock.advance(5000)
    t.match(await slow, { statusCode: 202, headers: { location: String } })
  })

  t.test(`${of}: a server is started for it first where it says so`, async (t) => {
    const { later, placeOf, answered } = await working(t, durable)
    const start = { implementation: 'worker' }
    t.match(await answered(placeOf(await later('work', {}, { start }))), { statusCode: 200, body: { reply: 1 } })
    t.match(await answered(placeOf(await later('work', {}, { start }))), { statusCode: 200, body: { reply: 2 } })
    const other = { implementation: 'probe' }
    t.match(await answered(placeOf(await later('work', {}, { start: other }))), { statusCode: 200, body: { reply: 3 } })
  })
}

t.test('a call that was accepted is kept: another process runs it, once, and knows its answer', async (t) => {
  const world = await working(t, true)
  const { later, start, placeOf, answered, runtime } = world
  await start()
  const done = placeOf(await later('work', { by: 1 }))
  await answered(done)
  runtime.suspend('w')
  const waiting = placeOf(await later('work', { by: 10 }))
  const crashing = placeOf(await later('crash'))
  const looking = placeOf(await later('look'))
  // This process does nothing with it any more, as if it had been killed.
  const before = await world.next({ restore: false })
  t.match(await before.ask('GET', waiting), { statusCode: 202 }, 'it is known before its server is there')
  const other = await world.next()
  t.match(await other.answered(waiting), { statusCode: 200, body: { reply: 11 } })
  t.match(await other.answered(done), { statusCode: 200, body: { reply: 1 } })
  t.match(await other.answered(crashing), { statusCode: 500, body: { code: 'server_crashed' } })
  t.match(await other.answered(looking), { statusCode: 200, body: { reply: 11 } })
  t.match((await other.runtime.state('w')).state, { n: 11 })
  t.same((await world.store.load('w'))?.casts, [])
})

t.test('a process that waits for the answer of another one sees it come', async (t) => {
  const world = await working(t, true)
  await world.start()
  const place = placeOfDeferred(await world.later('defer'))
  const other = await world.next({ restore: false })
  const looking = other.ask('GET', `${place}?wait=10`)
  await until(() => other.clock.pending > 0)
  await world.runtime.cast('w', 'settle')
  await world.answered(place)
  await other.clock.advance(50)
  t.match(await looking, { statusCode: 200, body: { reply: 42 } })
})

const placeOfDeferred = ({ headers }: { headers: Readonly<Record<string, string | undefined>> }) =>
  String(headers['location'])

t.test('a call that cannot be kept is not accepted', async (t) => {
  const { later, start, commits, placeOf, answered } = await working(t, true)
  await start()
  commits.fail(new StoreFull('no room'))
  t.match(await later('work'), { statusCode: 503, body: { code: 'storage_failed', effect: 'none' } })
  commits.recover()
  t.match(await answered(placeOf(await later('work'))), { statusCode: 200, body: { reply: 1 } })
})

t.test('with an Idempotency-Key the call is waited for, and done once', async (t) => {
  const { ask, start } = await working(t, false)
  await start()
  const headers = { prefer: 'respond-async', 'idempotency-key': 'k' }
  for (let i = 0; i < 2; i++) {
    t.match(await ask('POST', '/servers/w/call', { message: 'work' }, headers), { statusCode: 200, body: { reply: 1 } })
  }
})

t.test('a typed route, whose answer has a type of its own, waits', async (t) => {
  const { ask, start } = await working(t, false)
  await start()
  const sent = await ask('POST', '/implementations/worker/servers/w/call/work', { by: 4 }, { prefer: 'respond-async' })
  t.match(sent, { statusCode: 200, body: { reply: 4 } })
  t.equal(sent.headers['preference-applied'], undefined)
})
