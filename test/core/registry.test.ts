/** Ids as a registry of unique keys (conformance J; Elixir: `Registry`): who has one, who gets it next, and who hears of it. */
import { type AnyDefinition, defineServer, Type } from 'genservers'
import t, { type Test } from 'tap'
import { observe, pause, running } from './running.js'

/** Its `init` takes its time, and fails or hangs if it is told to. */
function setUp(t: Test) {
  const inits: string[] = []
  const world = running(t, (clock) => ({
    slow: defineServer({
      args: Type.Object({ ms: Type.Integer({ default: 0 }), fail: Type.Boolean({ default: false }) }),
      state: Type.Object({ hits: Type.Integer() }),
      calls: { hit: { reply: Type.Integer() } },
      init: async ({ ms, fail }, ctx) => {
        inits.push(ctx.id)
        if (ms > 0) await pause(clock, ms)
        if (fail) throw new Error('no start')
        return { hits: 0 }
      },
      handleCall: { hit: (state) => ++state.hits },
    }) as AnyDefinition,
  }))
  const get = (id: string, args: object = {}, timeout?: number) =>
    observe(world.runtime.getOrStart('slow', args, { id, timeout }))
  return { ...world, inits, get }
}

t.test('J110: one id is started once at a time, others meanwhile', async (t) => {
  const { clock, inits, get, close } = setUp(t)
  const same = [get('a', { ms: 100 }), get('a', { ms: 100 }), get('a', { ms: 100 })]
  const other = get('b', { ms: 10 })
  await clock.advance(10)
  t.equal(other.outcome, 'resolved', 'different ids do not wait for each other')
  t.same(inits, ['a', 'b'])
  t.same(
    same.map(({ outcome }) => outcome),
    ['pending', 'pending', 'pending'],
  )
  await clock.advance(90)
  t.same(
    same.map(({ value }) => value?.started),
    [true, false, false],
  )
  t.same(inits, ['a', 'b'])
  await close()
})

t.test('J110: an id is free again when its holder fails, and when it dies', async (t) => {
  const { runtime, clock, inits, get, close } = setUp(t)
  const failing = [get('a', { ms: 10, fail: true }), get('a')]
  await clock.advance(10)
  for (const { error } of failing) t.match(error, { code: 'init_crashed' })
  t.equal(runtime.whereis('a'), undefined)
  const dying = [get('a', { ms: 10 }), get('a')]
  await clock.advance(5)
  runtime.kill('a')
  await clock.advance(0)
  for (const { error } of dying) t.match(error, { code: 'server_exited' })
  const next = get('a')
  await clock.advance(0)
  t.match(next.value, { started: true })
  t.same(inits, ['a', 'a', 'a'])
  await close()
})

t.test('J110: who gives up waiting holds nobody up', async (t) => {
  const { clock, inits, get, close } = setUp(t)
  const holder = get('a', { ms: 100 })
  const impatient = get('a', {}, 20)
  const patient = get('a')
  await clock.advance(20)
  t.match(impatient.error, { code: 'init_timeout' })
  await clock.advance(80)
  t.match(holder.value, { started: true })
  t.match(patient.value, { started: false })
  t.same(inits, ['a'])
  await close()
})

t.test('J109: ids are compared exactly; labels find exactly those who have them; an id is given up once', async (t) => {
  const { runtime, clock, close } = setUp(t)
  const heard: unknown[] = []
  const watch = runtime.watchAll(({ event, data }) => heard.push([event, (data as { id: string }).id]))
  const ids = ['1', '1.0', '01', 'a', 'A']
  for (const id of ids) await runtime.start('slow', {}, { id, labels: id < 'A' ? ['number'] : ['letter', 'any'] })
  for (const id of ids) t.equal(runtime.whereis(id), id)
  t.equal(runtime.whereis('1.'), undefined)
  const found = (label: string) => runtime.list({ label }).servers.map(({ id }) => id)
  t.same(found('number').sort(), ['01', '1', '1.0'])
  t.same(found('letter').sort(), ['A', 'a'])
  t.same(found('numbe'), [], 'no part of a label is one')
  t.equal(runtime.list({ label: 'number', limit: 2 }).servers.length, 2)
  const called = observe(runtime.callGroup('number', 'hit'))
  await clock.advance(0)
  t.equal(called.outcome, 'resolved')
  for (const id of ids) t.equal(runtime.info(id).handled, id < 'A' ? 1 : 0, id)
  await runtime.stop('1')
  await t.rejects(runtime.stop('1'), { code: 'server_exited' })
  t.same(found('number').sort(), ['01', '1.0'])
  await clock.advance(0)
  t.same(
    heard.slice(0, 5),
    ids.map((id) => ['start', id]),
  )
  t.same(heard.slice(5), [['exit', '1']], 'once')
  watch.close()
  await close()
})
