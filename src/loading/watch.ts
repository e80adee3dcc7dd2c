/**
 * Tells which implementations are to be reloaded because a file has changed: the one whose file it is, or all of the directory
 * if it is one that they may share.
 */
import { basename, dirname, sep } from 'node:path'
import { watch } from 'chokidar'
import { isImplementation } from './find-implementations.js'
import type { Implementation } from './load-implementations.js'

/** Editors write in steps: a file has changed when its size has been the same for so long. Milliseconds. */
const SETTLED = { stabilityThreshold: 50, pollInterval: 10 }

export interface FileChanges {
  /** Their files have changed, or what these share. */
  changed(names: readonly string[]): void
  /** There is a new file that is an implementation. */
  appeared(file: string): void
  failed(error: unknown): void
}

/** Watches from when this resolves. Returns how to stop. */
export async function watchImplementations(
  implementations: ReadonlyMap<string, Implementation>,
  tell: FileChanges,
): Promise<() => Promise<void>> {
  const files = new Map([...implementations].map(([name, { file }]) => [file, name]))
  const directories = [...new Set([...files.keys()].map((file) => dirname(file)))]
  const sharing = (changed: string) =>
    [...files].filter(([file]) => changed.startsWith(dirname(file) + sep)).map(([, name]) => name)
  const look = (changed: string) => {
    const own = files.get(changed)
    if (own !== undefined) tell.changed([own])
    else if (directories.includes(dirname(changed)) && isImplementation(basename(changed))) tell.appeared(changed)
    else tell.changed(sharing(changed))
  }
  const watcher = watch(directories, {
    ignoreInitial: true,
    awaitWriteFinish: SETTLED,
    ignored: (path) => path.includes(`${sep}node_modules${sep}`) || basename(path).startsWith('.'),
  })
  watcher.on('change', look)
  watcher.on('add', look)
  watcher.on('error', tell.failed)
  await new Promise<void>((resolve) => watcher.once('ready', resolve))
  return () => watcher.close()
}
