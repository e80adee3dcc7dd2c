/** A definition, compiled: what each message takes and answers. */
import { type AnyDefinition, argsSchema, defineServer, Type } from 'genservers'
import t from 'tap'
import { BadReply, compileProtocol } from '../../../src/core/definition/protocol.js'
import { thrownBy } from '../thrown-by.js'

const probe = defineServer({
  version: 3,
  args: Type.Object({ start: Type.Integer({ default: 0 }) }),
  state: Type.Object({ n: Type.Integer() }),
  calls: {
    add: { args: Type.Object({ by: Type.Integer() }), reply: Type.Integer() },
    get: { reply: Type.Integer(), readOnly: true },
    touch: {},
    anything: { args: Type.Unknown(), reply: Type.Unknown() },
  },
  casts: { set: { args: Type.Object({ n: Type.Integer() }) }, reset: {} },
  infos: { tick: { args: Type.Object({ at: Type.Integer() }) }, tock: {} },
  events: { changed: Type.Object({ n: Type.Integer() }) },
  init: ({ start }) => ({ n: start }),
  handleCall: { add: () => 1, get: () => 1, touch: () => {}, anything: () => 1 },
  handleCast: { set() {}, reset() {} },
  handleInfo: { tick() {}, tock() {}, timeout() {} },
  handleContinue: { next() {} },
})

const protocol = compileProtocol('probe', probe)
const { calls, casts, infos, events } = protocol

t.test('it knows the name, the version and the messages of its definition', async (t) => {
  t.equal(protocol.name, 'probe')
  t.equal(protocol.version, 3)
  t.equal(protocol.definition, probe)
  t.same([...calls.keys()], ['add', 'get', 'touch', 'anything'])
  t.same([...casts.keys()], ['set', 'reset'])
  t.same([...infos.keys()], ['tick', 'tock', 'timeout'])
  t.same([...protocol.continues.keys()], ['next'])
  t.same([...events.keys()], ['changed'])
  t.equal(calls.get('get')?.readOnly, true)
  t.equal(calls.get('add')?.readOnly, false)
  t.equal(calls.get('add')?.handler, probe.handleCall.add)
})

t.test('a definition that says no version is version 1, and one without messages has none', async (t) => {
  const bare = compileProtocol('bare', defineServer({ state: Type.Object({}), init: () => ({}) }))
  t.equal(bare.version, 1)
  for (const table of [bare.calls, bare.casts, bare.infos, bare.continues, bare.events]) t.equal(table.size, 0)
})

t.test('no name reaches what an object inherits', async (t) => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    t.equal(calls.get(name), undefined)
    t.equal(casts.get(name), undefined)
  }
})

t.test('args are copied, completed and checked', async (t) => {
  const args = { by: 2 }
  const checked = calls.get('add')?.check(args)
  t.strictSame(checked, { by: 2 })
  t.not(checked, args)
  t.strictSame(protocol.checkStartArgs(undefined), { start: 0 })
  t.strictSame(protocol.checkStartArgs({ start: 4 }), { start: 4 })
  t.strictSame(casts.get('set')?.check({ n: 1 }), { n: 1 })
})

t.test('args at fault are refused with each place', async (t) => {
  t.match(
    thrownBy(() => calls.get('add')?.check({ by: '2', and: 1 })),
    {
      code: 'invalid_args',
      effect: 'none',
      message: 'the args of add are not what it takes',
      details: { errors: [{ path: '/and' }, { path: '/by' }] },
    },
  )
  for (const args of [null, [], 'x', undefined]) {
    t.throws(() => calls.get('add')?.check(args), { code: 'invalid_args' }, JSON.stringify(args))
  }
  t.throws(() => protocol.checkStartArgs({ stat: 1 }), { code: 'invalid_args' })
  t.throws(() => casts.get('set')?.check({ n: 1n }), { code: 'invalid_args' })
})

t.test('a message without args takes none: left out and {} are the same', async (t) => {
  for (const check of [calls.get('touch')?.check, casts.get('reset')?.check, infos.get('tock')?.check]) {
    t.strictSame(check?.(undefined), {})
    t.strictSame(check?.({}), {})
    for (const args of [null, [], 0, '', { a: 1 }, [1]]) {
      t.match(
        thrownBy(() => check?.(args)),
        { code: 'invalid_args', details: { errors: [{ path: '', message: 'Expected no args' }] } },
        JSON.stringify(args),
      )
    }
  }
})

t.test('args that need not be an object are null when they are left out', async (t) => {
  t.equal(calls.get('anything')?.check(undefined), null)
  t.strictSame(calls.get('anything')?.check([1]), [1])
})

t.test('a declared info is checked, and one that is not takes any JSON', async (t) => {
  t.throws(() => infos.get('tick')?.check({ at: 'x' }), { code: 'invalid_args' })
  t.strictSame(infos.get('tick')?.check({ at: 1 }), { at: 1 })
  t.strictSame(infos.get('timeout')?.check([1]), [1])
  t.throws(() => infos.get('timeout')?.check(() => 1), { code: 'invalid_args' })
})

t.test('a handler may be called like what objects inherit', async (t) => {
  const definition: AnyDefinition = {
    state: Type.Object({}),
    casts: { constructor: {} },
    init: () => ({}),
    handleCast: { constructor: () => {} },
    handleInfo: { toString: () => {} },
  }
  const odd = compileProtocol('odd', definition)
  t.throws(() => odd.casts.get('constructor')?.check([1]), { code: 'invalid_args' })
  t.strictSame(odd.infos.get('toString')?.check([1]), [1])
})

t.test('a reply is copied and held to what the interface promises', async (t) => {
  t.equal(calls.get('add')?.checkReply(3), 3)
  t.match(
    thrownBy(() => calls.get('add')?.checkReply('3')),
    { constructor: BadReply, message: /^bad reply: what add gave is not what it promises: Expected integer$/ },
  )
  t.match(
    thrownBy(() => calls.get('anything')?.checkReply({ a: 1n })),
    { constructor: BadReply, message: 'bad reply: what anything gave is not JSON: /a is a bigint, not JSON' },
  )
})

t.test('a reply may name the place where it breaks its promise', async (t) => {
  const listed = compileProtocol(
    'listed',
    defineServer({
      state: Type.Object({}),
      calls: { list: { reply: Type.Array(Type.Integer()) } },
      init: () => ({}),
      handleCall: { list: () => [] },
    }),
  )
  t.throws(() => listed.calls.get('list')?.checkReply([1, 'x']), { message: /promises: \/1 Expected integer$/ })
})

t.test('a call that promises no reply answers null, whatever its handler returns', async (t) => {
  t.equal(calls.get('touch')?.checkReply(undefined), null)
  t.equal(calls.get('touch')?.checkReply(7n), null)
})

t.test('a reply is open: keys that the schema does not name are not refused', async (t) => {
  t.strictSame(events.get('changed')?.({ n: 1, more: 2 }), { n: 1, more: 2 })
})

t.test('a reply may be deeper than a message, since a state holds what many messages brought', async (t) => {
  const nested = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
  t.throws(() => calls.get('anything')?.check(nested(65)), { code: 'invalid_args' })
  t.doesNotThrow(() => calls.get('anything')?.checkReply(nested(256)))
  t.ok(thrownBy(() => calls.get('anything')?.checkReply(nested(257))) instanceof BadReply)
})

t.test('an error of what a handler gave is passed on as it is', async (t) => {
  const trap = {
    get a() {
      throw new RangeError('gone')
    },
  }
  t.ok(thrownBy(() => calls.get('anything')?.checkReply(trap)) instanceof RangeError)
})

t.test('what is published is held to its schema', async (t) => {
  const wrong = thrownBy(() => events.get('changed')?.({ n: 'x' }))
  t.match(wrong, {
    message: /^bad event: what was published as changed is not what it promises: \/n Expected integer$/,
  })
  t.notOk(wrong instanceof BadReply, 'the reply of the handler may be as it must be')
})

t.test('a schema that cannot be compiled is refused with its place', async (t) => {
  const bogus = Type.Object({ a: Type.String({ format: 'bogus' }) })
  const base = { state: Type.Object({}), init: () => ({}) }
  const cases: [string, AnyDefinition][] = [
    ['args', { ...base, args: bogus }],
    ['pay', { ...base, calls: { pay: { args: bogus } }, handleCall: { pay: () => {} } }],
    ['pay', { ...base, calls: { pay: { reply: bogus } }, handleCall: { pay: () => {} } }],
    ['pay', { ...base, casts: { pay: { args: bogus } }, handleCast: { pay: () => {} } }],
    ['pay', { ...base, infos: { pay: { args: bogus } }, handleInfo: { pay: () => {} } }],
    ['paid', { ...base, events: { paid: bogus } }],
  ]
  for (const [place, definition] of cases) {
    t.throws(() => compileProtocol('shop', definition), { message: `shop: ${place}: the format bogus is not known` })
  }
})

t.test('the schema that clients are shown is the one that is checked', async (t) => {
  t.equal(argsSchema(undefined), undefined)
  t.equal(argsSchema(Type.Object({}))?.additionalProperties, false)
})
