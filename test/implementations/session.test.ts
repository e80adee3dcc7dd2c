import t from 'tap'
import session from '../../implementations/session.js'
import { runtimeOf } from './runtime-of.js'

t.test('a session nobody visits ends with reason normal, and not before its time', async (t) => {
  const { runtime, clock } = runtimeOf(t, { session })
  await runtime.start('session', { user: 'ada', idle: 1000 }, { id: 's' })
  await clock.advance(999)
  t.equal(runtime.whereis('s'), 's')
  await clock.advance(1)
  t.equal(runtime.whereis('s'), undefined)
  await t.rejects(runtime.call('s', 'get'), { code: 'server_exited', details: { reason: 'normal' } })
})

t.test('each kind of visit starts the time over', async (t) => {
  const { runtime, clock } = runtimeOf(t, { session })
  const visits = {
    put: () => runtime.call<typeof session>('s', 'put', { data: 1 }),
    get: () => runtime.call<typeof session>('s', 'get'),
    touch: () => runtime.cast<typeof session>('s', 'touch'),
  }
  for (const [name, visit] of Object.entries(visits)) {
    await runtime.start('session', { user: 'ada', idle: 1000 }, { id: 's' })
    await clock.advance(900)
    await visit()
    await clock.advance(999)
    t.equal(runtime.whereis('s'), 's', name)
    await clock.advance(1)
    t.equal(runtime.whereis('s'), undefined, name)
  }
})

t.test('looking at a session from outside is no visit', async (t) => {
  const { runtime, clock } = runtimeOf(t, { session })
  await runtime.start('session', { user: 'ada', idle: 1000 }, { id: 's' })
  await clock.advance(999)
  t.equal(runtime.info('s').status, 'running')
  runtime.state('s')
  runtime.timers('s')
  await clock.advance(1)
  t.equal(runtime.whereis('s'), undefined)
})

t.test('what is put is got', async (t) => {
  const { runtime } = runtimeOf(t, { session })
  await runtime.start('session', { user: 'ada' }, { id: 's' })
  t.same(await runtime.call<typeof session>('s', 'get'), { user: 'ada', data: null })
  t.equal(await runtime.call<typeof session>('s', 'put', { data: { theme: 'dark' } }), null)
  t.same(await runtime.call<typeof session>('s', 'get'), { user: 'ada', data: { theme: 'dark' } })
})

t.test('signing out answers how long it lasted, and when it has answered the id is free', async (t) => {
  const { runtime, clock } = runtimeOf(t, { session })
  await runtime.start('session', { user: 'ada' }, { id: 's' })
  await clock.advance(1500)
  t.equal(await runtime.call<typeof session>('s', 'signOut'), 1500)
  await runtime.start('session', { user: 'bob' }, { id: 's' })
  t.same(await runtime.call<typeof session>('s', 'get'), { user: 'bob', data: null })
})

t.test('operators see whose session it is, not what is in it', async (t) => {
  const { runtime } = runtimeOf(t, { session })
  await runtime.start('session', { user: 'ada' }, { id: 's' })
  await runtime.call<typeof session>('s', 'put', { data: 'secret' })
  t.match((await runtime.state('s')).state, { user: 'ada' })
  t.notMatch(JSON.stringify((await runtime.state('s')).state), /secret/)
})
