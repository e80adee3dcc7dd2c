import { defineServer, GenServerError, Type } from 'genservers'
import t from 'tap'
import checkout from '../../implementations/checkout.js'
import stock from '../../implementations/stock.js'
import { runtimeOf } from './runtime-of.js'

const implementations = { checkout, stock }
const reserve = { args: Type.Object({ reservation: Type.String(), quantity: Type.Integer() }), reply: Type.Boolean() }

/** A stock that takes reservations and never answers. */
const silent = defineServer({
  state: Type.Object({ released: Type.Array(Type.String()) }),
  calls: { reserve, released: { reply: Type.Array(Type.String()) } },
  casts: { release: { args: Type.Object({ reservation: Type.String() }) } },
  init: () => ({ released: [] }),
  handleCall: {
    reserve: (_state, _args, ctx) => ctx.noReply(),
    released: (state) => state.released,
  },
  handleCast: {
    release: (state, { reservation }) => {
      state.released.push(reservation)
    },
  },
})

/** A stock that asks the order back before it answers. */
const nosy = defineServer({
  state: Type.Object({ code: Type.String() }),
  calls: { reserve, code: { reply: Type.String() } },
  casts: { collect: { args: Type.Object({ reservation: Type.String() }) } },
  init: () => ({ code: '' }),
  handleCall: {
    reserve: async (state, { reservation }, ctx) => {
      const [, order = ''] = reservation.split('/')
      try {
        await ctx.call<typeof checkout>(order, 'status')
      } catch (error) {
        if (error instanceof GenServerError) state.code = error.code
      }
      return true
    },
    code: (state) => state.code,
  },
  handleCast: { collect: () => {} },
})

const articles = (...ids: string[]) => ids.map((stock) => ({ stock, quantity: 2 }))

t.test('an order takes its articles, once', async (t) => {
  const { runtime } = runtimeOf(t, implementations)
  await runtime.start('stock', { quantity: 10 }, { id: 'apples' })
  await runtime.start('stock', { quantity: 2 }, { id: 'pears' })
  await runtime.start('checkout', { articles: articles('apples', 'pears') }, { id: 'order-1' })
  t.equal(await runtime.call<typeof checkout>('order-1', 'status'), 'open')
  t.same(await runtime.call<typeof checkout>('order-1', 'place'), { status: 'placed' })
  t.same(await runtime.call<typeof checkout>('order-1', 'place'), { status: 'placed' })
  t.equal(await runtime.call<typeof checkout>('order-1', 'status'), 'placed')
  t.equal(await runtime.call<typeof stock>('apples', 'left'), 8)
  t.equal(await runtime.call<typeof stock>('pears', 'left'), 0)
  t.same((await runtime.state('apples')).state, { left: 8, reserved: {} }, 'what was set aside is sold')
})

t.test('the same article on two lines is taken twice', async (t) => {
  const { runtime } = runtimeOf(t, implementations)
  await runtime.start('stock', { quantity: 10 }, { id: 'apples' })
  await runtime.start('checkout', { articles: articles('apples', 'apples') }, { id: 'order-1' })
  t.same(await runtime.call<typeof checkout>('order-1', 'place'), { status: 'placed' })
  t.equal(await runtime.call<typeof stock>('apples', 'left'), 6)
})

t.test('when one article is missing the others are put back, and the order can be placed later', async (t) => {
  const { runtime } = runtimeOf(t, implementations)
  await runtime.start('stock', { quantity: 10 }, { id: 'apples' })
  await runtime.start('stock', { quantity: 1 }, { id: 'pears' })
  await runtime.start('checkout', { articles: articles('apples', 'pears') }, { id: 'order-1' })
  const answer = { status: 'open', missing: 'pears', because: 'sold_out' }
  t.same(await runtime.call<typeof checkout>('order-1', 'place'), answer)
  t.equal(await runtime.call<typeof stock>('apples', 'left'), 10)
  t.equal(await runtime.call<typeof stock>('pears', 'left'), 1)
  await runtime.stop('pears')
  await runtime.start('stock', { quantity: 2 }, { id: 'pears' })
  t.same(await runtime.call<typeof checkout>('order-1', 'place'), { status: 'placed' })
  t.equal(await runtime.call<typeof stock>('apples', 'left'), 8)
})

t.test('when a stock does not exist the order says so and takes nothing', async (t) => {
  const { runtime } = runtimeOf(t, implementations)
  await runtime.start('stock', { quantity: 10 }, { id: 'apples' })
  await runtime.start('checkout', { articles: articles('apples', 'plums') }, { id: 'order-1' })
  const answer = { status: 'open', missing: 'plums', because: 'unknown_server' }
  t.same(await runtime.call<typeof checkout>('order-1', 'place'), answer)
  t.equal(await runtime.call<typeof stock>('apples', 'left'), 10)
})

t.test('a server that is no stock is not sent what it does not know', async (t) => {
  const { runtime } = runtimeOf(t, implementations)
  await runtime.start('stock', { quantity: 10 }, { id: 'apples' })
  await runtime.start('checkout', { articles: articles('apples') }, { id: 'plums' })
  await runtime.start('checkout', { articles: articles('apples', 'plums') }, { id: 'order-1' })
  const answer = { status: 'open', missing: 'plums', because: 'unknown_message' }
  t.same(await runtime.call<typeof checkout>('order-1', 'place'), answer)
  t.equal(await runtime.call<typeof stock>('apples', 'left'), 10)
})

t.test('when a stock does not answer, it and the others are told to release', async (t) => {
  const { runtime, clock } = runtimeOf(t, { ...implementations, silent })
  await runtime.start('stock', { quantity: 10 }, { id: 'apples' })
  await runtime.start('silent', {}, { id: 'plums' })
  await runtime.start('checkout', { articles: articles('apples', 'plums') }, { id: 'order-1' })
  const placed = runtime.call<typeof checkout>('order-1', 'place')
  await clock.advance(999)
  t.equal(await runtime.call<typeof stock>('apples', 'left'), 8, 'set aside while the order waits')
  await clock.advance(1)
  t.same(await placed, { status: 'open', missing: 'plums', because: 'call_timeout' })
  t.equal(await runtime.call<typeof stock>('apples', 'left'), 10)
  t.same(await runtime.call<typeof silent>('plums', 'released'), ['1/order-1'])
})

t.test('an order that was killed half-way takes nothing twice when it is placed again', async (t) => {
  const { runtime, clock } = runtimeOf(t, { ...implementations, silent })
  await runtime.start('stock', { quantity: 10 }, { id: 'apples' })
  await runtime.start('silent', {}, { id: 'plums' })
  await runtime.start('checkout', { articles: articles('apples', 'plums') }, { id: 'order-1' })
  const killed = t.rejects(runtime.call<typeof checkout>('order-1', 'place'), {
    name: 'GenServerError',
    details: { reason: 'killed' },
  })
  await clock.advance(0)
  runtime.kill('order-1')
  await killed
  t.equal(await runtime.call<typeof stock>('apples', 'left'), 8, 'the reservation stands')

  await runtime.stop('plums')
  await runtime.start('stock', { quantity: 2 }, { id: 'plums' })
  await runtime.start('checkout', { articles: articles('apples', 'plums') }, { id: 'order-1' })
  t.same(await runtime.call<typeof checkout>('order-1', 'place'), { status: 'placed' })
  t.equal(await runtime.call<typeof stock>('apples', 'left'), 8)
})

t.test('a stock that calls the order back is told at once that it would wait for itself', async (t) => {
  const { runtime } = runtimeOf(t, { ...implementations, nosy })
  await runtime.start('nosy', {}, { id: 'plums' })
  await runtime.start('checkout', { articles: articles('plums') }, { id: 'order-1' })
  t.same(await runtime.call<typeof checkout>('order-1', 'place'), { status: 'placed' })
  t.equal(await runtime.call<typeof nosy>('plums', 'code'), 'call_cycle')
})

t.test('reserving and releasing twice is the same as once', async (t) => {
  const { runtime } = runtimeOf(t, implementations)
  await runtime.start('stock', { quantity: 10 }, { id: 'apples' })
  runtime.cast<typeof stock>('apples', 'release', { reservation: 'constructor' })
  t.equal(await runtime.call<typeof stock>('apples', 'left'), 10, 'what was never reserved is not released')
  const reservation = '0/order-1'
  for (let i = 0; i < 2; i++) {
    t.equal(await runtime.call<typeof stock>('apples', 'reserve', { reservation, quantity: 4 }), true)
    t.equal(await runtime.call<typeof stock>('apples', 'left'), 6)
  }
  for (let i = 0; i < 2; i++) {
    runtime.cast<typeof stock>('apples', 'release', { reservation })
    t.equal(await runtime.call<typeof stock>('apples', 'left'), 10)
  }
})
