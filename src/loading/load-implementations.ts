/**
 * Loads implementations from directories. All or nothing: the first file that is not a sound implementation stops it
 * with a `LoadError`, so that a gateway never runs with half of what it was told to serve.
 */
import { type AnyDefinition, createRuntime, isDefinition, type Runtime, type RuntimeOptions } from '../index.js'
import { isOfThisBuild } from './bundled-directory.js'
import { describeImportError } from './describe-import-error.js'
import { findImplementations } from './find-implementations.js'
import { createForeignImport, type Import, importNatively } from './import-module.js'
import { LoadError } from './load-error.js'

export interface Implementation {
  readonly file: string
  readonly definition: AnyDefinition
}

/**
 * @param begins is told the name of each before its module is run, which may never come back.
 * @throws {LoadError} that names the file, and the place in it where that is known.
 */
export async function loadImplementations(
  directories: readonly string[],
  begins: (name: string) => void = () => {},
): Promise<Map<string, Implementation>> {
  const files = await findImplementations(directories)
  let foreign: Import | undefined
  const loaded = new Map<string, Implementation>()
  for (const [name, file] of files) {
    const isOwn = isOfThisBuild(file)
    if (!isOwn) foreign ??= await createForeignImport()
    begins(name)
    loaded.set(name, { file, definition: await loadDefinition(file, isOwn ? importNatively : (foreign as Import)) })
  }
  return loaded
}

/** @throws {LoadError} */
export async function loadDefinition(file: string, importModule: Import): Promise<AnyDefinition> {
  let module: unknown
  try {
    module = await importModule(file)
  } catch (error) {
    throw new LoadError(file, describeImportError(error, file), { cause: error })
  }
  const exported = (module as { default?: unknown } | null | undefined)?.default
  if (exported === undefined) {
    throw new LoadError(
      file,
      'it has no default export; an implementation ends in `export default defineServer({...})`',
    )
  }
  if (!isDefinition(exported)) {
    throw new LoadError(file, 'its default export was not made by defineServer')
  }
  return exported
}

/** The runtime knows it by its name; its file says more. */
export function refusedDefinition(file: string, name: string, cause: unknown): LoadError {
  return new LoadError(file, (cause as Error).message.replace(`${name}: `, ''), { cause })
}

/**
 * A runtime of what has been loaded.
 *
 * @throws {LoadError} if the runtime refuses a definition (a handler without a message, a schema that does not
 * compile): it knows what is wrong with it, and this knows in which file.
 */
export function createRuntimeOf<R = Runtime>(
  implementations: ReadonlyMap<string, Implementation>,
  options: Omit<RuntimeOptions, 'implementations'>,
  make: (options: RuntimeOptions) => R = createRuntime as (options: RuntimeOptions) => R,
): R {
  const create = (chosen: Iterable<[string, Implementation]>) =>
    make({
      ...options,
      implementations: Object.fromEntries([...chosen].map(([name, { definition }]) => [name, definition])),
    })
  try {
    return create(implementations)
  } catch (error) {
    for (const [name, implementation] of implementations) {
      try {
        create([[name, implementation]])
      } catch (cause) {
        throw refusedDefinition(implementation.file, name, cause)
      }
    }
    throw error
  }
}
