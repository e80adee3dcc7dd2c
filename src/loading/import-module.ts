/**
 * Imports one module of an implementation. Compiled ones of our own are imported by Node, which is fast. Those of other
 * people lie anywhere, are TypeScript, and have no `node_modules` to find `genservers` in; jiti compiles them, and gives
 * them the very module that the gateway itself runs on, so that there is one core in the process and not two.
 */
import { pathToFileURL } from 'node:url'
import * as door from '../index.js'

export type Import = (file: string) => Promise<unknown>

export const importNatively: Import = (file) => import(pathToFileURL(file).href)

/** @param fresh whether what was imported before is loaded again. */
export async function createForeignImport({ fresh = false } = {}): Promise<Import> {
  // Loaded only when wanted: a start with the bundled implementations alone does without it.
  const { createJiti } = await import('jiti')
  const jiti = createJiti(import.meta.url, {
    virtualModules: { genservers: door },
    interopDefault: false,
    moduleCache: !fresh,
    // Nothing is written: the file system may be read-only, and a file is compiled once a start.
    fsCache: false,
  })
  return (file) => jiti.import(file)
}
