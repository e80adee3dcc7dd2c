/**
 * A new file that has its name when it is whole.
 *
 * 1. Until then it is called `.partial`, and nobody else writes one of that name meanwhile.
 * 2. When it has its name it is on disk, and so is its name (fsync of the file, and of its directory).
 * 3. A file that has the name already is left alone.
 */
import { existsSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** It may hold what others are not to see. */
const OWNER_ALONE = 0o600

/** `fill` is given the empty file, and where it is for now. What it throws leaves nothing behind. */
export async function writeNewFile(
  file: string,
  fill: (handle: FileHandle, partial: string) => Promise<void>,
): Promise<void> {
  mustBeFree(file)
  const partial = `${file}.partial`
  const handle = await open(partial, 'wx', OWNER_ALONE).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    throw new Error(`${partial} is there already: another backup writes it, or was cut off; if so, remove it`)
  }) // 1
  try {
    await fill(handle, partial)
    await handle.sync()
    mustBeFree(file) // 3
    await rename(partial, file)
    await syncDirectory(dirname(file)) // 2
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

/** To be asked before any work is done, too. */
function mustBeFree(file: string): void {
  if (existsSync(file)) throw new Error(`${file} is there already`)
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
