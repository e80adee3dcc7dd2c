/**
 * Tells which implementations are to be reloaded because a file has changed: the one whose file it is, or all of the directory
 * if it is one that they may share.
 */
import { basename, dirname, extname, relative, sep } from 'node:path'
import { watch } from 'chokidar'
import { isImplementation, isTestOrTypes, nameOf } from './find-implementations.js'

/** Editors write in steps: a file has changed when its size has been the same for so long. Milliseconds. */
const SETTLED = { stabilityThreshold: 50, pollInterval: 10 }

/** What implementations can share and what is loaded again with them (see `import-module.ts`). */
const SHARED: ReadonlySet<string> = new Set(['.ts', '.js', '.json'])

/** The file of each implementation. */
export type ImplementationFiles = ReadonlyMap<string, { readonly file: string }>

export interface FileChanges {
  /** Their files have changed, or what these share. */
  changed(names: readonly string[]): void
  /** There is a new file that is an implementation; `isTwin`: another one has its name. */
  appeared(file: string, isTwin: boolean): void
  failed(error: unknown): void
}

/** Watches from when this resolves. Returns how to stop. */
export async function watchImplementations(
  implementations: ImplementationFiles,
  tell: FileChanges,
): Promise<() => Promise<void>> {
  const files = new Map([...implementations].map(([name, { file }]) => [file, name]))
  const directories = [...new Set([...files.keys()].map((file) => dirname(file)))]
  const sharing = (changed: string) =>
    [...files].filter(([file]) => changed.startsWith(dirname(file) + sep)).map(([, name]) => name)
  const sort = (changed: string) => {
    const own = files.get(changed)
    if (own !== undefined) tell.changed([own])
    else if (directories.includes(dirname(changed)) && isImplementation(basename(changed))) {
      tell.appeared(changed, implementations.has(nameOf(basename(changed))))
    } else if (SHARED.has(extname(changed)) && !isTestOrTypes(basename(changed))) tell.changed(sharing(changed))
  }
  const isHidden = (path: string) =>
    directories.every((directory) => relative(directory, path).split(sep).some(isSkipped))
  const watcher = watch(directories, {
    ignoreInitial: true,
    awaitWriteFinish: SETTLED,
    ignored: isHidden,
  })
  watcher.on('change', sort)
  watcher.on('add', sort)
  watcher.on('error', tell.failed)
  await new Promise<void>((resolve) => watcher.once('ready', resolve))
  return () => watcher.close()
}

/** Of the path below a directory that is watched. `..` leads out of it, into another one. */
function isSkipped(segment: string): boolean {
  return segment === 'node_modules' || segment.startsWith('.')
}
