/** The command `openapi`: writes the document that a gateway with these settings would serve, and starts nothing. */
import { writeFile } from 'node:fs/promises'
import { renderOpenapi } from '../gateway.js'
import { silentLogger } from '../index.js'
import { createRuntimeOf, loadImplementations } from '../loading/load-implementations.js'
import { reloadImplementation } from '../loading/reload.js'
import { MemoryStore } from '../stores/memory-store.js'
import { backupOnRequest } from './backing-up.js'
import { reloadOnRequest } from './reloading.js'
import type { Settings } from './settings.js'
import { UsageError } from './usage-error.js'

export async function writeOpenapi(settings: Settings, out: string | undefined): Promise<void> {
  const implementations = await loadImplementations(settings.implementations)
  const runtime = createRuntimeOf(implementations, { logger: silentLogger, store: new MemoryStore() })
  const reload = reloadOnRequest((name, options) => reloadImplementation(runtime, implementations, name, options))
  try {
    const operators = settings.admin && settings.adminPort === null
    const options = { operators, reload, backup: backupOnRequest(() => undefined, silentLogger) }
    const document = `${JSON.stringify(await renderOpenapi(runtime, options), null, 2)}\n`
    if (out === undefined) process.stdout.write(document)
    else await write(out, document)
  } finally {
    await runtime.close({ timeout: 0 })
  }
}

async function write(out: string, document: string): Promise<void> {
  try {
    await writeFile(out, document)
  } catch (error) {
    throw new UsageError(`--out ${out} cannot be written: ${(error as Error).message}`)
  }
}
