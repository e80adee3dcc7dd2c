/**
 * Imports one module of an implementation. Compiled ones of our own are imported by Node, which is fast. Those of other
 * people lie anywhere, are TypeScript, and have no `node_modules` to find `genservers` in; jiti compiles them, and gives
 * them the very module that the gateway itself runs on, so that there is one core in the process and not two.
 */
import { readFile, realpath } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as door from '../index.js'
import { isOfThisBuild } from './bundled-directory.js'

export type Import = (file: string) => Promise<unknown>

export const importNatively: Import = (file) => import(pathToFileURL(file).href)

/**
 * @param fresh whether what was imported before is loaded again. Not what Node imports as it is: packages, and JavaScript
 * modules that import nothing of ours; Node keeps those for good.
 */
export async function createForeignImport({ fresh = false } = {}): Promise<Import> {
  // Loaded only when wanted: a start with the bundled implementations alone does without it.
  const { createJiti } = await import('jiti')
  if (fresh) forgetJson()
  const jiti = createJiti(import.meta.url, {
    virtualModules: { genservers: door },
    interopDefault: false,
    moduleCache: !fresh,
    // Nothing is written: the file system may be read-only, and a file is compiled once a start.
    fsCache: false,
  })
  // Asked to import it, jiti would leave what is an ES module already to Node, which never loads it again.
  const as = { async: true, forceTranspile: true }
  return async (file) => {
    const source = await readFile(file, 'utf8')
    // What our own import lies beside the file itself, and not beside a link to it.
    const filename = isOfThisBuild(file) ? await realpath(file) : file
    return jiti.evalModule(source, { ...as, id: filename, filename, ext: extname(file) })
  }
}

/** Node keeps JSON that was imported, and jiti has it from there. */
function forgetJson(): void {
  const { cache } = createRequire(import.meta.url)
  for (const file of Object.keys(cache)) {
    if (file.endsWith('.json') && !file.includes(`${sep}node_modules${sep}`)) delete cache[file]
  }
}
