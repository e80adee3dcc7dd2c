/** Which looks of a thread that is lost are looks of the next one. */
import t from 'tap'
import { mayLookAgain } from '../../src/threads/host/asked-again.js'
import type { OpenQuestion, Remains } from '../../src/threads/host/thread-node.js'
import type { Askable, ToNode } from '../../src/threads/wire/messages.js'

const ask = (what: Askable, ...args: readonly unknown[]): ToNode => ({ kind: 'ask', n: 1, what, args })
const watch = (isFirst: boolean): ToNode => {
  return { kind: 'watch', n: 1, watch: 1, id: 'a', isFirst, after: undefined, patches: false }
}
const trace = (isFirst: boolean): ToNode => ({ kind: 'trace', n: 1, watch: 1, id: 'a', isFirst })

const may = (said: ToNode, more: object = {}, remains: object = {}) =>
  mayLookAgain(
    { said, isTaken: false, ...more } as OpenQuestion,
    { hadBegun: true, activity: undefined, ...remains } as Remains,
  )

t.test('who looks or begins to watch is asked for again; who does something is not', async (t) => {
  for (const said of [
    ask('state', 'a'),
    ask('timers', 'a'),
    ask('list', {}),
    ask('info', 'a'),
    watch(true),
    trace(true),
  ]) {
    t.equal(may(said), true, JSON.stringify(said))
    t.equal(may(said, { isTaken: true }), false, 'the thread did not come back from it')
    t.equal(may(said, {}, { hadBegun: false }), false, 'the next one may not begin either')
  }
  for (const said of [ask('replaceState', 'a'), ask('suspend', 'a'), ask('stop', 'a'), watch(false), trace(false)]) {
    t.equal(may(said), false, JSON.stringify(said))
  }
})

t.test('a state that is shown later than it is asked for may be what the thread did not come back from', async (t) => {
  const at = (server: string, message: string) => ({ activity: { server, message } })
  t.equal(may(ask('state', 'a'), {}, at('a', 'redact')), false)
  t.equal(may(ask('state', 'b'), {}, at('a', 'redact')), true)
  t.equal(may(ask('state', 'a'), {}, at('a', 'loop')), true)
})
