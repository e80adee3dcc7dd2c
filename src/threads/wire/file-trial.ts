/** What a thread is started with that loads a file for trial, and what it says of that. */
import type { MessagePort } from 'node:worker_threads'
import type { CarriedFailure } from './carried-failure.js'

export interface FileTrialData {
  readonly directories: readonly string[]
  readonly implementation: string
  /** A port of its own: the file that is loaded can reach `parentPort`. */
  readonly port: MessagePort
}

export interface FileTrialResult {
  /** The file could not be loaded. */
  readonly failure?: CarriedFailure
}
