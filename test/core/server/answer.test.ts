/** What a callback returns when it is not the plain reply. */
import { type AnyDefinition, createRuntime, Type } from 'genservers'
import t from 'tap'
import { IGNORE, Ignore, NO_REPLY, NoReply, Refuse, StartIgnored, Stop } from '../../../src/core/definition/answer.js'
import { compileProtocol } from '../../../src/core/definition/protocol.js'
import { noAnswer, turn } from '../../../src/core/server/turn.js'

t.test('each answer is of its own kind and holds what was said', async (t) => {
  t.ok(NO_REPLY instanceof NoReply)
  t.ok(IGNORE instanceof Ignore)
  t.equal(new Refuse('full').reason, 'full')
  t.match(new StartIgnored('c1 is not wanted'), { name: 'StartIgnored', message: 'c1 is not wanted' })
  t.equal(new Stop('normal').answer, undefined)
  t.same(new Stop('normal', { reply: undefined }), { reason: 'normal', answer: { reply: undefined } })
})

t.test('a reply that looks like an answer is a reply', async (t) => {
  const take = (reply: unknown) => {
    const definition = {
      state: Type.Object({}),
      calls: { echo: { reply: Type.Unknown() } },
      init: () => ({}),
      handleCall: { echo: () => reply },
    }
    const operation = compileProtocol('probe', definition).calls.get('echo')
    return operation && turn(operation.handler, {}, null, undefined, operation.checkReply)
  }
  for (const lookalike of [{ answer: 'noReply' }, { reason: 'normal', answer: { reply: 1 } }, { answer: 'ignore' }]) {
    t.strictSame(take(lookalike), { state: {}, answer: lookalike })
  }
  t.match(take(NO_REPLY), { answer: NO_REPLY })
})

/** A promise of somebody else's make: what its chains give is of the same make, as with knex and Bluebird. */
class Foreign {
  constructor(readonly value: unknown) {}
  // biome-ignore lint/suspicious/noThenProperty: it is what the tests are about
  then(onResolve: (value: unknown) => unknown) {
    return new Foreign(onResolve(this.value))
  }
}

t.test("a promise of somebody else's make is waited for like one of ours", async (t) => {
  const increment = (state: unknown) => {
    ;(state as { n: number }).n++
    return new Foreign('done')
  }
  const turned = turn(increment, { n: 1 }, null, undefined, (reply) => reply as string)
  t.ok(turned instanceof Promise)
  t.strictSame(await turned, { state: { n: 2 }, answer: 'done' })
  t.equal(noAnswer('anything'), null)
})

t.test('the state and the reply of such a handler are what any other gives', async (t) => {
  const definition: AnyDefinition = {
    state: Type.Object({ n: Type.Integer() }),
    calls: { increment: { reply: Type.Integer() }, get: { reply: Type.Integer(), readOnly: true } },
    init: () => new Foreign({ n: 1 }),
    handleCall: {
      increment: (state) => new Foreign(++state.n),
      get: (state) => new Foreign(state.n),
    },
  }
  const runtime = createRuntime({ implementations: { counter: definition } })
  const { id } = await runtime.start('counter')
  t.equal(await runtime.call(id, 'increment'), 2)
  t.equal(await runtime.call(id, 'get'), 2)
  t.match(runtime.state(id), { state: { n: 2 }, revision: 2 })
  await runtime.close()
  t.same(runtime.list().servers, [])
})
