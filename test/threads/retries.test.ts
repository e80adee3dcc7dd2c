/** Requests with a name, where servers run in threads: also when one is lost, and after a restart of the whole. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { createGateway } from '../../src/gateway.js'
import { createThreadHost } from '../../src/threads/host/create-thread-host.js'
import { logInto } from '../core/running.js'
import { bounds, eventually, limits } from './hosts.js'

const directories = [fileURLToPath(new URL('./durable', import.meta.url))]

async function open(t: Test, data: string, { handlerLimit = 300 } = {}) {
  const host = await createThreadHost({
    ...{ threads: 1, directories, logger: logInto([]), data },
    ...{ bounds: { ...bounds, maxRestarts: 20 }, ...limits, handlerLimit },
  })
  const app = await createGateway(host, { docs: false })
  const close = async () => {
    await host.close({ timeout: 1000 })
    await app.close()
  }
  t.teardown(close)
  const ask = async (method: 'GET' | 'POST' | 'DELETE', url: string, body?: object, headers: object = {}) => {
    const payload = body === undefined ? {} : { payload: body }
    const answer = await app.inject({ method, url, ...payload, headers: headers as Record<string, string> })
    return {
      status: answer.statusCode,
      location: String(answer.headers['location']),
      body: answer.body === '' ? undefined : answer.json(),
    }
  }
  const call = (message: string, args?: object, headers: object = {}) =>
    ask('POST', '/servers/a/call', { message, args, timeout: 30_000 }, headers)
  const key = (name: string) => ({ 'idempotency-key': name })
  const later = { prefer: 'respond-async' }
  const answered = async (place: string) =>
    eventually(async () => {
      const answer = await ask('GET', place)
      return answer.status === 202 ? undefined : answer
    })
  return { host, ask, call, key, later, answered, close }
}

t.test('what is asked with a key is done once, in a thread too, and the next process knows the answer', async (t) => {
  const data = join(t.testdir(), 'data')
  const { ask, call, key, close } = await open(t, data)
  const body = { implementation: 'ledger', id: 'a' }
  const started = await ask('POST', '/servers', body, key('s'))
  t.equal(started.status, 201)
  t.same(await ask('POST', '/servers', body, key('s')), started)
  for (let i = 0; i < 3; i++) t.match(await call('add', { amount: 5 }, key('k')), { status: 200, body: { reply: 5 } })
  const credit = { message: 'credit', args: { amount: 2 } }
  for (let i = 0; i < 3; i++) t.match(await ask('POST', '/servers/a/cast', credit, key('c')), { status: 202 })
  const delayed = await ask('POST', '/servers/a/cast', { ...credit, delay: 600_000 }, key('d'))
  t.match(await call('look'), { body: { reply: 7 } })
  await close()
  const next = await open(t, data)
  t.same((await next.ask('POST', '/servers', body, key('s'))).body, started.body)
  t.match(await next.call('add', { amount: 5 }, key('k')), { status: 200, body: { reply: 5 } })
  t.match(await next.call('add', { amount: 6 }, key('k')), { status: 422 })
  t.match(await next.ask('POST', '/servers/a/cast', credit, key('c')), { status: 202 })
  const same = await next.ask('POST', '/servers/a/cast', { ...credit, delay: 600_000 }, key('d'))
  t.equal(same.location, delayed.location)
  t.match(await next.call('look'), { body: { reply: 7 } })
})

t.test('a call with a key that was lost with its thread may be sent again', async (t) => {
  const { ask, call, key } = await open(t, join(t.testdir(), 'data'))
  await ask('POST', '/servers', { implementation: 'ledger', id: 'a' })
  const fatal = call('loop', undefined, key('l'))
  const waiting = call('add', { amount: 1 }, key('k'))
  t.match(await fatal, { status: 500, body: { code: 'server_crashed', effect: 'unknown' } })
  t.match(await waiting, { status: 200, body: { reply: 1 } })
  t.match(await call('add', { amount: 1 }, key('k')), { status: 200, body: { reply: 1 } })
  t.match(await call('loop', undefined, key('l')), { status: 500 }, 'it is not known, so it is done')
  t.match(await call('look'), { body: { reply: 1 } })
})

t.test('the answers of calls that wait while their thread is lost are there later', async (t) => {
  const data = join(t.testdir(), 'data')
  const { ask, call, later, answered, close } = await open(t, data)
  await ask('POST', '/servers', { implementation: 'ledger', id: 'a' })
  t.match(await call('nothing', {}, later), { status: 404, body: { code: 'unknown_message' } })
  await ask('POST', '/servers', { implementation: 'ledger', id: 'b' })
  await ask('POST', '/servers/a/suspend')
  const places: string[] = []
  for (const amount of [1, 10, 100]) {
    const sent = await call('add', { amount }, later)
    t.equal(sent.status, 202)
    places.push(sent.location)
  }
  t.match(await ask('POST', '/servers/b/call', { message: 'loop' }), { status: 500 })
  const replies: number[] = []
  for (const place of places) replies.push((await answered(place))?.body.reply)
  t.same(replies, [1, 11, 111])
  t.match(await call('look'), { body: { reply: 111 } })
  const poison = await call('loop', {}, later)
  t.match(await answered(poison.location), { status: 500, body: { code: 'server_crashed' } })
  t.match((await ask('GET', '/servers/a/dead-letters')).body.deadLetters, [{ message: 'loop', attempts: 5 }])
  t.match(await call('look'), { body: { reply: 111 } })
  await close()
  const next = await open(t, data)
  t.match(await next.answered(places[2] as string), { status: 200, body: { reply: 111 } })
})

t.test('dead letters of servers in threads are listed and replayed', async (t) => {
  const { ask } = await open(t, join(t.testdir(), 'data'))
  t.match(await ask('POST', '/servers', { implementation: 'ledger', id: 'a' }), { status: 201 })
  const letters = async () => (await ask('GET', '/servers/a/dead-letters')).body.deadLetters
  // It is accepted, and so kept, before it is taken.
  await ask('POST', '/servers/a/suspend')
  t.match(await ask('POST', '/servers/a/cast', { message: 'loopOnce' }), { status: 202 })
  void ask('POST', '/servers/a/resume')
  await eventually(async () => (await letters()).length === 1)
  const [{ ref }] = await letters()
  await ask('POST', '/servers/a/suspend')
  t.match(await ask('POST', `/servers/a/dead-letters/${ref}/replay`), { status: 202 })
  t.same(await letters(), [], 'it waits in the mailbox')
  t.match((await ask('GET', '/servers/a')).body, { mailbox: { length: 1 } })
  t.match(await ask('DELETE', `/servers/a/dead-letters/${ref}`), { status: 404, body: { code: 'unknown_dead_letter' } })
})
