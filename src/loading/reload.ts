/**
 * Loads an implementation again from its file, and puts it under the servers that run (see `Operations.changeCode`). What its
 * file imports is loaded again too, unless it is a package.
 */
import { BadDefinition, type CodeChanged, type CodeChangeOptions, GenServerError, type Runtime } from '../index.js'
import { createForeignImport } from './import-module.js'
import { LoadError } from './load-error.js'
import { type Implementation, loadDefinition, refusedDefinition } from './load-implementations.js'

/** @throws {GenServerError} as `changeCode` · {LoadError} if the file is not a sound implementation any more. */
export async function reloadImplementation(
  runtime: Runtime,
  implementations: ReadonlyMap<string, Implementation>,
  name: string,
  options: CodeChangeOptions,
): Promise<CodeChanged> {
  const file = implementations.get(name)?.file
  if (file === undefined) {
    const isBuiltIn = runtime.implementations.has(name)
    if (isBuiltIn) throw new LoadError(name, 'it is built in and has no file to load it from')
    throw new GenServerError('unknown_implementation', `there is no implementation ${name}`)
  }
  const load = async () => loadDefinition(file, await createForeignImport({ fresh: true }))
  try {
    return await runtime.changeCode(name, load, options)
  } catch (error) {
    throw error instanceof BadDefinition ? refusedDefinition(file, name, error) : error
  }
}
