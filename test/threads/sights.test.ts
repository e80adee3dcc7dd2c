/** What very many are told who watch one server travels once. */
import { createRuntime, defineServer, Type } from 'genservers'
import t from 'tap'
import type { LocalRuntime } from '../../src/adapters.js'
import { NodeService } from '../../src/threads/node/node-service.js'
import { Channel } from '../../src/threads/wire/channel.js'
import type { FromNode, Seen } from '../../src/threads/wire/messages.js'

const radio = defineServer({
  state: Type.Object({ told: Type.Integer() }),
  init: () => ({ told: 0 }),
  events: { news: Type.Integer() },
  calls: { tell: { reply: Type.Null() } },
  handleCall: {
    tell: (state, _args, ctx) => {
      state.told++
      ctx.publish('news', state.told)
      return null
    },
  },
})

t.test('readers of one event share a message; an event, a state and a trace do not', async (t) => {
  const sent: FromNode[][] = []
  const channel = new Channel<FromNode>()
  const runtime = createRuntime({ implementations: { radio } })
  const service = new NodeService(
    runtime as unknown as LocalRuntime,
    undefined as never,
    channel,
    { hears: () => {}, comesBack: () => {} },
    undefined as never,
  )
  await runtime.start('radio', {}, { id: 'r' })
  for (const watch of [1, 2, 3, 4]) {
    service.receive([{ kind: 'watch', n: watch, watch, isFirst: true, id: 'r', after: undefined, patches: watch > 3 }])
  }
  service.receive([{ kind: 'trace', n: 5, watch: 5, isFirst: true, id: 'r' }])
  channel.attach({ postMessage: (said) => void sent.push(said as FromNode[]) })
  channel.flush()
  sent.length = 0

  await runtime.call('r', 'tell')
  await runtime.call('r', 'tell')
  channel.flush()
  const seen = sent.flat().filter(({ kind }) => kind === 'seen') as Seen[]
  const news = seen.filter(({ event }) => event !== undefined)
  t.same(
    news.map(({ watches, event }) => [watches, event?.data]),
    [
      [[1, 2, 3, 4], 1],
      [[1, 2, 3, 4], 2],
    ],
  )
  t.same(
    seen.filter(({ view }) => view !== undefined).map(({ watches }) => watches),
    [[4], [4]],
    'a state is for those who asked for it',
  )
  t.ok(seen.every(({ watches, trace }) => (trace === undefined) === !watches.includes(5)))
  t.ok(seen.some(({ trace }) => trace !== undefined))
  service.receive([{ kind: 'unwatch', watch: 2 }])
  channel.flush()
  sent.length = 0
  await runtime.call('r', 'tell')
  channel.flush()
  t.same((sent.flat().find((said) => said.kind === 'seen' && said.event !== undefined) as Seen).watches, [1, 3, 4])
  await runtime.close()
})
