/**
 * The rules of the house (CONTRIBUTING.md tells them and why). Each is held against the project, and against a small bad
 * example, so that a rule which no longer sees anything is seen.
 */
import { silentLogger } from 'genservers'
import t from 'tap'
import { backupOnRequest } from '../src/cli/backing-up.js'
import { reloadOnRequest } from '../src/cli/reloading.js'
import { renderOpenapi } from '../src/gateway.js'
import { problems } from '../src/http/problems.js'
import { bundledDirectory } from '../src/loading/bundled-directory.js'
import { createRuntimeOf, loadImplementations } from '../src/loading/load-implementations.js'
import { reloadImplementation } from '../src/loading/reload.js'
import { findImportCycle } from './house/cycles.js'
import { faultsOfErrorCodes } from './house/error-codes.js'
import { forbiddenImports } from './house/floors.js'
import { filesThatAreTooLong, filesWithoutHeader, namesThatSayNothing, stateOfModules } from './house/habits.js'
import { readProjectFile, readSources, type Sources } from './house/source-files.js'

const manifest = JSON.parse(readProjectFile('package.json')) as { dependencies: Record<string, string> }
const dependencies = new Set(Object.keys(manifest.dependencies))
const sources = readSources(['src', 'routes', 'implementations'])
const tests = readSources(['test'])
const program: Sources = new Map([...sources, ...readSources(['bench'])])
const everything: Sources = new Map([...program, ...tests])

const only = (path: string, text: string): Sources => new Map([[path, text]])

t.test('imports go down: every file imports its own floor or one that it may see', async (t) => {
  t.ok(sources.size > 50, 'there are sources to look at')
  t.same(forbiddenImports(sources, dependencies), [])
})

t.test('an import that goes up, sideways, past the door or to a strange package is found', async (t) => {
  const faults = (path: string, imported: string) =>
    forbiddenImports(only(path, `import type { X } from '${imported}'`), new Set(['fastify']))
  t.same(faults('src/core/kernel/a.ts', '../server/b.js'), [
    'src/core/kernel/a.ts (kernel) imports src/core/server/b.ts (server)',
  ])
  t.same(faults('src/http/a.ts', '../core/kernel/b.js'), ['src/http/a.ts (http) imports src/core/kernel/b.ts (kernel)'])
  t.same(faults('src/core/server/a.ts', '../../index.js'), [
    'src/core/server/a.ts (server) imports src/index.ts (door)',
  ])
  t.same(faults('src/stores/a.ts', '../threads/b.js'), ['src/stores/a.ts (stores) imports src/threads/b.ts (threads)'])
  t.same(faults('implementations/a.ts', '../src/index.js'), [
    'implementations/a.ts (implementations) imports src/index.ts (door)',
  ])
  t.same(faults('implementations/a.ts', 'node:fs'), [
    'implementations/a.ts (implementations) imports the package node:fs',
  ])
  t.same(faults('src/core/kernel/a.ts', 'fastify'), ['src/core/kernel/a.ts (kernel) imports the package fastify'])
  t.same(faults('routes/a.ts', 'express'), ['routes/a.ts (routes) imports the package express'])
  t.same(faults('src/new/a.ts', 'fastify'), ['src/new/a.ts is on no floor'])
  t.same(faults('routes/a.ts', '../tools/b.js'), ['routes/a.ts imports tools/b.ts, which is on no floor'])
  t.same(faults('routes/a.ts', '../src/http/b.js'), [])
  t.same(faults('routes/a.ts', '@fastify/swagger/x'), ['routes/a.ts (routes) imports the package @fastify/swagger'])
})

t.test('there is no import cycle', async (t) => {
  t.same(findImportCycle(everything), [])
})

t.test('a cycle is found, also one of types and one of a dynamic import', async (t) => {
  const cycle = new Map([
    ['src/a.ts', "import type { B } from './b.js'"],
    ['src/b.ts', "export { c } from './deep/c.js'"],
    ['src/deep/c.ts', "const { a } = await import('../a.js')"],
    ['src/d.ts', "import './a.js'"],
  ])
  t.same(findImportCycle(cycle), ['src/a.ts', 'src/b.ts', 'src/deep/c.ts', 'src/a.ts'])
  t.same(findImportCycle(new Map([...cycle, ['src/deep/c.ts', "import 'tap'"]])), [])
})

t.test('no file is longer than 300 lines', async (t) => {
  t.same(filesThatAreTooLong(program), [])
  t.same(filesThatAreTooLong(only('src/a.ts', 'x\n'.repeat(300))), [])
  t.same(filesThatAreTooLong(only('src/a.ts', 'x\n'.repeat(301))), ['src/a.ts has 301 lines'])
})

t.test('every file is named after what it defines', async (t) => {
  t.same(namesThatSayNothing(program), [])
  for (const path of [
    'src/utils.ts',
    'src/http/types.ts',
    'src/helpers/a.ts',
    'src/state-manager.ts',
    'bench/common.ts',
  ]) {
    t.same(namesThatSayNothing(only(path, '')), [`${path} has a name that says nothing`])
  }
  t.same(namesThatSayNothing(only('src/http/content-type.ts', '')), [])
})

t.test('no module holds state: two gateways in one process share nothing', async (t) => {
  t.same(stateOfModules(sources), [])
  t.same(stateOfModules(only('src/a.ts', 'export let count = 0')), [
    'src/a.ts has a variable that belongs to the module',
  ])
  t.same(stateOfModules(only('src/a.ts', 'var x')), ['src/a.ts has a variable that belongs to the module'])
  t.same(stateOfModules(only('src/a.ts', 'const a = 1\nfunction f() { let b = 2 }')), [])
})

t.test('every file opens with what it is', async (t) => {
  t.same(filesWithoutHeader(program), [])
  t.same(filesWithoutHeader(only('src/a.ts', 'export const a = 1')), ['src/a.ts does not open with what it is'])
  t.same(filesWithoutHeader(only('src/a.ts', '#!/usr/bin/env node\n/** A. */')), [])
})

t.test('every error code has a status, a row in docs/errors.md with that status, and a test', async (t) => {
  const texts = [...tests].filter(([path]) => !path.startsWith('test/house')).map(([, text]) => text)
  t.same(faultsOfErrorCodes(problems, readProjectFile('docs/errors.md'), texts), [])
})

t.test('an error code that is not documented, documented wrongly, untested or gone is found', async (t) => {
  const table = { fine: { status: 400 }, odd: { status: 200 }, other: { status: 404 } }
  const documented = '| `fine` | 400 | always |\n| `odd` | 500 | x |\n| `gone` | 410 | x |\n'
  t.same(faultsOfErrorCodes(table, documented, ["code: 'fine'", '"odd"', 'other']), [
    'odd has the status 200',
    'odd is documented with 500, and answered with 200',
    'other is not documented',
    'other is in no test',
    'gone is documented and unknown',
  ])
})

t.test('openapi/openapi.json is the document of the bundled implementations (npm run openapi)', async (t) => {
  const bundled = await loadImplementations([bundledDirectory])
  const runtime = createRuntimeOf(bundled, {})
  t.teardown(() => runtime.close())
  const document = await renderOpenapi(runtime, {
    reload: reloadOnRequest((name, options) => reloadImplementation(runtime, bundled, name, options)),
    backup: backupOnRequest(() => undefined, silentLogger),
  })
  t.equal(readProjectFile('openapi/openapi.json'), `${JSON.stringify(document, null, 2)}\n`)
})
