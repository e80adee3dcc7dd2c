// Removes from dist/ what the compiler wrote from sources that are gone: a deleted implementation must not be loaded
// any more, nor a deleted test be run. The compiler itself never deletes.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const output = /\.(?:d\.ts|js|js\.map)$/

for (const folder of ['src', 'routes', 'implementations', 'test', 'bench']) {
  const dist = join(root, 'dist', folder)
  if (!existsSync(dist)) continue
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (output.test(file) && !existsSync(join(root, folder, file.replace(output, '.ts')))) rmSync(join(dist, file))
  }
}
