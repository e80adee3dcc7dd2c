// The gate on coverage: every line of the core is run by the tests. Reads what the last run of the tests recorded (V8 coverage,
// mapped back to the sources by c8), and also fails for a file of the core that no test has loaded at all.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const recorded = join(root, 'coverage/raw')
const core = join(root, 'dist/src/core')

function fail(message) {
  console.error(`coverage: ${message}`)
  process.exit(1)
}

if (!existsSync(recorded)) fail('there is no record of a test run; run tap first')

const loaded = new Set()
for (const file of readdirSync(recorded)) {
  for (const script of resultOf(readFileSync(join(recorded, file), 'utf8'))) loaded.add(script.url)
}

/** A program that a test kills may be about to write down what it has run: c8 passes over that too. */
function resultOf(text) {
  try {
    return JSON.parse(text).result
  } catch {
    return []
  }
}

// A file that holds only types compiles to nothing, and nothing ever loads it.
const isEmpty = (file) =>
  readFileSync(file, 'utf8')
    .replace(/^\s*\/\/.*$|\/\*[\s\S]*?\*\/|export \{\};/gm, '')
    .trim() === ''

for (const name of readdirSync(core, { recursive: true, encoding: 'utf8' })) {
  const file = join(core, name)
  if (!name.endsWith('.js') || isEmpty(file)) continue
  if (!loaded.has(pathToFileURL(file).href)) fail(`no test loads src/core/${name.replace(/\.js$/, '.ts')}`)
}

const c8 = [
  join(root, 'node_modules/c8/bin/c8.js'),
  'report',
  ...['--temp-directory', recorded, '--reporter', 'text', '--include', 'dist/src/core/**'],
  ...['--check-coverage', '--lines', '100', '--functions', '0', '--branches', '0', '--statements', '0'],
]
process.exit(spawnSync(process.execPath, c8, { cwd: root, stdio: 'inherit' }).status ?? 1)
