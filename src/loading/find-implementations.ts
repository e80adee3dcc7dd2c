/**
 * Which files of a set of directories are implementations. The name of an implementation is its file's name without the
 * extension, so that one look at a directory shows what can be started.
 *
 * 1. `.ts`, `.js` and `.mjs` files count. Declarations, tests, and files whose name begins with `_` or `.` do not: these
 *    are for what implementations share. Subdirectories are not searched.
 * 2. No name is used twice, in whatever directories: nothing is ever shadowed.
 */
import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LoadError } from './load-error.js'

const IMPLEMENTATION = /^[^_.].*\.(?:ts|js|mjs)$/
const TEST_OR_TYPES = /\.d\.ts$|\.test\.[a-z]+$/
const NAME = /^[a-z][a-z0-9-]*$/

/** Gives the file of each implementation by name, in the order of the names. */
export async function findImplementations(directories: readonly string[]): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const directory of new Set(directories.map((each) => resolve(each)))) {
    const found = (await entries(directory)).filter(isImplementation)
    let count = 0
    for (const entry of found) {
      const file = join(directory, entry)
      if (!(await isFile(file))) continue
      count += 1
      const name = nameOf(entry)
      if (!NAME.test(name)) {
        throw new LoadError(
          file,
          `"${name}" cannot be the name of an implementation; a name has the form ${NAME.source} (for example rate-limiter.ts), and a file that is not one begins with _`,
        )
      }
      const other = files.get(name)
      if (other !== undefined) throw new LoadError(file, `the name "${name}" is already taken by ${other}`) // 2
      files.set(name, file)
    }
    if (count === 0)
      throw new LoadError(directory, 'there is no implementation (a .ts, .js or .mjs file) in this directory')
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Whether a file with this name, in a directory of implementations, is one. */
export function isImplementation(name: string): boolean {
  return IMPLEMENTATION.test(name) && !isTestOrTypes(name)
}

/** The name of the implementation in the file with this name. */
export function nameOf(file: string): string {
  return file.replace(/\.[a-z]+$/, '')
}

export function isTestOrTypes(name: string): boolean {
  return TEST_OR_TYPES.test(name)
}

async function entries(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const problem =
      code === 'ENOENT'
        ? 'this directory of implementations does not exist'
        : code === 'ENOTDIR'
          ? 'this is a file; a directory of implementations is wanted'
          : `this directory of implementations cannot be read (${code})`
    throw new LoadError(directory, problem, { cause: error })
  }
}

/** Follows links: a mounted Kubernetes ConfigMap is a directory of them. */
async function isFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile()
  } catch (error) {
    throw new LoadError(file, `it cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
}
