/**
 * An order of several articles, all or nothing. Teaches calling other servers, and what to do when a later call fails.
 *
 * `ctx.call` acts at once: what it did at the other server is not undone when this handler fails. Casts are effects:
 * they leave together, after the handler has returned, and not at all if it throws. So `place` works like this:
 *
 * 1. It reserves article after article, each with a call, because it has to know the answer.
 * 2. If one has too little, or does not answer, it releases with casts what it may have reserved. It *returns* that
 *    failure: if it threw, the casts would be lost with it.
 * 3. The `effect` of a failed call says whether it may have run. After `unknown` (it timed out) that article is
 *    released as well: `stock` takes a release for what it never reserved, and from one sender to one server messages
 *    keep their order.
 * 4. If this server crashes half-way, it is back at its last good state, `open`, and the reservations stand. They are
 *    named after the order, so placing it again takes nothing twice. If it is never placed again they are found under
 *    its name; a stock that must not wait for that lets them expire (timers: see `rate-limiter`).
 *
 * A stock that called back here while it is being called would wait for itself: `ctx.call` fails at once
 * (`call_cycle`).
 */
import { defineServer, GenServerError, Type } from 'genservers'
// Only the type: it makes the calls below typed. At run time a server knows another by its id alone.
import type stockServer from './stock.js'

const Article = Type.Object({
  stock: Type.String({
    minLength: 1,
    maxLength: 128,
    description: 'The id of a `stock` server.',
    examples: ['apples'],
  }),
  quantity: Type.Integer({ minimum: 1, maximum: 1_000_000, examples: [2] }),
})

const Status = Type.Union([Type.Literal('open'), Type.Literal('placed')])

export default defineServer({
  description: 'An order of several articles: all of them are reserved, or none.',
  args: Type.Object({ articles: Type.Array(Article, { minItems: 1, maxItems: 100 }) }),
  state: Type.Object({ articles: Type.Array(Article), status: Status }),
  calls: {
    place: {
      description: 'Places the order, once; asked again it only says so.',
      reply: Type.Object({
        status: Status,
        missing: Type.Optional(Type.String({ description: 'The stock that has too little, or gave no answer.' })),
        because: Type.Optional(Type.String({ description: '`sold_out`, or the code of the error.' })),
      }),
    },
    status: { reply: Status, readOnly: true },
  },

  init: ({ articles }) => ({ articles, status: 'open' as const }),
  handleCall: {
    place: async (state, _args, ctx) => {
      if (state.status === 'placed') return { status: state.status }
      const reserved: { stock: string; reservation: string }[] = []
      for (const [line, { stock, quantity }] of state.articles.entries()) {
        const reservation = `${line}/${ctx.id}`
        let because = 'sold_out'
        try {
          // Less than our own caller waits (5000), so that there is time left to answer when one is slow.
          const request = { reservation, quantity }
          if (await ctx.call<typeof stockServer>(stock, 'reserve', request, { timeout: 1000 })) {
            reserved.push({ stock, reservation })
            continue
          }
        } catch (error) {
          if (!(error instanceof GenServerError)) throw error
          because = error.code
          if (error.effect === 'unknown') reserved.push({ stock, reservation })
        }
        for (const each of reserved) ctx.cast(each.stock, 'release', { reservation: each.reservation })
        return { status: state.status, missing: stock, because }
      }
      for (const each of reserved) ctx.cast(each.stock, 'collect', { reservation: each.reservation })
      state.status = 'placed'
      return { status: state.status }
    },
    status: (state) => state.status,
  },
})
