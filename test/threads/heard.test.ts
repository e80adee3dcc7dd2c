/** At what a thread is that looks at what it was asked, before that is anybody's. */
import t from 'tap'
import type { LocalRuntime } from '../../src/adapters.js'
import { activityOf } from '../../src/threads/host/activity.js'
import { NodeService } from '../../src/threads/node/node-service.js'
import type { Channel } from '../../src/threads/wire/channel.js'
import type { Askable, FromNode, ToNode } from '../../src/threads/wire/messages.js'

const ask = (what: Askable, ...args: readonly unknown[]): ToNode => ({ kind: 'ask', n: 1, what, args })

t.test('whatever a thread looks at is told apart from what it took last', async (t) => {
  const watching = { n: 1, watch: 1, id: 'a', isFirst: true }
  const all: readonly (readonly [said: ToNode, at: object])[] = [
    [
      { kind: 'call', n: 1, to: 'a', message: 'add', args: {} },
      { server: 'a', kind: 'call', message: 'add' },
    ],
    [
      { kind: 'watch', ...watching, after: undefined, patches: true },
      { server: 'a', kind: 'watch' },
    ],
    [
      { kind: 'trace', ...watching },
      { server: 'a', kind: 'trace' },
    ],
    [ask('start', 'actor', {}, { id: 'a' }), { server: 'a', kind: 'init' }],
    [ask('getOrStart', 'actor', {}, { id: 'a' }), { server: 'a', kind: 'init' }],
    [ask('keepCall', 'a', 'add', {}, {}), { server: 'a', kind: 'call', message: 'add' }],
    [ask('replaceState', 'a', {}, {}), { server: 'a', kind: 'ask', message: 'replaceState' }],
    [ask('castGroup', 'label', 'hear', {}, {}), { server: undefined, kind: 'cast', message: 'hear' }],
    [ask('callGroup', 'label', 'add', {}, {}), { server: undefined, kind: 'call', message: 'add' }],
    [ask('list', {}), { server: undefined, message: 'list' }],
  ]
  for (const [said, at] of all) t.match(activityOf(said), { phase: 'heard', ...at }, JSON.stringify(said))
  t.equal(activityOf({ kind: 'ping', n: 1 }), undefined)
})

t.test('what a thread is told to begin again is charged, for it is told so again', async (t) => {
  const again = [
    ask('adopt', 'actor', {}, { id: 'a' }, {}, 0),
    ask('adoptSupervisor', {}, { id: 'a' }, {}, 0),
    ask('bringBack', { id: 'a' }, 0),
  ]
  for (const said of again) t.match(activityOf(said), { phase: 'running', server: 'a', kind: 'init' })
})

t.test('a thread that is past a question does not show it any more', async (t) => {
  let shown = 0
  let back = 0
  const seen: unknown[] = []
  const sees = (what: string) => () => {
    seen.push([what, shown])
  }
  const runtime = {
    node: { tick: () => 0, recent: 0 },
    send: sees('info'),
    trace: sees('trace'),
    watch: () => {
      seen.push(['watch', shown])
      return { position: '' }
    },
    peers: { replied: sees('reply') },
  }
  const hears = (n: number) => {
    shown = n
  }
  const channel = { say() {}, flush() {} } as unknown as Channel<FromNode>
  const service = new NodeService(
    runtime as unknown as LocalRuntime,
    {} as never,
    channel,
    { hears, comesBack: () => back++ },
    {} as never,
  )
  service.receive([
    { kind: 'info', n: 7, to: 'a', message: 'word', args: null },
    { kind: 'reply', ref: 'r', value: 1, revision: 1 },
    { kind: 'watch', n: 8, watch: 1, id: 'a', isFirst: true, after: undefined, patches: true },
    { kind: 'trace', n: 9, watch: 2, id: 'a', isFirst: true },
    { kind: 'abandon', n: 7 },
  ])
  t.same(seen, [
    ['info', 7],
    ['reply', 0],
    ['watch', 8],
    ['trace', 9],
  ])
  t.equal(shown, 0)
  t.equal(back, 1, 'it has come back for that')
  service.receive([])
  t.equal(back, 2)
})
