/** The version of the product, as the OpenAPI document and `--version` state it: the package's. */
import { createRequire } from 'node:module'

export function productVersion(): string {
  // By the package's own name: this module may have been made one with others, elsewhere.
  const manifest = createRequire(import.meta.url)('genservers/package.json') as { readonly version: string }
  return manifest.version
}
