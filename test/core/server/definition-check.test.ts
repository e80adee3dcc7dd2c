/** Definitions that contradict themselves; most of them cannot be written in TypeScript. */
import { type AnyDefinition, Type } from 'genservers'
import t from 'tap'
import { checkDefinition } from '../../../src/core/definition/definition-check.js'

const base = { state: Type.Object({}), init: () => ({}) }
const kept = {
  ...base,
  durable: true,
  state: Type.Object({ status: Type.String(), items: Type.Array(Type.String()) }),
}
const faults: [fault: string, definition: object][] = [
  ['init is missing', { state: base.state }],
  ['init is missing', { ...base, init: 'soon' }],
  ['handlecall is not a key of a definition', { ...base, handlecall: {} }],
  ['terminate is not a function', { ...base, terminate: 1 }],
  ['redact is not a function', { ...base, redact: {} }],
  ['mailbox: Expected a positive integer', { ...base, mailbox: 0 }],
  ['shutdown: Expected milliseconds, 0 or more, or Infinity', { ...base, shutdown: -1 }],
  ['restart: Expected permanent, transient or temporary', { ...base, restart: 'always' }],
  ['restartFrom: Expected state or init', { ...base, restartFrom: 'scratch' }],
  ['codeChange is not a function', { ...base, codeChange: 'x' }],
  ['calls has pop, but handleCall has no such handler', { ...base, calls: { pop: {} } }],
  ['calls has pop, but handleCall has no such handler', { ...base, calls: { pop: {} }, handleCall: {} }],
  ['handleCall has pop, but calls has no such message', { ...base, handleCall: { pop() {} } }],
  ['handleCall.pop is not a function', { ...base, calls: { pop: {} }, handleCall: { pop: 1 } }],
  ['casts has push, but handleCast has no such handler', { ...base, casts: { push: {} } }],
  ['handleCast has push, but casts has no such message', { ...base, handleCast: { push() {} } }],
  ['handleCast.push is not a function', { ...base, casts: { push: {} }, handleCast: { push: null } }],
  ['infos has tick, but handleInfo has no such handler', { ...base, infos: { tick: {} } }],
  ['handleInfo has tock, but infos has no such message', { ...base, infos: {}, handleInfo: { tock() {} } }],
  ['handleInfo.tick is not a function', { ...base, handleInfo: { tick: true } }],
  ['handleContinue.next is not a function', { ...base, handleContinue: { next: 'x' } }],
  ['a b is not spelt like a message', { ...base, calls: { 'a b': {} }, handleCall: { 'a b'() {} } }],
  ['1st is not spelt like a message', { ...base, casts: { '1st': {} }, handleCast: { '1st'() {} } }],
  ['a b is not spelt like an event', { ...base, events: { 'a b': Type.Null() } }],
  ['a\n is not spelt like an event', { ...base, events: { 'a\n': Type.Null() } }],
  ['indexes is not a list of names', { ...kept, indexes: 'status' }],
  ['indexes is not a list of names', { ...kept, indexes: [7] }],
  ['indexes are of states that are kept, and it is not durable', { ...kept, durable: false, indexes: ['status'] }],
  ['indexes has colour, but state has no such property', { ...kept, indexes: ['status', 'colour'] }],
  ['indexes has toString, but state has no such property', { ...kept, indexes: ['toString'] }],
  ['indexes has status, but state has no such property', { ...kept, state: Type.Unknown(), indexes: ['status'] }],
  ['indexes has items, whose values are not all strings, all numbers or all booleans', { ...kept, indexes: ['items'] }],
  ['indexes has status twice', { ...kept, indexes: ['status', 'status'] }],
  ['events has exit, which the runtime tells itself', { ...base, events: { exit: Type.Null() } }],
  ['events has gap, which the runtime tells itself', { ...base, events: { gap: Type.Null() } }],
  [
    'calls has constructor, but handleCall has no such handler',
    { ...base, calls: { constructor: {} }, handleCall: {} },
  ],
]

t.test('each contradiction is named, with the implementation that has it', async (t) => {
  for (const [fault, definition] of faults) {
    const check = () => checkDefinition('stack', definition as AnyDefinition)
    t.throws(check, { message: new RegExp(`^stack: ${fault.replaceAll('.', '\\.')}`) }, fault)
  }
})

t.test('all contradictions are named at once', async (t) => {
  const definition = { state: base.state, calls: { pop: {} }, handleCast: { push() {} } } as unknown as AnyDefinition
  t.throws(() => checkDefinition('stack', definition), {
    message:
      'stack: init is missing; calls has pop, but handleCall has no such handler; ' +
      'handleCast has push, but casts has no such message',
  })
})

t.test('a definition that keeps its word is taken', async (t) => {
  const long = `m${'x'.repeat(63)}`
  const definition: AnyDefinition = {
    ...base,
    description: 'All that may be said.',
    args: Type.Object({}),
    calls: { pop: {}, [long]: {} },
    casts: { push: {}, snake_case9: {} },
    infos: { tick: {} },
    events: { changed: Type.Object({}) },
    handleCall: { pop() {}, [long]() {} },
    handleCast: { push() {}, snake_case9() {} },
    handleInfo: { tick() {}, DOWN() {}, EXIT() {}, timeout() {} },
    handleContinue: { next() {} },
    terminate() {},
    redact: () => null,
    version: 2,
    codeChange: (state) => state,
    durable: true,
    indexes: ['n'],
    state: Type.Object({ n: Type.Integer() }),
    idle: 1000,
    restart: 'permanent',
    restartFrom: 'init',
    shutdown: 1000,
    mailbox: 10,
  }
  t.doesNotThrow(() => checkDefinition('stack', definition))
  const tooLong = { ...base, casts: { [`${long}x`]: {} }, handleCast: { [`${long}x`]() {} } }
  t.throws(() => checkDefinition('stack', tooLong), { message: /is not spelt like a message/ })
})

t.test('a definition that declares no infos may handle any', async (t) => {
  t.doesNotThrow(() => checkDefinition('stack', { ...base, handleInfo: { 'any info': () => {} } }))
})
