/** The files of a store whose process was killed, and copies of them with a fault. */
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { SqliteStore } from '../../src/stores/sqlite-store.js'
import { forkBare } from '../bare-program.js'
import { collect } from './collect.js'

export interface Files {
  readonly database: Buffer
  readonly log: Buffer
}

/** Those of a store that was killed when it had made at least so many of the known commits. */
export async function killedStore(directory: string, commits: number): Promise<Files & { readonly told: number }> {
  mkdirSync(directory)
  const file = join(directory, 'a.db')
  const child = forkBare(new URL('./writer.js', import.meta.url), [file])
  let told = 0
  child.on('message', (n: number) => {
    told = n
    if (n >= commits) child.kill('SIGKILL')
  })
  await once(child, 'exit')
  return { database: readFileSync(file), log: readFileSync(`${file}-wal`), told }
}

/** A store with its log, wherever they lie, under another name. */
export function copyFiles(from: string, to: string): void {
  for (const end of ['', '-wal']) copyFileSync(from + end, to + end)
}

/** Opens copies, one after the other. What is opened in this process is closed when its memory is collected. */
export function opener(t: Test) {
  let opened = 0
  const directory = t.testdirName
  const file = join(directory, 'copy.db')
  const rest = ['', '-wal', '-wal.damaged'].map((end) => file + end)
  return {
    /** A store of a copy of these files. @throws as `SqliteStore` */
    open({ database, log }: Files): SqliteStore {
      if (++opened % 20 === 0) collect()
      for (const each of rest) rmSync(each, { force: true })
      writeFileSync(file, database)
      if (log.length > 0) writeFileSync(`${file}-wal`, log)
      return new SqliteStore(file)
    },
  }
}

export function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
  return copy
}

const HEADER = 32
const FRAME = 24 + 4096

/** Where in a log commits end, in bytes. */
export function commitEnds(log: Buffer): number[] {
  const ends: number[] = []
  for (let at = HEADER; at + FRAME <= log.length; at += FRAME) if (log.readUInt32BE(at + 4) !== 0) ends.push(at + FRAME)
  return ends
}
