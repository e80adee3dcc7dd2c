/**
 * All tests, each file run by plain Node. tap's own runner follows what a test loads, by means that threads and processes inherit: a
 * file takes seconds longer to begin by that, and there are many. The coverage of the core is recorded by Node itself, and judged
 * by `.ci/coverage.mjs`.
 */
import { readdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const here = fileURLToPath(import.meta.url)
const tests = fileURLToPath(new URL('.', import.meta.url))
const recorded = fileURLToPath(new URL('../../coverage/raw', import.meta.url))

/** Whose coverage is recorded: that of the core, by its own tests and those of what it answers over HTTP. It costs time. */
const RECORDED = /^(core|http)\//

/** They measure time or memory, and have the machine to themselves. */
const ALONE: ReadonlySet<string> = new Set([
  'core/group.test.js',
  'core/kernel/scheduler.test.js',
  'core/kernel/sorted-ids.test.js',
  'core/server/directory.test.js',
  'core/server/plain.test.js',
  'core/supervisor/scale.test.js',
  'core/talk.test.js',
  'http/batch.test.js',
  'http/busy.test.js',
  'http/json-patch.test.js',
  'http/slow-readers.test.js',
])

/** The directories of those that take longest, some of them minutes: they begin first. */
const LONG: ReadonlySet<string> = new Set(['cli', 'disk', 'stores', 'threads', 'torture', 'fuzz'])

/** Of one file, on a machine that has much else to do. Milliseconds. */
const LONGEST = 600_000

rmSync(recorded, { recursive: true, force: true })
t.setTimeout(6 * LONGEST)
t.jobs = 2

const files = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js') && tests + name !== here)
  .sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1))

for (const file of files) {
  const record = RECORDED.test(file) ? [`NODE_V8_COVERAGE=${recorded}`] : []
  t.spawn(
    // tap puts itself into each Node that it starts, by NODE_OPTIONS.
    'env',
    ['-u', 'NODE_OPTIONS', ...record, process.execPath, '--enable-source-maps', tests + file],
    {
      env: { ...process.env, TAP_TIMEOUT: String(LONGEST / 1000) },
      timeout: LONGEST,
      buffered: !ALONE.has(file),
    },
    `test/${file}`,
  )
}

function rank(file: string): number {
  return ALONE.has(file) ? 2 : LONG.has(file.split('/')[0] as string) ? 0 : 1
}
