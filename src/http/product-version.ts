/** The version of the product, as the OpenAPI document and `--version` state it: the package's. */
import { readFileSync } from 'node:fs'

export function productVersion(): string {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
