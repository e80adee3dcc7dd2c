/** Casts that were set aside: somebody looks, has them taken again, or throws them away. */
import { defineServer, Type } from 'genservers'
import t, { type Test } from 'tap'
import { StoreFull } from '../../../src/adapters.js'
import { running } from '../running.js'
import { heldStore } from './held-store.js'

const Taste = Type.Object({ n: Type.Integer() })

async function poisoned(t: Test, options: { readonly maxAttempts?: number } = {}) {
  let isMended = false
  const eater = defineServer({
    durable: true,
    state: Type.Object({ eaten: Type.Array(Type.Integer()) }),
    casts: { eat: { args: Taste } },
    init: () => ({ eaten: [] as number[] }),
    handleCast: {
      eat: (state, { n }) => {
        if (n < 0 && !isMended) throw new Error('poison')
        state.eaten.push(n)
      },
    },
  })
  const { store, commits } = heldStore()
  const world = running(t, { eater }, { store, ...options })
  const { runtime, clock } = world
  await runtime.start('eater', {}, { id: 'e' })
  const eat = async (n: number) => {
    await runtime.cast('e', 'eat', { n })
    await clock.advance(60_000)
  }
  for (const n of [1, -2, -3, 4]) await eat(n)
  const mend = () => {
    isMended = true
  }
  return { ...world, store, commits, mend, eater }
}

t.test('what was set aside is listed, and replayed behind what waits, once', async (t) => {
  const { runtime, clock, mend, close } = await poisoned(t)
  t.same((await runtime.state('e')).state, { eaten: [1, 4] }, 'the others went on in order')
  const { deadLetters, ...rest } = await runtime.deadLetters('e')
  t.same(rest, {})
  t.match(deadLetters, [
    { ref: String, message: 'eat', args: { n: -2 }, attempts: 5, at: String, reason: { error: 'poison' } },
    { message: 'eat', args: { n: -3 } },
  ])
  const [first, second] = deadLetters.map(({ ref }) => ref) as [string, string]
  mend()
  await runtime.replayDeadLetter('e', first)
  await clock.advance(0)
  t.same((await runtime.state('e')).state, { eaten: [1, 4, -2] })
  await t.rejects(runtime.replayDeadLetter('e', first), { code: 'unknown_dead_letter' })
  await runtime.discardDeadLetter('e', second)
  await t.rejects(runtime.discardDeadLetter('e', second), { code: 'unknown_dead_letter' })
  t.same((await runtime.deadLetters('e')).deadLetters, [])
  t.same((await runtime.state('e')).state, { eaten: [1, 4, -2] })
  await close()
})

t.test('how often a cast is tried can be said', async (t) => {
  for (const maxAttempts of [1, 2, 9]) {
    const { runtime, close } = await poisoned(t, { maxAttempts })
    t.match((await runtime.deadLetters('e')).deadLetters, [{ args: { n: -2 }, attempts: maxAttempts }, {}])
    t.same((await runtime.state('e')).state, { eaten: [1, 4] })
    await close()
  }
})

t.test('one that crashes its server again is set aside again', async (t) => {
  const { runtime, clock, close } = await poisoned(t)
  const [letter] = (await runtime.deadLetters('e')).deadLetters
  await runtime.replayDeadLetter('e', letter?.ref as string)
  await clock.advance(600_000)
  const after = (await runtime.deadLetters('e')).deadLetters
  t.match(after, [{ args: { n: -3 } }, { args: { n: -2 }, attempts: 5 }])
  await close()
})

t.test('they are listed by pages', async (t) => {
  const { runtime, close } = await poisoned(t)
  const first = await runtime.deadLetters('e', { limit: 1 })
  t.match(first, { deadLetters: [{ args: { n: -2 } }], next: String })
  const second = await runtime.deadLetters('e', { limit: 1, after: first.next })
  t.match(second, { deadLetters: [{ args: { n: -3 } }], next: String })
  t.same(await runtime.deadLetters('e', { limit: 1, after: second.next }), { deadLetters: [] })
  await close()
})

t.test('what does not fit the code any more is not replayed, and stays', async (t) => {
  const { store, close } = await poisoned(t)
  await close()
  const picky = defineServer({
    durable: true,
    state: Type.Object({ eaten: Type.Array(Type.Integer()) }),
    casts: { eat: { args: Type.Object({ n: Type.Integer({ minimum: 0 }) }) } },
    init: () => ({ eaten: [] as number[] }),
    handleCast: { eat: () => {} },
  })
  const next = running(t, { eater: picky }, { store })
  await next.runtime.restore()
  const [letter] = (await next.runtime.deadLetters('e')).deadLetters
  await t.rejects(next.runtime.replayDeadLetter('e', letter?.ref as string), { code: 'invalid_args' })
  t.equal((await next.runtime.deadLetters('e')).deadLetters.length, 2)
  await next.close()
})

t.test('a kept cast that does not fit the code any more is set aside', async (t) => {
  const { store, runtime, eater, close, clock } = await poisoned(t)
  runtime.suspend('e')
  await runtime.cast('e', 'eat', { n: 7 })
  const picky = defineServer({ ...eater, casts: { eat: { args: Type.Object({ n: Type.Integer({ maximum: 5 }) }) } } })
  const next = running(t, { eater: picky as never }, { store })
  await next.runtime.restore()
  await next.clock.advance(0)
  t.match((await next.runtime.deadLetters('e')).deadLetters.at(-1), { args: { n: 7 }, attempts: 0 })
  await next.close()
  await clock.advance(0)
  await close()
})

t.test('who has none, or is not there, or cannot be asked', async (t) => {
  const { runtime, commits, store, close } = await poisoned(t)
  await t.rejects(async () => runtime.deadLetters('nobody'), { code: 'unknown_server' })
  for (const ref of ['0', '-1', '01', 'x', '', '999999', '1e3']) {
    await t.rejects(runtime.replayDeadLetter('e', ref), { code: 'unknown_dead_letter' }, ref)
  }
  const [letter] = (await runtime.deadLetters('e')).deadLetters
  commits.fail(new StoreFull('no room'))
  await t.rejects(runtime.replayDeadLetter('e', letter?.ref as string), { code: 'storage_failed', effect: 'none' })
  commits.recover()
  t.equal((await runtime.deadLetters('e')).deadLetters.length, 2)
  const { deadLetters } = store
  store.deadLetters = async () => {
    throw new StoreFull('read')
  }
  await t.rejects(async () => runtime.deadLetters('e'), { code: 'storage_failed' })
  store.deadLetters = deadLetters
  const racing = [letter?.ref, letter?.ref].map((ref) => runtime.replayDeadLetter('e', ref as string))
  const fates = await Promise.allSettled(racing)
  t.same(fates.map(({ status }) => status).sort(), ['fulfilled', 'rejected'], 'one of two is faster')
  await close()
  const memory = running(t, {})
  const { id } = await memory.runtime.start('supervisor', { strategy: 'oneForOne', children: [] })
  t.same(await memory.runtime.deadLetters(id), { deadLetters: [] })
  await memory.close()
})
