/** An operator puts another state in the place of the one that is, between two messages. */
import { defineServer, Type } from 'genservers'
import t from 'tap'
import { heldStore } from '../durable/held-store.js'
import { probing } from '../probe.js'
import { observe, running } from '../running.js'

const closed = (t: Parameters<typeof running>[0]) =>
  running(t, {
    cart: defineServer({
      state: Type.Object({ items: Type.Array(Type.String()), limit: Type.Optional(Type.Integer({ default: 5 })) }),
      calls: { items: { reply: Type.Array(Type.String()) } },
      init: () => ({ items: ['a'] }),
      handleCall: { items: (state) => state.items },
    }),
  })

t.test('a state is replaced by a copy of what is given, and has a new revision', async (t) => {
  const { runtime, close } = closed(t)
  await runtime.start('cart', {}, { id: 'c' })
  const given = { items: ['x'] }
  t.equal(await runtime.replaceState('c', given), 2)
  t.equal(runtime.info('c').replies, 0, 'no handler has replied')
  given.items.push('y')
  t.same(await runtime.call('c', 'items'), ['x'])
  t.same(runtime.state('c'), { state: { items: ['x'] }, revision: 2, incarnation: 1 })
  t.equal(await runtime.replaceState('c', { items: ['x'] }, { ifMatch: 2 }), 3, 'also where it is the same')
  await t.rejects(runtime.replaceState('c', { items: [] }, { ifMatch: 2 }), {
    code: 'revision_mismatch',
    effect: 'none',
  })
  t.match(runtime.state('c'), { state: { items: ['x'] }, revision: 3 })
  await close()
})

t.test('what does not fit the schema of the state is refused, and changes nothing', async (t) => {
  const { runtime, close } = closed(t)
  await runtime.start('cart', {}, { id: 'c' })
  for (const [state, path] of [
    [{ items: 'x' }, '/state/items'],
    [{ items: [1] }, '/state/items/0'],
    [{}, '/state/items'],
    [{ items: [], more: 1 }, '/state/more'],
    [{ items: [], limit: '5' }, '/state/limit'],
    [{ items: [() => {}] }, '/state/items/0'],
    [new Map(), '/state'],
    [5 as never, '/state'],
    [() => ({ items: 'x' }), '/state/items'],
    [async () => ({ items: [] }), '/state'],
  ] as const) {
    await t.rejects(
      runtime.replaceState('c', state),
      { code: 'invalid_request', effect: 'none', details: { errors: [{ path }] } },
      path,
    )
  }
  t.match(runtime.state('c'), { state: { items: ['a'] }, revision: 1 })
  await runtime.replaceState('c', { items: [] })
  t.same((await runtime.state('c')).state, { items: [] }, 'and nothing is filled in')
  await t.rejects(runtime.replaceState('c', {}, { timeout: -1 }), { code: 'invalid_request' })
  await t.rejects(runtime.replaceState('nobody', {}), { code: 'unknown_server' })
  runtime.drain()
  await t.rejects(runtime.replaceState('c', { items: ['late'] }), { code: 'draining' })
  await close()
})

t.test('G73: a function that throws changes nothing, and who gave it hears what it threw', async (t) => {
  const { runtime, close } = closed(t)
  await runtime.start('cart', {}, { id: 'c' })
  const cause = new Error('no such item')
  await t.rejects(
    runtime.replaceState('c', () => {
      throw cause
    }),
    { name: 'CallbackFailed', message: 'callback_failed: no such item', cause },
  )
  await t.rejects(
    runtime.replaceState('c', (state: { items: string[] }) => {
      state.items.push('half-made')
      throw cause
    }),
    { name: 'CallbackFailed', cause: { name: 'TypeError' } },
    'the state is frozen',
  )
  t.match(runtime.info('c'), { status: 'running', incarnation: 1, revision: 1, crashes: 0 })
  t.same(await runtime.call('c', 'items'), ['a'])
  t.equal(await runtime.replaceState('c', ({ items }: { items: string[] }) => ({ items: [...items, 'b'] })), 2)
  t.same(await runtime.call('c', 'items'), ['a', 'b'])
  await close()
})

t.test('it waits for the message that is being handled, and comes before those that wait', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const slow = observe(runtime.call('p', 'slowSet', { ms: 100, value: 'slow' }))
  const get = observe(runtime.call('p', 'get'))
  await clock.advance(10)
  const first = observe(runtime.replaceState('p', { value: 'first' }))
  const second = observe(
    runtime.replaceState('p', ({ value }: { value: unknown }) => ({ value: `${value} and second` })),
  )
  await clock.advance(89)
  t.same([first.outcome, second.outcome], ['pending', 'pending'])
  await clock.advance(1)
  t.same([slow.value, first.value, second.value], ['slow', 3, 4])
  t.equal(get.value, 'first and second')
  t.same(trace, ['init ok', 'slowSet'])
  await close()
})

t.test('it does not come between a message and its second step', async (t) => {
  const { runtime, clock, close } = probing(t, {
    handleInfo: {
      queued: async (state, _args, ctx) => {
        await new Promise<void>((resolve) => void clock.setTimer(10, resolve))
        state.value = 1
        ctx.continue('later', {})
      },
    },
    handleContinue: {
      later: (state) => {
        state.value = `${state.value} and 2`
      },
    },
  })
  await runtime.start('probe', {}, { id: 'p' })
  runtime.send('p', 'queued')
  await clock.advance(0)
  let seen: unknown
  const replaced = runtime.replaceState('p', (state) => {
    seen = state
    return state
  })
  await clock.advance(10)
  await replaced
  t.same(seen, { value: '1 and 2' })
  await close()
})

t.test('its time may be over before the message is done: then it is not carried out', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  const slow = observe(runtime.call('p', 'slowSet', { ms: 100, value: 'slow' }))
  await clock.advance(0)
  const late = observe(runtime.replaceState('p', { value: 'late' }, { timeout: 50 }))
  const never = observe(runtime.replaceState('p', { value: 'late' }, { timeout: 0 }))
  await clock.advance(50)
  for (const { error } of [late, never]) t.match(error, { code: 'call_timeout', effect: 'none' })
  await clock.advance(50)
  t.equal(slow.value, 'slow')
  t.match(runtime.info('p'), { revision: 2, handled: 1 }, 'nor taken')
  await close()
})

t.test('the state of a suspended server can be replaced while its messages wait', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  runtime.suspend('p')
  const get = observe(runtime.call('p', 'get'))
  t.equal(await runtime.replaceState('p', { value: 'new' }), 2)
  t.equal(get.outcome, 'pending')
  runtime.resume('p')
  await clock.advance(0)
  t.equal(get.value, 'new')
  await close()
})

t.test('timers and the idle timeout go on, whatever the state becomes', async (t) => {
  const { runtime, clock, trace, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  await runtime.call('p', 'setTimeout', { ms: 100 })
  await clock.advance(70)
  await runtime.replaceState('p', { value: 'new' })
  await clock.advance(30)
  t.same(trace, ['init ok', 'timeout', 'terminate "normal" "new"'])
  await close()
})

t.test('who waits for it hears when the server ends or begins anew', async (t) => {
  const { runtime, clock, close } = probing(t)
  const busy = async (id: string, options: object) => {
    await runtime.start('probe', {}, { id, ...options })
    const slow = observe(runtime.call(id, 'slowSet', { ms: 1000, value: 1 }))
    await clock.advance(0)
    return { slow, replaced: observe(runtime.replaceState(id, { value: 'new' })) }
  }
  const killed = await busy('k', {})
  runtime.kill('k')
  await clock.advance(0)
  t.match(killed.replaced.error, { code: 'server_exited', details: { reason: 'killed' } })
  t.match(killed.slow.error, { code: 'server_exited' })
  await close()
})

t.test('a restart with a fresh init forgets it, and says so', async (t) => {
  const { runtime, clock, close } = probing(t, {
    handleInfo: {
      queued: async () => {
        await new Promise<void>((resolve) => void clock.setTimer(10, resolve))
        throw new Error('crashed')
      },
    },
  })
  await runtime.start('probe', {}, { id: 'p', restartFrom: 'init' })
  await runtime.start('probe', {}, { id: 's' })
  for (const id of ['p', 's']) runtime.send(id, 'queued')
  await clock.advance(0)
  const forgotten = observe(runtime.replaceState('p', { value: 'new' }))
  const kept = observe(runtime.replaceState('s', { value: 'new' }))
  await clock.advance(10)
  t.match(forgotten.error, { code: 'restarting', effect: 'none', details: { retryAfter: 1 } })
  t.equal(runtime.info('p').incarnation, 2)
  t.equal(kept.value, 2, 'from its state the server just goes on, and so does the order')
  await close()
})

t.test('a durable server tells of it when it is kept', async (t) => {
  const { store, commits } = heldStore()
  const { runtime, clock, close } = probing(t, { durable: true }, { store })
  await runtime.start('probe', {}, { id: 'p' })
  commits.hold()
  const kept = observe(runtime.replaceState('p', { value: 'kept' }))
  await clock.advance(0)
  t.match(commits.held, [[{ kind: 'state', id: 'p', revision: 2, state: '{"value":"kept"}' }]])
  t.match([kept.outcome, (await runtime.state('p')).state], ['pending', { value: 0 }])
  const next = observe(runtime.replaceState<{ value: string }>('p', ({ value }) => ({ value: `${value} twice` })))
  await clock.advance(0)
  commits.release()
  await clock.advance(0)
  t.equal(kept.value, 2)
  t.equal(next.value, 3)
  t.match(runtime.state('p'), { state: { value: 'kept twice' }, revision: 3 }, 'the second builds on the first')
  await close()
})

t.test('a state for which JSON has no form is replaced by a function only', async (t) => {
  const { runtime, close } = running(t, {
    table: defineServer({
      state: Type.Unknown(),
      calls: { size: { reply: Type.Integer() } },
      init: () => new Map([['a', new Set([1])]]),
      handleCall: { size: (state) => (state as Map<string, Set<number>>).size },
    }),
    nested: defineServer({ state: Type.Unknown(), init: () => ({ by: { name: new Map() } }) }),
  })
  await runtime.start('table', {}, { id: 't' })
  await runtime.start('nested', {}, { id: 'n' })
  await t.rejects(runtime.replaceState('t', {}), {
    code: 'invalid_request',
    message: 'the state of t cannot be replaced by JSON: /state is a Map, not a plain object',
    details: { errors: [{ path: '/state' }] },
  })
  await t.rejects(runtime.replaceState('n', {}), {
    code: 'invalid_request',
    details: { errors: [{ path: '/state/by/name' }] },
  })
  const add = (map: ReadonlyMap<string, Set<number>>) => new Map([...map, ['b', new Set([2])]])
  t.equal(await runtime.replaceState('t', add as never), 2)
  t.equal(await runtime.call('t', 'size'), 2)
  for (const next of [() => 5, () => new Map([['f', () => {}]]), () => new Date(), () => null]) {
    await t.rejects(runtime.replaceState('t', next as never), { code: 'invalid_request' })
  }
  t.equal(runtime.info('t').revision, 2)
  await close()
})

t.test('a state that turns into something else while the order waits is not lost', async (t) => {
  const { runtime, clock, close } = probing(t, {
    handleInfo: {
      queued: async (state) => {
        await new Promise<void>((resolve) => void clock.setTimer(10, resolve))
        state.value = new Map()
      },
    },
  })
  await runtime.start('probe', {}, { id: 'p' })
  runtime.send('p', 'queued')
  await clock.advance(0)
  const replaced = observe(runtime.replaceState('p', { value: 'new' }))
  await clock.advance(10)
  t.match(replaced.error, { code: 'invalid_request', details: { errors: [{ path: '/state/value' }] } })
  t.equal(runtime.info('p').revision, 2)
  await close()
})

t.test('a state is an object or an array, also where the schema takes anything', async (t) => {
  const { runtime, close } = running(t, { any: defineServer({ state: Type.Unknown(), init: () => [1] }) })
  await runtime.start('any', {}, { id: 'a' })
  for (const state of [null, 'x', 5, undefined]) {
    await t.rejects(runtime.replaceState('a', state as never), {
      code: 'invalid_request',
      details: { errors: [{ path: '/state', message: 'Expected an object or an array' }] },
    })
  }
  t.equal(await runtime.replaceState('a', [2]), 2)
  t.same((await runtime.state('a')).state, [2])
  await close()
})

t.test('a definition whose state schema cannot be compiled is refused when the runtime is made', async (t) => {
  const odd = defineServer({ state: Type.Object({ at: Type.String({ format: 'odd' }) }), init: () => ({ at: '' }) })
  t.throws(() => running(t, { odd }), { message: /^odd: state: the format odd is not known/ })
})

t.test('the state of a supervisor is its children, and is not replaced', async (t) => {
  const { runtime, close } = closed(t)
  await runtime.start('supervisor', {}, { id: 's' })
  await t.rejects(runtime.replaceState('s', {}), { code: 'invalid_request', message: /s is a supervisor/ })
  await t.rejects(
    runtime.replaceState('s', () => ({})),
    { code: 'invalid_request' },
  )
  await close()
})

t.test('who waits behind a message is told which, also of a server that is suspended', async (t) => {
  const { runtime, clock, close } = probing(t)
  await runtime.start('probe', {}, { id: 'p' })
  runtime.call('p', 'slowSet', { ms: 50, value: 7 })
  await clock.advance(0)
  runtime.suspend('p')
  const late = observe(runtime.replaceState('p', { value: 1 }, { timeout: 10 }))
  await clock.advance(10)
  t.match(late.error, { code: 'call_timeout', message: 'p did not take replaceState within 10 ms: it is at slowSet' })
  await clock.advance(40)
  runtime.resume('p')
  await close()
})
