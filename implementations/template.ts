/**
 * A launch countdown, to copy and cut down. The comments are a tutorial of all that a definition may say; read it from
 * top to bottom. It compiles and runs like the others: `POST /servers {"implementation":"template"}`.
 *
 * An implementation is sequential code. Any number of servers run of it, each with a state and a mailbox of its own,
 * and each handles one message at a time, to its end, across every `await`. So there are no locks here.
 */
// 1. Everything comes from 'genservers'. A type of another implementation may be imported too, to type calls to it.
import { defineServer, GenServerError, Type } from 'genservers'
import type counter from './counter.js'

export default defineServer({
  // 2. THE INTERFACE: data that clients, the OpenAPI document and other servers see without running any code.
  // The name of the implementation is the file's name. Descriptions and examples end up in generated clients.
  description: 'A launch countdown: the tour of all that an implementation may do.',

  // 3. What a server is started with. What a client sends is checked and never changed, except that a property with a
  // `default` is filled in when it is left out. Leave `args` out altogether if there are none.
  args: Type.Object({
    seconds: Type.Integer({ default: 10, minimum: 0, maximum: 86_400, examples: [10] }),
    code: Type.String({ default: '0000', description: 'Who knows it may abort.' }),
    statistics: Type.Optional(Type.String({ description: 'The id of a `counter` that counts launches.' })),
  }),

  // 4. The state: an object, array, Map or Set. Keep it plain JSON, and it can be shown, sent and made durable.
  // Addresses of callers and refs of timers are strings, so they may be kept in it.
  state: Type.Object({
    left: Type.Integer(),
    code: Type.String(),
    statistics: Type.Union([Type.String(), Type.Null()]),
    tick: Type.Union([Type.String(), Type.Null()]),
    watchers: Type.Array(Type.String()),
    weather: Type.String(),
  }),

  // 5. Calls: the caller waits for a reply. Without `reply` it is told `null` when the handler is done.
  calls: {
    // `readOnly`: gets the frozen state, makes no revision, and the next message does not wait for it.
    left: { description: 'Seconds to go.', reply: Type.Integer(), readOnly: true },
    watch: { description: 'Waits for the launch.', reply: Type.String() },
    abort: {
      description: 'Ends the countdown for good. Answers `false` if the code is wrong.',
      args: Type.Object({ code: Type.String() }),
      reply: Type.Boolean(),
    },
  },

  // 6. Casts: accepted and forgotten. The sender does not learn whether they did any good.
  casts: {
    hold: { description: 'Stops the clock.' },
    go: { description: 'Starts the clock, or lets it go on.' },
  },

  // 7. Infos: messages that are neither, and that clients cannot send: timers, `ctx.send`, what `ctx.pipe` brings back.
  // They need not be declared; if they are, their handlers are typed and their args checked.
  infos: {
    tick: {},
    weather: { args: Type.Object({ value: Type.Optional(Type.String()), error: Type.Optional(Type.Unknown()) }) },
  },

  // 8. Events: what subscribers may hear (`GET /servers/{id}/events`).
  events: {
    tick: Type.Object({ left: Type.Integer() }),
    launched: Type.Object({}),
  },

  // 9. Defaults for the servers; who starts one may say otherwise.
  restart: 'transient', // restarted after a crash, not after an ordinary end; also 'permanent', 'temporary'
  restartFrom: 'state', // with the last good state and its timers; 'init': from the beginning, as OTP does
  shutdown: 5000, // the milliseconds that an end may take that a supervisor, or the gateway when it closes, has ordered
  mailbox: 1000, // how many messages may wait; the next is refused (429)

  // 10. THE CALLBACKS. TypeScript knows from the schemas what each gets and must give. `init` gives the first state.
  // The one who starts the server waits for it, so it is short; what takes longer is left to `handleContinue` (14).
  init: ({ seconds, code, statistics }, ctx) => {
    // Bad input that a schema cannot see is refused: 422, no server, no noise. A throw would say that this is our bug.
    if (code.trim() === '') return ctx.refuse('the code must not be blank')
    // Nothing to do, and that is fine: no server either, but a success.
    if (seconds === 0) return ctx.ignore()
    ctx.continue('prepare')
    return { left: seconds, code, statistics: statistics ?? null, tick: null, watchers: [], weather: 'unknown' }
  },

  // 11. Handlers get a draft of the state, the args, and `ctx`. Change the draft as if it were yours alone. When the
  // handler returns, it is the next state; when it throws, it is dropped, the caller is told 500, and the server
  // restarts from its last good state. So throw for what must not happen, and *reply* what a client may run into.
  handleCall: {
    left: (state) => state.left,

    // 12. Answering later: keep the caller's address, return `noReply`, and some other handler calls `ctx.reply`.
    watch: (state, _args, ctx) => {
      if (state.left === 0) return 'launched'
      if (state.watchers.length >= 1000) return 'too many watchers'
      state.watchers.push(ctx.from)
      return ctx.noReply()
    },

    // 13. Ending: the reply goes out when `terminate` is done. `ctx.stop('normal')` alone ends without a reply.
    abort: (state, { code }, ctx) => {
      if (code !== state.code) return false
      return ctx.stop('normal', true)
    },
  },

  // 14. A second step, before any message that waits; by then the first has been answered. Any handler may ask for one.
  handleContinue: {
    prepare: (_state, _args, ctx) => {
      ctx.log.info({ id: ctx.id, incarnation: ctx.incarnation }, 'the countdown stands ready')
      // Slow work that nobody waits for runs beside the mailbox; what comes of it comes back as an info.
      ctx.pipe(lookOutside(), 'weather')
    },

    launch: async (state, _args, ctx) => {
      // 15. What `ctx` sends (casts, sends, replies, events, timers) leaves together when the handler has succeeded.
      ctx.publish('launched', {})
      // `reply` says whether the caller still waits; one who has left gets nothing, and nothing breaks.
      const present = state.watchers.filter((from) => ctx.reply(from, 'launched'))
      ctx.log.info({ watchers: present.length }, 'launched')
      state.watchers = []
      if (state.statistics === null) return
      // 16. Calls act at once, since the handler waits for them, and are not undone if it throws later. Nobody else
      // is served meanwhile, so say how long you will wait, and give `ctx.signal` to whatever else you await: it aborts
      // when this server is killed or its caller has gone. `ctx.whereis` is a hint: `ctx.start` may find the id taken.
      try {
        if (ctx.whereis(state.statistics) === undefined) {
          await ctx.start('counter', {}, { id: state.statistics })
        }
        await ctx.call<typeof counter>(state.statistics, 'increment', { by: 1 }, { timeout: 1000 })
      } catch (error) {
        // What went wrong there need not end us here: `code` says what it was.
        if (!(error instanceof GenServerError)) throw error
        ctx.log.warn({ code: error.code }, 'the launch was not counted')
      }
    },
  },

  handleCast: {
    hold: (state, _args, ctx) => {
      // 17. `cancelTimer` gives the milliseconds that were left, or `false` if it has fired: its message may wait
      // already.
      if (state.tick !== null) ctx.cancelTimer(state.tick)
      state.tick = null
      // If no message comes for an hour, `handleInfo.timeout` runs. Any message ends that: ask again where you want it.
      ctx.idleTimeout(3_600_000)
    },
    go: (state, _args, ctx) => {
      if (state.tick === null && state.left > 0) state.tick = ctx.sendAfter(1000, 'tick')
    },
  },

  handleInfo: {
    // 18. A timer fires once; what repeats sends itself again. Timers live and die with the state.
    tick: (state, _args, ctx) => {
      // Held while the message stood in the mailbox (17).
      if (state.tick === null) return
      state.left--
      ctx.publish('tick', { left: state.left })
      state.tick = state.left > 0 ? ctx.sendAfter(1000, 'tick') : null
      if (state.left === 0) ctx.continue('launch')
    },
    weather: (state, { value }, ctx) => {
      state.weather = value ?? 'unknown'
      ctx.idleTimeout(3_600_000)
    },
    // Built in: the idle timeout that `hold` and `weather` ask for. Infos without a handler are logged and dropped.
    timeout: (_state, _args, ctx) => ctx.stop('normal'),
  },

  // 19. The state is given up: on every ordered end, and on a crash unless the server goes on with its state; never
  // after a kill. Say goodbye here; do not count on it to keep anything.
  terminate: (state, reason, ctx) => {
    ctx.log.info({ reason, left: state.left }, 'the countdown is over')
  },

  // 20. What operators may see of the state. If it throws they see nothing.
  redact: ({ left, weather, watchers }) => ({ left, weather, watchers: watchers.length }),

  // 21. New code over old state: raise `version` with the shape of the state, and say how to get from the old one.
  version: 2,
  codeChange: (oldState, oldVersion) => {
    if (oldVersion !== 1) throw new Error(`no way from version ${oldVersion}`)
    // Version 1 knew no weather.
    return { ...(oldState as Countdown1), weather: 'unknown' }
  },
})

interface Countdown1 {
  left: number
  code: string
  statistics: string | null
  tick: string | null
  watchers: string[]
}

/** Stands for slow work, such as a request to somewhere. */
async function lookOutside(): Promise<string> {
  return 'clear'
}
