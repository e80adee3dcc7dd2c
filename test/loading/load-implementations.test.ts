/** Loading from directories: what counts, that other people's files get our own core, and what is said of faulty ones. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { isDefinition } from '../../src/index.js'
import { bundledDirectory } from '../../src/loading/bundled-directory.js'
import { createRuntimeOf, loadImplementations } from '../../src/loading/load-implementations.js'

const sound = `import { defineServer, Type } from 'genservers'
export default defineServer({
  state: Type.Object({ count: Type.Integer() }),
  calls: { increment: { reply: Type.Integer() } },
  init: () => ({ count: 0 }),
  handleCall: { increment: (state: { count: number }) => { state.count += 1; return state.count } },
})
`

/** The message with which loading these files fails; `DIR` stands for their directory. */
async function failureOf(t: Test, files: Record<string, string>): Promise<string> {
  const directory = t.testdir(files)
  try {
    const loaded = await loadImplementations([directory])
    createRuntimeOf(loaded, {})
  } catch (error) {
    t.equal((error as Error).name, 'LoadError')
    return (error as Error).message.replaceAll(directory, 'DIR')
  }
  throw new Error('it was loaded')
}

t.test('the bundled implementations load, each under the name of its file', async (t) => {
  const loaded = await loadImplementations([bundledDirectory])
  t.match([...loaded.keys()], ['checkout', 'counter', 'kv'])
  t.equal(loaded.get('rate-limiter')?.file, join(bundledDirectory, 'rate-limiter.js'))
  const runtime = createRuntimeOf(loaded, {})
  t.same([...runtime.implementations.keys()], [...loaded.keys(), 'supervisor'])
  await runtime.close()
})

t.test('a TypeScript file anywhere may import genservers and runs on the core of this process', async (t) => {
  const directory = t.testdir({ 'tally.ts': sound, 'other.mjs': sound.replace(': { count: number }', '') })
  const loaded = await loadImplementations([directory])
  t.same([...loaded.keys()], ['other', 'tally'])
  t.ok(isDefinition(loaded.get('tally')?.definition))
  const runtime = createRuntimeOf(loaded, {})
  await runtime.start('tally', {}, { id: 't1' })
  t.equal(await runtime.call('t1', 'increment'), 1)
  t.equal(await runtime.call('t1', 'increment'), 2)
  await runtime.close()
})

t.test('a foreign file fails with the very GenServerError of this process', async (t) => {
  const directory = t.testdir({
    'probe.ts': `import { defineServer, GenServerError, Type } from 'genservers'
      export default defineServer({
        state: Type.Object({}),
        calls: { probe: { reply: Type.Boolean() } },
        init: () => ({}),
        handleCall: {
          probe: async (_state: object, _args: object, ctx: any) => {
            try { await ctx.call('nobody', 'x') } catch (error) { return error instanceof GenServerError }
            return false
          },
        },
      })`,
  })
  const runtime = createRuntimeOf(await loadImplementations([directory]), {})
  await runtime.start('probe', {}, { id: 'p' })
  t.equal(await runtime.call('p', 'probe'), true)
  await runtime.close()
})

t.test('what implementations share lies in files that begin with an underscore', async (t) => {
  const directory = t.testdir({
    'tally.ts': `import { first } from './_shared.js'\n${sound.replace('count: 0', 'count: first')}`,
    '_shared.ts': 'export const first: number = 7',
    '.hidden.ts': 'throw new Error()',
    'tally.test.ts': 'throw new Error()',
    'tally.d.ts': 'export {}',
    'README.md': '',
    'nested.ts': { 'not-a-file.txt': '' },
  })
  const loaded = await loadImplementations([directory])
  t.same([...loaded.keys()], ['tally'])
  t.same(loaded.get('tally')?.definition.init({}, {}), { count: 7 })
})

t.test('links are followed, as in a mounted ConfigMap', async (t) => {
  const directory = t.testdir({ data: { 'tally.ts': sound }, mounted: {} })
  symlinkSync(join(directory, 'data/tally.ts'), join(directory, 'mounted/tally.ts'))
  t.same([...(await loadImplementations([join(directory, 'mounted')])).keys()], ['tally'])
})

t.test('a directory given twice is one directory', async (t) => {
  const directory = t.testdir({ 'tally.ts': sound })
  t.equal((await loadImplementations([directory, `${directory}/`])).size, 1)
})

t.test('two files of one name are refused, and both are named', async (t) => {
  const directory = t.testdir({ a: { 'tally.ts': sound }, b: { 'tally.mjs': sound } })
  await t.rejects(loadImplementations([join(directory, 'a'), join(directory, 'b')]), {
    message: `${directory}/b/tally.mjs: the name "tally" is already taken by ${directory}/a/tally.ts`,
  })
})

t.test('a directory that cannot serve is named with the reason', async (t) => {
  const directory = t.testdir({ empty: {}, 'file.ts': '' })
  for (const [name, problem] of [
    ['missing', 'this directory of implementations does not exist'],
    ['file.ts', 'this is a file; a directory of implementations is wanted'],
    ['empty', 'there is no implementation (a .ts, .js or .mjs file) in this directory'],
  ] as const) {
    await t.rejects(loadImplementations([join(directory, name)]), { message: `${join(directory, name)}: ${problem}` })
  }
})

t.test('a file whose name cannot be that of an implementation is refused', async (t) => {
  t.match(await failureOf(t, { 'RateLimiter.ts': sound }), 'DIR/RateLimiter.ts: "RateLimiter" cannot be the name')
})

t.test('a faulty module is told with file, place and reason', async (t) => {
  const late = "export {}\nthrow new Error('late')"
  for (const [source, message] of [
    ['export default defineServer({\n  init: ( => 1\n})', /^DIR\/x\.ts: 2:\d+: syntax error: /],
    ['\n\nnull.foo', /^DIR\/x\.ts: 3:\d+: TypeError when it was loaded: Cannot read properties of null/],
    ["throw new Error('first')", /^DIR\/x\.ts: 1: Error when it was loaded: first$/],
    ["import './_late.js'", /^DIR\/x\.ts: _late\.ts:2:7: Error when it was loaded: late$/],
    ['throw "a word"', /^DIR\/x\.ts: it threw a word when it was loaded$/],
    ["import x from './nowhere.js'\nexport default x", /^DIR\/x\.ts: Cannot find module '\.\/nowhere\.js'$/],
    ["import x from 'no-such-package'\nexport default x", /^DIR\/x\.ts: Cannot find module 'no-such-package'/],
    ['throw Object.create(null)', /^DIR\/x\.ts: it threw something when it was loaded that cannot be told$/],
    ['throw Object.assign(new Error(), { message: 7 })', /^DIR\/x\.ts: it threw something/],
    ["import x from './_lib.js'\nexport default x", /^DIR\/x\.ts: _lib\.ts:1:\d+: syntax error: /],
    ['export const x = 1', /^DIR\/x\.ts: it has no default export; /],
    ['', /^DIR\/x\.ts: it has no default export; /],
    ['export default { init: () => ({}) }', /^DIR\/x\.ts: its default export was not made by defineServer$/],
    ['export default 5', /^DIR\/x\.ts: its default export was not made by defineServer$/],
  ] as const) {
    // A subtest each, for a directory each: a module that was loaded once stays loaded.
    await t.test(String(message), async (t) => {
      t.match(await failureOf(t, { 'x.ts': source, '_lib.ts': 'export default (', '_late.ts': late }), message)
    })
  }
})

t.test('a link that leads nowhere is told as a file that cannot be read', async (t) => {
  const directory = t.testdir({})
  symlinkSync(join(directory, 'gone.ts'), join(directory, 'tally.ts'))
  await t.rejects(loadImplementations([directory]), { message: `${directory}/tally.ts: it cannot be read (ENOENT)` })
})

t.test('a definition that contradicts itself is told with its file', async (t) => {
  const broken = sound.replace('increment: {', 'decrement: {')
  const message = await failureOf(t, { 'fine.ts': sound, 'tally.ts': broken })
  t.match(message, /^DIR\/tally\.ts: calls has decrement, but handleCall has no such handler; handleCall has increment/)
})
