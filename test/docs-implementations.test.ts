/** Holds `docs/implementations.md` to its word: its modules compile, start, and pass the test that it shows. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { createRuntime, isDefinition } from 'genservers'
import t from 'tap'
import ts from 'typescript'
import { bareNode } from './bare-program.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/implementations.md'), 'utf8')

/** The fenced blocks that begin with their file's name. */
const modules = [...page.matchAll(/^```ts\n\/\/ ((implementations|test)\/[\w.-]+\.ts)\n(.*?)^```$/gms)].map(
  ([, path = '', folder, source = '']) => ({ path, folder, source }),
)
const implementations = modules.filter(({ folder }) => folder === 'implementations')

/** Compiles the modules as this project is compiled. */
function compile(from: string, to: string): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { tsBuildInfoFile: _, ...compilerOptions } = config.compilerOptions
  const { options } = ts.convertCompilerOptionsFromJson({ ...compilerOptions, incremental: false }, root)
  for (const { path, source } of modules) {
    mkdirSync(dirname(join(from, path)), { recursive: true })
    writeFileSync(join(from, path), source)
  }
  const program = ts.createProgram({
    rootNames: modules.map(({ path }) => join(from, path)),
    // Here 'genservers' is what was built, as it is for an author, and not this project's sources.
    options: {
      ...options,
      rootDir: from,
      outDir: to,
      declaration: false,
    },
  })
  program.emit()
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start).line + 2 : 0
    return `${file ? relative(from, file.fileName) : ''}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}

t.test('the page shows modules and a test', async (t) => {
  t.ok(implementations.length >= 5)
  t.ok(modules.some(({ folder }) => folder === 'test'))
  const unnamed = [...page.matchAll(/^```ts\n(?!\/\/ (?:implementations|test)\/)/gm)]
  t.equal(unnamed.length, 0, 'each ts block is a complete module that begins with its name')
})

t.test('each module of the page compiles and starts, and the test that it shows passes', async (t) => {
  const folder = t.testdir({})
  const built = join(folder, 'built')
  t.same(compile(join(folder, 'source'), built), [])

  const load = async (path: string) => {
    const { default: definition } = await import(pathToFileURL(join(built, path.replace(/ts$/, 'js'))).href)
    if (!isDefinition(definition)) throw new Error(`${path} exports no definition`)
    return [path.slice('implementations/'.length, -'.ts'.length), definition] as const
  }
  const loaded = await Promise.all(implementations.map(({ path }) => load(path)))
  const runtime = createRuntime({ implementations: Object.fromEntries(loaded) })
  t.teardown(() => runtime.close())
  for (const [name] of loaded) t.equal((await runtime.start(name)).status, 'running', name)

  const [command, ...rest] = bareNode
  for (const { path } of modules.filter(({ folder }) => folder === 'test')) {
    await t.resolves(
      promisify(execFile)(command, [...rest, join(built, path.replace(/ts$/, 'js'))], { cwd: root }),
      path,
    )
  }
})

t.test('every bundled implementation is on the page, and what is on the page is bundled', async (t) => {
  const listed = [...page.matchAll(/^\| `([\w-]+\.ts)` \|/gm)].map(([, file]) => file)
  const bundled = ts.sys.readDirectory(join(root, 'implementations'), ['.ts'], undefined, undefined, 1)
  t.same(listed.sort(), bundled.map((file) => relative(join(root, 'implementations'), file)).sort())
})
