/** The command `openapi`: writes the document that a gateway with these settings would serve, and starts nothing. */
import { writeFile } from 'node:fs/promises'
import { createGateway } from '../gateway.js'
import { silentLogger } from '../index.js'
import { createRuntimeOf, loadImplementations } from '../loading/load-implementations.js'
import type { Settings } from './settings.js'

export async function writeOpenapi(settings: Settings, out: string | undefined): Promise<void> {
  const runtime = createRuntimeOf(await loadImplementations(settings.implementations), { logger: silentLogger })
  const gateway = await createGateway(runtime, {})
  try {
    await gateway.ready()
    const document = `${JSON.stringify(gateway.swagger(), null, 2)}\n`
    if (out === undefined) process.stdout.write(document)
    else await writeFile(out, document)
  } finally {
    await gateway.close()
    await runtime.close({ timeout: 0 })
  }
}
