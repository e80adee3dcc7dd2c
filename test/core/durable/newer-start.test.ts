/** A runtime that begins with other code than that of the states that are kept: all of them can run on it, or it does not begin. */
import { type AnyDefinition, defineServer, Type } from 'genservers'
import t from 'tap'
import { first, keptOf, processes, second } from './purse.js'

const cast = (id: string, message: string, args: object) => ({
  kind: 'cast' as const,
  id,
  cast: { message, args: JSON.stringify(args), origin: null, ifMatch: null, answerTo: null, attempts: 0 },
})

t.test('states of other code come along, and are written in their new form', async (t) => {
  const { store, begin } = processes(t)
  const before = await begin()
  for (const [id, n] of Object.entries({ a: 1, b: 2 })) await before.runtime.start('purse', { n }, { id })
  await before.close()
  const { restored, isAwake, runtime, call, until, close } = await begin(second)
  t.equal(await restored.promise, 2)
  t.equal(isAwake('a'), false)
  t.match(await runtime.state('a'), { state: { total: 1, from: 1 }, revision: 2 })
  t.equal(await call('a', 'add', { n: 2 }).promise, 3)
  await until(async () => (await keptOf(store, ['a', 'b'])).every((one) => one?.[0] === 2))
  t.same(await keptOf(store, ['a', 'b']), [
    [2, 3, { total: 3, from: 1 }],
    [2, 2, { total: 2, from: 1 }],
  ])
  await close()
})

t.test(
  'one that cannot come along keeps it from beginning, and what is kept is left to the code of before',
  async (t) => {
    const { store, commits, begin } = processes(t)
    const before = await begin()
    for (const [id, n] of Object.entries({ a: 1, b: 2, z: 13 })) await before.runtime.start('purse', { n }, { id })
    await before.call('b', 'soon', { message: 'tick' }).promise
    await before.close()
    await store.commit([cast('a', 'bump', { n: 1 })])
    const ids = ['a', 'b', 'z']
    const kept = await Promise.all(ids.map((id) => store.load(id)))
    const written = commits.all.length
    const refused = await begin(second)
    await refused.until(() => refused.restored.outcome !== 'pending')
    t.match(refused.restored.error, {
      name: 'NotRestored',
      message: 'z is kept by version 1 of purse, and cannot be taken to version 2: 13 cannot come along',
    })
    await refused.clock.advance(10_000)
    t.equal(refused.isAwake('a'), false, 'its cast has not woken it')
    t.equal(refused.isAwake('b'), false, 'nor has its timer')
    await refused.close()
    t.equal(commits.all.length, written)
    t.same(await Promise.all(ids.map((id) => store.load(id))), kept)
    const again = await begin()
    t.equal(await again.restored.promise, 3)
    await again.settle()
    t.equal(await again.call('a', 'look').promise, 2)
    t.equal(await again.call('z', 'look').promise, 13)
    await again.close()
  },
)

t.test('there is no way to another version without a codeChange, neither up nor down', async (t) => {
  const { begin } = processes(t)
  const before = await begin(second)
  await before.runtime.start('purse', {}, { id: 'a' })
  await before.close()
  const older = await begin()
  await older.until(() => older.restored.outcome !== 'pending')
  t.match(older.restored.error, {
    message: /there is no codeChange, which would make a state of version 2 one of version 1$/,
  })
  await older.close()
  const back = (clock: Parameters<typeof first>[0]): AnyDefinition => ({
    ...first(clock),
    codeChange: (old) => ({ n: (old as { total: number }).total }),
  })
  const undone = await begin(back)
  t.equal(await undone.restored.promise, 1)
  t.equal(await undone.call('a', 'old').promise, 0)
  await undone.close()
})

t.test(
  'casts and timers that wait have their effect, by the new code; what does not fit it is set aside',
  async (t) => {
    const { store, begin } = processes(t)
    const before = await begin()
    await before.runtime.start('purse', { n: 1 }, { id: 'a' })
    for (const message of ['tick', 'tock']) await before.call('a', 'soon', { message }).promise
    for (const n of [3, 4000]) await before.runtime.cast('a', 'bump', { n }, { delay: 5000 })
    await before.close()
    await store.commit([cast('a', 'bump', { n: 2 }), cast('a', 'gone', {})])
    const { restored, runtime, clock, logged, close } = await begin(second)
    await restored.promise
    await clock.advance(0)
    t.match(await runtime.state('a'), { state: { total: 201 } })
    t.match(
      (await runtime.timers('a')).map(({ message }) => message),
      ['tick', 'bump'],
    )
    await clock.advance(5000)
    t.match(await runtime.state('a'), { state: { total: 201 + 1000 + 300 } })
    const { deadLetters } = await runtime.deadLetters('a')
    t.match(deadLetters, [
      { message: 'gone', attempts: 0, reason: { error: 'purse has no cast gone' } },
      { message: 'bump', args: { n: 4000 }, attempts: 0 },
    ])
    t.match(
      logged.filter(({ message }) => message.startsWith('dropped')),
      [{ fields: { message: 'tock' } }],
    )
    const kept = await store.load('a')
    t.same([kept?.casts, kept?.timers], [[], []])
    await close()
  },
)

t.test('args of a start are completed for the new code also where the server has never been in memory', async (t) => {
  const { begin } = processes(t)
  const before = await begin()
  await before.runtime.start('purse', { n: 5 }, { id: 'a', restartFrom: 'init' })
  await before.close()
  const more = defineServer({
    durable: true,
    args: Type.Object({ n: Type.Integer(), more: Type.Integer({ default: 4 }) }),
    state: Type.Object({ n: Type.Integer() }),
    calls: { fail: {} },
    init: ({ n, more }) => ({ n: n + more }),
    handleCall: {
      fail: () => {
        throw new Error('boom')
      },
    },
  })
  const { runtime, restored, settle, call, close } = await begin(more)
  await restored.promise
  await t.rejects(call('a', 'fail').promise, { code: 'server_crashed' })
  await settle()
  t.match(await runtime.state('a'), { state: { n: 9 } })
  await close()
})
