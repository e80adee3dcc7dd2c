/**
 * The tests that start threads and processes, each run by plain Node. The runner follows what its tests load, by means that threads
 * inherit, and so each would take twice as long to begin.
 */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { bareNode } from './bare-program.js'

const LONGEST = 600_000

// All of them, on a machine that has much else to do.
t.setTimeout(6 * LONGEST)
t.jobs = 2
const [command, ...args] = bareNode
const env = { ...process.env, TAP_TIMEOUT: String(LONGEST / 1000) }

for (const directory of ['cli', 'disk', 'stores', 'threads', 'torture']) {
  for (const name of readdirSync(new URL(`./${directory}/`, import.meta.url))) {
    if (!name.endsWith('.test.js')) continue
    const file = fileURLToPath(new URL(`./${directory}/${name}`, import.meta.url))
    t.spawn(
      command,
      [...args, '--enable-source-maps', file],
      { env, timeout: LONGEST, buffered: true },
      `test/${directory}/${name}`,
    )
  }
}
