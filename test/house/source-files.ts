/** The sources as the house's rules see them: text by path, and what each file imports. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** The text of each file by its path from the root of the project. */
export type Sources = ReadonlyMap<string, string>

const root = fileURLToPath(new URL('../../../', import.meta.url))

export function readSources(folders: readonly string[], extension = '.ts'): Sources {
  const sources = new Map<string, string>()
  for (const folder of folders.filter((each) => existsSync(join(root, each)))) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (entry.endsWith(extension)) sources.set(posix.join(folder, entry), readProjectFile(join(folder, entry)))
    }
  }
  return sources
}

export function readProjectFile(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

export interface Imports {
  /** Paths of files of ours. */
  readonly files: readonly string[]
  /** Packages and built-in modules of Node. */
  readonly packages: readonly string[]
}

/** Everything that a file imports: types too, and dynamically too. */
export function importsOf(path: string, text: string): Imports {
  const files: string[] = []
  const packages: string[] = []
  for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
    if (fileName.startsWith('.')) files.push(posix.join(posix.dirname(path), fileName.replace(/\.js$/, '.ts')))
    else packages.push(fileName.startsWith('node:') ? fileName : packageName(fileName))
  }
  return { files, packages }
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
