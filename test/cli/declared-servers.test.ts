/** Servers of a file: what is started, and what a faulty file is told. */
import { join } from 'node:path'
import { createRuntime, defineServer, Type } from 'genservers'
import t, { type Test } from 'tap'
import { readDeclaredServers, startDeclaredServers } from '../../src/cli/declared-servers.js'
import { LoadError } from '../../src/loading/load-error.js'

const worker = defineServer({
  args: Type.Object({ does: Type.Optional(Type.String()) }),
  state: Type.Object({}),
  init: ({ does }, ctx) => (does === 'refuse' ? ctx.refuse('no') : does === 'ignore' ? ctx.ignore() : {}),
})

function declaring(t: Test, text: string) {
  const runtime = createRuntime({ implementations: { worker } })
  t.teardown(() => runtime.close())
  const file = join(t.testdir({ 'servers.json': text }), 'servers.json')
  return { runtime, file, start: async () => startDeclaredServers(runtime, await readDeclaredServers(file), file) }
}

const child = { id: 'child', implementation: 'worker', args: {} }

t.test('what it declares is started, in its order, trees among it', async (t) => {
  const servers = [
    { id: 'tree', implementation: 'supervisor', args: { children: [child] } },
    { id: 'late', implementation: 'worker', args: {}, supervisor: 'tree', labels: ['some'] },
  ]
  const { runtime, start } = declaring(t, JSON.stringify({ servers }))
  await start()
  t.match(runtime.info('child'), { supervisor: 'tree' })
  t.match(runtime.info('late'), { supervisor: 'tree', labels: ['some'] })
})

const worker1 = (more: object) =>
  JSON.stringify({ servers: [{ id: 'w', implementation: 'worker', args: {}, ...more }] })

const faults: [title: string, text: string, told: RegExp][] = [
  ['no JSON', '{', /servers\.json: .*JSON/],
  ['a list', '[]', /servers\.json: \/ must be object/],
  [
    'a server without a name',
    '{"servers":[{"implementation":"worker"}]}',
    /\/servers\/0 must have required property 'id'/,
  ],
  [
    'a key that is not known',
    worker1({ restrat: 'permanent' }),
    /\/servers\/0 must NOT have additional properties \(restrat\)/,
  ],
  [
    'an implementation that is not there',
    worker1({ implementation: 'x' }),
    /\/servers\/0: w was not started: .*no implementation x/,
  ],
  [
    'args that do not fit',
    worker1({ args: { does: 7 } }),
    /\/servers\/0: w was not started: .*; \/args\/does: Expected string/,
  ],
  ['one that refuses', worker1({ args: { does: 'refuse' } }), /w was not started: worker refused to start: no/],
  ['one that chooses not to start', worker1({ args: { does: 'ignore' } }), /its init chose to be ignored/],
  [
    'a tree whose child fails',
    JSON.stringify({
      servers: [{ id: 't', implementation: 'supervisor', args: { children: [{ ...child, implementation: 'x' }] } }],
    }),
    /t was not started: .*"failedToStartChild":"child"/,
  ],
]
for (const [title, text, told] of faults) {
  t.test(`refused: ${title}`, async (t) => {
    const { start } = declaring(t, text)
    await t.rejects(start(), LoadError)
    await t.rejects(start(), { message: told })
  })
}

t.test('refused: a file that is not there', async (t) => {
  await t.rejects(readDeclaredServers('/nowhere/servers.json'), {
    message: '/nowhere/servers.json: there is no such file',
  })
})
