/** An implementation is loaded again from its file, and put under the servers that run. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { bundledDirectory } from '../../src/loading/bundled-directory.js'
import { createRuntimeOf, loadImplementations } from '../../src/loading/load-implementations.js'
import { reloadImplementation } from '../../src/loading/reload.js'

const tally = (version: number, step: string, more = '') => `import { defineServer, Type } from 'genservers'
import { STEP } from './_step.ts'
export default defineServer({
  version: ${version},
  state: Type.Object({ count: Type.Integer() }),
  calls: { step: { reply: Type.Integer() } },
  init: () => ({ count: 0 }),
  handleCall: { step: (state: { count: number }) => { state.count += ${step}; return state.count } },
  ${more}
})
`

async function serving(t: Test) {
  const directory = t.testdir({ 'tally.ts': tally(1, 'STEP'), '_step.ts': 'export const STEP = 1' })
  const loaded = await loadImplementations([directory])
  const runtime = createRuntimeOf(loaded, {})
  t.teardown(() => runtime.close())
  await runtime.start('tally', {}, { id: 't' })
  return {
    runtime,
    write: (name: string, text: string) => writeFileSync(join(directory, name), text),
    remove: (name: string) => rmSync(join(directory, name)),
    reload: (name = 'tally', options = {}) => reloadImplementation(runtime, loaded, name, options),
  }
}

t.test('the file is read again, with what it imports', async (t) => {
  const { runtime, write, reload } = await serving(t)
  t.equal(await runtime.call('t', 'step'), 1)
  write('_step.ts', 'export const STEP = 10')
  t.match(await reload(), { implementation: 'tally', from: 1, to: 1, servers: 1, migrated: 0 })
  t.equal(await runtime.call('t', 'step'), 11)
  write('tally.ts', tally(2, '100', 'codeChange: (old) => ({ count: -old.count }),'))
  t.match(await reload('tally', { dryRun: true }), { from: 1, to: 2, migrated: 1 })
  t.equal(await runtime.call('t', 'step'), 21)
  t.match(await reload(), { from: 1, to: 2, servers: 1, migrated: 1 })
  t.equal(await runtime.call('t', 'step'), 79)
  t.match(await reload(), { from: 2, to: 2, migrated: 0 }, 'twice is as once')
})

t.test('so is an ES module that Node could import by itself, since genservers is installed beside it', async (t) => {
  const text = (reply: number) => `import { defineServer, GenServerError, Type } from 'genservers'
    export default defineServer({
      calls: { ask: { reply: Type.Integer() }, isOurs: { reply: Type.Boolean() } },
      init: () => ({}),
      handleCall: {
        ask: () => ${reply},
        isOurs: (_state, _args, ctx) => ctx.call('nobody', 'ask', {}).catch((error) => error instanceof GenServerError),
      },
    })`
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const directory = t.testdir({
    'package.json': '{ "type": "module" }',
    node_modules: { genservers: t.fixture('symlink', root) },
    'plain.js': text(1),
    'named.mjs': text(1),
  })
  const loaded = await loadImplementations([directory])
  const runtime = createRuntimeOf(loaded, {})
  t.teardown(() => runtime.close())
  for (const [name, file] of [
    ['plain', 'plain.js'],
    ['named', 'named.mjs'],
  ] as const) {
    await runtime.start(name, {}, { id: name })
    t.same([await runtime.call(name, 'ask'), await runtime.call(name, 'isOurs')], [1, true])
    writeFileSync(join(directory, file), text(2))
    await reloadImplementation(runtime, loaded, name, {})
    t.equal(await runtime.call(name, 'ask'), 2)
  }
})

t.test('JSON that it imports is read again too', async (t) => {
  const { runtime, write, reload } = await serving(t)
  write('_step.json', '{ "step": 5 }')
  write('_step.ts', "import data from './_step.json'\nexport const STEP = data.step")
  await reload()
  t.equal(await runtime.call('t', 'step'), 5)
  write('_step.json', '{ "step": 7 }')
  await reload()
  t.equal(await runtime.call('t', 'step'), 12)
})

t.test('a module that never comes to its end is waited for as long as was asked, and holds no other up', async (t) => {
  const { runtime, write, reload } = await serving(t)
  for (const endless of ['await new Promise(() => {})', 'export function then() {}']) {
    write('tally.ts', endless)
    await t.rejects(reload('tally', { timeout: 20 }), {
      code: 'code_change_failed',
      message: 'tally was not changed: its new definition was not there after 20 ms',
    })
  }
  write('tally.ts', tally(1, '3'))
  await reload()
  t.equal(await runtime.call('t', 'step'), 3)
})

t.test('a file that is no sound implementation any more changes nothing', async (t) => {
  const { runtime, write, remove, reload } = await serving(t)
  const fails = async (problem: RegExp) => {
    await t.rejects(reload(), { name: 'LoadError', message: problem })
    t.equal(runtime.info('t').version, 1)
  }
  write('tally.ts', 'export default (')
  await fails(/tally\.ts: .*syntax error/)
  write('tally.ts', 'throw new Error("not today")')
  await fails(/not today/)
  write('tally.ts', 'export const other = 1')
  await fails(/it has no default export/)
  write('tally.ts', tally(2, '1', 'handleCast: { nobody: () => {} },'))
  await fails(/tally\.ts: handleCast has nobody, but casts has no such message$/)
  remove('tally.ts')
  await fails(/tally\.ts: /)
  t.equal(await runtime.call('t', 'step'), 1, 'the server goes on')
})

t.test('servers that cannot come along are the failure of the change and not of the file', async (t) => {
  const { write, reload } = await serving(t)
  write('tally.ts', tally(2, '1'))
  await t.rejects(reload(), { code: 'code_change_failed' })
})

t.test('what is built in has no file, and what is not there has none either', async (t) => {
  const { reload } = await serving(t)
  await t.rejects(reload('supervisor'), { name: 'LoadError', message: /it is built in/ })
  await t.rejects(reload('nothing'), { code: 'unknown_implementation' })
})

t.test('the bundled implementations can be reloaded too', async (t) => {
  const loaded = await loadImplementations([bundledDirectory])
  const runtime = createRuntimeOf(loaded, {})
  await runtime.start('counter', {}, { id: 'c' })
  for (const name of loaded.keys()) t.match(await reloadImplementation(runtime, loaded, name, {}), { migrated: 0 })
  t.equal(await runtime.call('c', 'increment', { by: 2 }), 2)
  await runtime.close()
})

t.test('what was reloaded is forgotten when it is reloaded again', async (t) => {
  if (global.gc === undefined) {
    const { setFlagsFromString } = await import('node:v8')
    const { runInNewContext } = await import('node:vm')
    setFlagsFromString('--expose-gc')
    global.gc = runInNewContext('gc') as NodeJS.GCFunction
  }
  const { runtime, reload } = await serving(t)
  await reload()
  const code = new WeakRef(runtime.implementations.get('tally') as object)
  for (let n = 0; n < 3; n++) await reload()
  for (let n = 0; n < 20 && code.deref() !== undefined; n++) {
    await new Promise((resolve) => setImmediate(resolve))
    global.gc?.()
  }
  t.equal(code.deref(), undefined)
})
