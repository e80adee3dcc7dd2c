/**
 * Backups of a store that is in use. Each is a copy in a file of the data directory, which is read and not kept.
 *
 * 1. The file loses its name before anybody reads it: its room is free when it is closed, whatever becomes of whoever reads it, and of
 *    the process. One that was being written when the process ended is removed when the store is opened.
 * 2. There is one at a time, for each takes as much room on the disk as the store.
 */
import { type FileHandle, open, rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { StoreClient } from './store-client.js'

export interface Backup {
  /** In bytes. */
  readonly size: number
  /** To be read, or destroyed. */
  readonly content: Readable
}

/** There is another one. */
export class BackupUnderWay extends Error {
  override readonly name = 'BackupUnderWay'
}

export class Backups {
  readonly #file: string
  #isUnderWay = false

  constructor(
    private readonly client: StoreClient,
    storeFile: string,
  ) {
    this.#file = `${storeFile}.backup`
  }

  /** Removes what a process has left that was killed. */
  async begin(): Promise<void> {
    await this.#remove()
  }

  /** What is kept at one moment after it was asked for. @throws {BackupUnderWay} · {StoreFull} · {StoreFailed} · {Error} */
  async make(): Promise<Backup> {
    if (this.#isUnderWay) throw new BackupUnderWay('another backup is under way') // 2
    this.#isUnderWay = true
    try {
      const copy = await this.#copy()
      const { size } = await sizeOf(copy)
      const content = copy.createReadStream()
      content.once('close', () => this.#over())
      return { size, content }
    } catch (error) {
      this.#over()
      throw error
    }
  }

  /** It has no name any more. */
  async #copy(): Promise<FileHandle> {
    try {
      await this.client.backup(this.#file)
      return await open(this.#file)
    } finally {
      await this.#remove() // 1
    }
  }

  async #remove(): Promise<void> {
    // The second is what SQLite has beside a file that it writes.
    for (const file of [this.#file, `${this.#file}-journal`]) await rm(file, { force: true })
  }

  #over(): void {
    this.#isUnderWay = false
  }
}

/** What cannot be looked at is closed: it has no name, and would take its room until the process ends. */
async function sizeOf(copy: FileHandle): Promise<{ readonly size: number }> {
  try {
    return await copy.stat()
  } catch (error) {
    await copy.close()
    throw error
  }
}
