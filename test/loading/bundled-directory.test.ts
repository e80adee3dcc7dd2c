/** What was compiled together with the gateway, and so finds the core that runs. */
import { symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { bundledDirectory, isOfThisBuild } from '../../src/loading/bundled-directory.js'
import { createForeignImport } from '../../src/loading/import-module.js'

t.test('what lies in the build is of it, by whichever way it is named; all else is foreign', async (t) => {
  const here = fileURLToPath(import.meta.url)
  t.ok(isOfThisBuild(join(bundledDirectory, 'counter.js')))
  t.ok(isOfThisBuild(here))
  t.notOk(isOfThisBuild(join(dirname(here), 'counter.ts')), 'Node does not run it')
  const elsewhere = t.testdir({ dist: { implementations: {} } })
  t.notOk(isOfThisBuild(join(elsewhere, 'dist/implementations/counter.js')))
  symlinkSync(bundledDirectory, join(elsewhere, 'linked'))
  t.ok(isOfThisBuild(join(elsewhere, 'linked/counter.js')))
})

t.test('what is of this build is loaded again also by a link to where it lies', async (t) => {
  const elsewhere = t.testdir({})
  const source = fileURLToPath(new URL('../../src/loading', import.meta.url))
  symlinkSync(source, join(elsewhere, 'linked'))
  const load = await createForeignImport({ fresh: true })
  // It imports what lies beside the directory.
  t.match(await load(join(elsewhere, 'linked/load-implementations.js')), { loadImplementations: Function })
})
