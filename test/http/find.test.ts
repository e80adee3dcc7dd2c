/** Durable servers that are looked for by what is in their states. */
import { defineServer, Type } from 'genservers'
import t, { type Test } from 'tap'
import { MemoryStore } from '../../src/stores/memory-store.js'
import { openGateway } from './open-gateway.js'

const Text = Type.Union([Type.String(), Type.Null()])
const item = defineServer({
  durable: true,
  indexes: ['text', 'note', 'size', 'count', 'on'],
  args: Type.Object({ text: Type.String(), note: Type.Optional(Type.String()), size: Type.Optional(Type.Number()) }),
  state: Type.Object({
    text: Type.String(),
    note: Text,
    size: Type.Union([Type.Number(), Type.Null()]),
    count: Type.Integer(),
    on: Type.Boolean(),
    hidden: Type.String(),
  }),
  init: ({ text, note = null, size = null }) => ({ text, note, size, count: 7, on: true, hidden: 'x' }),
})

async function open(t: Test) {
  const { ask, clock, runtime } = await openGateway(t, { item }, {}, new MemoryStore())
  const start = (id: string, args: object, labels: readonly string[] = []) =>
    runtime.start('item', args, { id, labels })
  const query = (...wheres: string[]) => wheres.map((where) => `&where=${encodeURIComponent(where)}`).join('')
  const find = async (...wheres: string[]) => {
    const { statusCode, body } = await ask('GET', `/servers?implementation=item${query(...wheres)}`)
    return statusCode === 200 ? body.servers.map(({ id }: { id: string }) => id).join(' ') : body.errors
  }
  return { ask, clock, start, find }
}

t.test('GET /servers?where= tells whose states have a value', async (t) => {
  const { ask, clock, start, find } = await open(t)
  await start('a', { text: 'paid', note: 'x' }, ['eu'])
  await start('b', { text: 'paid', size: 1.5 })
  await start('c', { text: 'new', size: 1e3 })
  await clock.advance(300_000)
  t.equal(await find('text=paid'), 'a b')
  t.equal(await find('text=paid', 'size=1.5'), 'b')
  t.equal(await find('size=1000'), 'c')
  t.equal(await find('size=1e3'), 'c')
  t.equal(await find('size=null', 'note=x', 'count=7', 'on=true'), 'a')
  t.equal(await find('on=false'), '')
  const page = await ask('GET', '/servers?implementation=item&where=on=true&limit=2')
  t.match(page.body, { servers: [{ id: 'a', status: 'running', implementation: 'item' }, { id: 'b' }], next: 'b' })
  const last = await ask('GET', `/servers?implementation=item&where=on=true&limit=2&after=${page.body.next}`)
  t.match(last.body, { servers: [{ id: 'c' }], next: undefined })
  const labelled = await ask('GET', '/servers?implementation=item&where=on=true&label=eu&status=running')
  t.match(labelled.body, { servers: [{ id: 'a' }] })
  t.equal(labelled.body.servers.length, 1)
})

t.test('a text is as it is, whatever it looks like', async (t) => {
  const { start, find } = await open(t)
  const texts = ['', '1', 'true', 'null', '"', "' OR '1'='1", 'a=b&c=d', '%41', 'a+b c', 'ü😀', '\0', '\\u0041', '{}']
  for (const [at, text] of texts.entries()) await start(`s${at}`, { text, note: text })
  for (const [at, text] of texts.entries()) {
    t.equal(await find(`text=${text}`), `s${at}`, JSON.stringify(text))
    t.equal(await find(`note=${text}`), text === 'null' ? '' : `s${at}`, JSON.stringify(text))
  }
})

t.test('what cannot be looked for is refused, and each place is named', async (t) => {
  const { ask, find } = await open(t)
  t.same(await find('size=a'), [{ path: '/where/size', message: 'Expected number or null' }])
  t.same(await find('size=1e999'), [{ path: '/where/size', message: 'Expected number or null' }])
  t.same(await find('count=1.5', 'on=1'), [
    { path: '/where/count', message: 'Expected integer' },
    { path: '/where/on', message: 'Expected boolean' },
  ])
  t.same(await find('count=null'), [{ path: '/where/count', message: 'Expected integer' }])
  t.same(await find('count={"a":[1]}'), [{ path: '/where/count', message: 'Expected integer' }])
  t.match(await find('hidden=x'), [{ path: '/where/hidden' }], 'only what is declared')
  t.match(await find('__proto__=x'), [{ path: '/where/__proto__' }])
  t.match(await find('=x'), [{ path: '/where/' }])
  t.same(await find('text=a', 'text=b'), [{ path: '/where/text', message: 'Expected once' }])
  t.match(await find('text'), [{ path: '/where/0' }])
  t.match(await find('text=a', ''), [{ path: '/where/1' }])
  const many = Array.from({ length: 17 }, (_, at) => `p${at}=1`)
  t.same(await find(...many), [{ path: '/where', message: 'must NOT have more than 16 items' }])
  for (const url of ['/servers?where=text=a', '/servers?where=text=a&label=eu']) {
    t.match(await ask('GET', url), {
      statusCode: 400,
      body: { code: 'invalid_request', errors: [{ path: '/implementation' }] },
    })
  }
  t.match((await ask('GET', '/servers?implementation=probe&where=n=1')).body, {
    code: 'invalid_request',
    errors: [{ path: '/where/n', message: 'Expected nothing: it has no indexes' }],
  })
  const unknown = await ask('GET', '/servers?implementation=nobody&where=n=1')
  t.same(unknown.body, (await ask('GET', '/servers?implementation=nobody')).body)
})

t.test('where the store cannot look that is told', async (t) => {
  class Failing extends MemoryStore {
    override async find(): Promise<never> {
      throw new Error('disk I/O error')
    }
  }
  const { ask } = await openGateway(t, { item }, {}, new Failing())
  const answer = await ask('GET', '/servers?implementation=item&where=on=true')
  t.match(answer, { statusCode: 503, body: { code: 'storage_failed', effect: 'none' } })
})

t.test('an implementation tells by what its servers are found', async (t) => {
  const { ask } = await open(t)
  t.same((await ask('GET', '/implementations/item')).body.indexes, {
    text: { type: 'string' },
    note: { type: ['string', 'null'] },
    size: { type: ['number', 'null'] },
    count: { type: 'integer' },
    on: { type: 'boolean' },
  })
  t.same((await ask('GET', '/implementations/probe')).body.indexes, {})
})
